//! What the authenticator signs (section 6.1): for whom, whether somebody was there and was recognised,
//! its counter, and at a registration the new credential.

use super::{LONGEST_ID, Refused, RelyingParty, cbor, same};

/// Flags (section 6.1).
const PRESENT: u8 = 1;
const VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const CREDENTIAL: u8 = 1 << 6;
const EXTENSIONS: u8 = 1 << 7;

/// Authenticator data, taken apart.
#[derive(Debug)]
pub(super) struct AuthenticatorData<'a> {
    party: &'a [u8],
    flags: u8,
    /// The signature counter; 0 where none is kept.
    pub(super) sign_count: u32,
    /// The new credential, at a registration.
    pub(super) credential: Option<Attested<'a>>,
}

/// Attested credential data (section 6.5.2).
#[derive(Debug)]
pub(super) struct Attested<'a> {
    pub(super) id: &'a [u8],
    /// The COSE_Key, as it is.
    pub(super) key: &'a [u8],
}

const CUT_OFF: Refused = Refused::Malformed("it ends too early");

impl<'a> AuthenticatorData<'a> {
    /// Takes the bytes apart, every one of them.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Refused> {
        let (party, rest) = bytes.split_at_checked(32).ok_or(CUT_OFF)?;
        let (&[flags], rest) = rest.split_first_chunk::<1>().ok_or(CUT_OFF)?;
        let (count, mut rest) = rest.split_first_chunk::<4>().ok_or(CUT_OFF)?;
        let mut credential = None;
        if flags & CREDENTIAL != 0 {
            let (attested, after) = Attested::read(rest)?;
            (credential, rest) = (Some(attested), after);
        }
        if flags & EXTENSIONS != 0 {
            let (extensions, after) = cbor::first(rest)?;
            if !matches!(extensions, cbor::Item::Map(_)) {
                return Err(Refused::Malformed("its extensions are no map"));
            }
            rest = after;
        }
        if !rest.is_empty() {
            return Err(Refused::Malformed("there is something after its end"));
        }
        Ok(Self { party, flags, sign_count: u32::from_be_bytes(*count), credential })
    }

    /// Whether it is for this server, and of somebody who was there and was recognised (section 7.1,
    /// steps 13 to 16; section 7.2, steps 15 to 18).
    pub(super) fn check(&self, party: &RelyingParty) -> Result<(), Refused> {
        if !same(self.party, &party.id_hash) {
            return Err(Refused::RelyingParty);
        }
        if self.flags & PRESENT == 0 {
            return Err(Refused::NotPresent);
        }
        if self.flags & VERIFIED == 0 {
            return Err(Refused::NotVerified);
        }
        if self.flags & BACKED_UP != 0 && self.flags & BACKUP_ELIGIBLE == 0 {
            return Err(Refused::Malformed("it is backed up and cannot be"));
        }
        Ok(())
    }
}

impl<'a> Attested<'a> {
    fn read(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Refused> {
        // The AAGUID, which says of what make it is: nobody asks.
        let (_, rest) = bytes.split_first_chunk::<16>().ok_or(CUT_OFF)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or(CUT_OFF)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if length == 0 || length > LONGEST_ID {
            return Err(Refused::Malformed("a credential id has 1 to 1023 bytes"));
        }
        let (id, rest) = rest.split_at_checked(length).ok_or(CUT_OFF)?;
        let (_, after) = cbor::first(rest)?;
        let key = &rest[..rest.len() - after.len()];
        Ok((Self { id, key }, after))
    }
}
