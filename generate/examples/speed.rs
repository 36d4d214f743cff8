//! Events per second on one core: `cargo run --release -p generate --example speed`.

use generate::{Generator, Profile};
use std::time::Instant;

const EVENTS: i64 = 2_000_000;

fn main() {
    let mut generator = Generator::new(1, Profile::default());
    let (mut out, mut bytes) = (Vec::new(), 0);
    let start = Instant::now();
    for index in 0..EVENTS {
        out.clear();
        generator.write_event(1_772_366_400_000_000_000 + index * 1_000_000, &mut out);
        bytes += out.len();
    }
    let seconds = start.elapsed().as_secs_f64();
    eprintln!(
        "{:.0} events/s, {:.0} MB/s, {} bytes per event",
        EVENTS as f64 / seconds,
        bytes as f64 / seconds / 1e6,
        bytes as i64 / EVENTS
    );
}
