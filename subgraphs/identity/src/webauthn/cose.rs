//! Public keys as authenticators give them: COSE_Key (RFC 9052, section 7) of three algorithms (RFC 9053,
//! sections 2.1 and 2.2; RFC 8812, section 2), and the signatures that they check.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents,
};

use super::{
    Refused,
    cbor::{self, Item},
};

/// The COSE numbers of what is taken, the best first.
pub(super) const ALGORITHMS: [i64; 3] = [EDDSA, ES256, RS256];
const ES256: i64 = -7;
const EDDSA: i64 = -8;
const RS256: i64 = -257;

/// Labels of a key (RFC 9052, section 7.1; RFC 9053, section 7; RFC 8230, section 4).
const KTY: i64 = 1;
const ALG: i64 = 3;
const CRV: i64 = -1;
const X: i64 = -2;
const Y: i64 = -3;
const N: i64 = -1;
const E: i64 = -2;
/// Values of them.
const OKP: i64 = 1;
const EC2: i64 = 2;
const RSA: i64 = 3;
const P256: i64 = 1;
const CURVE_25519: i64 = 6;

/// Bytes of the modulus of an RSA key: 2048 to 4096 bits. Larger ones keep the server busy.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=512;

/// A public key.
pub struct PublicKey {
    algorithm: i64,
    key: ParsedPublicKey,
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.algorithm)
    }
}

impl PublicKey {
    /// Reads a COSE_Key.
    ///
    /// # Errors
    /// [`Refused::Algorithm`] and [`Refused::Key`].
    pub fn read(bytes: &[u8]) -> Result<Self, Refused> {
        Self::of(&cbor::whole(bytes)?)
    }

    pub(super) fn of(item: &Item<'_>) -> Result<Self, Refused> {
        let number = |label| item.at_number(label).and_then(Item::integer).ok_or(Refused::Key);
        let bytes = |label| item.at_number(label).and_then(Item::bytes).ok_or(Refused::Key);
        // A coordinate has as many bytes as the field, with its zeros.
        let coordinate = |label| bytes(label)?.try_into().map_err(|_| Refused::Key);
        let (kind, algorithm) = (number(KTY)?, number(ALG)?);
        let key = match algorithm {
            ES256 if kind == EC2 && number(CRV)? == P256 => {
                let (x, y): ([u8; 32], [u8; 32]) = (coordinate(X)?, coordinate(Y)?);
                // SEC 1, section 2.3.3: not compressed. Whether it is on the curve is checked there.
                let point = [&[4][..], &x, &y].concat();
                ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
            }
            EDDSA if kind == OKP && number(CRV)? == CURVE_25519 => {
                let x: [u8; 32] = coordinate(X)?;
                ParsedPublicKey::new(&ED25519, x)
            }
            RS256 if kind == RSA => {
                let (n, e) = (bytes(N)?, bytes(E)?);
                let odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
                let small = e.len() <= 4 && e != [1];
                if !MODULUS.contains(&n.len()) || !small || !odd(n) || !odd(e) {
                    return Err(Refused::Key);
                }
                RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            }
            ES256 | EDDSA | RS256 => return Err(Refused::Key),
            other => return Err(Refused::Algorithm(other)),
        };
        let key = key.map_err(|_| Refused::Key)?;
        Ok(Self { algorithm, key })
    }

    /// The COSE number of its algorithm.
    pub(super) fn algorithm(&self) -> i64 {
        self.algorithm
    }

    /// Whether the signature over the message is this key's (section 6.5.5 for its form).
    ///
    /// # Errors
    /// [`Refused::Signature`].
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Refused> {
        self.key.verify_sig(message, signature).map_err(|_| Refused::Signature)
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        rand::SystemRandom,
        rsa::KeySize,
        signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
    };

    use super::*;

    /// A COSE_Key of RS256.
    fn rsa(n: &[u8], e: &[u8]) -> Vec<u8> {
        let length = u16::try_from(n.len()).unwrap().to_be_bytes();
        let short = [0x40 + u8::try_from(e.len()).unwrap()];
        [b"\xA4\x01\x03\x03\x39\x01\x00\x20\x59", &length[..], n, b"\x21", &short, e].concat()
    }

    #[test]
    fn rsa_keys_check_signatures_and_have_a_size() {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        // RSAPublicKey (RFC 8017, appendix A.1.1): a modulus of 2048 bits has a zero before it.
        let der = pair.public_key().as_ref();
        let (n, e) = (&der[9..265], &der[267..]);
        assert_eq!((der[8], e), (0, &[1, 0, 1][..]));
        let key = PublicKey::read(&rsa(n, e)).unwrap();
        let mut signature = vec![0; 256];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), b"message", &mut signature).unwrap();
        assert_eq!(key.verify(b"message", &signature), Ok(()));
        assert_eq!(key.verify(b"another", &signature), Err(Refused::Signature));
        signature[7] ^= 1;
        assert_eq!(key.verify(b"message", &signature), Err(Refused::Signature));

        let even = [&n[..255], &[n[255] & 0xFE]].concat();
        let large = [n, n, &[1]].concat();
        let padded = [&[0][..], &n[..255]].concat();
        for (n, e) in [
            (&n[1..], e),
            (&large[..], e),
            (&padded[..], e),
            (&even[..], e),
            (n, &[1][..]),
            (n, &[2][..]),
            (n, &[][..]),
            (n, &[1, 0, 0, 0, 1][..]),
        ] {
            let bytes = rsa(n, e);
            assert_eq!(PublicKey::read(&bytes).unwrap_err(), Refused::Key, "{} {e:?}", n.len());
        }
    }

    #[test]
    fn a_key_is_of_the_kind_that_it_says() {
        let pair = aws_lc_rs::signature::Ed25519KeyPair::generate().unwrap();
        let key = pair.public_key().as_ref();
        let cose = |head: &[u8]| [head, key].concat();
        let good = PublicKey::read(&cose(b"\xA4\x01\x01\x03\x27\x20\x06\x21\x58\x20")).unwrap();
        assert_eq!(good.verify(b"message", pair.sign(b"message").as_ref()), Ok(()));
        for (head, refused) in [
            // ES256 with the kind of another, EdDSA on another curve, ECDH, none.
            (&b"\xA4\x01\x01\x03\x26\x20\x06\x21\x58\x20"[..], Refused::Key),
            (b"\xA4\x01\x01\x03\x27\x20\x04\x21\x58\x20", Refused::Key),
            (b"\xA4\x01\x01\x03\x38\x18\x20\x06\x21\x58\x20", Refused::Algorithm(-25)),
            (b"\xA3\x01\x01\x20\x06\x21\x58\x20", Refused::Key),
        ] {
            assert_eq!(PublicKey::read(&cose(head)).unwrap_err(), refused, "{head:x?}");
        }
    }
}
