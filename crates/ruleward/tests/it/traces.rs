//! Traces reach a collector.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use crate::harness::Server;

#[test]
fn spans_are_sent_to_the_collector() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
            let mut request = Vec::new();
            let _ = stream.read_to_end(&mut request);
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            let _ = stream.write_all(answer.as_bytes());
            let _ = sender.send(request);
        }
    });
    let mut server = Server::dev(&[]);
    assert!(server.stop().success());
    let configuration = server.write(
        "ruleward.toml",
        format!("[telemetry]\notlp_endpoint = \"http://{address}\"\nservice_name = \"mine\"\n"),
    );
    server.start(&["--dev", "--config", &configuration]);
    server.run(&["rules", "list"]).code(0);
    // What is left is sent at the end.
    assert!(server.stop().success());
    let request = receiver.recv_timeout(Duration::from_secs(10)).expect("a request came");
    let text = String::from_utf8_lossy(&request);
    assert!(text.starts_with("POST /v1/traces HTTP/1.1"), "{text}");
    for words in ["mine", "request", "ListPolicyAssignments"] {
        assert!(text.contains(words), "{words}: {text}");
    }
}
