//! Predefined policies.

use crate::harness::{Call, Server, VOLUME_UNUSED};

const PATH: &str = "/v1/resource-manager/policy-definitions";

#[tokio::test]
async fn list_page_and_show() {
    let server = Server::start();
    let all = server.get(PATH.to_owned()).await.expect(200).json();
    let rows = all["value"].as_array().unwrap();
    assert_eq!(all["page_info"]["current_count"], rows.len());
    assert!(all["page_info"]["next_marker"].is_null());

    let mut paged = Vec::new();
    let mut uri = format!("{PATH}?limit=1");
    loop {
        let page = server.get(uri).await.expect(200).json();
        paged.extend(page["value"].as_array().unwrap().clone());
        let Some(marker) = page["page_info"]["next_marker"].as_str() else { break };
        uri = format!("{PATH}?limit=1&marker={marker}");
    }
    assert_eq!(&paged, rows);
    for row in rows {
        let id = row["id"].as_str().unwrap();
        assert_eq!(&server.get(format!("{PATH}/{id}")).await.expect(200).json(), row);
    }
}

#[tokio::test]
async fn languages() {
    let server = Server::start();
    let show = |language: Option<&str>| {
        let mut call = Call::new("GET", format!("{PATH}/{VOLUME_UNUSED}"));
        call.headers.extend(language.map(|language| ("x-language", language.to_owned())));
        server.signed(&server.admin, call)
    };
    let chinese = show(None).await.expect(200).json();
    assert_eq!(show(Some("zh-cn")).await.expect(200).json(), chinese);
    let english = show(Some("en-us")).await.expect(200).json();
    assert_ne!(english["description"], chinese["description"]);
    assert_eq!(english["policy_rule"], chinese["policy_rule"]);
    show(Some("klingon")).await.refused(400, "RMS.00010053");
}

#[tokio::test]
async fn refusals() {
    let server = Server::start();
    for (uri, status, code) in [
        (format!("{PATH}/{}", "0".repeat(24)), 404, "RMS.00010005"),
        (format!("{PATH}/{}", "0".repeat(37)), 400, "RMS.00010044"),
        (format!("{PATH}/a%20b"), 400, "RMS.00010042"),
        (format!("{PATH}?limit=0"), 400, "RMS.00010036"),
        (format!("{PATH}?limit=501"), 400, "RMS.00010037"),
        (format!("{PATH}?marker=abc"), 400, "RMS.00010035"),
        (format!("{PATH}?marker=AAAAAAAA"), 400, "RMS.00010034"),
    ] {
        server.get(uri).await.refused(status, code);
    }
}
