//! A small HTTP client: one connection that stays open, signed requests made beforehand.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use ruleward_sign::{Credentials, SignedRequest, sign};
use ruleward_types::Clock as _;
use serde_json::Value;

/// Where a development server is and how to sign for it.
#[derive(Debug, Clone)]
pub struct Server {
    /// `address:port`.
    pub host: String,
    /// The account.
    pub domain: String,
    access_key: String,
    secret_key: String,
}

impl Server {
    /// What the server wrote into its data folder.
    pub fn of(data: &Path) -> Result<Self> {
        let told: Value =
            serde_json::from_slice(&std::fs::read(data.join("dev-credentials.json"))?)?;
        let text = |field: &str| {
            told.get(field).and_then(Value::as_str).map(str::to_owned).context("credentials")
        };
        Ok(Self {
            host: text("endpoint")?.trim_start_matches("http://").to_owned(),
            domain: text("domain_id")?,
            access_key: text("access_key")?,
            secret_key: text("secret_key")?,
        })
    }

    /// The bytes of a signed request.
    pub fn signed(&self, method: &str, path: &str, query: &str, body: &[u8]) -> Result<Vec<u8>> {
        let headers: [(&str, &[u8]); 2] =
            [("host", self.host.as_bytes()), ("content-type", b"application/json")];
        let request = SignedRequest { method, path, query, headers: &headers, body };
        let credentials = Credentials {
            access_key: &self.access_key,
            secret_key: &self.secret_key,
            security_token: None,
        };
        let now = jiff::Timestamp::from_microsecond(ruleward_types::SystemClock.now().0)?;
        let asked = if query.is_empty() { String::new() } else { format!("?{query}") };
        let mut head = format!(
            "{method} {path}{asked} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
            self.host,
            body.len()
        );
        for (name, value) in sign(&request, &credentials, now)? {
            head.push_str(name);
            head.push_str(": ");
            head.push_str(&value);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        let mut message = head.into_bytes();
        message.extend_from_slice(body);
        Ok(message)
    }
}

fn connect(host: &str) -> Result<TcpStream> {
    let stream = TcpStream::connect(host)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    Ok(stream)
}

/// A connection.
#[derive(Debug)]
pub struct Connection {
    host: String,
    closed: bool,
    stream: BufReader<TcpStream>,
    line: String,
    body: Vec<u8>,
}

impl Connection {
    /// Connects to `address:port`.
    pub fn open(host: &str) -> Result<Self> {
        Ok(Self {
            host: host.to_owned(),
            closed: false,
            stream: BufReader::new(connect(host)?),
            line: String::new(),
            body: Vec::new(),
        })
    }

    /// Sends a request and reads the answer: its status and body. Connects anew where the
    /// server closes after each answer.
    pub fn ask(&mut self, message: &[u8]) -> Result<(u16, &[u8])> {
        if self.closed {
            (self.stream, self.closed) = (BufReader::new(connect(&self.host)?), false);
        }
        self.stream.get_mut().write_all(message)?;
        let (mut status, mut length) = (0, 0);
        loop {
            self.line.clear();
            if self.stream.read_line(&mut self.line)? == 0 {
                bail!("the connection was closed");
            }
            let text = self.line.trim_end().to_ascii_lowercase();
            if text.is_empty() {
                break;
            }
            if let Some(rest) = text.strip_prefix("http/1.1 ") {
                status = rest.split(' ').next().unwrap_or_default().parse()?;
            } else if let Some(rest) = text.strip_prefix("content-length: ") {
                length = rest.parse()?;
            } else if text == "connection: close" {
                self.closed = true;
            }
        }
        self.body.clear();
        self.stream.by_ref().take(length).read_to_end(&mut self.body)?;
        Ok((status, &self.body))
    }
}
