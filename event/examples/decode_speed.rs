//! How long decoding and normalising take, per event: `cargo run --release -p event --example decode_speed`.

use std::hint::black_box;
use std::time::Instant;

use event::{Content, Intake, decode};

const NOW: i64 = 1_773_136_800_000_000_000;
const EVENTS: usize = 200_000;

fn main() {
    let json: String = (0..EVENTS)
        .map(|number| {
            format!(
                "{{\"timestamp\":\"2026-03-10T09:{:02}:{:02}.{:06}Z\",\"level\":\"info\",\"source\":\"checkout\",\"host\":\"web-{}\",\
                 \"message\":\"POST /api/v1/orders/{number} 201 in {}ms\",\"trace_id\":\"4bf92f3577b34da6a3ce929d{number:08x}\",\
                 \"http\":{{\"method\":\"POST\",\"status\":201,\"route\":\"/api/v1/orders\"}},\"duration_ms\":{}.5,\
                 \"client\":{{\"ip\":\"10.0.{}.7\"}},\"user\":{{\"id\":\"u-{number}\"}},\"bytes\":{number},\"ok\":true}}\n",
                number / 60 % 60,
                number % 60,
                number,
                number % 9,
                number % 997,
                number % 997,
                number % 250,
            )
        })
        .collect();
    let text: String = (0..EVENTS)
        .map(|number| format!("2026-03-10 09:00:00,{:03} WARN  [worker-{}] com.acme.orders.Queue: order {number} waits for 12 ms\n", number % 1_000, number % 8))
        .collect();
    measure("ndjson: decode and normalise", &json, Content::NdJson, |_| {});
    measure("ndjson: with pattern id", &json, Content::NdJson, |event| {
        black_box(event.pattern_id());
    });
    measure("text: decode and normalise", &text, Content::Text, |_| {});
}

fn measure(name: &str, body: &str, content: Content, each: impl Fn(&event::Event)) {
    let intake = Intake::new(NOW, 30);
    let best = (0..5)
        .map(|_| {
            let start = Instant::now();
            let accepted = decode(body.as_bytes(), content)
                .filter_map(|item| intake.normalise(item.ok()?.ok()?).ok())
                .inspect(|event| each(event))
                .map(black_box)
                .count();
            assert_eq!(accepted, EVENTS);
            start.elapsed()
        })
        .min()
        .expect("five runs");
    let bytes = body.len() / EVENTS;
    let nanoseconds = best.as_nanos() / EVENTS as u128;
    eprintln!(
        "{name}: {nanoseconds} ns per event of {bytes} bytes, {:.0} MB/s",
        body.len() as f64 / best.as_secs_f64() / 1e6
    );
}
