//! Lists, counts, summaries and tags of resources, services and regions, as the wire has them.

use serde_json::{Value, json};

use crate::harness::{Call, Server};

async fn told(server: &Server) {
    for (id, kind, region, tags) in [
        ("v-1", "evs.volumes", "r-1", json!({"team": "red", "stage": ""})),
        ("v-2", "evs.volumes", "r-2", json!({"team": "blue"})),
        ("s-1", "ecs.cloudservers", "r-1", json!({"team": "red"})),
    ] {
        let body = json!({
            "name": format!("name {id}"), "region_id": region, "project_id": "p", "ep_id": "0", "tags": tags,
        });
        let path = server.own_path(&format!("/resources/{id}?type={kind}"));
        server.call("PUT", path, Some(body)).await.expect(201);
    }
}

fn ids(page: &Value) -> Vec<&str> {
    let rows = page["resources"].as_array().unwrap();
    rows.iter().map(|row| row["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn lists() {
    let server = Server::start();
    told(&server).await;
    for list in ["/all-resources", "/tracked-resources"] {
        let get = |query: &str| server.get(server.path(&format!("{list}{query}")));
        let page = get("").await.expect(200).json();
        assert_eq!(ids(&page), ["v-1", "v-2", "s-1"]);
        assert_eq!(page["page_info"], json!({"current_count": 3, "next_marker": null}));
        assert_eq!(page["resources"][0]["state"], "Normal");
        assert_eq!(page["resources"][0]["tags"], json!({"team": "red", "stage": ""}));
        let first = get("?limit=2&tags=team").await.expect(200).json();
        assert_eq!(ids(&first), ["v-1", "v-2"]);
        let marker = first["page_info"]["next_marker"].as_str().unwrap();
        let rest = get(&format!("?limit=2&tags=team&marker={marker}")).await.expect(200).json();
        assert_eq!((ids(&rest), &rest["page_info"]["next_marker"]), (vec!["s-1"], &Value::Null));
        get(&format!("?marker={marker}")).await.refused(400, "RMS.00010034");
        for (query, found) in [
            ("?region_id=r-1&type=EVS.volumes", vec!["v-1"]),
            ("?tags=team%3Dred", vec!["v-1", "s-1"]),
            ("?tags=team=red&tags=team=blue&tags=stage=", vec!["v-1"]),
            ("?id=v-2&ep_id=0", vec!["v-2"]),
            ("?name=name%20s-1", vec!["s-1"]),
            ("?name=name", vec![]),
            ("?type=x.y", vec![]),
        ] {
            assert_eq!(ids(&get(query).await.expect(200).json()), found, "{list}{query}");
        }
        for (query, code) in [
            ("?limit=0", "RMS.00010036"),
            ("?limit=201", "RMS.00010037"),
            ("?type=evs", "RMS.00010015"),
            ("?region_id=a%20b", "RMS.00010018"),
            ("?ep_id=a%20b", "RMS.00010020"),
            ("?id=a%20b", "RMS.00010010"),
            ("?name=it's", "RMS.00010012"),
            ("?tags=_sys_x", "RMS.00010033"),
        ] {
            get(query).await.refused(400, code);
        }
    }
    let path = server.path("/tracked-resources?resource_deleted=1");
    server.get(path).await.refused(400, "RMS.00010004");
}

#[tokio::test]
async fn a_page_has_a_hundred_where_nothing_is_said_and_two_hundred_of_one_type() {
    let server = Server::start();
    let lines: String = (0..250)
        .map(|n| {
            json!({"id": format!("v-{n}"), "provider": "evs", "type": "volumes"}).to_string() + "\n"
        })
        .collect();
    let call =
        Call { body: lines.into_bytes(), ..Call::new("POST", server.own_path("/resources")) };
    server.signed(&server.admin, call).await.expect(200);
    for (path, count) in [
        ("/all-resources", 100),
        ("/tracked-resources", 100),
        ("/all-resources?limit=200", 200),
        ("/provider/evs/type/volumes/resources", 200),
    ] {
        let page = server.get(server.path(path)).await.expect(200).json();
        assert_eq!(page["page_info"]["current_count"], count, "{path}");
        assert!(page["page_info"]["next_marker"].is_string());
    }
}

#[tokio::test]
async fn of_one_type() {
    let server = Server::start();
    told(&server).await;
    let get = |rest: &str| server.get(server.path(&format!("/provider/{rest}")));
    let page = get("EVS/type/Volumes/resources?tag[team]=red&tag[team]=blue").await.expect(200);
    assert_eq!(ids(&page.json()), ["v-1", "v-2"]);
    let page = get("evs/type/volumes/resources?tag%5Bteam%5D=blue&region_id=r-2").await.expect(200);
    assert_eq!(ids(&page.json()), ["v-2"]);
    let shown = get("evs/type/volumes/resources/v-1").await.expect(200).json();
    assert_eq!((&shown["name"], &shown["state"]), (&json!("name v-1"), &json!("Normal")));
    get("ecs/type/cloudservers/resources/v-1").await.refused(404, "RMS.00010005");
    get("a%20b/type/volumes/resources").await.refused(400, "RMS.00010003");
    get("evs/type/a.b/resources").await.refused(400, "RMS.00010002");
    for list in ["all-resources", "tracked-resources"] {
        let path = server.path(&format!("/{list}/s-1"));
        assert_eq!(server.get(path).await.expect(200).json()["type"], "cloudservers");
        let path = server.path(&format!("/{list}/none"));
        server.get(path).await.refused(404, "RMS.00010005");
    }
}

#[tokio::test]
async fn counts_and_summaries() {
    let server = Server::start();
    told(&server).await;
    for list in ["all-resources", "tracked-resources"] {
        let get = |rest: &str| server.get(server.path(&format!("/{list}/{rest}")));
        let counted = get("count?type=evs.volumes,ecs.cloudservers&region_id=r-1").await;
        assert_eq!(counted.expect(200).json(), json!({"total_count": 2}));
        let summed = get("summary?tags=team=red").await.expect(200).json();
        let of = |provider, kind| json!({"provider": provider, "types": [{"type": kind, "regions": [{"region_id": "r-1", "count": 1}]}]});
        assert_eq!(summed, json!([of("ecs", "cloudservers"), of("evs", "volumes")]));
        get("count?project_id=a,b,c,d,e,f,g,h,i,j,k").await.refused(400, "RMS.00010021");
        get("summary?region_id=,").await.refused(400, "RMS.00010018");
        let tags = get("tags?limit=1").await.expect(200).json();
        assert_eq!(tags["tags"], json!([{"key": "stage", "value": [""]}]));
        let marker = tags["page_info"]["next_marker"].as_str().unwrap();
        let tags = get(&format!("tags?limit=1&marker={marker}")).await.expect(200).json();
        assert_eq!(tags["tags"], json!([{"key": "team", "value": ["blue", "red"]}]));
        assert_eq!(tags["page_info"]["next_marker"], Value::Null);
        let tags = get("tags?key=none").await.expect(200).json();
        assert_eq!(tags["tags"], json!([]));
        get("tags?key=a/b").await.refused(400, "RMS.00010033");
    }
}

#[tokio::test]
async fn what_the_recorder_does_not_cover_is_told_only() {
    let server = Server::start();
    told(&server).await;
    server.call("DELETE", server.path("/tracker-config"), None).await.expect(200);
    let path = server.own_path("/resources/v-1?type=evs.volumes");
    server.call("PUT", path, Some(json!({"name": "new"}))).await.expect(200);
    let path = server.own_path("/resources/v-2?type=evs.volumes");
    server.call("DELETE", path, None).await.empty(204);
    let name = |list: &str| server.get(server.path(&format!("/{list}/v-1")));
    assert_eq!(name("all-resources").await.expect(200).json()["name"], "new");
    assert_eq!(name("tracked-resources").await.expect(200).json()["name"], "name v-1");
    server.get(server.path("/all-resources/v-2")).await.refused(404, "RMS.00010005");
    server.get(server.path("/tracked-resources/v-2")).await.expect(200);
}

#[tokio::test]
async fn services_and_regions() {
    let server = Server::start();
    told(&server).await;
    server
        .call(
            "PUT",
            server.own_path("/resources/x?type=own.things"),
            Some(json!({"region_id": "r-9"})),
        )
        .await
        .expect(201);
    let speaking = async |rest: &str, language: &str| {
        let headers = vec![("x-language", language.to_owned())];
        server.signed(&server.admin, Call { headers, ..Call::new("GET", server.path(rest)) }).await
    };
    let all = speaking("/all-providers", "en-us").await.expect(200).json();
    let providers = all["resource_providers"].as_array().unwrap();
    assert_eq!(all["total_count"], providers.len());
    let ecs = providers.iter().find(|of| of["provider"] == "ecs").unwrap();
    assert_eq!(ecs["display_name"], "Elastic Cloud Server (ECS)");
    assert_eq!(ecs["resource_types"][0]["regions"], Value::Null);
    let own = providers.iter().find(|of| of["provider"] == "own").unwrap();
    assert_eq!(own["resource_types"][0]["name"], "things");
    let page =
        speaking("/providers?offset=1&limit=2&track=tracked", "fr-fr").await.expect(200).json();
    assert_eq!(page["resource_providers"].as_array().unwrap().len(), 2);
    assert_eq!(page["total_count"], all["total_count"]);
    let kind = &page["resource_providers"][0]["resource_types"][0];
    assert!(kind["regions"].as_array().unwrap().contains(&json!("r-9")));
    let none = server.get(server.path("/providers?track=untracked")).await.expect(200).json();
    assert_eq!(none, json!({"resource_providers": [], "total_count": 0}));
    let chinese = server.get(server.path("/providers")).await.expect(200).json();
    assert!(chinese.to_string().contains("弹性云服务器"));
    for path in ["/all-providers", "/providers", "/regions"] {
        speaking(path, "de-de").await.refused(400, "RMS.00010053");
    }
    server.get(server.path("/providers?offset=1001")).await.refused(400, "RMS.00010039");
    server.get(server.path("/providers?track=maybe")).await.refused(400, "RMS.00010004");

    let first = speaking("/regions?limit=3", "en-us").await.expect(200).json();
    assert_eq!(first["page_info"]["current_count"], 3);
    assert_eq!(
        first["value"][0],
        json!({"region_id": "af-south-1", "display_name": "AF-Johannesburg"})
    );
    let marker = first["page_info"]["next_marker"].as_str().unwrap();
    let rest = speaking(&format!("/regions?marker={marker}"), "en-us").await.expect(200).json();
    assert_eq!(rest["page_info"]["next_marker"], Value::Null);
    assert!(
        rest["value"]
            .as_array()
            .unwrap()
            .contains(&json!({"region_id": "r-9", "display_name": "r-9"}))
    );
}
