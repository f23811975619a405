//! `@override`: one subgraph takes a field over from one other.

use super::Problems;
use crate::{
    compose::subgraph::{Field, Mark, Subgraph, Type, find},
    planner::Label,
};

pub(super) fn check(subgraphs: &[Subgraph], problems: &mut Problems) {
    for subgraph in subgraphs {
        for ty in &subgraph.types {
            for field in &ty.fields {
                if let Some(moved) = find(&field.marks, "override") {
                    check_one(subgraphs, subgraph, ty, field, moved, problems);
                }
            }
        }
    }
}

fn check_one(
    subgraphs: &[Subgraph],
    subgraph: &Subgraph,
    ty: &Type,
    field: &Field,
    moved: &Mark,
    problems: &mut Problems,
) {
    let at = format!("{}.{}", ty.name, field.name);
    let Some(from) = moved.text("from") else {
        return problems.of(
            subgraph,
            &at,
            "@override needs from: the name of a subgraph as a text",
        );
    };
    if let Some(label) = moved.text("label")
        && let Err(reason) = check_label(label)
    {
        problems.of(subgraph, &at, format!("@override(label: \"{label}\"): {reason}"));
    }
    if from == subgraph.name {
        return problems.of(
            subgraph,
            &at,
            format!("@override(from: \"{from}\") names its own subgraph; name the one that had the field"),
        );
    }
    let Some(source) = subgraphs.iter().find(|other| other.name == from) else {
        return problems.of(
            subgraph,
            &at,
            format!("@override(from: \"{from}\") names no subgraph; mend the name, or take it off"),
        );
    };
    if field.has("external") {
        problems.of(
            subgraph,
            &at,
            "@override stands beside @external; a field that moves here is resolved here",
        );
    }
    let Some(old) = source.ty(&ty.name).and_then(|ty| ty.field(&field.name)) else { return };
    for name in ["external", "requires", "provides", "override"] {
        if old.has(name) {
            problems.between(
                &at,
                format!(
                    "it is overridden in {} from {from}, where it has @{name}; take that off in {from} first",
                    subgraph.name
                ),
            );
        }
    }
    let others = subgraphs.iter().filter(|other| other.name < subgraph.name);
    for other in others {
        let same = other
            .ty(&ty.name)
            .and_then(|ty| find(&ty.field(&field.name)?.marks, "override"))
            .is_some_and(|other| other.text("from") == Some(from));
        if same {
            problems.between(
                &at,
                format!(
                    "it is overridden from {from} twice, in {} and in {}; leave it to one of them",
                    other.name, subgraph.name
                ),
            );
        }
    }
}

fn check_label(label: &str) -> Result<(), String> {
    if let Label::Percent(_) = Label::parse(label)? {
        return Ok(());
    }
    let first = label.starts_with(|first: char| first.is_ascii_alphabetic());
    let rest =
        label.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-:./".contains(letter));
    match first && rest {
        true => Ok(()),
        false => {
            Err("a label is percent(n), or a letter and then letters, digits and _-:./".to_owned())
        }
    }
}
