//! Mappings between requirements, and how much of a value they carry (formula v1, rule 6).

use studio_kernel::{Id, kind};

use super::weight::Weight;

/// What the requirement that a mapping starts from is to the one that it leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// The same.
    Equal,
    /// The same in other words.
    Equivalent,
    /// It asks for all that the other one asks for, and more.
    Superset,
    /// It asks for a part of what the other one asks for.
    Subset,
    /// They have something in common.
    Intersects,
}

impl Relation {
    /// Every relation.
    pub const ALL: [Self; 5] =
        [Self::Equal, Self::Equivalent, Self::Superset, Self::Subset, Self::Intersects];

    /// Its name in a store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Equivalent => "equivalent",
            Self::Superset => "superset",
            Self::Subset => "subset",
            Self::Intersects => "intersects",
        }
    }

    /// The same relation, read from the other end.
    #[must_use]
    pub const fn turned(self) -> Self {
        match self {
            Self::Superset => Self::Subset,
            Self::Subset => Self::Superset,
            same => same,
        }
    }
}

/// An approved mapping from one requirement to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mapping {
    /// The project that it was approved in: it carries nothing in any other.
    pub project: Id<kind::Project>,
    /// What its start is to its end.
    pub relation: Relation,
    /// From 1 to 10, where somebody said so.
    pub strength: Option<u32>,
}

/// What a mapping carries, read in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Carried {
    pub(super) share: Weight,
    /// Whether nothing may be added to it on either side.
    pub(super) single_hop: bool,
}

impl Mapping {
    /// What it carries from its start to its end, or the other way round where it is turned.
    pub(super) fn carries(&self, turned: bool) -> Option<Carried> {
        let relation = if turned { self.relation.turned() } else { self.relation };
        let tenths = self.strength.map(|strength| {
            Weight::from_units(i64::from(strength.min(10)) * (Weight::ONE.units() / 10))
        });
        let half = Weight::from_units(Weight::ONE.units() / 2);
        let (share, single_hop) = match relation {
            Relation::Equal | Relation::Equivalent | Relation::Superset => {
                (Some(Weight::ONE), false)
            }
            Relation::Subset => (tenths, false),
            Relation::Intersects => (tenths.map(|tenths| tenths.min(half)), true),
        };
        let share = share.filter(|share| *share > Weight::ZERO)?;
        Some(Carried { share, single_hop })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carries_what_the_formula_says() {
        let carries = |relation, strength, turned| {
            Mapping { project: Id::from_uuid(uuid::Uuid::nil()), relation, strength }
                .carries(turned)
                .map(|carried| (carried.share.units() / 100_000_000_000, carried.single_hop))
        };
        assert_eq!(carries(Relation::Equal, None, false), Some((10, false)));
        assert_eq!(carries(Relation::Superset, None, false), Some((10, false)));
        assert_eq!(carries(Relation::Superset, None, true), None);
        assert_eq!(carries(Relation::Superset, Some(7), true), Some((7, false)));
        assert_eq!(carries(Relation::Subset, Some(7), false), Some((7, false)));
        assert_eq!(carries(Relation::Intersects, Some(7), false), Some((5, true)));
        assert_eq!(carries(Relation::Intersects, Some(3), true), Some((3, true)));
        assert_eq!(carries(Relation::Intersects, None, false), None);
    }
}
