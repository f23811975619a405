//! What a scan, an evidence item and a project's intake are, and what may happen to them. Pure:
//! no clock, no database, no I/O.

mod code_test;
mod evidence;
mod intake;
mod observation;
mod reaction;
mod run;

pub(crate) use code_test::{
    CodeTest, Looked, RuleEvaluated, RuleOutcome, RuleRecorded, RuleResult,
};
pub(crate) use evidence::{
    ClassificationRefused, DataClassSet, Evidence, EvidenceVersionAdded, HandedIn, RejectionRefused,
};
pub(crate) use intake::{
    ArchivingRecorded, Intake, IntakeClaimed, IntakeEvent, IntakeReleased, ProjectRecorded,
};
pub(crate) use observation::{
    Class, FindingStatus, Known, ObservedAsset, ObservedCheck, ObservedFinding, ObservedGroup,
    RefusedItem, classify,
};
pub(crate) use reaction::{ControlCheckLinked, ControlLink, Matching, ResultsMatched};
pub(crate) use run::{
    FindingsGone, FindingsObserved, MAX_REFUSED_SHOWN, Run, RunCompleted, RunEvent, RunStarted,
    SummaryKey,
};
