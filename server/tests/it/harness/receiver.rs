//! A fake of the programs that notifications go to: it keeps every byte, and answers with the statuses that a test sets.

#![allow(dead_code, reason = "not every program that includes this file uses all of it")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    pub head: String,
    pub body: String,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        let is_it = |line: &&str| line.split(':').next().is_some_and(|each| each.eq_ignore_ascii_case(name));
        self.head
            .lines()
            .find(is_it)
            .and_then(|line| line.split_once(':'))
            .map_or("", |(_, value)| value.trim())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }
}

#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    received: Arc<Mutex<Vec<Received>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let receiver = Self { url, received: Arc::default(), answers: Arc::default() };
        let serving = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        receiver
    }

    /// The next requests are answered with these, all later ones with 200.
    pub fn answer(&self, statuses: impl IntoIterator<Item = u16>) {
        self.answers.lock().expect("nobody panicked").extend(statuses);
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().expect("nobody panicked").clone()
    }

    async fn serve(self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                if stream.read_line(&mut head).await.ok()? == 0 {
                    return None;
                }
            }
            let mut request = Received { head, body: String::new() };
            let mut body = vec![0; request.header("content-length").parse().unwrap_or(0)];
            stream.read_exact(&mut body).await.ok()?;
            request.body = String::from_utf8(body).ok()?;
            self.received.lock().expect("nobody panicked").push(request);
            let status = self.answers.lock().expect("nobody panicked").pop_front().unwrap_or(200);
            let answer = format!("HTTP/1.1 {status} Status\r\ncontent-length: 2\r\n\r\nok");
            stream.get_mut().write_all(answer.as_bytes()).await.ok()?;
        }
    }
}
