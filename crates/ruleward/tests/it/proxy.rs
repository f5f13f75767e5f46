//! A connection that fails where a test wants it to.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;

/// Passes everything on, but loses the answer to the first request that holds `word`: the server
/// has done it, the client does not know.
pub fn losing_one_answer(server: &str, word: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = server.to_owned();
    // 0: not seen yet; 1: its answer is to be lost; 2: done.
    let state = Arc::new(AtomicU8::new(0));
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            let upstream = TcpStream::connect(&server).unwrap();
            let (from, to) = (client.try_clone().unwrap(), upstream.try_clone().unwrap());
            let watched = Arc::clone(&state);
            thread::spawn(move || {
                pump(from, to, |bytes| {
                    if bytes.windows(word.len()).any(|window| window == word) {
                        let _ = watched.compare_exchange(0, 1, Ordering::SeqCst, Ordering::SeqCst);
                    }
                    true
                });
            });
            let state = Arc::clone(&state);
            thread::spawn(move || {
                pump(upstream, client, |_| {
                    state.compare_exchange(1, 2, Ordering::SeqCst, Ordering::SeqCst).is_err()
                });
            });
        }
    });
    address
}

fn pump(mut from: TcpStream, mut to: TcpStream, mut pass: impl FnMut(&[u8]) -> bool) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read) = from.read(&mut buffer) {
        if read == 0 || !pass(&buffer[..read]) || to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
