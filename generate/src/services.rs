//! What each part of the shop writes into its log.

use crate::random::Random;
use crate::words;
use crate::write::Event;
use crate::{Moment, Part};

/// One event of one part, chosen by how much each of them logs.
pub fn write_one(random: &mut Random, moment: &Moment, only: Option<Part>, out: &mut Vec<u8>) {
    match only.unwrap_or_else(|| any_part(random)) {
        Part::Web => web(random, moment, out),
        Part::Payments => payments(random, moment, out),
        Part::Auth => auth(random, moment, out),
        Part::Worker => worker(random, moment, out),
        Part::Database => database(random, moment, out),
        Part::Kubernetes => kubernetes(random, moment, out),
    }
}

fn any_part(random: &mut Random) -> Part {
    match random.below(100) {
        0..52 => Part::Web,
        52..66 => Part::Payments,
        66..78 => Part::Auth,
        78..90 => Part::Worker,
        90..96 => Part::Database,
        _ => Part::Kubernetes,
    }
}

fn host(random: &mut Random, service: &str, count: u64) -> String {
    format!("{service}-{}", 1 + random.below(count))
}

fn web(random: &mut Random, moment: &Moment, out: &mut Vec<u8>) {
    let (method, route, typical_ms) = words::ROUTES[random.below(words::ROUTES.len() as u64) as usize];
    let (is_checkout, is_search) = (route.ends_with("checkout"), route.ends_with("search"));
    let slow = if is_search {
        moment.drift
    } else if is_checkout && moment.incident {
        15.0
    } else {
        1.0
    };
    let duration_ms = random.latency_ms(typical_ms * slow);
    let failing = if is_checkout && moment.incident { 70.0 } else { 0.4 };
    let status = match () {
        () if random.chance(failing) => random.pick(&[&500, &502, &503, &504]),
        () if random.chance(3.0) => random.pick(&[&400, &401, &404, &404, &429]),
        () if method == "POST" => &201,
        () => &200,
    };
    let level = match status {
        500.. => "error",
        429 => "warn",
        _ => "info",
    };
    let path = route.replace("{id}", &format!("{}", 1000 + random.popular(40_000)));
    let mut event =
        Event::begin(out, moment, level, if is_search { "search" } else { "api" }, &host(random, "web", 6));
    event.text("message", &format!("{method} {path} {status} in {duration_ms}ms"));
    event.hex("trace_id", u128::from(random.next()) << 64 | u128::from(random.next()), 32);
    event.hex("span_id", u128::from(random.next()), 16);
    event.object("http", |http| {
        http.text("method", method);
        http.text("route", route);
        http.value("status", status);
        http.text("user_agent", random.pick(words::USER_AGENTS));
    });
    event.value("duration_ms", duration_ms);
    event.value("bytes", 200 + random.below(48_000));
    event.object("client", |client| client.text("ip", &address(random)));
    event.object("user", |user| user.text("id", &format!("u-{}", random.popular(20_000))));
    if is_search {
        event.text("search.query", random.pick(words::SEARCHES));
    }
    event.end();
}

fn address(random: &mut Random) -> String {
    // Addresses set aside for documentation, RFC 5737.
    let network = random.pick(&["203.0.113", "198.51.100", "192.0.2"]);
    format!("{network}.{}", 1 + random.below(254))
}

fn payments(random: &mut Random, moment: &Moment, out: &mut Vec<u8>) {
    let order = 100_000 + random.below(900_000);
    let amount = (random.below(40_000) + 199) as f64 / 100.0;
    let provider = random.pick(&["adyen", "stripe", "paypal"]);
    let failed = random.chance(if moment.incident { 65.0 } else { 0.8 });
    let declined = !failed && random.chance(4.0);
    let level = if failed {
        "error"
    } else if declined {
        "warn"
    } else {
        "info"
    };
    let waited_ms = random.latency_ms(if failed { 3_000.0 } else { 120.0 });
    let mut event = Event::begin(out, moment, level, "payments", &host(random, "pay", 3));
    match () {
        () if failed && random.chance(20.0) => event.text("message", words::JAVA_TRACE),
        () if failed => event.text(
            "message",
            &format!("charge of order {order} failed: connection pool timeout after 3000 ms"),
        ),
        () if declined && moment.personal_data && random.chance(5.0) => {
            event.text(
                "message",
                &format!("card {} declined for order {order}", random.pick(words::TEST_CARDS)),
            );
        }
        () if declined => {
            event.text("message", &format!("card declined for order {order}: insufficient funds"))
        }
        () => event.text("message", &format!("charged order {order} via {provider}")),
    }
    event.hex("trace_id", u128::from(random.next()) << 64 | u128::from(random.next()), 32);
    event.object("payment", |payment| {
        payment.text("provider", provider);
        payment.value("amount", amount);
        payment.text("currency", random.pick(&["EUR", "EUR", "USD", "GBP"]));
        payment.value("order_id", order);
    });
    if failed {
        event.object("error", |error| {
            error.text("type", "PoolTimeoutException");
            error.value("retryable", true);
        });
    }
    event.value("duration_ms", waited_ms);
    event.end();
}

fn auth(random: &mut Random, moment: &Moment, out: &mut Vec<u8>) {
    let user = random.popular(20_000);
    let failed = random.chance(6.0);
    let mut event =
        Event::begin(out, moment, if failed { "warn" } else { "info" }, "auth", &host(random, "auth", 2));
    if failed && moment.personal_data && random.chance(30.0) {
        let name = format!("{}.{}", random.pick(words::FIRST_NAMES), random.pick(words::FAMILY_NAMES));
        event.text("message", &format!("login failed for {name}@example.com: wrong password"));
    } else if failed {
        event.text("message", &format!("login failed for user u-{user}: wrong password"));
    } else {
        event.text(
            "message",
            random.pick(&["login succeeded", "token refreshed", "session ended", "second factor accepted"]),
        );
    }
    event.object("user", |object| object.text("id", &format!("u-{user}")));
    event.object("client", |client| client.text("ip", &address(random)));
    event.text("method", random.pick(&["password", "google", "passkey"]));
    event.value("success", !failed);
    event.end();
}

fn worker(random: &mut Random, moment: &Moment, out: &mut Vec<u8>) {
    let job = random.pick(words::JOBS);
    let attempt = 1 + random.below(8) / 6;
    let duration_ms = random.latency_ms(400.0);
    let (level, message) = match random.below(100) {
        0..2 => ("error", words::PYTHON_TRACE.to_owned()),
        2..6 => {
            ("warn", format!("job {job} retried, attempt {} of 5: upstream connect timeout", attempt + 1))
        }
        6..40 => ("debug", format!("job {job} picked up from queue default")),
        _ => ("info", format!("job {job} done in {duration_ms}ms")),
    };
    let mut event = Event::begin(out, moment, level, "worker", &host(random, "worker", 4));
    event.text("message", &message);
    event.object("job", |object| {
        object.text("name", job);
        object.hex("id", u128::from(random.next()), 16);
        object.value("attempt", attempt);
        object.value("queue_depth", random.below(if moment.incident { 4_000 } else { 60 }));
    });
    event.value("duration_ms", duration_ms);
    event.end();
}

fn database(random: &mut Random, moment: &Moment, out: &mut Vec<u8>) {
    let duration_ms = random.latency_ms(if moment.incident { 2_500.0 } else { 40.0 });
    let mut event;
    if moment.incident && random.chance(60.0) {
        event = Event::begin(out, moment, "fatal", "postgres", "db-1");
        event.text(
            "message",
            "remaining connection slots are reserved for roles with the SUPERUSER attribute",
        );
        event.text("sqlstate", "53300");
    } else if duration_ms > 150.0 {
        event = Event::begin(out, moment, "warn", "postgres", "db-1");
        event.text("message", &format!("duration: {duration_ms} ms  statement: SELECT * FROM orders WHERE customer_id = $1 ORDER BY created_at DESC"));
    } else {
        event = Event::begin(out, moment, "info", "postgres", "db-1");
        event.text("message", &format!("checkpoint complete: wrote {} buffers", random.below(9_000)));
    }
    event.object("db", |db| {
        db.text("name", "shop");
        db.value("connections", if moment.incident { 100 } else { 20 + random.below(30) });
    });
    event.value("duration_ms", duration_ms);
    event.end();
}

fn kubernetes(random: &mut Random, moment: &Moment, out: &mut Vec<u8>) {
    let pod = random.pick(words::PODS);
    let (level, reason, message) = match random.below(10) {
        0 => ("warn", "BackOff", format!("Back-off restarting failed container in pod {pod}")),
        1 => {
            ("warn", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503".to_owned())
        }
        2..5 => {
            ("info", "Scheduled", format!("Successfully assigned shop/{pod} to node-{}", 1 + random.below(5)))
        }
        _ => (
            "info",
            "Pulled",
            "Container image \"registry.shop.example/app:8.4.1\" already present on machine".to_owned(),
        ),
    };
    let mut event = Event::begin(out, moment, level, "kubernetes", &host(random, "node", 5));
    event.text("message", &message);
    event.object("k8s", |k8s| {
        k8s.text("namespace", "shop");
        k8s.text("pod", pod);
        k8s.text("reason", reason);
    });
    event.end();
}
