//! What an event of a project tells the score engine. This is the only bridge between the log and
//! the formula: live scores and replays go over it alike.

use studio_kernel::Timestamp;

use super::events::{CheckSummariesRecorded, FrameworkAdopted, ProjectEvent, RequirementUnmapped};
use crate::domain::score::{
    EvidenceRef, Fact, Fixed, Member, MemberKey, Reading, Refusal, Statement, WeightedRequirement,
};

/// The facts in an event that was recorded at `recorded_at`, in order.
///
/// Models that were kept hold the facts of their day: where an event on record comes to give others, the
/// state version of models is raised.
///
/// # Errors
/// A value that the formula cannot take. Commands check with this function before they record, so
/// that a recorded event gives no error.
pub fn facts(event: &ProjectEvent, recorded_at: Timestamp) -> Result<Vec<Fact>, Refusal> {
    statements(event, recorded_at)?.into_iter().map(Fact::new).collect()
}

fn statements(event: &ProjectEvent, recorded_at: Timestamp) -> Result<Vec<Statement>, Refusal> {
    Ok(match event {
        ProjectEvent::FrameworkAdopted(adopted) => adoption(adopted),
        ProjectEvent::ControlCreated(created) => vec![Statement::ControlStated {
            control: created.control,
            implementation: created.stated.implementation,
            retired: false,
        }],
        ProjectEvent::ControlUpdated(updated) => vec![Statement::ControlStated {
            control: updated.control,
            implementation: updated.stated.implementation,
            retired: false,
        }],
        ProjectEvent::ControlRetired(retired) => vec![Statement::ControlStated {
            control: retired.control,
            implementation: retired.implementation,
            retired: true,
        }],
        ProjectEvent::RequirementMapped(mapped) => vec![Statement::MemberStated {
            requirement: mapped.requirement,
            member: mapped.member.clone(),
            share: mapped.share,
        }],
        ProjectEvent::RequirementUnmapped(unmapped) => vec![unmapping(unmapped)],
        ProjectEvent::ControlTestAdded(added) => vec![Statement::TestStated {
            test: added.test,
            control: added.control,
            weight: Fixed::from_units(i64::from(added.weight).saturating_mul(Fixed::ONE.units())),
            key: added.key,
            validity_days: added.validity_days,
            check: added.check.clone(),
        }],
        ProjectEvent::TestChanged(changed) => vec![changed.statement()],
        ProjectEvent::TestRetired(retired) => vec![Statement::TestRemoved { test: retired.test }],
        ProjectEvent::TestResultRecorded(result) => {
            result.statement(recorded_at).into_iter().collect()
        }
        ProjectEvent::TestResultSignedOff(signed) => vec![signed.statement()],
        ProjectEvent::ControlReinstated(reinstated) => vec![reinstated.statement()],
        ProjectEvent::DependencyAdded(added) => vec![Statement::DependencyStated {
            control: added.control,
            on: added.depends_on,
            strength: added.strength,
        }],
        ProjectEvent::DependencyRemoved(removed) => {
            vec![Statement::DependencyRemoved { control: removed.control, on: removed.depends_on }]
        }
        ProjectEvent::CheckSummariesRecorded(recorded) => summaries(recorded, recorded_at)?,
        ProjectEvent::EvidenceDiscounted(discounted) => vec![Statement::EvidenceRejected {
            evidence: discounted.evidence,
            version: discounted.evidence_version,
        }],
        ProjectEvent::NotApplicableApproved(approved) => vec![Statement::NotApplicableStated {
            requirement: approved.requirement,
            declaration: approved.declaration,
        }],
        ProjectEvent::NotApplicableWithdrawn(withdrawn) => vec![Statement::NotApplicableEnded {
            requirement: withdrawn.requirement,
            declaration: withdrawn.declaration,
        }],
        ProjectEvent::NonconformityOpened(opened) => vec![Statement::NonconformityOpened {
            nonconformity: opened.nonconformity,
            control: opened.control,
            grade: opened.grade,
            from: recorded_at,
        }],
        ProjectEvent::NonconformityClosed(closed) => vec![Statement::NonconformityClosed {
            nonconformity: closed.nonconformity,
            control: closed.control,
            until: recorded_at,
        }],
        ProjectEvent::ExceptionApproved(approved) => vec![Statement::ExceptionStated {
            exception: approved.exception,
            stated: approved.terms.approved(recorded_at),
        }],
        ProjectEvent::MappingApproved(approved) => vec![Statement::MappingStated {
            mapping: approved.mapping,
            stated: approved.terms.mapping,
        }],
        ProjectEvent::MappingWithdrawn(withdrawn) => {
            vec![Statement::MappingEnded { mapping: withdrawn.mapping }]
        }
        ProjectEvent::ExceptionRevoked(revoked) => {
            vec![Statement::ExceptionEnded { exception: revoked.exception, until: recorded_at }]
        }
        ProjectEvent::ProjectCreated(_)
        | ProjectEvent::ProjectRenamed(_)
        | ProjectEvent::ProjectArchived(_)
        | ProjectEvent::ProjectRestored(_)
        | ProjectEvent::ChecksSeen(_)
        | ProjectEvent::TestRuleChanged(_)
        | ProjectEvent::CheckResultsMatched(_)
        | ProjectEvent::ResultsTakenInPart(_)
        | ProjectEvent::NotApplicableProposed(_)
        | ProjectEvent::NotApplicableRejected(_)
        | ProjectEvent::NonconformityCorrected(_)
        | ProjectEvent::CorrectionRejected(_)
        | ProjectEvent::ExceptionProposed(_)
        | ProjectEvent::ExceptionRejected(_)
        | ProjectEvent::MappingProposed(_)
        | ProjectEvent::MappingRejected(_)
        | ProjectEvent::TestResultRejected(_)
        | ProjectEvent::ControlReviewed(_) => Vec::new(),
    })
}

fn adoption(adopted: &FrameworkAdopted) -> Vec<Statement> {
    let requirements = adopted
        .requirements
        .iter()
        .map(|item| WeightedRequirement {
            requirement: item.requirement,
            importance: item.importance,
        })
        .collect();
    let mut statements =
        vec![Statement::FrameworkAdopted { framework: adopted.framework, requirements }];
    for made in &adopted.controls {
        statements.push(Statement::ControlStated {
            control: made.control,
            implementation: adopted.implementation,
            retired: false,
        });
        statements.push(Statement::MemberStated {
            requirement: made.requirement,
            member: Member::Control(made.control),
            share: Fixed::ONE,
        });
    }
    statements
}

fn unmapping(unmapped: &RequirementUnmapped) -> Statement {
    let requirement = unmapped.requirement;
    match (&unmapped.remaining, &unmapped.group) {
        (Some((member, share)), _) => {
            Statement::MemberStated { requirement, member: member.clone(), share: *share }
        }
        (None, Some(group)) => {
            Statement::MemberRemoved { requirement, member: MemberKey::Group(group.clone()) }
        }
        (None, None) => {
            Statement::MemberRemoved { requirement, member: MemberKey::Control(unmapped.control) }
        }
    }
}

fn summaries(
    recorded: &CheckSummariesRecorded,
    recorded_at: Timestamp,
) -> Result<Vec<Statement>, Refusal> {
    let evidence = EvidenceRef {
        evidence: recorded.evidence,
        version: recorded.evidence_version,
        hash: recorded.evidence_hash.parse()?,
    };
    let mut statements = Vec::with_capacity(recorded.summaries.len());
    for summary in &recorded.summaries {
        let of = || (summary.check.clone(), summary.account.clone(), summary.region.clone());
        let (added, removed) = (&summary.failing_added, &summary.failing_removed);
        if !added.is_empty() || !removed.is_empty() {
            let (check, account, region) = of();
            let (added, removed) = (added.clone(), removed.clone());
            statements.push(Statement::FailingChanged { check, account, region, added, removed });
        }
        let (check, account, region) = of();
        let reading = Reading {
            population: summary.population,
            passed: summary.passed,
            failed: summary.failed,
            unknown: summary.unknown,
            effective_from: summary.effective_from,
            effective_to: summary.effective_to,
            collected_at: summary.collected_at,
            recorded_at,
            evidence: Some(evidence),
            rule_version: summary.rule_version,
        };
        statements.push(Statement::CheckSummarized { check, account, region, reading });
    }
    Ok(statements)
}
