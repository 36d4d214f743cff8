//! A server that takes events as Cordwood does: a repeated key is answered and not stored again. Now and then it is busy, or
//! loses its answer after it has stored a batch.

use flate2::read::GzDecoder;
use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

#[derive(Default)]
struct Stored {
    /// Never busy, and no answer is lost.
    is_steady: bool,
    requests: u64,
    bodies: HashMap<String, Vec<u8>>,
    events: Vec<Value>,
    addresses: Vec<String>,
}

pub struct Receiver {
    address: String,
    stored: Arc<(Mutex<Stored>, Condvar)>,
}

impl Receiver {
    pub fn start() -> Self {
        Self::start_at("127.0.0.1:0")
    }

    /// One without troubles.
    pub fn steady() -> Self {
        let receiver = Self::start();
        receiver.stored.0.lock().expect("whole").is_steady = true;
        receiver
    }

    pub fn start_at(address: &str) -> Self {
        let listener = TcpListener::bind(address).expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        let stored: Arc<(Mutex<Stored>, Condvar)> = Arc::default();
        let shared = Arc::clone(&stored);
        // Ends with the test's process.
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || while answer(&connection, &shared).is_some() {});
            }
        });
        Self { address, stored }
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn count(&self) -> u64 {
        self.stored.0.lock().expect("whole").events.len() as u64
    }

    /// Until something arrives, or for a moment.
    pub fn wait(&self) {
        let stored = self.stored.0.lock().expect("whole");
        drop(self.stored.1.wait_timeout(stored, Duration::from_millis(200)).expect("whole"));
    }

    pub fn events(&self) -> Vec<Value> {
        self.stored.0.lock().expect("whole").events.clone()
    }

    pub fn messages(&self) -> Vec<String> {
        self.events().iter().map(|event| event["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    pub fn addresses(&self) -> Vec<String> {
        self.stored.0.lock().expect("whole").addresses.clone()
    }
}

/// Answers one request; nothing when the connection is to be closed.
fn answer(connection: &TcpStream, shared: &(Mutex<Stored>, Condvar)) -> Option<()> {
    let mut reader = BufReader::new(connection);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_owned());
    }
    let header = |name: &str| {
        head.iter().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    };
    let mut packed = vec![0; header("content-length")?.parse().ok()?];
    reader.read_exact(&mut packed).ok()?;
    let mut body = Vec::new();
    GzDecoder::new(packed.as_slice()).read_to_end(&mut body).ok()?;
    let key = header("idempotency-key")?;
    let mut stored = shared.0.lock().expect("whole");
    stored.requests += 1;
    let (number, may_fail) = (stored.requests, !stored.is_steady);
    if may_fail && number % 7 == 3 {
        return write(connection, "503 Service Unavailable", "{}");
    }
    let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let events: Vec<Value> = lines.map(|line| serde_json::from_slice(line).expect("an event")).collect();
    let count = events.len();
    match stored.bodies.get(&key) {
        Some(known) if *known != body => {
            return write(connection, "422 Unprocessable Content", "{\"code\":\"idempotency_key_reused\"}");
        }
        Some(_) => {}
        None => {
            stored.bodies.insert(key, body);
            stored.events.extend(events);
            stored.addresses.push(head[0].clone());
            shared.1.notify_all();
        }
    }
    drop(stored);
    if may_fail && number % 5 == 2 {
        return None; // stored, and the answer is lost
    }
    write(connection, "202 Accepted", &format!("{{\"accepted\":{count},\"rejected\":0,\"errors\":[]}}"))
}

fn write(mut connection: &TcpStream, status: &str, body: &str) -> Option<()> {
    let text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(text.as_bytes()).ok()
}
