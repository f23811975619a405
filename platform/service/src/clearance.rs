//! How far somebody reads, as the filter of a query.

use sea_orm::{ColumnTrait, Condition};
use studio_access::Clearance;
use studio_kernel::DataClass;

/// The columns by which rows are told apart that have a data class.
#[derive(Debug, Clone, Copy)]
pub struct ClassColumns<C> {
    /// The project, `prj_…`.
    pub project: C,
    /// The class, as [`DataClass::as_str`] writes it.
    pub class: C,
    /// Whose it is, `usr_…`; nothing where it is nobody's.
    pub owner: C,
}

/// The rows that a clearance reaches, beside the filter by its organization; `None` for all of them.
pub fn cleared<C: ColumnTrait>(
    clearance: &Clearance,
    columns: ClassColumns<C>,
) -> Option<Condition> {
    let parts = clearance.parts()?;
    // A condition of no parts would hold for every row.
    let none = Condition::any().add(columns.class.is_in([""; 0]));
    let any = parts.into_iter().fold(none, |any, part| {
        let classes = part.classes.into_iter().map(DataClass::as_str);
        let mut all = Condition::all().add(columns.class.is_in(classes));
        if let Some(projects) = part.projects {
            all = all.add(columns.project.is_in(projects.iter().map(String::as_str)));
        }
        if let Some(owner) = part.owner {
            all = all.add(columns.owner.eq(owner));
        }
        any.add(all)
    });
    Some(any)
}
