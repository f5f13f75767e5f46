//! Relations on the wire.

use serde_json::{Value, json};

use crate::harness::Server;

async fn put(server: &Server, id: &str, kind: &str, properties: Value) {
    let path = server.own_path(&format!("/resources/{id}?type={kind}"));
    let reply = server.call("PUT", path, Some(json!({"properties": properties}))).await;
    assert!(reply.status.is_success(), "{}", reply.text());
}

#[tokio::test]
async fn both_directions_in_both_operations() {
    let server = Server::start();
    let volumes = json!([{"id": "d1"}, {"id": "nowhere"}]);
    let properties = json!({"metadata": {"vpcId": "v"}, "ExtVolumesAttached": volumes});
    put(&server, "s", "ecs.cloudservers", properties).await;
    put(&server, "d1", "evs.volumes", json!({"attachments": [{"serverId": "s"}]})).await;
    put(&server, "v", "vpc.vpcs", json!({})).await;
    let relation = |from: [&str; 2], word: &str, to: [&str; 2]| {
        json!({
            "from_resource_type": from[0], "from_resource_id": from[1], "relation_type": word,
            "to_resource_type": to[0], "to_resource_id": to[1],
        })
    };
    let (machine, disk, vpc) =
        (["ecs.cloudservers", "s"], ["evs.volumes", "d1"], ["vpc.vpcs", "v"]);
    for group in ["resources", "all-resources"] {
        let list = async |id: &str, direction: &str| {
            let path = server.path(&format!("/{group}/{id}/relations?direction={direction}"));
            let body = server.get(path).await.expect(200).json();
            let relations = body["relations"].as_array().unwrap().clone();
            let info = json!({"current_count": relations.len(), "next_marker": null});
            assert_eq!(body["page_info"], info);
            relations
        };
        let out = list("s", "out").await;
        assert_eq!(out.len(), 3);
        for wanted in [
            relation(machine, "isContainedIn", vpc),
            relation(machine, "isAttachedTo", disk),
            relation(machine, "isAttachedTo", ["evs.volumes", "nowhere"]),
        ] {
            assert!(out.contains(&wanted), "{out:?}");
        }
        assert_eq!(list("v", "out").await, [relation(vpc, "contains", machine)]);
        assert_eq!(list("v", "in").await, [relation(machine, "isContainedIn", vpc)]);
        assert_eq!(list("d1", "in").await, [relation(machine, "isAttachedTo", disk)]);
        assert_eq!(list("d1", "out").await, [relation(disk, "isAttachedTo", machine)]);
    }
}

#[tokio::test]
async fn pages_go_on_where_the_last_one_ended() {
    let server = Server::start();
    let lines: Vec<Value> = (0..45)
        .map(|n| {
            let properties = json!({"metadata": {"vpcId": "v"}});
            json!({"id": format!("s{n}"), "provider": "ecs", "type": "cloudservers",
                   "properties": properties})
        })
        .collect();
    server.call("POST", server.own_path("/resources"), Some(json!(lines))).await.expect(200);
    put(&server, "v", "vpc.vpcs", json!({})).await;
    let path = |more: &str| server.path(&format!("/resources/v/relations?direction=in{more}"));
    let (mut found, mut marker, mut sizes) = (Vec::new(), String::new(), Vec::new());
    loop {
        let page = server.get(path(&marker)).await.expect(200).json();
        let relations = page["relations"].as_array().unwrap();
        sizes.push(relations.len());
        found
            .extend(relations.iter().map(|of| of["from_resource_id"].as_str().unwrap().to_owned()));
        match page["page_info"]["next_marker"].as_str() {
            Some(next) => marker = format!("&marker={next}"),
            None => break,
        }
    }
    // Twenty where no number is asked for.
    assert_eq!(sizes, [20, 20, 5]);
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 45);
    let all = server.get(path("&limit=1000")).await.expect(200).json();
    assert_eq!(all["page_info"]["current_count"], 45);
    let other = server.path(&format!("/resources/v/relations?direction=out{marker}"));
    server.get(other).await.refused(400, "RMS.00010034");
}

#[tokio::test]
async fn what_is_refused() {
    let server = Server::start();
    put(&server, "v", "vpc.vpcs", json!({})).await;
    for (rest, status, code) in [
        ("/resources/v/relations", 400, "RMS.00010004"),
        ("/resources/v/relations?direction=both", 400, "RMS.00010004"),
        ("/resources/v/relations?direction=in&limit=0", 400, "RMS.00010036"),
        ("/resources/v/relations?direction=in&limit=1001", 400, "RMS.00010037"),
        ("/resources/v/relations?direction=in&marker=AAAA", 400, "RMS.00010034"),
        ("/resources/a%20b/relations?direction=in", 400, "RMS.00010010"),
        ("/resources/nobody/relations?direction=in", 404, "RMS.00010005"),
        ("/all-resources/nobody/relations?direction=out", 404, "RMS.00010005"),
    ] {
        server.get(server.path(rest)).await.refused(status, code);
    }
}
