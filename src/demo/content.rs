//! What the demo's company has: names, states, dependencies, manual tests, documents.

pub(super) const ORGANIZATION: &str = "Larkspur Systems";
pub(super) const OWNER: &str = "Amara Okafor";
pub(super) const PROJECT: &str = "Production cloud";

/// The catalogs that are adopted, by the id that `importFramework` takes.
pub(super) const FRAMEWORKS: [&str; 2] = ["soc2-2017", "iso27001-2022"];

/// Controls that are not implemented in full.
pub(super) const PARTIAL: &[&str] = &["CC3.3", "CC9.2", "PI1.1", "A.5.23", "A.8.12"];
pub(super) const PLANNED: &[&str] = &["P6.7", "A.7.5", "A.8.9"];

/// (control, what it rests on, strength).
pub(super) const DEPENDENCIES: &[(&str, &str, &str)] = &[
    ("CC6.2", "CC6.1", "FULL"),
    ("CC6.3", "CC6.1", "HALF"),
    ("CC7.3", "CC7.2", "HALF"),
    ("CC7.4", "CC7.3", "WEAK"),
    ("A1.3", "A1.2", "FULL"),
    ("A.5.18", "A.5.15", "HALF"),
    ("A.8.5", "A.5.17", "HALF"),
    ("A.8.16", "A.8.15", "FULL"),
];

/// A test that a person does: (control, what is tested, outcome).
pub(super) const MANUAL_TESTS: &[(&str, &str, &str)] = &[
    ("CC1.1", "Every employee has signed the code of conduct", "PASSED"),
    ("CC1.2", "The board has reviewed security this quarter", "PASSED"),
    ("CC1.4", "New engineers have passed the screening", "PASSED"),
    ("CC2.2", "The security handbook is read at onboarding", "PASSED"),
    ("CC3.1", "The risk register names an owner for each objective", "PASSED"),
    ("CC3.2", "The risk register was reviewed this quarter", "PASSED"),
    ("CC5.3", "Policies carry an owner and a date of review", "PASSED"),
    ("CC8.1", "A sample of twenty changes was reviewed before release", "FAILED"),
    ("CC9.1", "The continuity plan was rehearsed this year", "PASSED"),
    ("A1.3", "A restore was rehearsed this quarter", "PASSED"),
    ("A.5.1", "The security policy is approved and published", "PASSED"),
    ("A.5.2", "Each security role has a named holder", "PASSED"),
    ("A.5.24", "The incident plan names roles and contacts", "PASSED"),
    ("A.6.3", "Everyone has done this year's awareness training", "FAILED"),
    ("A.6.1", "New employees have passed the screening", "PASSED"),
    ("A.7.1", "The office's entrances were walked and found closed", "PASSED"),
];

/// (name, media type, content).
pub(super) const DOCUMENTS: &[(&str, &str, &str)] = &[
    (
        "access-control-policy.md",
        "text/markdown",
        include_str!("../../demo/documents/access-control-policy.md"),
    ),
    (
        "incident-response-plan.md",
        "text/markdown",
        include_str!("../../demo/documents/incident-response-plan.md"),
    ),
    (
        "backup-procedure.md",
        "text/markdown",
        include_str!("../../demo/documents/backup-procedure.md"),
    ),
];

/// What a newcomer may paste into the console.
pub(super) const QUERIES: [(&str, &str); 3] = [
    (
        "The scores, with what is proven and what is still possible",
        "query Scores { projects { nodes { name scores { framework { name } headline lo hi coverage } } } }",
    ),
    (
        "Requirements that are not satisfied, and what scores rest on, down to the hash",
        "query Losses { projects { nodes { scores { requirements(verdict: OTHER_THAN_SATISFIED, first: 3) { \
         nodes { requirement { code title } pointsLost } } contributions(first: 3) { nodes { \
         requirement { requirement { code } } control { control { code } tests { \
         check passed failed summaries { evidence { version sha256 evidence { source } } } } } } } } } } }",
    ),
    (
        "A question to the documents",
        "mutation Ask { ask(input: { question: \"Who needs a second factor?\" }) { answer { text \
         citations { documentName quote place { startLine } } } } }",
    ),
];
