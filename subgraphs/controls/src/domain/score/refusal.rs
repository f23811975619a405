//! Which statements are refused, and with which words.

use std::collections::BTreeSet;

use studio_kernel::{Code, Timestamp};

use super::{
    Fixed, RequirementId,
    evidence::EvidenceRef,
    exception::{Excepted, Exception},
    fact::{Member, Reading, Statement, WeightedRequirement},
};

/// Weights and shares are above 0 and at most this.
const LARGEST_WEIGHT: i64 = 1000;
const LARGEST_VALIDITY_DAYS: u32 = 36_500;
const LONGEST_TEXT: usize = 512;
const LARGEST_GROUP: usize = 1_000;
/// Bytes of the id of a resource that may be excepted.
pub(crate) const LONGEST_RESOURCE: usize = 4_096;
const MOST_PLACES: usize = 1_000;

/// Why a statement cannot become a fact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Counts that do not add up.
    #[error(
        "a population of {population} cannot hold {passed} passed, {failed} failed and {unknown} unknown: the three must add up to it"
    )]
    Population {
        /// The population given.
        population: u32,
        /// The passes given.
        passed: u32,
        /// The failures given.
        failed: u32,
        /// The unknown given.
        unknown: u32,
    },
    /// An end before the beginning.
    #[error(
        "a result cannot be true from {from} to {to}: give an end that is not before the beginning"
    )]
    Period {
        /// The beginning.
        from: Timestamp,
        /// The end.
        to: Timestamp,
    },
    /// Counts that rest on nothing.
    #[error(
        "the counts of check \"{0}\" name no evidence: name the evidence, its version and its hash"
    )]
    NoEvidence(String),
    /// Version 0.
    #[error("evidence versions count from 1, and 0 was given")]
    EvidenceVersion,
    /// Not a SHA-256.
    #[error("\"{0}\" is not a SHA-256: write 64 lower-case hexadecimal digits")]
    EvidenceHash(String),
    /// A weight that is not in its range.
    #[error("a test cannot weigh {0}: give a weight above 0 and at most 1000")]
    Weight(Fixed),
    /// A share that is not in its range.
    #[error(
        "a member cannot have a share of {0}: give a share above 0 and at most 1000 (1 is the whole requirement)"
    )]
    Share(Fixed),
    /// A validity that is not in its range.
    #[error("a pass cannot stay fresh for {0} days: give 1 to 36500")]
    Validity(u32),
    /// An empty name, or one of more than 512 bytes.
    #[error("the name of a {0} must hold 1 to 512 bytes")]
    Name(&'static str),
    /// A control that depends on itself.
    #[error("a control cannot depend on itself: name another control")]
    DependsOnItself,
    /// A group of no control, or of too many.
    #[error("a group of {0} controls cannot be a member: give 1 to 1000 controls")]
    GroupSize(usize),
    /// A requirement that is listed twice.
    #[error("requirement {0} is listed twice: list it once")]
    RequirementTwice(RequirementId),
    /// A requirement that is mapped to itself.
    #[error("a requirement cannot be mapped to itself: name another requirement")]
    MapsToItself,
    /// A strength that is not in its range.
    #[error("a mapping cannot have a strength of {0}: give 1 to 10")]
    Strength(u8),
    /// An empty name of a resource, or one that is too long.
    #[error("the id of a resource must hold 1 to 4096 bytes")]
    Resource,
    /// An exception in no place, or in too many.
    #[error(
        "an exception cannot be for {0} places: give 1 to 1000, or leave them out for all places"
    )]
    Places(usize),
    /// An exception that ends before it begins.
    #[error("an exception cannot hold from {from} to {until}: give an end that is later")]
    ExceptionPeriod {
        /// The beginning.
        from: Timestamp,
        /// The end.
        until: Timestamp,
    },
}

impl Refusal {
    /// The code at the edge: each of these is the sender's to mend.
    pub const fn code(&self) -> Code {
        Code::BadRequest
    }
}

pub(super) fn check(statement: &Statement) -> Result<(), Refusal> {
    match statement {
        Statement::FrameworkAdopted { requirements, .. } => each_once(requirements),
        Statement::TestStated { weight, validity_days, check, .. } => {
            if !in_range(*weight) {
                return Err(Refusal::Weight(*weight));
            }
            if !(1..=LARGEST_VALIDITY_DAYS).contains(validity_days) {
                return Err(Refusal::Validity(*validity_days));
            }
            check.as_deref().map_or(Ok(()), |check| name("check", check))
        }
        Statement::CheckSummarized { check, account, region, reading } => {
            name("check", check)?;
            name("account", account)?;
            name("region", region)?;
            if reading.evidence.is_none() {
                return Err(Refusal::NoEvidence(check.clone()));
            }
            counts(reading)?;
            period(reading.effective_from, reading.effective_to)?;
            evidence(reading.evidence.as_ref())
        }
        Statement::ManualResult { effective_from, effective_to, evidence: rests_on, .. } => {
            period(*effective_from, *effective_to)?;
            evidence(rests_on.as_ref())
        }
        Statement::EvidenceRejected { version: 0, .. } => Err(Refusal::EvidenceVersion),
        Statement::DependencyStated { control, on, .. } if control == on => {
            Err(Refusal::DependsOnItself)
        }
        Statement::MemberStated { member, share, .. } => {
            if !in_range(*share) {
                return Err(Refusal::Share(*share));
            }
            match member {
                Member::AnyOf { group, controls } => {
                    name("group", group)?;
                    if !(1..=LARGEST_GROUP).contains(&controls.len()) {
                        return Err(Refusal::GroupSize(controls.len()));
                    }
                    Ok(())
                }
                Member::Control(_) => Ok(()),
            }
        }
        Statement::FailingChanged { check, account, region, added, removed } => {
            name("check", check)?;
            name("account", account)?;
            name("region", region)?;
            added.iter().chain(removed).try_for_each(|it| resource(it))
        }
        Statement::ExceptionStated { stated, .. } => exception(stated),
        Statement::MappingStated { stated, .. } => match stated.strength {
            _ if stated.source == stated.target => Err(Refusal::MapsToItself),
            Some(strength) if !(1..=10).contains(&strength) => Err(Refusal::Strength(strength)),
            _ => Ok(()),
        },
        Statement::ControlStated { .. }
        | Statement::NotApplicableStated { .. }
        | Statement::NotApplicableEnded { .. }
        | Statement::NonconformityOpened { .. }
        | Statement::NonconformityClosed { .. }
        | Statement::ExceptionEnded { .. }
        | Statement::MappingEnded { .. }
        | Statement::TestRemoved { .. }
        | Statement::EvidenceRejected { .. }
        | Statement::DependencyStated { .. }
        | Statement::DependencyRemoved { .. }
        | Statement::MemberRemoved { .. } => Ok(()),
    }
}

fn resource(id: &str) -> Result<(), Refusal> {
    if (1..=LONGEST_RESOURCE).contains(&id.len()) { Ok(()) } else { Err(Refusal::Resource) }
}

fn exception(stated: &Exception) -> Result<(), Refusal> {
    // One that was revoked at the moment of its approval ends when it begins.
    if stated.until < stated.from {
        return Err(Refusal::ExceptionPeriod { from: stated.from, until: stated.until });
    }
    match &stated.on {
        Excepted::Manual { .. } => Ok(()),
        Excepted::Resource { check, resource: id, places } => {
            name("check", check)?;
            resource(id)?;
            let Some(places) = places else { return Ok(()) };
            if !(1..=MOST_PLACES).contains(&places.len()) {
                return Err(Refusal::Places(places.len()));
            }
            places.iter().try_for_each(|place| {
                name("account", &place.account)?;
                name("region", &place.region)
            })
        }
    }
}

fn each_once(requirements: &[WeightedRequirement]) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    match requirements.iter().find(|entry| !seen.insert(entry.requirement)) {
        Some(twice) => Err(Refusal::RequirementTwice(twice.requirement)),
        None => Ok(()),
    }
}

fn in_range(weight: Fixed) -> bool {
    weight > Fixed::ZERO && weight.units() <= LARGEST_WEIGHT * Fixed::ONE.units()
}

fn name(of: &'static str, text: &str) -> Result<(), Refusal> {
    if (1..=LONGEST_TEXT).contains(&text.len()) { Ok(()) } else { Err(Refusal::Name(of)) }
}

fn counts(reading: &Reading) -> Result<(), Refusal> {
    let Reading { population, passed, failed, unknown, .. } = *reading;
    if u64::from(passed) + u64::from(failed) + u64::from(unknown) == u64::from(population) {
        Ok(())
    } else {
        Err(Refusal::Population { population, passed, failed, unknown })
    }
}

fn period(from: Timestamp, to: Option<Timestamp>) -> Result<(), Refusal> {
    match to {
        Some(to) if to < from => Err(Refusal::Period { from, to }),
        _ => Ok(()),
    }
}

fn evidence(rests_on: Option<&EvidenceRef>) -> Result<(), Refusal> {
    match rests_on {
        Some(EvidenceRef { version: 0, .. }) => Err(Refusal::EvidenceVersion),
        _ => Ok(()),
    }
}
