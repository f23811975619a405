//! The text that a reader of an HTML page sees, roughly: tags, comments, scripts and styles go,
//! block elements end a line, character references are resolved. One pass over the input; what
//! comes out is text and is never shown as HTML.

/// Elements whose content is not text for a reader.
const SKIPPED: [&str; 4] = ["script", "style", "template", "noscript"];

/// Elements that stand on lines of their own.
const BLOCKS: [&str; 36] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "br",
    "caption",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "title",
    "tr",
    "ul",
];

/// The text of a page.
pub(super) fn strip(page: &str) -> String {
    let mut text = Text(String::with_capacity(page.len() / 2));
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        text.push(&rest[..at]);
        rest = &rest[at..];
        rest = if let Some(comment) = rest.strip_prefix("<!--") {
            after(comment, "-->")
        } else {
            tag(rest, &mut text)
        };
    }
    text.push(rest);
    text.0.trim().to_owned()
}

/// Takes one tag off the front, and with it the content of an element that is skipped.
fn tag<'a>(rest: &'a str, text: &mut Text) -> &'a str {
    let inner = &rest[1..];
    let closing = inner.starts_with('/');
    let named = inner.strip_prefix('/').unwrap_or(inner);
    if !named.starts_with(|c: char| c.is_ascii_alphabetic() || c == '!' || c == '?') {
        // "<" that opens no tag is text (WHATWG HTML, tag open state).
        text.push("<");
        return inner;
    }
    let end = named.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(named.len());
    let name = named[..end].to_ascii_lowercase();
    let body = past_tag(named);
    if BLOCKS.contains(&name.as_str()) {
        text.line();
    } else if name == "td" || name == "th" {
        text.space();
    }
    if !closing && SKIPPED.contains(&name.as_str()) {
        return past_tag(from_end_tag(body, &name));
    }
    body
}

/// What follows the `>` that ends a tag; one within quotes does not end it.
fn past_tag(tag: &str) -> &str {
    let mut quote = None;
    for (at, byte) in tag.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return &tag[at + 1..],
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    ""
}

/// From the end tag of an element whose content is raw text.
fn from_end_tag<'a>(body: &'a str, name: &str) -> &'a str {
    let mut from = 0;
    while let Some(at) = body[from..].find("</") {
        let start = from + at;
        let found = body.as_bytes().get(start + 2..start + 2 + name.len());
        if found.is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes())) {
            return &body[start..];
        }
        from = start + 2;
    }
    ""
}

fn after<'a>(text: &'a str, end: &str) -> &'a str {
    text.find(end).map_or("", |at| &text[at + end.len()..])
}

/// Text in which white space is collapsed and lines stay lines.
struct Text(String);

impl Text {
    fn push(&mut self, raw: &str) {
        let mut rest = raw;
        while let Some(at) = rest.find('&') {
            self.words(&rest[..at]);
            rest = &rest[at..];
            match reference(rest) {
                Some((c, length)) => {
                    self.character(c);
                    rest = &rest[length..];
                }
                None => {
                    self.character('&');
                    rest = &rest[1..];
                }
            }
        }
        self.words(rest);
    }

    fn words(&mut self, text: &str) {
        for c in text.chars() {
            self.character(c);
        }
    }

    fn character(&mut self, c: char) {
        if c.is_whitespace() { self.space() } else { self.0.push(c) }
    }

    fn space(&mut self) {
        if !self.0.is_empty() && !self.0.ends_with([' ', '\n']) {
            self.0.push(' ');
        }
    }

    fn line(&mut self) {
        if self.0.ends_with(' ') {
            self.0.pop();
        }
        if !self.0.is_empty() && !self.0.ends_with('\n') {
            self.0.push('\n');
        }
    }
}

/// The character reference at the front, and its length. Names that prose uses; the others stay
/// as they are written.
fn reference(text: &str) -> Option<(char, usize)> {
    let end = text.bytes().take(12).position(|byte| byte == b';')?;
    let name = &text[1..end];
    let c = if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => number.parse().ok()?,
        };
        char::from_u32(code).filter(|c| !c.is_control() || c.is_whitespace())?
    } else {
        match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            "nbsp" => ' ',
            "ndash" => '–',
            "mdash" => '—',
            "hellip" => '…',
            "lsquo" => '‘',
            "rsquo" => '’',
            "ldquo" => '“',
            "rdquo" => '”',
            "bull" => '•',
            "copy" => '©',
            "reg" => '®',
            "sect" => '§',
            "auml" => 'ä',
            "ouml" => 'ö',
            "uuml" => 'ü',
            "Auml" => 'Ä',
            "Ouml" => 'Ö',
            "Uuml" => 'Ü',
            "szlig" => 'ß',
            "eacute" => 'é',
            "euro" => '€',
            _ => return None,
        }
    };
    Some((c, end + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn leaves_what_a_reader_sees() {
        let page = "<!doctype html><html><head><title>Access &amp; keys</title>\
            <style>p { color: red }</style></head><body><h1>Policy</h1>\
            <p>Keys are <b>rotated</b>\n every&nbsp;90 days.</p><!-- <p>secret</p> -->\
            <script>if (1 < 2) { alert('</p>') }</SCRIPT >\
            <ul><li>one<li>two</ul><a title=\"a > b\" href=x>link</a> 1 < 2 &bogus; &#8364;\
            </body>";
        assert_eq!(
            strip(page),
            "Access & keys\nPolicy\nKeys are rotated every 90 days.\none\ntwo\n\
             link 1 < 2 &bogus; €"
        );
    }

    #[test]
    fn what_is_cut_off_ends() {
        for (page, text) in [
            ("", ""),
            ("<", "<"),
            ("a <b", "a"),
            ("a <!-- b", "a"),
            ("a <script> b", "a"),
            ("a <p title='b", "a"),
            ("&", "&"),
            ("&#x110000;&#0;", "&#x110000;&#0;"),
            ("</", "</"),
        ] {
            assert_eq!(strip(page), text, "{page}");
        }
    }

    const PARTS: &[&str] = &[
        "<",
        ">",
        "/",
        "!",
        "<!--",
        "-->",
        "&",
        "#",
        ";",
        "x41",
        "amp",
        "script",
        "</script",
        "p",
        "td",
        "\"",
        "'",
        "ä",
        "\u{10FFFF}",
        " ",
        "\n",
        "</",
        "?",
    ];

    proptest! {
        #[test]
        fn never_panics(parts in prop::collection::vec(prop::sample::select(PARTS), 0..60)) {
            let page = parts.concat();
            prop_assert!(strip(&page).len() <= 2 * page.len());
        }
    }
}
