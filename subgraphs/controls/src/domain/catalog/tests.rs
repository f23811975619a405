use super::*;

const LIMIT: usize = 64 * 1024 * 1024;

fn data(name: &str) -> Option<String> {
    let Ok(directory) = std::env::var("STUDIO_TEST_DATA") else {
        println!("skipped: set STUDIO_TEST_DATA to the folder with the OSCAL files");
        return None;
    };
    Some(std::fs::read_to_string(std::path::Path::new(&directory).join(name)).unwrap())
}

fn refused(document: &str) -> String {
    read(document, LIMIT).unwrap_err().to_string()
}

/// A minimal OSCAL catalog with these controls.
fn oscal(controls: &str) -> String {
    format!(
        r#"{{"catalog": {{"uuid": "x", "metadata": {{"title": "T", "version": "1",
           "oscal-version": "1.1.2", "last-modified": "2024-01-01T00:00:00Z"}},
           "groups": [{{"id": "g", "title": "G", "controls": {controls}}}]}}}}"#
    )
}

#[test]
fn the_published_baselines_read_whole() {
    for (file, count) in [("low", 149), ("moderate", 287)] {
        let Some(text) = data(&format!("nist-800-53-r5-{file}-baseline.oscal.json")) else {
            return;
        };
        let catalog = read(&text, LIMIT).unwrap();
        assert_eq!(catalog.requirements.len(), count, "{file}");
        assert_eq!((catalog.family.as_str(), catalog.edition.as_str()), ("nist-800-53", "5"));
        let find = |code: &str| catalog.requirements.iter().find(|r| r.code == code).unwrap();
        let accounts = find("ac-2");
        assert_eq!((accounts.label.as_str(), accounts.group.as_str()), ("AC-2", "Access Control"));
        assert!(accounts.parts.contains(&"d.1".to_owned()), "{:?}", accounts.parts);
        assert!(accounts.text.contains("\n  1. "), "{}", accounts.text);
        for requirement in &catalog.requirements {
            assert!(!requirement.text.contains("{{"), "{}: {}", requirement.code, requirement.text);
            assert!(!requirement.text.is_empty(), "{}", requirement.code);
        }
        if file == "moderate" {
            assert_eq!(find("ac-2.1").label, "AC-2(1)");
        }
    }
}

#[test]
fn what_ships_reads() {
    for (id, family, edition, count) in
        [("soc2", "soc2", "2017", 61), ("iso27001-2022", "iso27001", "2022", 93)]
    {
        let catalog = read(shipped(id).unwrap().document, LIMIT).unwrap();
        assert_eq!((&*catalog.family, &*catalog.edition), (family, edition));
        assert_eq!(catalog.requirements.len(), count);
    }
    assert!(shipped("nist").is_none());
}

#[test]
fn errors_name_the_place_and_what_to_do() {
    let nested = (0..40).fold("[]".to_owned(), |inner, n| {
        format!(r#"[{{"id": "c{n}", "title": "t", "controls": {inner}}}]"#)
    });
    for (document, expected) in [
        (String::new(), "ends too early"),
        ("[]".to_owned(), "at the top: invalid type: sequence"),
        ("{}".to_owned(), "neither \"catalog\""),
        (
            r#"{"profile": {}}"#.to_owned(),
            "/profile: this is an OSCAL profile, not a catalog; resolve it",
        ),
        (r#"{"catalog": []}"#.to_owned(), "/catalog"),
        (oscal("[]"), "there is no requirement"),
        (oscal(r#"[{"title": "t"}]"#), "/catalog/groups/0/controls/0: missing field `id`"),
        (oscal(r#"[{"id": "a b", "title": "t"}]"#), "/catalog/groups/0/controls/0/id"),
        (oscal(r#"[{"id": 7, "title": "t"}]"#), "/catalog/groups/0/controls/0: invalid type"),
        (oscal(r#"[{"id": "a", "title": ""}]"#), "/controls/0/title: the text is empty"),
        (oscal(r#"[{"id": "a", "title": "t"}, {"id": "A", "title": "t"}]"#), "occurs twice"),
        (
            oscal(r#"[{"id": "a", "title": "t", "parts": [{"name": "statement", "parts": [7]}]}]"#),
            "/catalog/groups/0/controls/0/parts/0/parts/0: invalid type",
        ),
        (oscal(&nested), "levels deep"),
        (
            oscal(r#"[{"id": "a", "title": "t"}]"#).replace("1.1.2", "0.9"),
            "/catalog/metadata/oscal-version",
        ),
        (
            r#"{"format": "studio-catalog/2"}"#.to_owned(),
            "/format: \"studio-catalog/2\" is no format",
        ),
        (r#"{"format": "studio-catalog/1", "wieght": 1}"#.to_owned(), "unknown field `wieght`"),
    ] {
        let message = refused(&document);
        assert!(message.contains(expected), "{message}\n  should hold: {expected}");
        assert!(message.contains(';') || message.contains("too early"), "no advice: {message}");
    }
}

#[test]
fn a_document_cut_anywhere_is_refused() {
    let whole = shipped("soc2").unwrap().document;
    for length in (0..whole.len() - 2).step_by(97).filter(|n| whole.is_char_boundary(*n)) {
        assert!(read(&whole[..length], LIMIT).is_err(), "cut at {length}");
    }
    let whole =
        oscal(r#"[{"id": "a", "title": "t", "parts": [{"name": "statement", "prose": "p"}]}]"#);
    assert!(read(&whole, LIMIT).is_ok());
    for length in 0..whole.len() - 1 {
        assert!(read(&whole[..length], LIMIT).is_err(), "cut at {length}");
    }
}

#[test]
fn a_document_over_the_limit_is_refused_unread() {
    assert_eq!(read("{}      ", 4), Err(CatalogError::TooLarge { size: 8, limit: 4 }));
}

#[test]
fn withdrawn_controls_are_left_out_and_statements_are_text() {
    let document = oscal(
        r#"[{"id": "a-1", "title": "Gone", "props": [{"name": "status", "value": "withdrawn"}]},
           {"id": "a-2", "title": "Here", "params": [{"id": "p1", "label": "a person"}],
            "props": [{"name": "label", "value": "A-2"}],
            "parts": [{"name": "statement", "prose": "Do:", "parts": [
              {"name": "item", "props": [{"name": "label", "value": "a."}],
               "prose": "ask {{ insert: param, p1 }};"}]},
              {"name": "guidance", "prose": "no"}]}]"#,
    );
    let catalog = read(&document, LIMIT).unwrap();
    assert_eq!(catalog.requirements.len(), 1);
    let requirement = &catalog.requirements[0];
    assert_eq!(requirement.text, "Do:\na. ask [a person];");
    assert_eq!(requirement.parts, ["a"]);
    assert_eq!(requirement.label, "A-2");
}
