//! Signed tree heads, in a text form that the tools for transparency logs know: a checkpoint
//! (C2SP tlog-checkpoint) in a signed note (C2SP signed-note), with an Ed25519 signature.
//!
//! ```text
//! studio/0f1e2d3c4b5a6978/evidence          the origin: which log it is
//! 4711                                      how many events
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=   the root, base64
//! signed-at 2026-11-26T22:00:00.000000Z     when it was signed
//!
//! — studio/0f1e2d3c4b5a6978/evidence Az3grl…     key id and signature, base64
//! ```
//!
//! The origin has the first eight bytes of the SHA-256 of the public key, so that logs of two
//! installations are never taken for one another.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use studio_kernel::Timestamp;
use studio_stores::keyring::verify_signature;

use super::hashing::Hash;
use crate::signing::CheckpointSigner;

/// The most bytes of a signed head: it may carry signatures of others, too.
pub const MAX_NOTE: usize = 64 << 10;
/// The type byte of Ed25519 signatures in signed notes.
const ED25519: u8 = 1;
const SIGNED_AT: &str = "signed-at ";
/// What a line with a signature begins with.
const DASH: &str = "\u{2014} ";

/// Why something is no tree head of a log with this key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// It is longer than [`MAX_NOTE`].
    #[error("a tree head has at most {MAX_NOTE} bytes, not {0}")]
    TooLong(usize),
    /// It does not have the form of one.
    #[error("this is no signed tree head: {0}")]
    Form(&'static str),
    /// It names a log of another key.
    #[error("the tree head is of the log {origin:?}, which is not one of the key that was given")]
    Origin {
        /// The log that it names.
        origin: String,
    },
    /// The key has signed none of it.
    #[error("the tree head bears no signature of the key that was given")]
    Unsigned,
    /// The key has signed something else.
    #[error("the signature under the tree head is wrong: the head was changed, or is forged")]
    Signature,
}

/// A tree head whose signature was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedTreeHead {
    origin: String,
    size: u64,
    root: Hash,
    signed_at: Timestamp,
    note: String,
}

/// The name of a log among all logs: `studio/<16 digits of the key>/<source>`.
pub fn origin(public_key: &[u8; 32], source: &str) -> String {
    let digest = digest(&SHA256, public_key);
    let key: String = hex::encode(digest.as_ref()).chars().take(16).collect();
    format!("studio/{key}/{source}")
}

/// The key of a log in the form that tools for signed notes read: `<name>+<key id>+<key>`.
pub fn verifier_key(public_key: &[u8; 32], source: &str) -> String {
    let name = origin(public_key, source);
    let id = hex::encode(key_id(&name, public_key));
    format!("{name}+{id}+{}", STANDARD.encode([&[ED25519][..], public_key].concat()))
}

/// C2SP signed-note, "Ed25519 signatures".
fn key_id(name: &str, public_key: &[u8; 32]) -> [u8; 4] {
    let named = [name.as_bytes(), b"\n", &[ED25519], public_key].concat();
    let mut id = [0; 4];
    id.copy_from_slice(&digest(&SHA256, &named).as_ref()[..4]);
    id
}

impl SignedTreeHead {
    /// Signs that the first `size` events of the log of `source` have this root. `None` where the signer's
    /// key is no Ed25519 key.
    pub(crate) fn sign(
        signer: &dyn CheckpointSigner,
        source: &str,
        size: u64,
        root: Hash,
        signed_at: Timestamp,
    ) -> Option<Self> {
        let public_key: [u8; 32] = signer.public_key().try_into().ok()?;
        let origin = origin(&public_key, source);
        let text = format!("{origin}\n{size}\n{}\n{SIGNED_AT}{signed_at}\n", STANDARD.encode(root));
        let signature = signer.sign(text.as_bytes());
        let signature = STANDARD.encode([&key_id(&origin, &public_key)[..], &signature].concat());
        let note = format!("{text}\n{DASH}{origin} {signature}\n");
        Some(Self { origin, size, root, signed_at, note })
    }

    /// Reads a signed head, and verifies that the key has signed it. Signatures of others are passed
    /// over.
    ///
    /// # Errors
    /// [`HeadError`] unless it is one, of a log of this key.
    pub fn open(note: &str, public_key: &[u8; 32]) -> Result<Self, HeadError> {
        if note.len() > MAX_NOTE {
            return Err(HeadError::TooLong(note.len()));
        }
        if note.contains(|character: char| character < ' ' && character != '\n') {
            return Err(HeadError::Form("it has control characters"));
        }
        // The last empty line divides what is signed from the signatures.
        let blank = note.rfind("\n\n").ok_or(HeadError::Form("it has no signature"))?;
        let (text, signatures) = (&note[..=blank], &note[blank + 2..]);
        let [named, size, root, signed_at] = text.lines().collect::<Vec<_>>()[..] else {
            return Err(HeadError::Form("it does not have the four lines of a tree head"));
        };
        verify_signatures(text, signatures, named, public_key)?;
        let source = named.rsplit('/').next().unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let named_plainly = !source.is_empty() && source.bytes().all(plain);
        if !named_plainly || named != origin(public_key, source) {
            return Err(HeadError::Origin { origin: named.to_owned() });
        }
        let signed_at = signed_at.strip_prefix(SIGNED_AT).and_then(|text| text.parse().ok());
        Ok(Self {
            origin: named.to_owned(),
            size: read_size(size)
                .ok_or(HeadError::Form("its second line is no number of events"))?,
            root: STANDARD
                .decode(root)
                .ok()
                .and_then(|root| root.try_into().ok())
                .ok_or(HeadError::Form("its third line is no hash"))?,
            signed_at: signed_at.ok_or(HeadError::Form("it does not say when it was signed"))?,
            note: note.to_owned(),
        })
    }

    /// Which log it is of ([`origin`]).
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many events it is of, the first ones of the log.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root over them.
    pub fn root(&self) -> &Hash {
        &self.root
    }

    /// When it was signed, by the clock of who signed it.
    pub fn signed_at(&self) -> Timestamp {
        self.signed_at
    }

    /// The text with its signatures, which is the content of a file.
    pub fn note(&self) -> &str {
        &self.note
    }
}

/// Decimal digits without leading zeros, of a number that a position can have.
fn read_size(text: &str) -> Option<u64> {
    let size: i64 = text.parse().ok()?;
    (size >= 0 && size.to_string() == text).then_some(size.unsigned_abs())
}

/// Every signature that claims to be of the key must be, and one must be there.
fn verify_signatures(
    text: &str,
    signatures: &str,
    name: &str,
    public_key: &[u8; 32],
) -> Result<(), HeadError> {
    if !signatures.ends_with('\n') {
        return Err(HeadError::Form("its last line is cut off"));
    }
    let id = key_id(name, public_key);
    let mut signed = false;
    for line in signatures.lines() {
        let parts = line.strip_prefix(DASH).and_then(|line| line.split_once(' '));
        let (by, signature) = parts.ok_or(HeadError::Form("a line is no signature"))?;
        let decoded = STANDARD.decode(signature).ok();
        let decoded = decoded.ok_or(HeadError::Form("a signature is not base64"))?;
        let (of, signature) =
            decoded.split_first_chunk::<4>().ok_or(HeadError::Form("a signature has no key id"))?;
        if by != name || *of != id {
            continue;
        }
        if !verify_signature(public_key, text.as_bytes(), signature) {
            return Err(HeadError::Signature);
        }
        signed = true;
    }
    if signed { Ok(()) } else { Err(HeadError::Unsigned) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ed25519Signer;

    fn signer(seed: u8) -> (Ed25519Signer, [u8; 32]) {
        let signer = Ed25519Signer::from_seed(&[seed; 32]).unwrap();
        let key = signer.public_key().try_into().unwrap();
        (signer, key)
    }

    fn head() -> (SignedTreeHead, [u8; 32]) {
        let (signer, key) = signer(1);
        let now = Timestamp::from_micros(1_700_000_000_000_001);
        (SignedTreeHead::sign(&signer, "bank", 4711, [9; 32], now).unwrap(), key)
    }

    /// From the documentation of the Go package that introduced signed notes.
    #[test]
    fn the_signatures_are_those_of_signed_notes() {
        let (name, key) = ("PeterNeumann", "ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
        let key: [u8; 32] = STANDARD.decode(key).unwrap()[1..].try_into().unwrap();
        assert_eq!(hex::encode(key_id(name, &key)), "c74f20a3");
        let text = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n";
        let signature = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1\
                         FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        verify_signatures(text, signature, name, &key).unwrap();
        let changed = text.replace("don't", "do");
        assert_eq!(verify_signatures(&changed, signature, name, &key), Err(HeadError::Signature));
    }

    #[test]
    fn a_signed_head_opens_with_its_key_alone() {
        let (head, key) = head();
        assert_eq!(SignedTreeHead::open(head.note(), &key).unwrap(), head);
        assert_eq!((head.size(), head.origin()), (4711, origin(&key, "bank").as_str()));
        let verifier = verifier_key(&key, "bank");
        let [name, id, _] = verifier.split('+').collect::<Vec<_>>()[..] else {
            panic!("{verifier}")
        };
        assert_eq!((name, id), (head.origin(), hex::encode(key_id(name, &key)).as_str()));
        let (_, other) = signer(2);
        assert_eq!(SignedTreeHead::open(head.note(), &other), Err(HeadError::Unsigned));
        // A witness has signed it, too.
        let witnessed = format!("{}\u{2014} witness AAAAAGZvbw==\n", head.note());
        assert_eq!(SignedTreeHead::open(&witnessed, &key).unwrap().root(), head.root());
    }

    #[test]
    fn a_head_of_any_other_bytes_is_refused() {
        let (head, key) = head();
        let note = head.note();
        for length in (0..note.len()).filter(|length| note.is_char_boundary(*length)) {
            assert!(SignedTreeHead::open(&note[..length], &key).is_err(), "{length}");
        }
        for at in 0..note.len() {
            for bit in 0..8 {
                let mut changed = note.as_bytes().to_vec();
                changed[at] ^= 1 << bit;
                let Ok(changed) = String::from_utf8(changed) else { continue };
                assert!(SignedTreeHead::open(&changed, &key).is_err(), "{changed}");
            }
        }
        for added in ["\n", "\n\n", "x", "\u{2014} a b\n", "\u{2014} a AAAA\n", "\0"] {
            assert!(SignedTreeHead::open(&format!("{note}{added}"), &key).is_err(), "{added:?}");
        }
        let long = format!("{note}{}", "\u{2014} witness AAAAAGZvbw==\n".repeat(3_000));
        assert_eq!(SignedTreeHead::open(&long, &key), Err(HeadError::TooLong(long.len())));
    }

    #[test]
    fn what_the_key_signed_must_be_a_head_of_its_logs() {
        let (signer, key) = signer(1);
        let open = |text: &str| {
            let name = text.lines().next().unwrap();
            let signature = [&key_id(name, &key)[..], &signer.sign(text.as_bytes())].concat();
            let note = format!("{text}\n\u{2014} {name} {}\n", STANDARD.encode(signature));
            SignedTreeHead::open(&note, &key)
        };
        let (name, root) = (origin(&key, "bank"), STANDARD.encode([9; 32]));
        let at = "signed-at 2026-01-01T00:00:00.000000Z";
        assert_eq!(open(&format!("{name}\n0\n{root}\n{at}\n")).unwrap().size(), 0);
        assert!(matches!(
            open(&format!("studio/0011223344556677/bank\n1\n{root}\n{at}\n")),
            Err(HeadError::Origin { .. })
        ));
        for size in ["", "01", "-1", "+1", "1 ", "9223372036854775808", "one"] {
            assert!(open(&format!("{name}\n{size}\n{root}\n{at}\n")).is_err(), "{size}");
        }
        for text in [
            format!("{name}\n1\n{root}\n"),
            format!("{name}\n1\n{root}\n{at}\nmore\n"),
            format!("{name}\n1\n{root}\nsigned-at yesterday\n"),
            format!("{name}\n1\n{}\n{at}\n", STANDARD.encode([9; 31])),
            format!("{name}\n1\n{}\n{at}\n", hex::encode([9; 32])),
        ] {
            assert!(matches!(open(&text), Err(HeadError::Form(_))), "{text}");
        }
    }
}
