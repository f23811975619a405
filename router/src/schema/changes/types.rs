//! When a type in one place stands for less or for more than before.

use crate::schema::{InputDef, TypeRef};

/// Whether an answer of the type `after` may be what `before` does not allow: another type, or null
/// where none was. One that is never null any more is fine.
pub(super) fn widens_output(before: &TypeRef, after: &TypeRef) -> bool {
    match (before, after) {
        (TypeRef::NonNull(before), TypeRef::NonNull(after))
        | (TypeRef::List(before), TypeRef::List(after)) => widens_output(before, after),
        (TypeRef::NonNull(_), _) => true,
        (before, TypeRef::NonNull(after)) => widens_output(before, after),
        (TypeRef::Named(before), TypeRef::Named(after)) => before != after,
        (TypeRef::Named(_), TypeRef::List(_)) | (TypeRef::List(_), TypeRef::Named(_)) => true,
    }
}

/// Whether what could be given for `before` is refused for `after`. A variable of the type `T` fits a
/// place of `T!` that has a default (GraphQL, "All Variable Usages Are Allowed"), but null given for
/// it does not.
pub(super) fn narrows_input(before: &InputDef, after: &InputDef) -> bool {
    let must = |input: &InputDef| input.ty.is_non_null() && input.default.is_none();
    (must(after) && !must(before)) || narrows(&before.ty, &after.ty)
}

fn narrows(before: &TypeRef, after: &TypeRef) -> bool {
    match (before, after) {
        (TypeRef::NonNull(before), TypeRef::NonNull(after))
        | (TypeRef::List(before), TypeRef::List(after)) => narrows(before, after),
        (TypeRef::NonNull(before), after) => narrows(before, after),
        (_, TypeRef::NonNull(_)) => true,
        (TypeRef::Named(before), TypeRef::Named(after)) => before != after,
        // A single value is taken for a list of one, but a variable of its type is not.
        (TypeRef::Named(_), TypeRef::List(_)) | (TypeRef::List(_), TypeRef::Named(_)) => true,
    }
}
