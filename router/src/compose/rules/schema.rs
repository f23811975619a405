//! A subgraph is a schema by itself: what it names is there, and is of the right kind (GraphQL, "Type System").

use super::Problems;
use crate::compose::subgraph::{BUILT_IN_SCALARS, Field, Kind, Subgraph, Type};

pub(super) fn check(subgraph: &Subgraph, problems: &mut Problems) {
    for ty in &subgraph.types {
        for interface in &ty.implements {
            let problem = match subgraph.ty(interface).map(|other| other.kind) {
                Some(Kind::Interface) => continue,
                Some(other) => format!("it implements {interface}, which is {}", other.described()),
                None => format!("it implements {interface}, which is not defined"),
            };
            problems.of(subgraph, &ty.name, problem);
        }
        for member in &ty.members {
            let problem = match subgraph.ty(member).map(|other| other.kind) {
                Some(Kind::Object) => continue,
                Some(other) => {
                    format!("its member {member} is {}; members are objects", other.described())
                }
                None => format!("its member {member} is not defined"),
            };
            problems.of(subgraph, &ty.name, problem);
        }
        for field in &ty.fields {
            check_field(subgraph, ty, field, problems);
        }
    }
}

fn check_field(subgraph: &Subgraph, ty: &Type, field: &Field, problems: &mut Problems) {
    let at = format!("{}.{}", ty.name, field.name);
    if field.name.starts_with("__") {
        problems.of(subgraph, &at, "names that begin with __ belong to introspection; rename it");
    }
    check_type(subgraph, &at, field, ty.kind == Kind::Input, problems);
    for argument in &field.arguments {
        check_type(subgraph, &format!("{at}({}:)", argument.name), argument, true, problems);
    }
}

/// `given` says whether clients give the value, or get it.
fn check_type(subgraph: &Subgraph, at: &str, field: &Field, given: bool, problems: &mut Problems) {
    let name = &**field.ty.name();
    if BUILT_IN_SCALARS.contains(&name) {
        return;
    }
    let Some(ty) = subgraph.ty(name) else {
        return problems.of(
            subgraph,
            at,
            format!("its type {name} is not defined in this subgraph"),
        );
    };
    let fits = match ty.kind {
        Kind::Scalar | Kind::Enum => true,
        Kind::Input => given,
        Kind::Object | Kind::Interface | Kind::Union => !given,
    };
    if !fits {
        let side = if given { "given by clients" } else { "got by clients" };
        let what = ty.kind.described();
        problems.of(subgraph, at, format!("its type {name} is {what}, which cannot be {side}"));
    }
}
