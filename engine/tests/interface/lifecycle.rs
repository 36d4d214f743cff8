//! How the engine starts, keeps its data and ends.

use std::process::{Command, Stdio};

use crate::support::{TestEngine, library};

#[tokio::test]
async fn data_survives_every_way_to_end() {
    let engine = TestEngine::start();
    engine
        .run("CREATE TABLE t (n UInt32) ENGINE = MergeTree ORDER BY n SETTINGS fsync_after_insert = 1")
        .await;
    engine.run("INSERT INTO t VALUES (1)").await;
    let (status, folder) = engine.end(|engine| {
        let killed = Command::new("kill").args(["-TERM", &engine.process.id().to_string()]).status().unwrap();
        assert!(killed.success());
    });
    assert!(status.success(), "{status}");

    let engine = TestEngine::start_in(folder, &[]);
    engine.run("INSERT INTO t VALUES (2)").await;
    let (status, folder) = engine.end(|engine| drop(engine.stdin.take()));
    assert!(status.success(), "{status}");

    let engine = TestEngine::start_in(folder, &[]);
    engine.run("INSERT INTO t VALUES (3)").await;
    let (_, folder) = engine.end(|engine| engine.process.kill().unwrap());

    let engine = TestEngine::start_in(folder, &[]);
    assert_eq!(engine.ask("SELECT groupArray(n) FROM (SELECT n FROM t ORDER BY n)").await, "[1,2,3]");
}

#[tokio::test]
async fn a_stop_ends_running_statements() {
    let engine = TestEngine::start();
    let client = engine.client();
    let sql = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1";
    let running = tokio::spawn(async move { client.query_raw(sql).fetch_one::<u64>().await });
    engine
        .eventually("SELECT count() FROM system.processes WHERE query LIKE '%sipHash64(number) = 1'", "1")
        .await;
    let (status, _) = engine.end(|engine| drop(engine.stdin.take()));
    assert!(status.success(), "{status}");
    assert!(running.await.unwrap().is_err());
}

#[tokio::test]
async fn memory_is_bounded_by_the_argument() {
    let engine = TestEngine::start_in(tempfile::tempdir().unwrap(), &["--max-memory", "1000000000"]);
    let sql = "SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'";
    assert_eq!(engine.ask(sql).await, "1000000000");
    let hungry = "SELECT uniqExact(number) FROM numbers(200000000)";
    let error = engine.client().query_raw(hungry).fetch_one::<u64>().await.unwrap_err();
    assert!(error.to_string().contains("Code: 241"), "{error}");
    assert_eq!(engine.ask("SELECT 1").await, "1");
}

#[tokio::test]
async fn caches_are_sized_for_a_machine_that_is_shared() {
    let engine = TestEngine::start();
    let sql = "SELECT sum(toUInt64(value)) < 1000000000 FROM system.server_settings WHERE name IN ('mark_cache_size', \
               'index_mark_cache_size', 'primary_index_cache_size', 'text_index_header_cache_size', \
               'text_index_tokens_cache_size', 'text_index_postings_cache_size', 'query_condition_cache_size')";
    assert_eq!(engine.ask(sql).await, "1");
}

fn refused(arguments: &[&str], secret: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_cordwood-engine"))
        .arg("--data-dir")
        .arg(folder.path())
        .args(arguments)
        .env("CORDWOOD_ENGINE_SECRET", secret)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn it_does_not_start_without_a_secret_on_a_public_address_or_without_the_library() {
    let library = library();
    let library = library.to_str().unwrap();
    assert!(refused(&["--library", library], "").contains("CORDWOOD_ENGINE_SECRET"));
    assert!(
        refused(&["--library", library, "--listen", "0.0.0.0:0"], "s").contains("not a loopback address")
    );
    assert!(refused(&["--library", "/nowhere/libchdb.so"], "s").contains("/nowhere/libchdb.so"));
}
