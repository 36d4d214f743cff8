//! Senders of syslog, on real sockets.

use super::listeners::{ListenerError, Listeners};
use super::{Receivers, store};
use crate::config::{Settings, defaults_for_tests};
use crate::ingest::protocols::testing::{Node, recent};
use crate::tenant::TenantScope;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

const ANY_PORT: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

fn settings() -> Settings {
    let file =
        |name: &str| format!("{}/src/ingest/protocols/syslog/testdata/{name}", env!("CARGO_MANIFEST_DIR"));
    Settings {
        syslog_certificate: file("certificate.pem").into(),
        syslog_certificate_key: file("key.pem").into(),
        ..defaults_for_tests()
    }
}

fn receivers(node: &Node) -> Receivers {
    Receivers::new(&settings(), node.ingest.clone(), node.auth.clone(), &node.shutdown).unwrap()
}

async fn shared_port(node: &Node) -> SocketAddr {
    receivers(node).share(ANY_PORT.into()).await.unwrap()
}

/// Sends over TCP and waits until the server has closed.
async fn send(address: SocketAddr, bytes: &[u8]) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    stream.read_to_end(&mut Vec::new()).await.unwrap();
}

/// A time as RFC 3164 writes it: `Nov  2 10:00:00`.
fn short(time: &str) -> String {
    let time: jiff::Timestamp = time.parse().unwrap();
    time.strftime("%b %e %H:%M:%S").to_string()
}

fn heads(rows: &[Value]) -> Vec<[String; 4]> {
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    rows.iter().map(|row| ["level", "source", "host", "message"].map(|name| text(row, name))).collect()
}

#[actix_web::test]
async fn both_forms_and_both_framings_are_read_and_the_key_is_in_nothing() {
    let node = Node::start().await;
    let address = shared_port(&node).await;
    let (_, time) = recent();
    let short_time = short(&time);
    let with_key = format!(
        "<165>1 {time} web-1 app 77 ID47 [cordwood@0 key=\"{}\"][req@1 id=\"7\"] \u{feff}An event of two\nlines",
        node.key
    );
    let stream = format!(
        "{} {with_key}<11>{short_time} web-2 nginx[5]: upstream timed out\r\n\
         <34>1 {time} - - - - - {{\"level\":\"warn\",\"msg\":\"json inside\",\"n\":1}}\n\
         no header at all\0\n\n<8>1 - - - - - - worst",
        with_key.len()
    );

    send(address, stream.as_bytes()).await;

    // Events of two days come in batches of their own, in any order.
    let mut rows = node.stored(5).await;
    rows.sort_by_key(|row| row["message"].to_string());
    let expected = [
        ["info", "app", "web-1", "An event of two\nlines"],
        ["warn", "", "127.0.0.1", "json inside"],
        ["unknown", "", "127.0.0.1", "no header at all"],
        ["error", "nginx", "web-2", "upstream timed out"],
        ["fatal", "", "127.0.0.1", "worst"],
    ];
    assert_eq!(heads(&rows), expected.map(|row| row.map(str::to_owned)));
    assert_eq!(rows[0]["timestamp"], json!(time));
    assert_eq!(
        rows[0]["attributes"],
        json!({"severity": "notice", "facility": "local4", "pid": 77, "msgid": "ID47", "req@1": {"id": "7"}})
    );
    assert_eq!(rows[1]["attributes"]["n"], json!(1));
    assert!(!json!(rows).to_string().contains(&node.key));
}

#[actix_web::test]
async fn a_connection_without_a_good_key_is_closed_and_nothing_is_stored() {
    let node = Node::start().await;
    let address = shared_port(&node).await;
    let query_key = node.query_key().await;
    for bytes in [
        "<14>no key\n".to_owned(),
        "<14>1 - - - - - [cordwood@0 key=\"cwi_wrong\"] wrong key\n".to_owned(),
        format!("<14>1 - - - - - [cordwood@0 key=\"{query_key}\"] not for sending\n"),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        // The end comes from the server.
        stream.read_to_end(&mut Vec::new()).await.ok();
    }
    send(address, format!("<14>1 - - - - - [cordwood@0 key=\"{}\"] good\n", node.key).as_bytes()).await;
    assert_eq!(heads(&node.stored(1).await)[0][3], "good");
}

#[actix_web::test]
async fn datagrams_are_messages() {
    let node = Node::start().await;
    let address = shared_port(&node).await;
    let socket = UdpSocket::bind(SocketAddr::from(ANY_PORT)).await.unwrap();
    socket.send_to(b"<14>lost: no key", address).await.unwrap();
    let (_, time) = recent();
    let message = format!("<14>{} h app: [cordwood@0 key=\"{}\"] by datagram\n", short(&time), node.key);
    socket.send_to(message.as_bytes(), address).await.unwrap();
    assert_eq!(heads(&node.stored(1).await), [["info", "app", "h", "by datagram"].map(str::to_owned)]);
}

#[actix_web::test]
async fn tls_is_told_from_plain_text_on_the_same_port() {
    let node = Node::start().await;
    let address = shared_port(&node).await;
    let mut roots = rustls::RootCertStore::empty();
    let authority = include_bytes!("testdata/authority.pem");
    let authority =
        <rustls::pki_types::CertificateDer as rustls::pki_types::pem::PemObject>::from_pem_slice(authority);
    roots.add(authority.unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = "localhost".try_into().unwrap();
    let mut stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();

    let message = format!("<14>1 - h a - - [cordwood@0 key=\"{}\"] by TLS", node.key);
    stream.write_all(format!("{} {message}", message.len()).as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();

    assert_eq!(heads(&node.stored(1).await)[0][3], "by TLS");
}

#[actix_web::test]
async fn a_full_log_holds_the_sender_back_and_loses_nothing() {
    let node = Node::with_events_per_second(100).await;
    let address = shared_port(&node).await;
    let mut stream = format!("<14>1 - - - - - [cordwood@0 key=\"{}\"] message 0\n", node.key);
    (1..250).for_each(|number| stream.push_str(&format!("<14>message {number}\n")));
    // Two connections: the second one's batch comes while nothing more is allowed.
    tokio::join!(send(address, stream.as_bytes()), send(address, stream.as_bytes()));
    let rows = node.stored(500).await;
    assert_eq!(rows.iter().filter(|row| row["message"] == json!("message 249")).count(), 2);
}

#[actix_web::test]
async fn a_connection_that_its_keys_day_holds_back_goes_on_when_the_key_may_send_more() {
    let node = Node::start().await;
    let address = shared_port(&node).await;
    node.set_of_key("daily_events = 1").await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let first = format!("<14>1 - - - - - [cordwood@0 key=\"{}\"] first\n", node.key);
    stream.write_all(first.as_bytes()).await.unwrap();
    assert_eq!(heads(&node.stored(1).await)[0][3], "first");
    stream.write_all(b"<14>second\n").await.unwrap();
    assert_eq!(node.post("/api/v1/logs/ingest", "text/plain", "of the same key").await.status, 429);

    node.set_of_key("daily_events = 2").await;

    assert_eq!(heads(&node.stored(2).await)[1][3], "second");
    node.set_of_key("revoked_at = 1").await;
    stream.write_all(b"<14>third\n").await.unwrap();
    stream.read_to_end(&mut Vec::new()).await.ok();
    assert_eq!(node.stored(2).await.len(), 2, "a revoked key ends the connection");
}

#[actix_web::test]
async fn a_projects_own_port_needs_no_key_and_closes_at_once() {
    let node = Node::start().await;
    let scope = TenantScope::of_job(node.organization_id);
    let ip = SocketAddr::from(ANY_PORT).ip();
    let listeners = Listeners::new(node.db.clone(), Some(receivers(&node)), ip, &node.shutdown);
    let project = (node.project_id, 30);

    let tcp = listeners.add(&scope, project, "tcp", 0).await.unwrap();
    let udp = listeners.add(&scope, project, "udp", u16::try_from(tcp.port).unwrap()).await.unwrap();
    let address = SocketAddr::new(ip, u16::try_from(tcp.port).unwrap());
    send(address, b"<14>over TCP\n").await;
    let socket = UdpSocket::bind(SocketAddr::from(ANY_PORT)).await.unwrap();
    socket.send_to(b"<14>over UDP", address).await.unwrap();
    let mut messages: Vec<_> =
        heads(&node.stored(2).await).into_iter().map(|[_, _, _, message]| message).collect();
    messages.sort();
    assert_eq!(messages, ["over TCP", "over UDP"]);

    let taken = listeners.add(&scope, project, "tcp", address.port()).await;
    assert!(matches!(taken, Err(ListenerError::Port { .. } | ListenerError::PortTaken(_))));
    let stranger = TenantScope::of_job(uuid::Uuid::now_v7());
    assert!(!listeners.remove(&stranger, udp.id).await.unwrap());
    assert!(listeners.remove(&scope, tcp.id).await.unwrap());
    crate::ingest::tests::eventually(async || TcpStream::connect(address).await.is_err()).await;
    assert_eq!(store::list(&node.db, &scope).await.unwrap(), [udp]);
}

#[actix_web::test]
async fn kept_listeners_are_open_after_a_restart() {
    let node = Node::start().await;
    let scope = TenantScope::of_job(node.organization_id);
    let free = std::net::TcpListener::bind(SocketAddr::from(ANY_PORT)).unwrap().local_addr().unwrap();
    store::insert(&node.db, &scope, (node.project_id, 30), "tcp", free.port()).await.unwrap().unwrap();

    Listeners::new(node.db.clone(), Some(receivers(&node)), free.ip(), &node.shutdown).start();

    crate::ingest::tests::eventually(async || TcpStream::connect(free).await.is_ok()).await;
    send(free, b"<14>after the restart\n").await;
    assert_eq!(heads(&node.stored(1).await)[0][3], "after the restart");
    node.shutdown.begin();
}
