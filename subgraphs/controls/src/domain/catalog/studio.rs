//! Reads `studio-catalog/1` (docs/catalog-format.md). Unknown fields are refused, so that a
//! misspelt one is noticed.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Catalog, CatalogError, CatalogRequirement, MOST_REQUIREMENTS, raw};
use crate::domain::score::Importance;

const MOST_BYTES: usize = 4 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    #[serde(borrow)]
    format: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    family: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    version: Cow<'a, str>,
    #[serde(borrow)]
    publisher: Cow<'a, str>,
    #[serde(borrow)]
    notice: Cow<'a, str>,
    #[serde(borrow)]
    groups: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    title: Cow<'a, str>,
    #[serde(borrow)]
    requirements: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Requirement<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    title: Cow<'a, str>,
    #[serde(borrow)]
    summary: Cow<'a, str>,
    #[serde(default)]
    weight: Weight,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "lowercase")]
enum Weight {
    #[default]
    Normal,
    High,
    Critical,
}

pub(super) fn read(text: &str) -> Result<Catalog, CatalogError> {
    if text.len() > MOST_BYTES {
        return Err(CatalogError::TooLarge { size: text.len(), limit: MOST_BYTES });
    }
    // The format first: of another one, nothing else can be said.
    if let Some(format) = raw::object(text, "")?.get("format")
        && format.get() != "\"studio-catalog/1\""
    {
        return Err(CatalogError::at(
            "/format",
            format!("{} is no format that this version reads", short(format.get())),
            "write \"studio-catalog/1\", or OSCAL",
        ));
    }
    let document: Document<'_> = raw::level(text, "")?;
    debug_assert_eq!(document.format, "studio-catalog/1");
    let at = |field: &'static str| move || format!("/{field}");
    let id = raw::filled(&document.id, 64, at("id"))?;
    let mut requirements = Vec::new();
    if document.groups.len() > 100 {
        return Err(CatalogError::at("/groups", "more than 100 groups", "join some of them"));
    }
    for (index, group) in document.groups.iter().enumerate() {
        read_group(group.get(), &format!("/groups/{index}"), &mut requirements)?;
    }
    Ok(Catalog {
        name: raw::filled(&document.name, 120, at("name"))?,
        version: raw::filled(&document.version, 60, at("version"))?,
        family: raw::filled(&document.family, 64, at("family"))?.to_lowercase(),
        edition: edition(&id),
        publisher: Some(raw::filled(&document.publisher, 120, at("publisher"))?),
        notice: Some(raw::filled(&document.notice, 1000, at("notice"))?),
        requirements,
    })
}

/// What follows the last hyphen of the catalog's id: `2022` of `iso27001-2022`.
fn edition(id: &str) -> String {
    id.rsplit_once('-').map_or(String::new(), |(_, edition)| edition.to_owned())
}

fn read_group(
    text: &str,
    pointer: &str,
    requirements: &mut Vec<CatalogRequirement>,
) -> Result<(), CatalogError> {
    let group: Group<'_> = raw::level(text, pointer)?;
    let id = raw::filled(&group.id, 32, || format!("{pointer}/id"))?;
    let title = raw::filled(&group.title, 80, || format!("{pointer}/title"))?;
    if group.requirements.is_empty() || group.requirements.len() > 500 {
        return Err(CatalogError::at(
            format!("{pointer}/requirements"),
            format!("the group holds {} requirements", group.requirements.len()),
            "put 1 to 500 into a group",
        ));
    }
    for (index, item) in group.requirements.iter().enumerate() {
        let pointer = format!("{pointer}/requirements/{index}");
        let requirement: Requirement<'_> = raw::level(item.get(), &pointer)?;
        let code = raw::filled(&requirement.id, 32, || format!("{pointer}/id"))?;
        if !is_identifier(&code) {
            return Err(CatalogError::at(
                format!("{pointer}/id"),
                format!("\"{code}\" is no identifier"),
                "use letters, digits, '.', '(', ')' and '-', beginning with a letter or digit and \
                 not ending in '.' or '-'",
            ));
        }
        if requirements.len() == MOST_REQUIREMENTS {
            return Err(CatalogError::at(
                pointer,
                format!("more than {MOST_REQUIREMENTS} requirements"),
                "split the catalog",
            ));
        }
        requirements.push(CatalogRequirement {
            label: code.clone(),
            code,
            title: raw::filled(&requirement.title, 80, || format!("{pointer}/title"))?,
            text: raw::filled(&requirement.summary, 300, || format!("{pointer}/summary"))?,
            group: format!("{id} {title}"),
            importance: match requirement.weight {
                Weight::Normal => Importance::Normal,
                Weight::High => Importance::High,
                Weight::Critical => Importance::Critical,
            },
            parts: Vec::new(),
        });
    }
    Ok(())
}

fn is_identifier(code: &str) -> bool {
    code.bytes().all(|b| b.is_ascii_alphanumeric() || b".()-".contains(&b))
        && code.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
        && !code.ends_with(['.', '-'])
}

fn short(text: &str) -> String {
    text.chars().take(64).collect()
}
