//! Characters from bytes: UTF-8, UTF-16 with a byte order mark, else Windows-1252.

use super::NoText;

/// Reads text of unknown encoding. A zero byte outside UTF-16 means that it is no text.
pub(super) fn decode(bytes: &[u8]) -> Result<String, NoText> {
    if let Some(rest) = bytes.strip_prefix(b"\xFF\xFE") {
        return Ok(utf16(rest, u16::from_le_bytes));
    }
    if let Some(rest) = bytes.strip_prefix(b"\xFE\xFF") {
        return Ok(utf16(rest, u16::from_be_bytes));
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if bytes.contains(&0) {
        return Err(NoText::Malformed("it holds zero bytes"));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Ok(bytes.iter().map(|byte| windows_1252(*byte)).collect()),
    }
}

fn utf16(bytes: &[u8], read: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| read([pair[0], pair[1]]));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// The upper half of Windows-1252 that differs from ISO 8859-1 (WHATWG Encoding, index).
fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž',
        '\u{8F}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}',
        'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9F => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_common_encodings() {
        for bytes in [
            "Schlüssel €".as_bytes(),
            b"\xEF\xBB\xBFSchl\xC3\xBCssel \xE2\x82\xAC",
            b"Schl\xFCssel \x80",
            b"\xFF\xFES\0c\0h\0l\0\xFC\0s\0s\0e\0l\0 \0\xAC\x20",
        ] {
            assert_eq!(decode(bytes).unwrap(), "Schlüssel €");
        }
    }

    #[test]
    fn refuses_binaries_and_survives_halves() {
        assert!(decode(b"\x7FELF\0\0").is_err());
        assert_eq!(decode(b"\xFF\xFE\x00\xD8\x41").unwrap(), "\u{FFFD}");
        assert_eq!(decode(b"").unwrap(), "");
    }
}
