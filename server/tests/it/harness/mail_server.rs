//! A mail server that keeps what it accepts, and misbehaves in the ways that real ones do.

#![allow(dead_code, reason = "not every program that includes this file uses all of it")]

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Well,
    /// Hangs up before it says a word.
    Down,
    /// 450 to every recipient.
    Later,
    /// 550 to every recipient.
    Never,
    /// Takes the connection and never says a word.
    Hangs,
    /// Hangs up in the middle of a mail.
    Breaks,
    /// Takes the mail, and hangs up before it says so.
    Forgets,
}

type Hook = Box<dyn Fn() + Send + Sync>;

#[derive(Clone)]
pub struct MailServer {
    pub url: String,
    mood: Arc<Mutex<Mood>>,
    mails: Arc<Mutex<Vec<String>>>,
    hook: Arc<Mutex<Option<Hook>>>,
}

impl MailServer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("smtp://{}", listener.local_addr().expect("an address"));
        let (mood, mails, hook) = (Arc::new(Mutex::new(Mood::Well)), Arc::default(), Arc::default());
        let server = Self { url, mood, mails, hook };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        server
    }

    pub fn is(&self, mood: Mood) {
        *self.mood.lock().expect("nobody panicked") = mood;
    }

    /// Called right after the next mail is taken and its sender was told so; once.
    pub fn after_next(&self, hook: impl Fn() + Send + Sync + 'static) {
        *self.hook.lock().expect("nobody panicked") = Some(Box::new(hook));
    }

    /// As they came over the line, with soft line breaks undone.
    pub fn mails(&self) -> Vec<String> {
        self.mails.lock().expect("nobody panicked").clone()
    }

    fn mood(&self) -> Mood {
        *self.mood.lock().expect("nobody panicked")
    }

    async fn serve(self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        match self.mood() {
            Mood::Down => return None,
            Mood::Hangs => return hang(&mut stream).await,
            _ => {}
        }
        say(&mut stream, "220 mail.test ESMTP").await?;
        loop {
            let line = read(&mut stream).await?;
            let verb = line.get(..4).unwrap_or_default().to_uppercase();
            match (verb.as_str(), self.mood()) {
                (_, Mood::Down) => return None,
                (_, Mood::Hangs) => return hang(&mut stream).await,
                ("EHLO", _) => say(&mut stream, "250-mail.test\r\n250 8BITMIME").await?,
                ("RCPT", Mood::Later) => say(&mut stream, "450 4.2.1 try again later").await?,
                ("RCPT", Mood::Never) => say(&mut stream, "550 5.1.1 no such mailbox").await?,
                ("DATA", mood) => {
                    say(&mut stream, "354 go on").await?;
                    let mail = self.take(&mut stream, mood).await?;
                    self.mails.lock().expect("nobody panicked").push(mail);
                    if mood == Mood::Forgets {
                        return None;
                    }
                    say(&mut stream, "250 2.0.0 taken").await?;
                    if let Some(hook) = self.hook.lock().expect("nobody panicked").take() {
                        hook();
                    }
                }
                ("QUIT", _) => {
                    say(&mut stream, "221 bye").await?;
                    return None;
                }
                _ => say(&mut stream, "250 ok").await?,
            }
        }
    }

    async fn take(&self, stream: &mut BufReader<TcpStream>, mood: Mood) -> Option<String> {
        let mut mail = String::new();
        loop {
            let line = read(stream).await?;
            if line.trim_end() == "." {
                return Some(mail.replace("=\r\n", ""));
            }
            if mood == Mood::Breaks && mail.len() > 200 {
                return None;
            }
            mail.push_str(line.strip_prefix('.').unwrap_or(&line));
        }
    }
}

/// Says nothing until the other side gives up.
async fn hang(stream: &mut BufReader<TcpStream>) -> Option<()> {
    while read(stream).await.is_some() {}
    None
}

async fn say(stream: &mut BufReader<TcpStream>, text: &str) -> Option<()> {
    stream.get_mut().write_all(format!("{text}\r\n").as_bytes()).await.ok()
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    (stream.read_line(&mut line).await.ok()? > 0).then_some(line)
}
