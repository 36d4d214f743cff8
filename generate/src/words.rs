//! The shop's vocabulary.

pub const ROUTES: &[(&str, &str, f64)] = &[
    ("GET", "/", 18.0),
    ("GET", "/api/v1/products", 35.0),
    ("GET", "/api/v1/products/{id}", 22.0),
    ("GET", "/api/v1/search", 60.0),
    ("POST", "/api/v1/cart/items", 30.0),
    ("GET", "/api/v1/cart", 15.0),
    ("POST", "/api/v1/checkout", 180.0),
    ("GET", "/api/v1/orders/{id}", 28.0),
    ("GET", "/static/app.js", 3.0),
    ("GET", "/healthz", 1.0),
];

pub const USER_AGENTS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 15_1) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "shop-app/8.4.1 (iOS 26.1)",
    "shop-app/8.4.0 (Android 16)",
    "Googlebot/2.1 (+http://www.google.com/bot.html)",
];

pub const SEARCHES: &[&str] = &[
    "running shoes",
    "usb c cable",
    "winter jacket",
    "coffee beans",
    "desk lamp",
    "kids bike",
    "wireless mouse",
];

pub const FIRST_NAMES: &[&str] =
    &["maria", "wei", "olu", "anna", "james", "fatima", "lukas", "sofia", "arjun", "chloe"];

pub const FAMILY_NAMES: &[&str] =
    &["garcia", "chen", "adeyemi", "schmidt", "miller", "khan", "novak", "rossi", "patel", "dubois"];

pub const TEST_CARDS: &[&str] = &["4111 1111 1111 1111", "5555 5555 5555 4444", "3782 822463 10005"];

pub const PODS: &[&str] =
    &["api-7d9f8c6b5-x2x9k", "payments-5c8d7f9b6-q8wz4", "search-6b7c8d9f5-m4n2p", "worker-84b9d7c65-t7r5v"];

pub const JOBS: &[&str] =
    &["send_receipt", "resize_image", "sync_inventory", "expire_carts", "rebuild_index"];

pub const JAVA_TRACE: &str = "com.shop.payments.PoolTimeoutException: no connection available within 3000 ms\n\
\tat com.shop.payments.db.Pool.acquire(Pool.java:142)\n\
\tat com.shop.payments.ChargeService.charge(ChargeService.java:88)\n\
\tat com.shop.payments.ChargeController.post(ChargeController.java:41)\n\
\tat jdk.internal.reflect.DirectMethodHandleAccessor.invoke(DirectMethodHandleAccessor.java:103)\n\
Caused by: java.net.SocketTimeoutException: Read timed out\n\
\tat java.base/sun.nio.ch.NioSocketImpl.timedRead(NioSocketImpl.java:278)\n\
\t... 12 more";

pub const PYTHON_TRACE: &str = "Traceback (most recent call last):\n  File \"/app/worker/run.py\", line 57, in handle\n    job.execute()\n  \
File \"/app/worker/jobs/inventory.py\", line 23, in execute\n    stock = response.json()[\"stock\"]\nKeyError: 'stock'";
