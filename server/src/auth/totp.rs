//! One-time codes of authenticator apps: RFC 6238 with SHA-1, six digits, half minutes, as every app understands them.
//!
//! `matching_step` tells which half minute a code is of, so that whoever stores the newest one used can refuse it the second time.

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;

const STEP_S: i64 = 30;
/// Steps before and after the present one, for clocks that differ.
const SKEW: i64 = 1;

/// Shared between an app and this installation.
#[derive(Clone)]
pub struct TotpSecret(pub(super) [u8; 20]);

impl TotpSecret {
    /// As people type it into an app.
    #[must_use]
    pub fn text(&self) -> String {
        BASE32_NOPAD.encode(&self.0)
    }

    /// What the square in the app's camera says.
    #[must_use]
    pub fn address(&self, account: &str) -> String {
        format!("otpauth://totp/Cordwood:{}?secret={}&issuer=Cordwood", escaped(account), self.text())
    }

    /// The half minute that a code belongs to, if it is one of the present ones.
    #[must_use]
    pub fn matching_step(&self, code: &str, now_s: i64) -> Option<i64> {
        let present = now_s.div_euclid(STEP_S);
        (present - SKEW..=present + SKEW)
            .find(|step| self.code(*step).as_bytes().ct_eq(code.as_bytes()).into())
    }

    fn code(&self, step: i64) -> String {
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(&step.to_be_bytes());
        let digest: [u8; 20] = mac.finalize().into_bytes().into();
        let offset = usize::from(digest[19] & 0xf);
        let number = digest[offset..offset + 4].iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
        format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
    }
}

fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: TotpSecret = TotpSecret(*b"12345678901234567890");

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B; there with eight digits.
        for (now_s, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(SECRET.matching_step(code, now_s), Some(now_s / 30), "{now_s}");
        }
    }

    #[test]
    fn a_clock_may_differ_by_half_a_minute_and_no_more() {
        assert_eq!(SECRET.matching_step("287082", 59 + 30), Some(1));
        assert_eq!(SECRET.matching_step("287082", 59 - 30), Some(1));
        assert_eq!(SECRET.matching_step("287082", 59 + 61), None);
        for wrong in ["", "28708", "2870820", "287083", "a87082"] {
            assert_eq!(SECRET.matching_step(wrong, 59), None, "{wrong}");
        }
    }

    #[test]
    fn the_address_names_the_account_and_the_issuer() {
        assert_eq!(
            SECRET.address("ann+x@acme.example"),
            "otpauth://totp/Cordwood:ann%2Bx@acme.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Cordwood"
        );
    }
}
