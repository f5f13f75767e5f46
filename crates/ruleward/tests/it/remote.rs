//! A service that lists an account, as far as a test lets it.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What the service does with a request of the list.
#[derive(Debug, Clone)]
pub enum Reply {
    /// A page.
    Page(String),
    /// Too many requests; come again after so many seconds.
    TooMany(u32),
    /// A refusal: status and code.
    Refused(u16, &'static str),
    /// None at all, for as long as the client waits.
    Silence,
}

/// Answers a request by its marker and by how many came before it.
pub type Answer = dyn Fn(Option<&str>, usize) -> Reply + Send + Sync;

/// A running service.
pub struct Remote {
    pub endpoint: String,
    /// The targets of all requests, in order.
    pub requests: Arc<Mutex<Vec<String>>>,
}

impl Remote {
    pub fn start(answer: impl Fn(Option<&str>, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen): (Arc<Answer>, _) = (Arc::new(answer), Arc::clone(&requests));
        thread::spawn(move || {
            for client in listener.incoming() {
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                thread::spawn(move || serve(client.unwrap(), &*answer, &seen));
            }
        });
        Self { endpoint: format!("http://{address}"), requests }
    }

    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(client: TcpStream, answer: &Answer, seen: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let mut client = client;
    loop {
        let mut head = String::new();
        loop {
            let mut line = String::new();
            match reader.read_line(&mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) if line.trim().is_empty() => break,
                Ok(_) => head.push_str(&line),
            }
        }
        assert!(head.to_lowercase().contains("authorization: sdk-hmac-sha256"), "{head}");
        let target = head.split(' ').nth(1).unwrap().to_owned();
        let marker = target.split("marker=").nth(1).and_then(|rest| rest.split('&').next());
        let before = {
            let mut seen = seen.lock().unwrap();
            seen.push(target.clone());
            seen.len() - 1
        };
        let (status, more, body) = match answer(marker, before) {
            Reply::Page(body) => (200, String::new(), body),
            Reply::TooMany(seconds) => {
                (429, format!("Retry-After: {seconds}\r\n"), refusal("APIGW.0308"))
            }
            Reply::Refused(status, code) => (status, String::new(), refusal(code)),
            Reply::Silence => loop {
                thread::park();
            },
        };
        let length = body.len();
        let text = format!("HTTP/1.1 {status} X\r\n{more}Content-Length: {length}\r\n\r\n{body}");
        if client.write_all(text.as_bytes()).is_err() {
            return;
        }
    }
}

fn refusal(code: &str) -> String {
    format!(r#"{{"error_code":"{code}","error_msg":"no"}}"#)
}
