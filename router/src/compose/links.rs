//! What the names of a subgraph's directives stand for, by its `@link`s (the link specification 1.0): a
//! directive is imported, under its name or another one, or stands under the prefix of its specification.

use super::subgraph::{Mark, Meaning};
use async_graphql::{
    Value as Const,
    parser::types::{ConstDirective, SchemaDefinition},
};
use std::collections::{BTreeMap, BTreeSet};

/// Directives of federation (up to 2.12), and of the specifications that it is made of.
pub(super) const FEDERATION: [&str; 19] = [
    "key",
    "requires",
    "provides",
    "external",
    "shareable",
    "override",
    "interfaceObject",
    "inaccessible",
    "tag",
    "extends",
    "composeDirective",
    "authenticated",
    "requiresScopes",
    "policy",
    "cost",
    "listSize",
    "context",
    "fromContext",
    "cacheTag",
];

/// Directives that every schema has.
const BUILT_IN: [&str; 6] = ["deprecated", "specifiedBy", "oneOf", "skip", "include", "link"];

/// Where the specifications of federation are.
const HOME: &str = "https://specs.apollo.dev/";

/// A subgraph's links.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// Whether federation 2 is linked. Without, all of federation's names are there, and what two
    /// subgraphs resolve is shared (federation 1).
    pub(super) federation_2: bool,
    /// Local names of imported directives, with the names in their specifications.
    imported: BTreeMap<String, (String, Spec)>,
    prefixes: BTreeMap<String, Spec>,
    /// Local names of imported types, such as `FieldSet`.
    pub(super) types: BTreeSet<String>,
    /// Directives of other specifications, by their local names.
    pub(super) others: BTreeMap<String, Linked>,
}

/// A directive of another specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Linked {
    /// The address of the specification.
    pub(super) url: String,
    /// Its name there.
    pub(super) name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spec {
    Federation,
    Other,
}

impl Links {
    /// Reads the links of a schema definition or extension.
    pub(super) fn read(&mut self, definition: &SchemaDefinition) -> Result<(), String> {
        let links = definition.directives.iter().filter(|mark| mark.node.name.node == "link");
        links.into_iter().try_for_each(|link| self.link(&link.node))
    }

    fn link(&mut self, link: &ConstDirective) -> Result<(), String> {
        let text = |name: &str| match link.get_argument(name).map(|value| &value.node) {
            Some(Const::String(text)) => Some(text.as_str()),
            _ => None,
        };
        let url = text("url").ok_or("a @link has no url; say which specification it is of")?;
        let mut parts = url.trim_end_matches('/').rsplit('/');
        let version = parts.next().unwrap_or_default();
        let is_version = version
            .strip_prefix('v')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        let name = if is_version { parts.next().unwrap_or_default() } else { version };
        let spec = if url.starts_with(HOME) { Spec::Federation } else { Spec::Other };
        if spec == Spec::Federation && name == "federation" {
            if !version.starts_with("v2.") {
                return Err(format!("@link(url: \"{url}\") is no version of federation 2"));
            }
            self.federation_2 = true;
        }
        self.prefixes.insert(text("as").unwrap_or(name).to_owned(), spec);
        let imports = match link.get_argument("import").map(|value| &value.node) {
            Some(Const::List(imports)) => imports.as_slice(),
            _ => &[],
        };
        for import in imports {
            let (name, local) = match import {
                Const::String(name) => (name.as_str(), name.as_str()),
                Const::Object(named) => match (named.get("name"), named.get("as")) {
                    (Some(Const::String(name)), Some(Const::String(local))) => {
                        (name.as_str(), local.as_str())
                    }
                    (Some(Const::String(name)), None) => (name.as_str(), name.as_str()),
                    _ => {
                        return Err(format!(
                            "@link(url: \"{url}\") imports {import}, which is no name"
                        ));
                    }
                },
                _ => {
                    return Err(format!(
                        "@link(url: \"{url}\") imports {import}, which is no name"
                    ));
                }
            };
            match (name.strip_prefix('@'), local.strip_prefix('@')) {
                (Some(name), Some(local)) => {
                    if spec == Spec::Federation && !is_known(name) {
                        return Err(format!(
                            "@link(url: \"{url}\") has no directive @{name} to import"
                        ));
                    }
                    self.imported.insert(local.to_owned(), (name.to_owned(), spec));
                    if spec == Spec::Other {
                        let linked = Linked { url: url.to_owned(), name: name.to_owned() };
                        self.others.insert(local.to_owned(), linked);
                    }
                }
                (None, None) => {
                    self.types.insert(local.to_owned());
                }
                _ => {
                    return Err(format!(
                        "@link(url: \"{url}\") imports {name} as {local}: both or none must begin with @"
                    ));
                }
            }
        }
        Ok(())
    }

    /// Whether a type is part of a linked specification and not of the graph.
    pub(super) fn is_machinery(&self, ty: &str) -> bool {
        self.types.contains(ty)
            || ty.split_once("__").is_some_and(|(prefix, _)| {
                prefix.is_empty() || prefix == "link" || self.prefixes.contains_key(prefix)
            })
    }

    /// What a directive stands for. `defined` are the directives that the subgraph defines itself.
    pub(super) fn meaning(&self, local: &str, defined: &BTreeSet<String>) -> Meaning {
        if let Some(name) = BUILT_IN.iter().find(|name| **name == local) {
            return Meaning::Known(name);
        }
        if let Some((name, spec)) = self.imported.get(local) {
            return match spec {
                Spec::Federation => known(name),
                Spec::Other => Meaning::Custom(local.to_owned()),
            };
        }
        if let Some((prefix, name)) = local.split_once("__")
            && let Some(spec) = self.prefixes.get(prefix)
        {
            return match spec {
                Spec::Federation => known(name),
                Spec::Other => Meaning::Custom(local.to_owned()),
            };
        }
        // Weights are written without a link as well, and definitions of them are those of the specification.
        if !self.federation_2 || local == "cost" || local == "listSize" {
            let known = known(local);
            if known != Meaning::Unknown {
                return known;
            }
        }
        match defined.contains(local) {
            true => Meaning::Custom(local.to_owned()),
            false => Meaning::Unknown,
        }
    }

    /// The application of a directive, by what it stands for.
    pub(super) fn mark(&self, mark: &ConstDirective, defined: &BTreeSet<String>) -> Mark {
        let local = mark.name.node.to_string();
        let arguments = mark.arguments.iter();
        Mark {
            meaning: self.meaning(&local, defined),
            local,
            arguments: arguments
                .map(|(name, value)| (name.node.to_string(), value.node.clone()))
                .collect(),
        }
    }
}

fn is_known(name: &str) -> bool {
    // `@link` itself may be imported from the link specification.
    FEDERATION.contains(&name) || name == "link"
}

fn known(name: &str) -> Meaning {
    FEDERATION
        .iter()
        .find(|known| **known == name)
        .map_or(Meaning::Unknown, |name| Meaning::Known(name))
}
