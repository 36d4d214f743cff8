//! A server that knows a few answers by heart.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

/// A request by its method and path, and the type and text of what it is answered with.
pub type Answer = (&'static str, &'static str, String);

pub const JSON: &str = "application/json";

/// Starts it; answers its address. It ends with the test's process, and says 404 to what it does not know.
pub fn start(answers: Vec<Answer>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let answers = answers.clone();
            std::thread::spawn(move || while answer(&connection, &answers).is_some() {});
        }
    });
    address
}

fn answer(mut connection: &TcpStream, answers: &[Answer]) -> Option<()> {
    let mut reader = BufReader::new(connection);
    let (mut asked, mut length) = (String::new(), 0);
    reader.read_line(&mut asked).ok().filter(|read| *read > 0)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().ok()?;
        }
    }
    reader.read_exact(&mut vec![0; length]).ok()?;
    let asked = asked.split(['?', ' ']).take(2).collect::<Vec<_>>().join(" ");
    let known = answers.iter().find(|(request, _, _)| *request == asked);
    let (status, kind, body) =
        known.map_or(("404 Not Found", JSON, "{}"), |(_, kind, body)| ("200 OK", kind, body));
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
    connection.write_all(head.as_bytes()).and_then(|()| connection.write_all(body.as_bytes())).ok()
}
