//! The text of a Word document (ECMA-376, part 1: WordprocessingML in a ZIP package). Only
//! `word/document.xml` is unpacked, and no more of it than the limit. Nothing in it is resolved:
//! no external entity, no link, no other part.

use std::io::{BufReader, Cursor, Read};

use quick_xml::{
    Reader,
    events::{BytesRef, Event},
};

use super::NoText;

/// Paragraphs as lines; tabs and breaks as such.
pub(super) fn text(bytes: &[u8], most: usize) -> Result<String, NoText> {
    let malformed = |_| NoText::Malformed("the package does not read");
    let mut package = zip::ZipArchive::new(Cursor::new(bytes)).map_err(malformed)?;
    let part = package
        .by_name("word/document.xml")
        .map_err(|_| NoText::Malformed("the package holds no word/document.xml"))?;
    // XML is many times its text; the limit on both keeps a bomb from filling the memory.
    let limit = most as u64 * 4;
    let mut reader = Reader::from_reader(BufReader::new(part.take(limit)));
    let (mut text, mut buffer, mut within) = (String::new(), Vec::new(), false);
    loop {
        let event = reader
            .read_event_into(&mut buffer)
            .map_err(|_| NoText::Malformed("word/document.xml does not read"))?;
        match event {
            Event::Start(tag) if tag.local_name().as_ref() == b"t" => within = true,
            Event::End(tag) => match tag.local_name().as_ref() {
                b"t" => within = false,
                b"p" => text.push('\n'),
                _ => {}
            },
            Event::Empty(tag) => match tag.local_name().as_ref() {
                b"tab" => text.push('\t'),
                b"br" | b"cr" | b"p" => text.push('\n'),
                _ => {}
            },
            Event::Text(words) if within => {
                let words = words.decode().map_err(|_| NoText::Malformed("it is not UTF-8"))?;
                text.push_str(&words);
            }
            Event::GeneralRef(name) if within => text.extend(reference(&name)),
            Event::Eof => break,
            _ => {}
        }
        if text.len() > most {
            return Err(NoText::TooLarge);
        }
        buffer.clear();
    }
    if reader.buffer_position() >= limit {
        return Err(NoText::TooLarge);
    }
    Ok(text)
}

/// The character behind a reference: the five of XML, or a number. A document defines no others.
fn reference(name: &BytesRef<'_>) -> Option<char> {
    if let Ok(Some(c)) = name.resolve_char_ref() {
        return Some(c);
    }
    match &**name {
        b"amp" => Some('&'),
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"quot" => Some('"'),
        b"apos" => Some('\''),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn package(part: &str, xml: &[u8]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        writer.start_file(part, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(xml).unwrap();
        writer.finish().unwrap().into_inner()
    }

    const XML: &str = "<?xml version=\"1.0\"?><w:document xmlns:w=\"w\"><w:body>\
        <w:p><w:r><w:t>Keys &amp; tokens</w:t></w:r><w:r><w:tab/><w:t>90 days</w:t></w:r></w:p>\
        <w:p><w:pPr>not text</w:pPr><w:r><w:t>&#xFC;ber</w:t></w:r></w:p></w:body></w:document>";

    #[test]
    fn reads_paragraphs() {
        let bytes = package("word/document.xml", XML.as_bytes());
        assert_eq!(text(&bytes, 1000).unwrap(), "Keys & tokens\t90 days\nüber\n");
    }

    #[test]
    fn refuses_what_is_broken() {
        let whole = package("word/document.xml", XML.as_bytes());
        for broken in [
            b"".to_vec(),
            b"PK\x03\x04".to_vec(),
            whole[..whole.len() / 2].to_vec(),
            package("word/other.xml", XML.as_bytes()),
            package("word/document.xml", b"<w:p><w:t>a</w:x>"),
        ] {
            assert!(matches!(text(&broken, 1000), Err(NoText::Malformed(_))));
        }
    }

    #[test]
    fn a_bomb_is_not_unpacked() {
        let xml = format!("<w:t>{}</w:t>", "a".repeat(10_000_000));
        let bytes = package("word/document.xml", xml.as_bytes());
        assert!(bytes.len() < 20_000);
        assert!(text(&bytes, 100_000).is_err());
        let spaces = format!("<w:p>{}</w:p>", " ".repeat(10_000_000));
        let bytes = package("word/document.xml", spaces.as_bytes());
        assert!(text(&bytes, 100_000).is_err());
    }
}
