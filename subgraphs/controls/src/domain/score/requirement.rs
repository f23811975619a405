//! Rule 6: a requirement from its members.

use std::collections::BTreeMap;

use super::{
    ControlId, Fixed,
    model::{ByMembers, Control, Pass, Requirement, Share},
    value::Triple,
};

/// What a member is worth by the values of its controls, and which control's `decided` it carries;
/// `None` where all its controls are retired, for then it is no member.
///
/// A group counts as its best control, for `lo` and for `hi` by itself; `decided` is that of the
/// control with the best `lo`, among equals the one with the best `hi`, then of the smallest id.
pub(super) fn member_value(
    controls: &BTreeMap<ControlId, Control>,
    member: &Share,
    value: impl Fn(ControlId, &Control) -> Triple,
) -> Option<(ControlId, Triple)> {
    let in_force = member.controls.iter().filter_map(|id| {
        let control = controls.get(id).filter(|control| control.in_force().is_some())?;
        Some((*id, value(*id, control)))
    });
    in_force.reduce(|best, other| {
        let (winner, loser) = match (other.1.lo, other.1.hi) > (best.1.lo, best.1.hi) {
            true => (other, best),
            false => (best, other),
        };
        (winner.0, Triple { hi: winner.1.hi.max(loser.1.hi), ..winner.1 })
    })
}

/// The sums over the members of a requirement.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shares {
    share: i128,
    lo: i128,
    hi: i128,
    decided: i128,
}

impl Shares {
    pub(super) fn add(&mut self, share: Fixed, value: &Triple) {
        self.share += share.wide();
        self.lo += share.wide() * value.lo.wide();
        self.hi += share.wide() * value.hi.wide();
        self.decided += share.wide() * value.decided.wide();
    }

    /// A.
    pub(super) fn sum(&self) -> Fixed {
        Fixed::from_wide(self.share)
    }

    /// max(1, A).
    pub(super) fn divisor(&self) -> Fixed {
        self.sum().max(Fixed::ONE)
    }

    /// The requirement. What no member has a share in is unknown.
    pub(super) fn value(&self) -> Triple {
        let one = Fixed::ONE.wide();
        let divisor = self.share.max(one);
        let unclaimed = (one - self.share).max(0) * one;
        Triple {
            lo: Fixed::quotient(self.lo, divisor),
            hi: Fixed::quotient(self.hi + unclaimed, divisor),
            decided: Fixed::quotient(self.decided, divisor),
        }
    }
}

impl ByMembers {
    /// A requirement's members by the values of each pass.
    pub(super) fn of<V: Fn(ControlId, &Control) -> Triple + Copy>(
        controls: &BTreeMap<ControlId, Control>,
        entry: &Requirement,
        values: impl Fn(Pass) -> V,
    ) -> Self {
        let of = |pass| evaluate(controls, entry.members.values(), values(pass));
        Self { own: of(Pass::Second), unfailing: of(Pass::Doubt).hi == Fixed::ONE }
    }
}

/// Rule 6 without its explanation.
fn evaluate<'a>(
    controls: &BTreeMap<ControlId, Control>,
    members: impl Iterator<Item = &'a Share>,
    value: impl Fn(ControlId, &Control) -> Triple + Copy,
) -> Triple {
    let mut shares = Shares::default();
    for member in members {
        if let Some((_, value)) = member_value(controls, member, value) {
            shares.add(member.share, &value);
        }
    }
    shares.value()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requirement(members: &[(&str, [&str; 3])]) -> [String; 3] {
        let mut shares = Shares::default();
        for (share, [lo, hi, decided]) in members {
            let read = |text: &str| text.parse().unwrap();
            let value = Triple { lo: read(lo), hi: read(hi), decided: read(decided) };
            shares.add(share.parse().unwrap(), &value);
        }
        let Triple { lo, hi, decided } = shares.value();
        [lo, hi, decided].map(|value| value.to_string())
    }

    #[test]
    fn no_member_is_nothing_known() {
        assert_eq!(requirement(&[]), ["0", "1", "0"]);
    }

    #[test]
    fn what_nobody_has_a_share_in_is_possible_and_not_proven() {
        assert_eq!(requirement(&[("0.5", ["0.8", "0.9", "1"])]), ["0.4", "0.95", "0.5"]);
    }

    #[test]
    fn shares_above_one_are_weights() {
        let members = [("1", ["0.6", "0.8", "1"]), ("0.5", ["0", "1", "0"])];
        assert_eq!(requirement(&members), ["0.4", "0.866666666667", "0.666666666667"]);
    }

    #[test]
    fn three_thirds_are_a_whole_within_the_tolerance() {
        let third = ("0.333333333333", ["1", "1", "1"]);
        assert_eq!(requirement(&[third; 3]), ["0.999999999999", "1", "0.999999999999"]);
    }
}
