//! What can and cannot be called, with names that resolve to what the test says.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Each look-up of a name gives the next of these; the last one for ever.
fn resolving(answers: &'static [&'static [&'static str]]) -> Lookup {
    let asked = Arc::new(AtomicUsize::new(0));
    Arc::new(move |_| {
        let at = asked.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
        let found = answers[at].iter().map(|address| address.parse().unwrap()).collect();
        Box::pin(async move { Ok(found) })
    })
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn refusal(result: Result<(), OutboundError>) -> String {
    match result {
        Err(OutboundError::Refused(reason)) => reason,
        other => panic!("not refused: {other:?}"),
    }
}

/// Answers every request with this text; tells how many came.
async fn answering(text: &'static str) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = count.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut head = [0; 4096];
                let _ = stream.read(&mut head).await;
                let _ = stream.write_all(text.as_bytes()).await;
            });
        }
    });
    (address, count)
}

#[tokio::test]
async fn private_addresses_are_refused_however_they_are_written() {
    let outbound = Outbound::new("").unwrap();
    for address in [
        "http://127.0.0.1/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1/",
        "https://localhost/",
        "https://0/",
    ] {
        let reason = refusal(outbound.check(&url(address)).await);
        assert!(reason.contains("private network"), "{address}: {reason}");
    }
}

#[tokio::test]
async fn public_targets_are_https_on_the_usual_ports() {
    let outbound = Outbound::with_lookup("", resolving(&[&["93.184.215.14"]])).unwrap();
    assert_eq!(outbound.check(&url("https://example.com/hook")).await, Ok(()));
    assert_eq!(outbound.check(&url("https://example.com:8443/hook")).await, Ok(()));
    assert!(refusal(outbound.check(&url("http://example.com/hook")).await).contains("https://"));
    assert!(refusal(outbound.check(&url("https://example.com:22/")).await).contains("443"));
}

#[tokio::test]
async fn one_private_address_among_public_ones_is_enough_to_be_refused() {
    let outbound = Outbound::with_lookup("", resolving(&[&["93.184.215.14", "10.0.0.1"]])).unwrap();
    refusal(outbound.check(&url("https://example.com/")).await);
    let outbound = Outbound::with_lookup("127.0.0.0/8", resolving(&[&["127.0.0.1", "10.0.0.1"]])).unwrap();
    refusal(outbound.check(&url("https://example.com/")).await);
}

#[tokio::test]
async fn a_name_that_turns_private_after_the_check_is_not_dialled() {
    let (address, count) = answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let lookup = resolving(&[&["93.184.215.14"], &["127.0.0.1"]]);
    let outbound = Outbound::with_lookup("", lookup).unwrap();
    let target = url(&format!("https://rebind.example:{}/", 8443));
    let error = outbound.post(&target, HeaderMap::new(), Vec::new()).await.unwrap_err();
    assert!(matches!(error, OutboundError::Unreachable(_)), "{error:?}");
    // and the other way round: a name of an allowed network that turns public
    let lookup = resolving(&[&["127.0.0.1"], &["93.184.215.14"]]);
    let outbound = Outbound::with_lookup("127.0.0.1", lookup).unwrap();
    let target = url(&format!("http://rebind.example:{}/", address.port()));
    outbound.post(&target, HeaderMap::new(), Vec::new()).await.unwrap_err();
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn what_the_operator_allows_is_called_and_its_redirects_are_not_followed() {
    let (inside, followed) = answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let outbound = Outbound::new("127.0.0.0/8").unwrap();
    let answer =
        outbound.post(&url(&format!("http://{inside}/")), HeaderMap::new(), b"x".to_vec()).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.body.as_slice()), (200, b"ok".as_slice()));

    let text: &'static str =
        format!("HTTP/1.1 302 Found\r\nlocation: http://{inside}/\r\ncontent-length: 0\r\n\r\n").leak();
    let (redirecting, _) = answering(text).await;
    let answer =
        outbound.post(&url(&format!("http://{redirecting}/")), HeaderMap::new(), Vec::new()).await.unwrap();
    assert_eq!(answer.status.as_u16(), 302);
    assert_eq!(followed.load(Ordering::SeqCst), 1, "only the first call came there");
}

#[tokio::test]
async fn a_huge_answer_is_cut() {
    let text: &'static str = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(200_000)).leak();
    let (address, _) = answering(text).await;
    let outbound = Outbound::new("127.0.0.1").unwrap();
    let answer =
        outbound.post(&url(&format!("http://{address}/")), HeaderMap::new(), Vec::new()).await.unwrap();
    assert_eq!(answer.body.len(), ANSWER_BYTES);
}

#[tokio::test]
async fn a_name_that_does_not_resolve_may_later() {
    let outbound = Outbound::with_lookup("", resolving(&[&[]])).unwrap();
    assert_eq!(outbound.check(&url("https://soon.example/")).await, Ok(()));
    let error = outbound.post(&url("https://soon.example/"), HeaderMap::new(), Vec::new()).await.unwrap_err();
    assert!(matches!(error, OutboundError::Unreachable(_)), "{error:?}");
}
