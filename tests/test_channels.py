"""Messages and archives: a real receiver, real folders, a real S3-compatible store, real crashes."""

import gzip
import json
import re
import time

import pytest

from harness import polling
from harness.account import Account
from harness.receiver import SECRET, Receiver
from harness.samples import user, volume

URN = "urn:smn:cn-north-4:p1:alerts"
SMN = {"region_id": "cn-north-4", "project_id": "p1", "topic_urn": URN}


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()
    assert receiver.problems == []


@pytest.fixture
def serve(new_server, tmp_path, receiver):
    """Starts a server whose configuration names the receiver and a folder."""

    def serve(more="", private=True):
        secret = tmp_path / "secret"
        secret.write_text(f"{SECRET}\n")
        file = tmp_path / "ruleward.toml"
        file.write_text(
            f'[[channels.topics]]\nurn = "urn:smn:*:*:alerts"\nendpoint = "{receiver.url}"\n'
            f'secret_file = "{secret}"\nallow_private_addresses = {str(private).lower()}\n'
            f'[[channels.buckets]]\nname = "audit-*"\nfolder = "{tmp_path}/buckets"\n{more}'
        )
        return new_server(arguments=["--config", file])

    return serve


def configure(client, bucket=None, prefix=None, types=None):
    channel = {"smn": SMN}
    if bucket:
        channel["obs"] = {"bucket_name": bucket, "region_id": "cn-north-4"}
        if prefix:
            channel["obs"]["bucket_prefix"] = prefix
    selector = {"all_supported": types is None, "resource_types": types or []}
    body = {"channel": channel, "selector": selector, "agency_name": "a"}
    client.call("CreateTrackerConfig", body)


def status(server):
    return json.loads(server.cli("channels", "status", "--output", "json").stdout)


def test_every_change_is_told_in_order(serve, receiver):
    server = serve().start()
    account = Account(server.client())
    configure(account.client)
    for n in range(20):
        for state in ("in-use", "available"):
            account.put(volume(id=f"v{n}", status=state))
    account.remove(volume(id="v3"))
    polling.until(lambda: len(receiver.messages) == 41, what="41 messages")
    of = {}
    for id, topic, message in receiver.messages:
        assert topic == URN
        assert message["domain_id"] == server.domain_id
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", message["notification_creation_time"])
        detail = message["detail"]
        assert detail.keys() == {"resource_id", "resource_type", "event_type", "capture_time", "resource"}
        of.setdefault(detail["resource_id"], []).append(detail["event_type"])
    assert of.pop("v3") == ["CREATE", "UPDATE", "DELETE"]
    assert all(events == ["CREATE", "UPDATE"] for events in of.values()), of
    assert len({id for id, _, _ in receiver.messages}) == 41
    topic = status(server)["topics"][0]
    assert (topic["delivered"], topic["waiting"], topic["dead"]) == (41, 0, 0)


def test_nothing_is_lost_by_a_crash(serve, receiver):
    receiver.status = 503
    server = serve().start()
    account = Account(server.client())
    configure(account.client)
    for n in range(30):
        account.put(volume(id=f"v{n}"))
    polling.until(lambda: receiver.attempts > 0, what="an attempt")
    server.kill()
    server.start()
    assert status(server)["topics"][0]["waiting"] == 30
    receiver.status = 200
    polling.until(lambda: len(receiver.details("ResourceChanged")) == 30, what="30 messages")
    # And in the middle of deliveries: each arrives at least once, under the same id.
    receiver.hang.set()
    account = Account(server.client())
    for n in range(30, 60):
        account.put(volume(id=f"v{n}"))
    polling.until(lambda: len(receiver.messages) > 30, what="a delivery under way")
    server.kill()
    receiver.hang.clear()
    server.start()
    found = polling.until(
        lambda: len(receiver.details("ResourceChanged")) == 60 and receiver.details("ResourceChanged"),
        what="60 messages",
    )
    assert {detail["resource_id"] for detail in found} == {f"v{n}" for n in range(60)}


def test_what_a_receiver_refuses_is_given_up(serve, receiver):
    receiver.status = 422
    server = serve().start()
    account = Account(server.client())
    configure(account.client)
    account.put(volume(id="v"))
    polling.until(lambda: status(server)["topics"][0]["dead"] == 1, what="the message to be given up")
    receiver.status = 200
    account.put(volume(id="w"))
    polling.until(lambda: receiver.details("ResourceChanged"), what="the next message")
    topic = status(server)["topics"][0]
    assert (topic["dead"], topic["delivered"]) == (1, 1)
    assert "422" in topic["last_error"]


def test_private_addresses_are_refused_unless_allowed(serve):
    with pytest.raises(AssertionError, match="allow_private_addresses"):
        serve(private=False).start()


def test_a_bucket_that_cannot_be_written_is_refused(serve, receiver, tmp_path):
    server = serve().start()
    client = server.client()
    path = "/v1/resource-manager/domains/{domain_id}/tracker-config"
    (tmp_path / "buckets").write_text("no folder")
    body = {
        "channel": {"obs": {"bucket_name": "audit-1", "region_id": "r"}},
        "selector": {"all_supported": True, "resource_types": []},
        "agency_name": "a",
    }
    answer = client.refuse(400, "RULEWARD.BucketNotWritable", "PUT", path, json_body=body)
    assert "ConfigWritabilityCheckFile" in answer.json["error_msg"]


def test_a_flip_is_told(serve, receiver):
    server = serve().start()
    account = Account(server.client())
    account.put(volume(id="v", status="in-use"))
    rule = account.rule(name="disks")
    configure(account.client)
    account.put(volume(id="v", status="available"))
    polling.until(lambda: receiver.details("PolicyStateChanged"), what="the message")
    account.put(volume(id="v", status="in-use"))
    polling.until(lambda: len(receiver.details("PolicyStateChanged")) == 2, what="both")
    first, second = receiver.details("PolicyStateChanged")
    assert first.pop("capture_time") < second.pop("capture_time")
    same = {
        "policy_assignment_id": rule, "policy_assignment_name": "disks", "resource_id": "v",
        "resource_name": "name of v", "resource_type": "evs.volumes", "region_id": "cn-north-4",
    }
    assert first == {**same, "previous_compliance_state": "Compliant", "compliance_state": "NonCompliant"}
    assert second == {**same, "previous_compliance_state": "NonCompliant", "compliance_state": "Compliant"}


def test_a_snapshot_and_the_changes_in_a_folder(serve, receiver, tmp_path):
    server = serve().start()
    account = Account(server.client())
    account.put_many(volume(id=f"v{n}") for n in range(2001))
    account.put(user(id="u"))
    configure(account.client, "audit-1", "a/b", types=["evs.volumes"])
    account.put(volume(id="v7", status="available"))
    printed = server.cli("snapshot").stdout.decode()
    assert "2001 resources in 2 files" in printed
    done = polling.until(lambda: receiver.details("SnapshotArchiveCompleted"), what="the message")[0]
    assert (done["bucket_name"], done["region_id"]) == ("audit-1", "cn-north-4")
    bucket = tmp_path / "buckets" / "audit-1"
    assert (bucket / "a/b/ConfigWritabilityCheckFile").read_bytes() == b""
    ids = []
    for number, key in enumerate(done["object_keys"], start=1):
        day = time.strptime(re.search(r"_(\d{4}-\d\d-\d\dT\d{6}Z)_", key)[1], "%Y-%m-%dT%H%M%SZ")
        assert key.startswith(
            f"a/b/RMSLogs/{server.domain_id}/Snapshot/{day.tm_year}/{day.tm_mon}/{day.tm_mday}/"
            f"{server.domain_id}_Snapshot_cn-north-4_ResourceSnapshot_"
        ) and key.endswith(f"Z_{done['snapshot_id']}_part-{number}.json.gz")
        file = json.loads(gzip.decompress((bucket / key).read_bytes()))
        assert file["snapshot_id"] == done["snapshot_id"]
        ids += [item["resource"]["id"] for item in file["items"]]
        assert all(item["relations"] == [] for item in file["items"])
    assert sorted(ids) == sorted(f"v{n}" for n in range(2001))
    key = polling.until(lambda: receiver.details("NotificationArchiveCompleted"), what="the message")[0]["object_key"]
    assert re.search(r"/Notification/\d{4}/\d\d/\d\d/NotificationChunk/.*_EVS_VOLUMES_", key)
    items = json.loads(gzip.decompress((bucket / key).read_bytes()))["notification_items"]
    assert [item["detail"]["resource_id"] for item in items] == ["v7"]
    # Nothing but whole files.
    assert not [path for path in bucket.rglob("*") if path.suffix == ".unfinished"]


def test_an_s3_compatible_store(serve, receiver, tmp_path):
    import boto3
    from moto.server import ThreadedMotoServer

    store = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    store.start()
    try:
        host, port = store.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        keys = {"aws_access_key_id": "me", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
        s3 = boto3.client("s3", endpoint_url=endpoint, **keys)
        s3.create_bucket(Bucket="remote")
        (tmp_path / "s3").write_text("secret\n")
        server = serve(
            f'[[channels.buckets]]\nname = "remote*"\n[channels.buckets.s3]\nendpoint = "{endpoint}"\n'
            f'region = "us-east-1"\naccess_key_id = "me"\nsecret_access_key_file = "{tmp_path}/s3"\n'
            "allow_private_addresses = true\n"
        ).start()
        account = Account(server.client())
        account.put(volume(id="v"))
        configure(account.client, "remote")
        server.cli("snapshot")
        keys = [item["Key"] for item in s3.list_objects_v2(Bucket="remote")["Contents"]]
        assert "ConfigWritabilityCheckFile" in keys
        (key,) = [key for key in keys if "/Snapshot/" in key]
        body = s3.get_object(Bucket="remote", Key=key)["Body"].read()
        (item,) = json.loads(gzip.decompress(body))["items"]
        assert item["resource"]["id"] == "v"
        body = {
            "channel": {"obs": {"bucket_name": "remote-none", "region_id": "r"}},
            "selector": {"all_supported": True, "resource_types": []},
            "agency_name": "a",
        }
        path = "/v1/resource-manager/domains/{domain_id}/tracker-config"
        answer = account.client.refuse(400, "RULEWARD.BucketNotWritable", "PUT", path, json_body=body)
        assert "no such bucket" in answer.json["error_msg"]
    finally:
        store.stop()


def test_in_development_channels_are_folders(new_server):
    server = new_server().start()
    account = Account(server.client())
    configure(account.client, "some-bucket")
    account.put(volume(id="v"))
    file = server.data / "topics" / "cn-north-4_p1_alerts.ndjson"
    polling.until(lambda: file.exists() and file.read_text().endswith("\n"), what="the message")
    assert json.loads(file.read_text())["detail"]["resource_id"] == "v"
    server.cli("snapshot")
    assert list((server.data / "buckets" / "some-bucket").rglob("*_part-1.json.gz"))
