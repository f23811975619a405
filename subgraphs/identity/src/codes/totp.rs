//! One-time codes by time (TOTP, RFC 6238, over HOTP, RFC 4226): HMAC-SHA-1, six digits, steps of thirty
//! seconds, which is what every app takes.

use std::fmt::{self, Write};

use aws_lc_rs::hmac;
use studio_kernel::{Env, Timestamp};
use zeroize::Zeroizing;

use super::base32;

pub(super) const DIGITS: usize = 6;
const MODULUS: u32 = 1_000_000;
const STEP_SECONDS: i64 = 30;
/// Steps by which the clocks may differ, either way (RFC 6238, section 5.2).
const DRIFT: u64 = 1;
/// The length of what HMAC-SHA-1 makes (RFC 4226, section 4, R6).
const SECRET: usize = 20;

/// What an app and the server share.
pub(crate) struct TotpSecret(Zeroizing<[u8; SECRET]>);

impl TotpSecret {
    /// A new one.
    pub(crate) fn random(env: &Env) -> Self {
        Self(Zeroizing::new(env.bytes()))
    }

    /// One that was kept; `None` for bytes that are none.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// The bytes, to keep them sealed.
    pub(crate) fn bytes(&self) -> &[u8] {
        &*self.0
    }

    /// In Base32, as apps take it when it is typed.
    pub(crate) fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(base32::encode(&*self.0))
    }

    /// The address that a QR code holds (the "Key URI Format" of Google Authenticator's wiki).
    pub(crate) fn uri(&self, issuer: &str, account: &str) -> Zeroizing<String> {
        // A colon parts the two, in whichever spelling.
        let issuer = issuer.replace(':', " ");
        Zeroizing::new(format!(
            "otpauth://totp/{}:{}?secret={}&issuer={}&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}",
            percent(&issuer),
            percent(account),
            *self.text(),
            percent(&issuer),
        ))
    }

    /// The step of which this is the code, by now and within the drift; the latest where there are
    /// several. Takes the same time for every code.
    pub(crate) fn step_of(&self, code: u32, now: Timestamp) -> Option<u64> {
        let current = u64::try_from(now.micros().div_euclid(1_000_000) / STEP_SECONDS).ok()?;
        (current.saturating_sub(DRIFT)..=current + DRIFT).fold(None, |found, step| {
            let ours = self.code(step).to_be_bytes();
            let same =
                aws_lc_rs::constant_time::verify_slices_are_equal(&ours, &code.to_be_bytes());
            same.map_or(found, |()| Some(step))
        })
    }

    /// The code of a step (RFC 4226, section 5.3).
    fn code(&self, step: u64) -> u32 {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &*self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag[tag.len() - 1] & 0xF);
        let cut =
            tag[offset..offset + 4].iter().fold(0, |sum: u32, byte| sum << 8 | u32::from(*byte));
        (cut & 0x7FFF_FFFF) % MODULUS
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(..)")
    }
}

/// Percent-encoded but for what is unreserved (RFC 3986, section 2.3).
fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            // Writing to a String cannot fail.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> TotpSecret {
        TotpSecret::from_bytes(b"12345678901234567890").unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(0).plus_seconds(seconds)
    }

    #[test]
    fn the_vectors_of_rfc_4226() {
        // Appendix D.
        let codes = [755_224, 287_082, 359_152, 969_429, 338_314, 254_676, 287_922, 162_583];
        for (step, code) in (0..).zip(codes) {
            assert_eq!(secret().code(step), code, "{step}");
        }
    }

    #[test]
    fn the_vectors_of_rfc_6238() {
        // Appendix B, SHA-1, the last six of its eight digits.
        for (seconds, code) in [
            (59, 287_082),
            (1_111_111_109, 81_804),
            (1_111_111_111, 50_471),
            (1_234_567_890, 5_924),
            (2_000_000_000, 279_037),
            (20_000_000_000, 353_130),
        ] {
            let step = secret().step_of(code, at(seconds));
            assert_eq!(step, Some(seconds as u64 / 30), "{seconds}");
        }
    }

    #[test]
    fn a_step_either_way_and_no_more() {
        let code = secret().code(100);
        for (seconds, found) in [
            (98 * 30 + 29, None),
            (99 * 30, Some(100)),
            (100 * 30, Some(100)),
            (101 * 30 + 29, Some(100)),
            (102 * 30, None),
        ] {
            assert_eq!(secret().step_of(code, at(seconds)), found, "{seconds}");
        }
        assert_eq!(secret().step_of(secret().code(0), at(0)), Some(0));
        assert_eq!(secret().step_of(code, at(-1)), None, "before the epoch there is no code");
    }

    #[test]
    fn the_address_of_the_qr_code() {
        let uri = secret().uri("Studio: Müller & Co", "ada+x@example.org");
        assert_eq!(
            *uri,
            "otpauth://totp/Studio%20%20M%C3%BCller%20%26%20Co:ada%2Bx%40example.org\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Studio%20%20M%C3%BCller%20%26%20Co\
             &algorithm=SHA1&digits=6&period=30"
        );
        assert!(TotpSecret::from_bytes(b"short").is_none());
        assert_eq!(format!("{:?}", secret()), "TotpSecret(..)");
    }
}
