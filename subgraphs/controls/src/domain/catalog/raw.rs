//! Reading JSON level by level, so that an error can name its place and nothing that is not needed
//! is built in memory: each level is read with its children left as raw text.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::CatalogError;

/// The fields of an object, unread.
pub(crate) fn object<'a>(
    text: &'a str,
    pointer: &str,
) -> Result<BTreeMap<String, &'a RawValue>, CatalogError> {
    serde_json::from_str(text).map_err(|error| wrong(pointer, &error))
}

/// One level of a document, its children unread.
pub(crate) fn level<'a, T: Deserialize<'a>>(
    text: &'a str,
    pointer: &str,
) -> Result<T, CatalogError> {
    serde_json::from_str(text).map_err(|error| wrong(pointer, &error))
}

fn wrong(pointer: &str, error: &serde_json::Error) -> CatalogError {
    if error.is_eof() {
        return CatalogError::at(
            pointer,
            "the document ends too early",
            "it was cut off on its way: send the whole file",
        );
    }
    if error.is_syntax() {
        return CatalogError::at(
            pointer,
            format!("this is not JSON ({error})"),
            "send the file as it was published, in UTF-8",
        );
    }
    CatalogError::at(
        pointer,
        error.to_string(),
        "check it against the format's JSON Schema and send it again",
    )
}

/// Text of at most `most` characters, without control characters but line breaks.
pub(crate) fn text(
    text: &str,
    most: usize,
    pointer: impl Fn() -> String,
) -> Result<String, CatalogError> {
    let text = text.trim();
    if text.chars().count() > most {
        return Err(CatalogError::at(
            pointer(),
            format!("the text is longer than {most} characters"),
            "shorten it",
        ));
    }
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t' && c != '\r') {
        return Err(CatalogError::at(
            pointer(),
            "the text holds control characters",
            "remove them",
        ));
    }
    Ok(text.to_owned())
}

/// The same, and not empty.
pub(crate) fn filled(
    value: &str,
    most: usize,
    pointer: impl Fn() -> String,
) -> Result<String, CatalogError> {
    let value = text(value, most, &pointer)?;
    if value.is_empty() {
        return Err(CatalogError::at(pointer(), "the text is empty", "fill it in"));
    }
    Ok(value)
}
