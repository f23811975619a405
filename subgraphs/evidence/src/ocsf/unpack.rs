//! Unpacks gzip where a file begins with gzip's magic bytes (RFC 1952, section 2.3.1), counts the
//! bytes, and stops at the limit and at a ratio that no scan has.

use std::{
    fmt,
    io::{self, BufRead, BufReader, Read},
};

use flate2::bufread::MultiGzDecoder;

use super::StructureError;

const MAGIC: [u8; 2] = [0x1F, 0x8B];
/// Indented OCSF packs at up to about 100 to 1; gzip cannot pass 1032 to 1.
const MAX_RATIO: u64 = 500;
/// The ratio is looked at from here on: a small file of spaces harms nobody.
const RATIO_FROM: u64 = 64 * 1024 * 1024;

/// The bytes of a scan, unpacked.
pub struct Unpack<R: Read> {
    inner: Inner<Counted<R>>,
    given: u64,
    limit: u64,
}

enum Inner<R: Read> {
    Plain(BufReader<R>),
    Packed(Box<MultiGzDecoder<BufReader<R>>>),
}

struct Counted<R> {
    source: R,
    taken: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.taken += read as u64;
        Ok(read)
    }
}

/// A [`StructureError`] on its way through [`Read`].
#[derive(Debug)]
struct Carried(StructureError);
impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl std::error::Error for Carried {}

fn carry(error: StructureError) -> io::Error {
    io::Error::other(Carried(error))
}

/// What an error of [`Unpack::read`] means for the file.
pub(super) fn structure_error(error: io::Error) -> StructureError {
    match error.downcast::<Carried>() {
        Ok(carried) => carried.0,
        Err(error) => StructureError::Read(error),
    }
}

/// Whether a file that begins with these bytes is gzip. One read may give a single byte: gzip is
/// known by the first, since no JSON begins so.
pub fn is_packed(first: &[u8]) -> bool {
    first.first() == Some(&MAGIC[0]) && first.get(1).is_none_or(|byte| *byte == MAGIC[1])
}

impl<R: Read> Unpack<R> {
    /// Looks at the first bytes of `source`; more than `limit` bytes after unpacking are an error.
    /// With `must_be_packed`, bytes that are no gzip are one too.
    ///
    /// # Errors
    /// When the source cannot be read, or is not packed and must be.
    pub fn new(source: R, limit: u64, must_be_packed: bool) -> Result<Self, StructureError> {
        let mut buffered = BufReader::with_capacity(64 * 1024, Counted { source, taken: 0 });
        let packed = is_packed(buffered.fill_buf().map_err(StructureError::Read)?);
        if must_be_packed && !packed {
            return Err(StructureError::Gzip(io::Error::other(
                "the request says Content-Encoding: gzip, and the body is not gzip",
            )));
        }
        let inner = if packed {
            Inner::Packed(Box::new(MultiGzDecoder::new(buffered)))
        } else {
            Inner::Plain(buffered)
        };
        Ok(Self { inner, given: 0, limit })
    }
}

impl<R: Read> Read for Unpack<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.inner {
            Inner::Plain(plain) => plain.read(buffer)?,
            Inner::Packed(packed) => {
                let read = packed.read(buffer).map_err(|error| match error.kind() {
                    io::ErrorKind::Interrupted => error,
                    io::ErrorKind::UnexpectedEof => carry(StructureError::Gzip(io::Error::other(
                        "it breaks off before its end",
                    ))),
                    io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                        carry(StructureError::Gzip(error))
                    }
                    _ => error,
                })?;
                let taken = packed.get_ref().get_ref().taken.max(1);
                if self.given > RATIO_FROM && self.given / taken > MAX_RATIO {
                    return Err(carry(StructureError::Bomb { ratio: MAX_RATIO }));
                }
                read
            }
        };
        self.given += read as u64;
        if self.given > self.limit {
            return Err(carry(StructureError::TooLarge { limit: self.limit }));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn pack(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn unpack(bytes: &[u8], limit: u64) -> Result<Vec<u8>, StructureError> {
        let mut out = Vec::new();
        Unpack::new(bytes, limit, false)?.read_to_end(&mut out).map_err(structure_error)?;
        Ok(out)
    }

    #[test]
    fn gives_back_packed_and_plain_bytes() {
        assert_eq!(unpack(b"[1]", 10).unwrap(), b"[1]");
        assert_eq!(unpack(&pack(b"[1]"), 10).unwrap(), b"[1]");
        let members = [pack(b"[1,"), pack(b"2]")].concat();
        assert_eq!(unpack(&members, 10).unwrap(), b"[1,2]");
    }

    #[test]
    fn refuses_broken_and_falsely_announced_gzip() {
        let whole = pack(&b"[{\"a\":1}]".repeat(1000));
        for broken in [&whole[..whole.len() / 2], &whole[..whole.len() - 3], b"\x1f\x8b", b"\x1f"] {
            assert!(matches!(unpack(broken, 1 << 20), Err(StructureError::Gzip(_))));
        }
        let mut flipped = whole.clone();
        let middle = whole.len() - 6;
        flipped[middle] ^= 0x55;
        assert!(matches!(unpack(&flipped, 1 << 20), Err(StructureError::Gzip(_))));
        let garbage = [whole.as_slice(), b"garbage"].concat();
        assert!(matches!(unpack(&garbage, 1 << 20), Err(StructureError::Gzip(_))));
        assert!(matches!(Unpack::new(&b"[]"[..], 10, true), Err(StructureError::Gzip(_))));
    }

    #[test]
    fn stops_at_the_limit_and_at_a_bomb() {
        assert!(matches!(unpack(b"12345", 4), Err(StructureError::TooLarge { limit: 4 })));
        assert!(matches!(unpack(&pack(b"12345"), 4), Err(StructureError::TooLarge { .. })));
        let bomb = pack(&vec![b' '; 70 << 20]);
        assert!(matches!(unpack(&bomb, u64::MAX), Err(StructureError::Bomb { .. })));
    }
}
