//! Exports as OpenTelemetry's SDKs and collector send them.

use super::super::testing::{Node, recent};
use super::grpc;
use super::messages::{
    Any, AnyValue, ArrayValue, ExportRequest, ExportResponse, KeyValue, KeyValueList, LogRecord, Resource,
    ResourceLogs, Scope, ScopeLogs, Status,
};
use crate::tls::Certificate;
use actix_web::http::Method;
use prost::Message;
use serde_json::{Value, json};
use std::path::Path;

const PROTOBUF: &str = "application/x-protobuf";
const TRACE: [u8; 16] =
    [0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36];

fn any(value: Any) -> AnyValue {
    AnyValue { value: Some(value) }
}

fn text(value: &str) -> AnyValue {
    any(Any::String(value.into()))
}

fn pair(key: &str, value: AnyValue) -> KeyValue {
    KeyValue { key: key.into(), value: Some(value) }
}

/// Three records: one with everything, one with a map as its body, one that is too old.
fn protobuf(time_ns: i64) -> Vec<u8> {
    let nested = any(Any::Array(ArrayValue { values: vec![any(Any::Int(1)), text("two")] }));
    let full = LogRecord {
        time_unix_nano: time_ns as u64,
        severity_number: 18,
        severity_text: "ERROR2".into(),
        body: Some(text("  kept \u{2028} to the byte\r ")),
        attributes: vec![
            pair("http.status", any(Any::Int(9_007_199_254_740_993))),
            pair("ratio", any(Any::Double(0.5))),
            pair("cached", any(Any::Bool(false))),
            pair("list", nested),
            pair("env", text("of record")),
            pair("raw", any(Any::Bytes(vec![1, 2, 3]))),
        ],
        dropped_attributes_count: 2,
        flags: 1,
        trace_id: TRACE.to_vec(),
        span_id: vec![0; 8],
        event_name: "checkout".into(),
        ..LogRecord::default()
    };
    let map = KeyValueList { values: vec![pair("message", text("of a map")), pair("n", any(Any::Int(1)))] };
    let mapped = LogRecord {
        observed_time_unix_nano: time_ns as u64,
        severity_number: 9,
        severity_text: "Information".into(),
        body: Some(any(Any::Map(map))),
        ..LogRecord::default()
    };
    let old = LogRecord { time_unix_nano: 1_000_000_000, body: Some(text("old")), ..LogRecord::default() };
    let resource = Resource {
        attributes: vec![
            pair("service.name", text("shop")),
            pair("host.name", text("web-1")),
            pair("env", text("prod")),
        ],
    };
    let scope = Scope { name: "my.library".into(), version: "1.2".into(), attributes: vec![] };
    let scope_logs = vec![ScopeLogs { scope: Some(scope), log_records: vec![full, mapped, old] }];
    ExportRequest { resource_logs: vec![ResourceLogs { resource: Some(resource), scope_logs }] }
        .encode_to_vec()
}

/// The same in JSON.
fn in_json(time_ns: i64) -> Value {
    json!({"resourceLogs": [{
        "resource": {"attributes": [
            {"key": "service.name", "value": {"stringValue": "shop"}},
            {"key": "host.name", "value": {"stringValue": "web-1"}},
            {"key": "env", "value": {"stringValue": "prod"}},
        ]},
        "scopeLogs": [{"scope": {"name": "my.library", "version": "1.2"}, "logRecords": [
            {"timeUnixNano": time_ns.to_string(), "severityNumber": "SEVERITY_NUMBER_ERROR2", "severityText": "ERROR2",
             "body": {"stringValue": "  kept \u{2028} to the byte\r "}, "attributes": [
                {"key": "http.status", "value": {"intValue": "9007199254740993"}},
                {"key": "ratio", "value": {"doubleValue": 0.5}},
                {"key": "cached", "value": {"boolValue": false}},
                {"key": "list", "value": {"arrayValue": {"values": [{"intValue": 1}, {"stringValue": "two"}]}}},
                {"key": "env", "value": {"stringValue": "of record"}},
                {"key": "raw", "value": {"bytesValue": "AQID"}},
             ],
             "droppedAttributesCount": 2, "flags": 1, "traceId": "4BF92F3577B34DA6A3CE929D0E0E4736",
             "spanId": "0000000000000000", "eventName": "checkout", "unknownField": {"x": 1}},
            {"observed_time_unix_nano": time_ns, "severity_number": 9, "severityText": "Information",
             "body": {"kvlistValue": {"values": [
                {"key": "message", "value": {"stringValue": "of a map"}}, {"key": "n", "value": {"intValue": "1"}},
             ]}}},
            {"timeUnixNano": "1000000000", "body": {"stringValue": "old"}, "attributes": [{"key": "e", "value": {"arrayValue": {}}}]},
        ]}],
    }]})
}

fn expected(time: &str) -> [Value; 2] {
    [
        json!({"timestamp": time, "level": "error", "source": "shop", "host": "web-1",
            "message": "  kept \u{2028} to the byte\r ", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "",
            "attributes": {"http.status": 9_007_199_254_740_993_i64, "ratio": 0.5, "cached": false, "list": [1, "two"],
                "env": "of record", "raw": "AQID", "severity_number": 18, "severity_text": "ERROR2",
                "resource": {"env": "prod"}, "event.name": "checkout", "trace_flags": 1,
                "otel.dropped_attributes_count": 2, "otel.scope.name": "my.library", "otel.scope.version": "1.2"}}),
        json!({"timestamp": time, "level": "info", "source": "shop", "host": "web-1", "message": "of a map",
            "trace_id": "", "span_id": "", "attributes": {"n": 1, "env": "prod",
                "otel.scope.name": "my.library", "otel.scope.version": "1.2"}}),
    ]
}

#[actix_web::test]
async fn protobuf_and_json_give_the_same_events_and_tell_what_was_rejected() {
    let (time_ns, time) = recent();

    let node = Node::start().await;
    let answer = node.post("/v1/logs", PROTOBUF, protobuf(time_ns)).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, PROTOBUF));
    let partial = ExportResponse::decode(answer.bytes).unwrap().partial_success.unwrap();
    assert_eq!(partial.rejected_log_records, 1);
    assert!(partial.error_message.starts_with("record 2: ") && partial.error_message.contains("too_old"));
    assert_eq!(node.stored(2).await, expected(&time));
    let letters = node.dead_letters(1).await;
    assert!(letters[0].1.contains("\"message\":\"old\"") && letters[0].1.contains("\"source\":\"shop\""));

    let node = Node::start().await;
    let answer = node.post("/v1/logs", "application/json", in_json(time_ns).to_string()).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.json()["partialSuccess"]["rejectedLogRecords"], json!("1"));
    assert_eq!(node.stored(2).await, expected(&time));
}

#[actix_web::test]
async fn all_good_is_answered_without_partial_success() {
    let node = Node::start().await;
    let empty = node.post("/v1/logs", PROTOBUF, "").await;
    assert_eq!((empty.status, empty.bytes.len()), (200, 0));
    let answer = node.post("/v1/logs", "application/json", "{\"resourceLogs\":[]}").await;
    assert_eq!((answer.status, answer.json()), (200, json!({})));
}

#[actix_web::test]
async fn refusals_are_a_status_in_the_form_of_the_request() {
    let node = Node::start().await;
    let broken = node.post("/v1/logs", PROTOBUF, "not protobuf").await;
    assert_eq!((broken.status, broken.header("content-type")), (400, PROTOBUF));
    assert_eq!(Status::decode(broken.bytes).unwrap().code, tonic::Code::InvalidArgument as i32);
    let broken = node.post("/v1/logs", "application/json", "{\"resourceSpans\":[]}").await;
    assert_eq!((broken.status, &broken.json()["code"]), (400, &json!(3)));
    let nobody = node.call(Method::POST, "/v1/logs", &[("content-type", "application/json")], "{}").await;
    assert_eq!((nobody.status, &nobody.json()["code"]), (401, &json!(16)));
    let reader = format!("Bearer {}", node.query_key().await);
    let headers = [("content-type", PROTOBUF), ("authorization", &*reader)];
    assert_eq!(node.call(Method::POST, "/v1/logs", &headers, "").await.status, 403);
    assert_eq!(node.post("/v1/logs", "text/plain", "x").await.status, 415);
}

/// A client of one connection, as small as gRPC allows.
async fn export(address: std::net::SocketAddr, key: Option<&str>, message: &[u8]) -> (String, Vec<u8>) {
    let client = reqwest::Client::builder().http2_prior_knowledge().no_proxy().build().unwrap();
    send(&client, &format!("http://{address}"), key, message).await
}

async fn send(client: &reqwest::Client, url: &str, key: Option<&str>, message: &[u8]) -> (String, Vec<u8>) {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let framed = [&[0_u8][..], &length, message].concat();
    let path = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
    let mut request = client.post(format!("{url}{path}")).body(framed);
    request = request.header("content-type", "application/grpc").header("te", "trailers");
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    let answer = request.send().await.unwrap();
    let status = answer.headers().get("grpc-status").map(|status| status.to_str().unwrap().to_owned());
    let bytes = answer.bytes().await.unwrap();
    (status.unwrap_or_default(), bytes.get(5..).unwrap_or_default().to_vec())
}

#[actix_web::test]
async fn grpc_gives_the_same_events() {
    let node = Node::start().await;
    let (time_ns, time) = recent();
    let any_port = ([127, 0, 0, 1], 0).into();
    let desk = (node.ingest.clone(), node.auth.clone());
    let address = grpc::start(any_port, None, desk, &node.shutdown).await.unwrap();

    let (_, response) = export(address, Some(&node.key), &protobuf(time_ns)).await;

    let partial = ExportResponse::decode(&response[..]).unwrap().partial_success.unwrap();
    assert_eq!(partial.rejected_log_records, 1);
    assert_eq!(node.stored(2).await, expected(&time));
    let unauthenticated = (tonic::Code::Unauthenticated as i32).to_string();
    assert_eq!(export(address, None, b"").await.0, unauthenticated);
    assert_eq!(export(address, Some("cwi_wrong"), b"").await.0, unauthenticated);
    let invalid = (tonic::Code::InvalidArgument as i32).to_string();
    assert_eq!(export(address, Some(&node.key), b"not protobuf").await.0, invalid);
    node.set_of_key("daily_events = 2").await;
    let exhausted = (tonic::Code::ResourceExhausted as i32).to_string();
    assert_eq!(export(address, Some(&node.key), &protobuf(time_ns)).await.0, exhausted);
    node.shutdown.begin();
}

#[actix_web::test]
async fn grpc_speaks_tls_with_the_certificate_of_the_server() {
    let node = Node::start().await;
    let (time_ns, time) = recent();
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ingest/protocols/syslog/testdata");
    let (chain, key) = (testdata.join("certificate.pem"), testdata.join("key.pem"));
    let certificate = Certificate::of("tls_certificate", &chain, &key).unwrap();
    let desk = (node.ingest.clone(), node.auth.clone());
    let address = grpc::start(([127, 0, 0, 1], 0).into(), certificate.as_ref(), desk, &node.shutdown);
    let address = address.await.unwrap();
    let authority = std::fs::read(testdata.join("authority.pem")).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&authority).unwrap()])
        .resolve("localhost", address)
        .no_proxy()
        .build()
        .unwrap();
    // Who never shakes hands keeps nobody else waiting.
    let _silent = tokio::net::TcpStream::connect(address).await.unwrap();

    let url = format!("https://localhost:{}", address.port());
    let (_, response) = send(&client, &url, Some(&node.key), &protobuf(time_ns)).await;

    let partial = ExportResponse::decode(&response[..]).unwrap().partial_success.unwrap();
    assert_eq!(partial.rejected_log_records, 1);
    assert_eq!(node.stored(2).await, expected(&time));
    let plain = reqwest::Client::builder().http2_prior_knowledge().no_proxy().build().unwrap();
    assert!(plain.get(format!("http://{address}/")).send().await.is_err());
    node.shutdown.begin();
}
