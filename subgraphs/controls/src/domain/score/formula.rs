//! The versions of the formula. A score names the one that it was computed with, and is computed again
//! with that one, however much later.

/// The version of the formula that new scores are computed with. It is stored with every score.
pub const FORMULA: u16 = 1;

/// Every version that this build computes. One that is recorded anywhere is never taken out: without it
/// the scores of its time could not be computed again.
const KNOWN: &[u16] = &[FORMULA];

/// A log names a version of the formula that this build does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the log holds scores of formula v{0}, which a newer Studio computed and this one cannot: start \
     the newer Studio again. This one computes up to v{FORMULA}, and records none beside them"
)]
pub struct UnknownFormula(pub u16);

/// Lets a version pass that this build computes.
///
/// # Errors
/// [`UnknownFormula`].
pub fn known(formula: u16) -> Result<(), UnknownFormula> {
    if KNOWN.contains(&formula) { Ok(()) } else { Err(UnknownFormula(formula)) }
}
