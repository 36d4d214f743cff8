//! Webhooks: JSON, signed so that the receiver can tell that it is ours and not an old one sent again.
//!
//! `X-Cordwood-Signature: t=<seconds>,v1=<hex of HMAC-SHA256(secret, "<seconds>.<body>")>`. `X-Notification-Id` is the same in
//! every repeat.

use super::{Undelivered, target, verdict};
use crate::outbound::Outbound;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;
use sha2::Sha256;
use uuid::Uuid;

pub async fn send(
    outbound: &Outbound,
    url: &str,
    secret: &str,
    id: Uuid,
    body: &Value,
) -> Result<String, Undelivered> {
    let text = body.to_string();
    let seconds = jiff::Timestamp::now().as_second();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let header = |text: String| HeaderValue::try_from(text).expect("digits and letters");
    headers.insert("x-notification-id", header(id.to_string()));
    headers.insert("x-cordwood-signature", header(signature(secret, seconds, &text)));
    let answer = outbound.post(&target(url)?, headers, text.into_bytes()).await?;
    verdict(&answer, "")
}

fn signature(secret: &str, seconds: i64, body: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    let signed = mac.chain_update(format!("{seconds}.{body}")).finalize().into_bytes();
    let hex: String = signed.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},v1={hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_what_any_hmac_tool_computes() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac whsec_test
        let expected = "t=1700000000,v1=38877139021993b830af32feea6e18a8da83eb2f6e49ee50bd9e4cf4ca4d3789";
        let made = signature("whsec_test", 1_700_000_000, r#"{"a":1}"#);
        assert_eq!(made, expected);
    }
}
