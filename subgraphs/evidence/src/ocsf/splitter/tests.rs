use super::*;

/// Gives its bytes a few at a time.
struct Drip<'a>(&'a [u8], usize);
impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(self.0.len()).min(buffer.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

/// Where an item begins, and the item.
type Placed = (u64, Result<String, Oversize>);

fn split(text: &[u8], step: usize) -> Result<Vec<Placed>, String> {
    let mut splitter = Splitter::new(Drip(text, step), 40);
    let mut found = Vec::new();
    while let Some(piece) = splitter.next_piece().map_err(|error| error.to_string())? {
        assert_eq!(piece.index, found.len() as u64);
        let bytes = piece.bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        found.push((piece.offset, bytes));
    }
    Ok(found)
}

#[test]
fn gives_each_item_with_its_place() {
    let text = br#" [ {"a":"]},{\"\\"} , [1,[2]],3 ,"x,]", null] "#;
    for step in [1, 2, 3, 7, 1000] {
        let found = split(text, step).unwrap();
        let items: Vec<_> = found.iter().map(|(_, item)| item.as_deref().unwrap()).collect();
        assert_eq!(items, [r#"{"a":"]},{\"\\"}"#, "[1,[2]]", "3", r#""x,]""#, "null"]);
        for (offset, item) in &found {
            let offset = usize::try_from(*offset).unwrap();
            assert!(text[offset..].starts_with(item.as_ref().unwrap().as_bytes()));
        }
    }
}

#[test]
fn reads_lines_and_a_byte_order_mark() {
    assert_eq!(split(b"{\"a\":1}\n{\"a\":2}\r\n\n", 1).unwrap().len(), 2);
    assert_eq!(split(b"\xEF\xBB\xBF[{}]", 1).unwrap().len(), 1);
    assert!(split(b"[]", 1).unwrap().is_empty());
}

#[test]
fn passes_over_what_is_too_large_or_too_deep() {
    let deep = format!("{}1{}", "[".repeat(70), "]".repeat(70));
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(60));
    for step in [1, 1000] {
        let text = format!("[{large},{{}},{}]", deep.replace('1', ""));
        let found = split(text.as_bytes(), step).unwrap();
        assert_eq!(found[0].1, Err(Oversize::Bytes));
        assert_eq!(found[1].1.as_deref(), Ok("{}"));
    }
    let text = format!("[{deep}]");
    let mut splitter = Splitter::new(text.as_bytes(), 1000);
    assert_eq!(splitter.next_piece().unwrap().unwrap().bytes, Err(Oversize::Depth));
    assert_eq!(splitter.next_piece().unwrap(), None);
}

#[test]
fn names_what_is_wrong_with_the_whole() {
    for (text, expected) in [
        ("", "empty"),
        ("  \n", "empty"),
        ("hello", "begins with \"h\""),
        ("\u{1f}", "0x1F"),
        ("[", "breaks off at byte 1"),
        ("[{}", "breaks off at byte 3, within item 1"),
        ("[{},", "breaks off"),
        ("[{\"a\":\"", "within item 0"),
        ("[12", "breaks off"),
        ("[{}] x", "follows the end of the array, at byte 5"),
        ("[{}][{}]", "follows"),
        ("[{} {}]", "a comma"),
        ("[,{}]", "an item was expected"),
        ("[{},]", "an item was expected"),
        ("[{\"a\":1]]", "a bracket closes"),
        ("{} 7", "each line"),
    ] {
        for step in [1, 1000] {
            let error = split(text.as_bytes(), step).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn never_panics_and_does_not_depend_on_the_chunks(
        bytes in proptest::collection::vec(
            proptest::sample::select(b"[]{}\",:\\ \n1ax\xEF\xBB\xBF".to_vec()), 0..200),
        step in 1_usize..50,
    ) {
        let whole = split(&bytes, usize::MAX);
        proptest::prop_assert_eq!(split(&bytes, step), whole);
    }

    #[test]
    fn gives_back_any_array(values in proptest::collection::vec(".{0,30}", 0..20)) {
        let text = serde_json::to_string_pretty(
            &values.iter().map(|value| serde_json::json!({"v": value})).collect::<Vec<_>>(),
        ).unwrap();
        let mut splitter = Splitter::new(Drip(text.as_bytes(), 5), 1000);
        let mut found = Vec::new();
        while let Some(piece) = splitter.next_piece().unwrap() {
            let value: serde_json::Value = serde_json::from_slice(piece.bytes.unwrap()).unwrap();
            found.push(value["v"].as_str().unwrap().to_owned());
        }
        proptest::prop_assert_eq!(found, values);
    }
}
