//! Reads the OSCAL 1.x catalog model, which is also the model of a resolved profile: groups and
//! controls nested in each other, parts, parameters, properties. What Studio does not use is
//! skipped unread; withdrawn controls are left out.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    Catalog, CatalogError, CatalogRequirement, DEEPEST, MOST_REQUIREMENTS,
    prose::{self, Parameters},
    raw,
};
use crate::domain::score::Importance;

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    metadata: &'a RawValue,
    #[serde(borrow, default)]
    params: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    groups: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    controls: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Metadata<'a> {
    #[serde(borrow)]
    title: Cow<'a, str>,
    #[serde(borrow)]
    version: Cow<'a, str>,
    #[serde(borrow)]
    oscal_version: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Group<'a> {
    #[serde(borrow)]
    title: Cow<'a, str>,
    #[serde(borrow, default)]
    params: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    groups: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    controls: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Control<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    title: Cow<'a, str>,
    #[serde(borrow, default)]
    class: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    params: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    props: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    parts: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    controls: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Property<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
    #[serde(borrow, default)]
    class: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    props: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    prose: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    parts: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Parameter<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    label: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    props: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    values: Vec<Cow<'a, str>>,
    #[serde(borrow, default)]
    select: Option<Select<'a>>,
}

#[derive(Deserialize)]
struct Select<'a> {
    #[serde(borrow, default)]
    choice: Vec<Cow<'a, str>>,
}

pub(super) fn read(text: &str) -> Result<Catalog, CatalogError> {
    let document: Document<'_> = raw::level(text, "/catalog")?;
    let metadata: Metadata<'_> = raw::level(document.metadata.get(), "/catalog/metadata")?;
    if !metadata.oscal_version.starts_with("1.") {
        return Err(CatalogError::at(
            "/catalog/metadata/oscal-version",
            format!("OSCAL {} is not read", metadata.oscal_version),
            "convert it to OSCAL 1.x",
        ));
    }
    let mut reader = Reader { requirements: Vec::new(), class: None };
    let mut parameters = Parameters::default();
    read_parameters(&document.params, "/catalog", &mut parameters)?;
    reader.groups(&document.groups, "/catalog", "", 0, &parameters)?;
    reader.controls(&document.controls, "/catalog", "", 0, &parameters)?;
    let title = raw::filled(&metadata.title, 300, || "/catalog/metadata/title".to_owned())?;
    let version = raw::filled(&metadata.version, 100, || "/catalog/metadata/version".to_owned())?;
    let (family, edition) = family(&title, &version, reader.class.as_deref());
    Ok(Catalog {
        name: title,
        version,
        family,
        edition,
        publisher: None,
        notice: None,
        requirements: reader.requirements,
    })
}

/// Which family a catalog belongs to. OSCAL has no field for it: NIST's catalogs name themselves in
/// the class of their controls and in their titles.
fn family(title: &str, version: &str, class: Option<&str>) -> (String, String) {
    let title = title.to_lowercase();
    let after = |word: &str| {
        title.split_once(word).map(|(_, rest)| {
            rest.trim_start().chars().take_while(char::is_ascii_digit).collect::<String>()
        })
    };
    let leading: String = version.chars().take_while(char::is_ascii_digit).collect();
    let (family, edition) = if class.is_some_and(|class| class.starts_with("SP800-53"))
        || title.contains("800-53")
        || title.contains("fedramp")
    {
        ("nist-800-53", after("revision").or_else(|| after("rev")).unwrap_or(leading))
    } else if title.contains("800-171") {
        ("nist-800-171", after("revision").or_else(|| after("rev")).unwrap_or(leading))
    } else if title.contains("cybersecurity framework") {
        ("nist-csf", version.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect())
    } else {
        ("other", String::new())
    };
    (family.to_owned(), edition)
}

struct Reader {
    requirements: Vec<CatalogRequirement>,
    /// The class of the first control.
    class: Option<String>,
}

impl Reader {
    fn groups(
        &mut self,
        groups: &[&RawValue],
        above: &str,
        path: &str,
        depth: usize,
        inherited: &Parameters<'_>,
    ) -> Result<(), CatalogError> {
        for (index, group) in groups.iter().enumerate() {
            let pointer = format!("{above}/groups/{index}");
            check_depth(depth, &pointer)?;
            let group: Group<'_> = raw::level(group.get(), &pointer)?;
            let title = raw::filled(&group.title, 300, || format!("{pointer}/title"))?;
            let path = if path.is_empty() { title } else { format!("{path} / {title}") };
            let mut parameters = Parameters::within(inherited);
            read_parameters(&group.params, &pointer, &mut parameters)?;
            self.groups(&group.groups, &pointer, &path, depth + 1, &parameters)?;
            self.controls(&group.controls, &pointer, &path, depth + 1, &parameters)?;
        }
        Ok(())
    }

    fn controls(
        &mut self,
        controls: &[&RawValue],
        above: &str,
        group: &str,
        depth: usize,
        inherited: &Parameters<'_>,
    ) -> Result<(), CatalogError> {
        for (index, control) in controls.iter().enumerate() {
            let pointer = format!("{above}/controls/{index}");
            check_depth(depth, &pointer)?;
            let control: Control<'_> = raw::level(control.get(), &pointer)?;
            let mut parameters = Parameters::within(inherited);
            read_parameters(&control.params, &pointer, &mut parameters)?;
            self.one(&control, &pointer, group, &parameters)?;
            self.controls(&control.controls, &pointer, group, depth + 1, &parameters)?;
        }
        Ok(())
    }

    fn one(
        &mut self,
        control: &Control<'_>,
        pointer: &str,
        group: &str,
        parameters: &Parameters<'_>,
    ) -> Result<(), CatalogError> {
        let code = raw::filled(&control.id, 64, || format!("{pointer}/id"))?;
        if code.chars().any(char::is_whitespace) {
            return Err(CatalogError::at(
                format!("{pointer}/id"),
                format!("\"{code}\" holds blanks"),
                "OSCAL ids are tokens, for example ac-2.1",
            ));
        }
        if self.class.is_none() {
            self.class = control.class.as_deref().map(str::to_owned);
        }
        let mut label = None;
        for (index, property) in control.props.iter().enumerate() {
            let property: Property<'_> =
                raw::level(property.get(), &format!("{pointer}/props/{index}"))?;
            match &*property.name {
                "status" if property.value.eq_ignore_ascii_case("withdrawn") => return Ok(()),
                "label" if property.class.is_none() || label.is_none() => {
                    label = Some(raw::text(&property.value, 64, || {
                        format!("{pointer}/props/{index}/value")
                    })?);
                }
                _ => {}
            }
        }
        if self.requirements.len() == MOST_REQUIREMENTS {
            return Err(CatalogError::at(
                pointer,
                format!("more than {MOST_REQUIREMENTS} controls"),
                "import a baseline instead of the whole catalog",
            ));
        }
        let mut statement = Statement::default();
        for (index, part) in control.parts.iter().enumerate() {
            statement.read(part, &format!("{pointer}/parts/{index}"), parameters)?;
        }
        self.requirements.push(CatalogRequirement {
            label: label.filter(|label| !label.is_empty()).unwrap_or_else(|| code.to_uppercase()),
            code,
            title: raw::filled(&control.title, 300, || format!("{pointer}/title"))?,
            text: raw::text(&statement.text, 20_000, || format!("{pointer}/parts"))?,
            group: group.to_owned(),
            importance: Importance::Normal,
            parts: statement.labels,
        });
        Ok(())
    }
}

/// The text of a control's statement and the labels of its parts.
#[derive(Default)]
struct Statement {
    text: String,
    labels: Vec<String>,
}

impl Statement {
    fn read(
        &mut self,
        part: &RawValue,
        pointer: &str,
        parameters: &Parameters<'_>,
    ) -> Result<(), CatalogError> {
        let part: Part<'_> = raw::level(part.get(), pointer)?;
        // Guidance, assessment objectives and methods are no part of what is required.
        if part.name != "statement" {
            return Ok(());
        }
        self.line(0, "", part.prose.as_deref(), parameters);
        self.items(&part.parts, pointer, "", 1, parameters)
    }

    fn items(
        &mut self,
        items: &[&RawValue],
        above: &str,
        path: &str,
        depth: usize,
        parameters: &Parameters<'_>,
    ) -> Result<(), CatalogError> {
        for (index, item) in items.iter().enumerate() {
            let pointer = format!("{above}/parts/{index}");
            check_depth(depth, &pointer)?;
            let item: Part<'_> = raw::level(item.get(), &pointer)?;
            let label = item_label(&item, &pointer)?;
            self.line(depth - 1, &label, item.prose.as_deref(), parameters);
            let token = label.trim_matches(['(', ')', '.', '[', ']']).to_lowercase();
            let path = match (path.is_empty(), token.is_empty()) {
                (_, true) => path.to_owned(),
                (true, false) => token,
                (false, false) => format!("{path}.{token}"),
            };
            if !path.is_empty() && !self.labels.contains(&path) {
                self.labels.push(path.clone());
            }
            self.items(&item.parts, &pointer, &path, depth + 1, parameters)?;
        }
        Ok(())
    }

    fn line(
        &mut self,
        indent: usize,
        label: &str,
        prose: Option<&str>,
        parameters: &Parameters<'_>,
    ) {
        let Some(prose) = prose.filter(|prose| !prose.trim().is_empty()) else { return };
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.extend(std::iter::repeat_n("  ", indent));
        if !label.is_empty() {
            self.text.push_str(label);
            self.text.push(' ');
        }
        self.text.push_str(&prose::insert(prose, parameters));
    }
}

fn item_label(item: &Part<'_>, pointer: &str) -> Result<String, CatalogError> {
    for (index, property) in item.props.iter().enumerate() {
        let property: Property<'_> =
            raw::level(property.get(), &format!("{pointer}/props/{index}"))?;
        if property.name == "label" && property.class.is_none() {
            return raw::text(&property.value, 32, || format!("{pointer}/props/{index}/value"));
        }
    }
    Ok(String::new())
}

fn read_parameters(
    params: &[&RawValue],
    above: &str,
    into: &mut Parameters<'_>,
) -> Result<(), CatalogError> {
    for (index, parameter) in params.iter().enumerate() {
        let pointer = format!("{above}/params/{index}");
        let parameter: Parameter<'_> = raw::level(parameter.get(), &pointer)?;
        let shown = if !parameter.values.is_empty() {
            parameter.values.join(", ")
        } else if let Some(label) = &parameter.label {
            label.clone().into_owned()
        } else if let Some(select) = &parameter.select {
            format!("one of: {}", select.choice.join("; "))
        } else {
            parameter.id.clone().into_owned()
        };
        let shown = raw::text(&shown, 4096, || pointer.clone())?;
        for (index, property) in parameter.props.iter().enumerate() {
            let property: Property<'_> =
                raw::level(property.get(), &format!("{pointer}/props/{index}"))?;
            if property.name == "alt-identifier" {
                into.set(&property.value, &shown);
            }
        }
        into.set(&parameter.id, &shown);
    }
    Ok(())
}

fn check_depth(depth: usize, pointer: &str) -> Result<(), CatalogError> {
    if depth < DEEPEST {
        return Ok(());
    }
    Err(CatalogError::at(
        pointer,
        format!("nested more than {DEEPEST} levels deep"),
        "flatten the groups",
    ))
}
