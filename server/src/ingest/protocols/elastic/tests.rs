//! Bulk bodies and handshakes as Elasticsearch's clients send them.

use super::super::testing::{Node, recent};
use actix_web::http::Method;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

const NDJSON: &str = "application/x-ndjson";

#[actix_web::test]
async fn each_item_is_answered_in_order_and_the_good_ones_are_stored() {
    let node = Node::start().await;
    let (_, time) = recent();
    let body = format!(
        "{{\"index\":{{\"_index\":\"shop-2026.11.21\",\"_id\":\"a1\"}}}}\n\
         {{\"@timestamp\":\"{time}\",\"message\":\" kept to the byte\\u2028 \",\"log.level\":\"warn\",\"n\":9007199254740993,\"tags\":{{\"env\":\"prod\"}}}}\n\
         {{\"create\":{{}}}}\n{{\"message\":\"second\",\"service\":{{\"name\":\"billing\"}},\"host\":{{\"name\":\"web-1\"}}}}\n\
         {{\"create\":{{\"_index\":\"shop\"}}}}\n{{broken\n\
         {{\"create\":{{\"_index\":\"shop\"}}}}\n{{\"@timestamp\":\"2001-01-01T00:00:00Z\",\"message\":\"old\"}}\n\
         {{\"delete\":{{\"_index\":\"shop\",\"_id\":\"a1\"}}}}\n"
    );

    let answer = node.post("/_bulk", NDJSON, body).await;

    assert_eq!((answer.status, answer.header("x-elastic-product")), (200, "Elasticsearch"));
    let told = answer.json();
    assert_eq!(told["errors"], json!(true));
    let items = told["items"].as_array().unwrap();
    assert_eq!(items.len(), 5);
    assert_eq!(items[0]["index"]["_index"], json!("shop-2026.11.21"));
    assert_eq!((&items[0]["index"]["_id"], &items[0]["index"]["status"]), (&json!("a1"), &json!(201)));
    assert_eq!(items[1]["create"]["status"], json!(201));
    assert!(items[1]["create"]["_id"].as_str().is_some_and(|id| !id.is_empty()));
    for (place, action, reason) in
        [(2, "create", "invalid_json"), (3, "create", "too_old"), (4, "delete", "unsupported")]
    {
        let item = &items[place][action];
        assert_eq!(item["status"], json!(400), "{item}");
        assert!(item["error"]["reason"].as_str().unwrap().contains(reason), "{item}");
    }
    let rows = node.stored(2).await;
    assert_eq!(
        rows[0],
        json!({"timestamp": time, "level": "warn", "source": "shop", "host": "", "message": " kept to the byte\u{2028} ",
            "trace_id": "", "span_id": "", "attributes": {"n": 9007199254740993_i64, "tags": {"env": "prod"}, "_id": "a1"}})
    );
    assert_eq!((&rows[1]["source"], &rows[1]["host"]), (&json!("billing"), &json!("web-1")));
    let letters = node.dead_letters(2).await;
    assert!(letters.iter().any(|(code, original)| code == "invalid_json" && original == "{broken"));
    assert!(letters.iter().any(|(code, original)| code == "too_old" && original.contains("\"old\"")));
}

#[actix_web::test]
async fn every_address_method_and_type_of_clients_is_taken() {
    let node = Node::start().await;
    let body = "{\"create\":{}}\n{\"message\":\"m\"}\n";
    let key = node.bearer();
    for (method, path) in [
        (Method::POST, "/_bulk"),
        (Method::PUT, "/_bulk"),
        (Method::POST, "/shop/_bulk"),
        (Method::PUT, "/elasticsearch/_bulk"),
        (Method::POST, "/elasticsearch/shop/_bulk?filter_path=errors"),
    ] {
        for mime in [NDJSON, "application/json", "application/vnd.elasticsearch+x-ndjson; compatible-with=8"]
        {
            let headers = [("authorization", &*key), ("content-type", mime)];
            let answer = node.call(method.clone(), path, &headers, body).await;
            assert_eq!(answer.status, 200, "{method} {path} {mime}: {}", answer.text());
        }
    }
    let rows = node.stored(15).await;
    assert_eq!(rows.iter().filter(|row| row["source"] == json!("shop")).count(), 6);
    assert_eq!(rows.iter().filter(|row| row["source"] == json!("")).count(), 9);
}

#[actix_web::test]
async fn single_documents_are_created() {
    let node = Node::start().await;
    let answer = node.post("/shop/_doc", "application/json", "{\"message\":\"one\"}").await;
    assert_eq!((answer.status, &answer.json()["result"]), (201, &json!("created")));
    let key = node.bearer();
    let headers = [("authorization", &*key), ("content-type", "application/json")];
    let answer =
        node.call(Method::PUT, "/elasticsearch/shop/_doc/7", &headers, "{\"message\":\"two\"}").await;
    assert_eq!((answer.status, &answer.json()["_id"]), (201, &json!("7")));
    assert_eq!(node.post("/shop/_doc", "application/json", "[1]").await.status, 400);
    assert_eq!(node.stored(2).await[1]["attributes"], json!({"_id": "7"}));
}

#[actix_web::test]
async fn the_key_is_taken_in_every_form_and_refusals_are_elasticsearchs() {
    let node = Node::start().await;
    let pair = STANDARD.encode(format!("id:{}", node.key));
    for value in
        [format!("ApiKey {}", node.key), format!("ApiKey {pair}"), format!("Basic {pair}"), node.bearer()]
    {
        let answer = node.call(Method::GET, "/", &[("authorization", &value)], "").await;
        assert_eq!((answer.status, answer.header("x-elastic-product")), (200, "Elasticsearch"), "{value}");
    }
    let nobody = node.call(Method::POST, "/_bulk", &[], "{}").await;
    assert_eq!((nobody.status, nobody.header("x-elastic-product")), (401, "Elasticsearch"));
    assert_eq!(nobody.json()["error"]["type"], json!("security_exception"));
    let reader = format!("Bearer {}", node.query_key().await);
    let refused = node.call(Method::POST, "/_bulk", &[("authorization", &reader)], "{}").await;
    assert_eq!((refused.status, &refused.json()["status"]), (403, &json!(403)));
    for body in ["", "{\"message\":\"no action\"}\n"] {
        let broken = node.post("/_bulk", NDJSON, body).await;
        assert_eq!(
            (broken.status, &broken.json()["error"]["type"]),
            (400, &json!("illegal_argument_exception"))
        );
    }
}

#[actix_web::test]
async fn the_handshakes_of_versions_7_8_and_9_are_answered() {
    let node = Node::start().await;
    let key = node.bearer();
    for (method, path) in [
        (Method::GET, "/"),
        (Method::HEAD, "/"),
        (Method::GET, "/elasticsearch"),
        (Method::GET, "/_license?human=false"),
        (Method::GET, "/_xpack"),
        (Method::GET, "/_cluster/health"),
        (Method::HEAD, "/_index_template/filebeat-9.0.0"),
        (Method::PUT, "/_index_template/filebeat-9.0.0"),
        (Method::GET, "/_ilm/policy/filebeat"),
        (Method::HEAD, "/_template/logstash"),
    ] {
        let accept = "application/vnd.elasticsearch+json; compatible-with=9";
        let answer =
            node.call(method.clone(), path, &[("authorization", &key), ("accept", accept)], "").await;
        assert_eq!(
            (answer.status, answer.header("x-elastic-product")),
            (200, "Elasticsearch"),
            "{method} {path}"
        );
        assert_eq!(answer.header("content-type"), "application/vnd.elasticsearch+json;compatible-with=9");
    }
    let greeting = node.call(Method::GET, "/", &[("authorization", &key)], "").await.json();
    assert_eq!(greeting["tagline"], json!("You Know, for Search"));
    let page = node.call(Method::GET, "/", &[("accept", "text/html,*/*")], "").await;
    assert!(page.header("x-elastic-product").is_empty(), "browsers get the page");
}

#[actix_web::test]
async fn a_flood_is_told_to_come_back() {
    let node = Node::with_events_per_second(1).await;
    let body = "{\"create\":{}}\n{\"message\":\"m\"}\n".repeat(3);
    let sent = (0..20).map(|_| node.post("/_bulk", NDJSON, body.clone()));
    let answers = futures::future::join_all(sent).await;
    let answer = answers.into_iter().find(|answer| answer.status != 200).expect("more than is allowed");
    assert_eq!((answer.status, answer.header("retry-after").is_empty()), (429, false));
    assert_eq!(answer.json()["error"]["type"], json!("es_rejected_execution_exception"));
}
