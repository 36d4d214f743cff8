//! A receiver of webhooks that remembers the id of every notification.

use anyhow::Result;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What one request brought.
#[derive(Debug, Clone)]
pub struct Received {
    pub id: String,
    pub body: String,
}

pub struct Webhook {
    pub url: String,
    received: Arc<Mutex<Vec<Received>>>,
    accepting: JoinHandle<()>,
}

impl Webhook {
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let received = Arc::<Mutex<Vec<Received>>>::default();
        let for_accept = Arc::clone(&received);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let received = Arc::clone(&for_accept);
                tokio::spawn(async move {
                    if let Ok(Some(request)) = answer(client).await {
                        received.lock().unwrap_or_else(PoisonError::into_inner).push(request);
                    }
                });
            }
        });
        Ok(Self { url, received, accepting })
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Reads one request and says 200. A request that is cut off is none.
async fn answer(client: TcpStream) -> Result<Option<Received>> {
    let mut client = BufReader::new(client);
    let (mut id, mut length, mut line) = (String::new(), 0, String::new());
    loop {
        line.clear();
        if client.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let Some((name, value)) = line.split_once(':') else {
            if line.trim().is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "x-notification-id" => id = value.trim().to_owned(),
            "content-length" => length = value.trim().parse()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    client.read_exact(&mut body).await?;
    client.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await?;
    Ok(Some(Received { id, body: String::from_utf8_lossy(&body).into_owned() }))
}
