//! Random projects for the property tests: a few controls, tests, checks, requirements and
//! frameworks, and a history of what is stated about them while the clock moves on.

use std::collections::BTreeSet;

use proptest::prelude::*;
use studio_controls::domain::score::{
    ControlId, EvidenceHash, EvidenceRef, Excepted, Exception, Fact, Fixed, FrameworkId, Grade,
    Implementation, Importance, Mapping, Member, MemberKey, Outcome, Place, Reading, Relation,
    RequirementId, Statement, Strength, WeightedRequirement,
};
use studio_kernel::{Id, Timestamp, id::Kind};

pub(crate) mod formula;

const CONTROLS: u8 = 7;
const REQUIREMENTS: u8 = 5;
const FRAMEWORKS: u8 = 2;
const TESTS: u8 = 10;
const CHECKS: u8 = 4;
const RESOURCES: u8 = 5;
const DAY: i64 = 86_400;

fn id<K: Kind>(number: impl Into<u32>) -> Id<K> {
    format!("{}_{:032x}", K::PREFIX, number.into()).parse().unwrap()
}

fn fixed(number: f64) -> Fixed {
    Fixed::from_f64(number).unwrap()
}

pub(crate) fn start() -> Timestamp {
    "2026-03-01T10:30:00Z".parse().unwrap()
}

/// One step of a history.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Something is stated now.
    Say(Said),
    /// The clock moves by so many seconds, and the numbers are brought up to date.
    Wait(i64),
}

/// A statement whose times are still relative to the moment in which it is made.
#[derive(Debug, Clone)]
pub(crate) enum Said {
    Plain(Statement),
    Scan { check: u8, place: u8, counts: [u32; 3], times: Times, version: u32 },
    Manual { test: u8, outcome: Outcome, times: Times, version: Option<u32>, waited: i64 },
    Opened { number: u8, control: u8, grade: Grade, since: i64 },
    Closed { number: u8, control: u8, ago: i64 },
    Excepted { number: u8, on: Excepted, compensating: Option<u8>, since: i64, lasts: i64 },
    Ended { number: u8, ago: i64 },
}

/// Seconds before now (after, where negative).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    from: i64,
    lasted: Option<i64>,
    collected: i64,
}

impl Said {
    pub(crate) fn now(&self, now: Timestamp) -> Fact {
        let statement = match self {
            Self::Plain(statement) => statement.clone(),
            Self::Scan { check, place, counts: [passed, failed, unknown], times, version } => {
                let (check, Place { account, region }) = (check_name(*check), place_of(*place));
                Statement::CheckSummarized {
                    check,
                    account,
                    region,
                    reading: Reading {
                        rule_version: None,
                        population: passed + failed + unknown,
                        passed: *passed,
                        failed: *failed,
                        unknown: *unknown,
                        effective_from: now.plus_seconds(-times.from),
                        effective_to: times.until(now),
                        collected_at: now.plus_seconds(-times.collected),
                        recorded_at: now,
                        evidence: Some(evidence(*version)),
                    },
                }
            }
            // As it was when it was recorded, before somebody signed it off.
            Self::Manual { test, outcome, times, version, waited } => Statement::ManualResult {
                test: id(*test),
                outcome: *outcome,
                effective_from: now.plus_seconds(-waited - times.from),
                effective_to: times.until(now.plus_seconds(-waited)),
                collected_at: now.plus_seconds(-waited - times.collected),
                recorded_at: now.plus_seconds(-waited),
                evidence: version.map(evidence),
            },
            Self::Opened { number, control, grade, since } => Statement::NonconformityOpened {
                nonconformity: id(*number),
                control: id(*control),
                grade: *grade,
                from: now.plus_seconds(-since),
            },
            Self::Closed { number, control, ago } => Statement::NonconformityClosed {
                nonconformity: id(*number),
                control: id(*control),
                until: now.plus_seconds(-ago),
            },
            Self::Excepted { number, on, compensating, since, lasts } => {
                let from = now.plus_seconds(-since);
                let stated = Exception {
                    on: on.clone(),
                    compensating: compensating.map(id),
                    from,
                    until: from.plus_seconds(*lasts),
                };
                Statement::ExceptionStated { exception: id(*number), stated }
            }
            Self::Ended { number, ago } => {
                Statement::ExceptionEnded { exception: id(*number), until: now.plus_seconds(-ago) }
            }
        };
        Fact::new(statement).unwrap()
    }
}

impl Times {
    fn until(&self, now: Timestamp) -> Option<Timestamp> {
        self.lasted.map(|lasted| now.plus_seconds(lasted - self.from))
    }
}

fn check_name(number: u8) -> String {
    format!("check-{number}")
}

fn place_of(number: u8) -> Place {
    Place { account: format!("account-{}", number / 2), region: format!("region-{}", number % 2) }
}

fn evidence(version: u32) -> EvidenceRef {
    let hash: EvidenceHash = format!("{version:064x}").parse().unwrap();
    EvidenceRef { evidence: id(1_u32), version, hash }
}

/// A history: everything is stated once in some way, then things happen. With `foretold`, a
/// reading may be recorded before it begins to be true.
pub(crate) fn history(foretold: bool) -> impl Strategy<Value = Vec<Step>> {
    let controls: Vec<_> = (0..CONTROLS).map(|n| control(n).boxed()).collect();
    let tests: Vec<_> = (0..TESTS).map(|n| test(n).boxed()).collect();
    let members = prop::collection::vec(member(), 0..12);
    let dependencies = prop::collection::vec(dependency(), 0..14);
    let frameworks: Vec<_> = (0..FRAMEWORKS).map(|n| framework(n).boxed()).collect();
    let mappings = prop::collection::vec(mapping(), 0..5);
    let stated = (controls, tests, members, dependencies, frameworks, mappings)
        .prop_map(|(a, b, c, d, e, f)| [a, b, c, d, e, f].concat())
        .prop_shuffle();
    let first_scans = prop::collection::vec(first_scan(), 0..10);
    let scene = prop::option::weighted(0.4, scene());
    let happenings = prop::collection::vec(happening(foretold), 0..40);
    (stated, first_scans, scene, happenings).prop_map(|(stated, first_scans, scene, happenings)| {
        let stated = stated.into_iter().map(Said::Plain).chain(first_scans).map(Step::Say);
        let happenings = scene.into_iter().chain(happenings).flatten();
        stated.chain(happenings).chain([Step::Wait(0)]).collect()
    })
}

/// Two controls with a failure each, by a scan and by hand, that make up for each other.
fn scene() -> impl Strategy<Value = Vec<Step>> {
    let controls = (0..CONTROLS, 1..CONTROLS).prop_map(|(a, step)| [a, (a + step) % CONTROLS]);
    let counts = [[1..9_u32, 1..4_u32, 0..2_u32], [1..9_u32, 1..4_u32, 0..2_u32]];
    (controls, [prop::bool::ANY; 3], counts, 0..60 * DAY).prop_map(
        |(controls, keys, counts, lasts)| {
            let mut said = Vec::new();
            let mut test = |number: u8, control: u8, key: bool, check: Option<u8>| {
                said.push(Said::Plain(Statement::TestStated {
                    test: id(number),
                    control: id(control),
                    weight: Fixed::ONE,
                    key,
                    validity_days: 40,
                    check: check.map(check_name),
                }));
            };
            test(0, controls[0], keys[0], Some(0));
            test(1, controls[1], keys[1], Some(1));
            test(2, controls[0], keys[2], None);
            let times = Times { from: 0, lasted: None, collected: 0 };
            for (check, counts) in [0, 1].into_iter().zip(counts) {
                let Place { account, region } = place_of(0);
                let name = |number: u32| format!("resource-{number}");
                said.push(Said::Plain(Statement::FailingChanged {
                    check: check_name(check),
                    account,
                    region,
                    added: (0..counts[1]).map(name).collect(),
                    removed: (counts[1]..u32::from(RESOURCES)).map(name).collect(),
                }));
                said.push(Said::Scan { check, place: 0, counts, times, version: 1 });
                said.push(Said::Excepted {
                    number: check,
                    on: Excepted::Resource {
                        check: check_name(check),
                        resource: name(0),
                        places: None,
                    },
                    compensating: Some(controls[usize::from(1 - check)]),
                    since: 0,
                    lasts,
                });
            }
            // A second exception on the first failure, which accepts the risk alone.
            said.push(Said::Excepted {
                number: 3,
                on: Excepted::Resource {
                    check: check_name(0),
                    resource: "resource-0".to_owned(),
                    places: None,
                },
                compensating: None,
                since: 0,
                lasts,
            });
            said.push(Said::Manual {
                test: 2,
                outcome: Outcome::Failed,
                times,
                version: None,
                waited: 0,
            });
            said.push(Said::Excepted {
                number: 2,
                on: Excepted::Manual { test: id(2_u8) },
                compensating: Some(controls[1]),
                since: 0,
                lasts,
            });
            said.into_iter().map(Step::Say).chain([Step::Wait(0)]).collect()
        },
    )
}

fn happening(foretold: bool) -> impl Strategy<Value = Vec<Step>> {
    let plain = prop_oneof![
        2 => (0..CONTROLS).prop_flat_map(control),
        2 => (0..TESTS).prop_flat_map(test),
        1 => (0..TESTS).prop_map(|n| Statement::TestRemoved { test: id(n) }),
        2 => member(),
        1 => member_removed(),
        2 => dependency(),
        1 => (0..CONTROLS, 0..CONTROLS)
            .prop_map(|(a, b)| Statement::DependencyRemoved { control: id(a), on: id(b) }),
        1 => (0..FRAMEWORKS).prop_flat_map(framework),
        1 => (2..8_u32).prop_map(|version| Statement::EvidenceRejected { evidence: id(1_u32), version }),
        1 => (0..REQUIREMENTS, 0..3_u8).prop_map(|(requirement, number)| {
            Statement::NotApplicableStated { requirement: id(requirement), declaration: id(number) }
        }),
        4 => mapping(),
        1 => (0..4_u8).prop_map(|number| Statement::MappingEnded { mapping: id(number) }),
        1 => (0..REQUIREMENTS, 0..3_u8).prop_map(|(requirement, number)| {
            Statement::NotApplicableEnded { requirement: id(requirement), declaration: id(number) }
        }),
    ];
    prop_oneof![
        4 => plain.prop_map(|statement| vec![Step::Say(Said::Plain(statement))]),
        8 => scan(foretold),
        3 => manual(foretold).prop_map(|said| vec![Step::Say(said)]),
        4 => departure(foretold).prop_map(|said| vec![Step::Say(said)]),
        4 => prop_oneof![0..3 * DAY, 0..60 * DAY].prop_map(|wait| vec![Step::Wait(wait)]),
    ]
}

fn mapping() -> impl Strategy<Value = Statement> {
    let relation = prop_oneof![
        Just(Relation::Equal),
        Just(Relation::Equivalent),
        Just(Relation::Subset),
        Just(Relation::Superset),
        Just(Relation::Intersects),
    ];
    let strength = prop::option::weighted(0.8, 1..=10_u8);
    (0..4_u8, 0..REQUIREMENTS, 1..REQUIREMENTS, relation, strength).prop_map(
        |(number, source, step, relation, strength)| {
            let (source, target) = (id(source), id((source + step) % REQUIREMENTS));
            let stated = Mapping { source, target, relation, strength };
            Statement::MappingStated { mapping: id(number), stated }
        },
    )
}

/// What departs from the rule, and the end of it. With `foretold` it may begin or end later.
fn departure(foretold: bool) -> impl Strategy<Value = Said> {
    let ago = move || {
        let latest = if foretold { -5 * DAY } else { 0 };
        prop_oneof![2 => Just(0), 1 => latest..20 * DAY]
    };
    let grade = prop_oneof![Just(Grade::Major), Just(Grade::Minor)];
    let places = prop::option::weighted(0.3, prop::collection::btree_set(0..4_u8, 1..3));
    let resource = (0..CHECKS, 0..RESOURCES, places).prop_map(|(check, resource, places)| {
        let places = places.map(|places| places.into_iter().map(place_of).collect());
        let (check, resource) = (check_name(check), format!("resource-{resource}"));
        Excepted::Resource { check, resource, places }
    });
    let by_hand = (0..TESTS).prop_map(|test| Excepted::Manual { test: id(test) });
    let on = prop_oneof![3 => resource, 1 => by_hand];
    let compensating = prop::option::weighted(0.8, 0..=CONTROLS);
    prop_oneof![
        1 => (0..3_u8, 0..CONTROLS, grade, ago())
            .prop_map(|(number, control, grade, since)| Said::Opened { number, control, grade, since }),
        1 => (0..3_u8, 0..CONTROLS, ago())
            .prop_map(|(number, control, ago)| Said::Closed { number, control, ago }),
        6 => (0..8_u8, on, compensating, ago(), 0..60 * DAY).prop_map(
            |(number, on, compensating, since, lasts)| Said::Excepted {
                number, on, compensating, since, lasts,
            }
        ),
        1 => (0..8_u8, ago()).prop_map(|(number, ago)| Said::Ended { number, ago }),
    ]
}

fn control(number: u8) -> impl Strategy<Value = Statement> {
    let implementation = prop_oneof![
        1 => Just(Implementation::Planned),
        2 => Just(Implementation::Partial),
        5 => Just(Implementation::Implemented),
    ];
    (implementation, prop::bool::weighted(0.1)).prop_map(move |(implementation, retired)| {
        Statement::ControlStated { control: id(number), implementation, retired }
    })
}

fn test(number: u8) -> impl Strategy<Value = Statement> {
    let weight = prop_oneof![Just(1.0), 0.001..5.0_f64];
    let check = prop::option::weighted(0.7, 0..CHECKS);
    // One control more than is ever stated.
    (0..=CONTROLS, weight, prop::bool::weighted(0.3), 1..45_u32, check).prop_map(
        move |(control, weight, key, validity_days, check)| Statement::TestStated {
            test: id(number),
            control: id(control),
            weight: fixed(weight),
            key,
            validity_days,
            check: check.map(|check| format!("check-{check}")),
        },
    )
}

fn member() -> impl Strategy<Value = Statement> {
    let group =
        (0..2_u8, prop::collection::btree_set(0..=CONTROLS, 1..4)).prop_map(|(group, controls)| {
            Member::AnyOf {
                group: format!("group-{group}"),
                controls: controls.into_iter().map(id).collect::<BTreeSet<ControlId>>(),
            }
        });
    let member = prop_oneof![3 => (0..=CONTROLS).prop_map(|n| Member::Control(id(n))), 1 => group];
    let share =
        prop_oneof![4 => Just(1.0), 1 => Just(0.5), 1 => Just(1.0 / 3.0), 2 => 0.01..2.0_f64];
    (0..REQUIREMENTS, member, share).prop_map(|(requirement, member, share)| {
        Statement::MemberStated { requirement: id(requirement), member, share: fixed(share) }
    })
}

fn member_removed() -> impl Strategy<Value = Statement> {
    let member = prop_oneof![
        (0..=CONTROLS).prop_map(|n| MemberKey::Control(id(n))),
        (0..2_u8).prop_map(|group| MemberKey::Group(format!("group-{group}"))),
    ];
    (0..REQUIREMENTS, member).prop_map(|(requirement, member)| Statement::MemberRemoved {
        requirement: id(requirement),
        member,
    })
}

fn dependency() -> impl Strategy<Value = Statement> {
    let strength = prop_oneof![Just(Strength::Full), Just(Strength::Half), Just(Strength::Weak)];
    (0..CONTROLS, 1..=CONTROLS, strength).prop_map(|(control, step, strength)| {
        let on = (control + step) % (CONTROLS + 1);
        Statement::DependencyStated { control: id(control), on: id(on), strength }
    })
}

fn framework(number: u8) -> impl Strategy<Value = Statement> {
    let importance =
        prop_oneof![Just(Importance::Normal), Just(Importance::High), Just(Importance::Critical)];
    prop::collection::btree_map(0..REQUIREMENTS, importance, 0..=usize::from(REQUIREMENTS))
        .prop_map(move |requirements| Statement::FrameworkAdopted {
            framework: id(number),
            requirements: requirements
                .into_iter()
                .map(|(requirement, importance)| WeightedRequirement {
                    requirement: id(requirement),
                    importance,
                })
                .collect(),
        })
}

/// A scan of this moment in which everything passes.
fn first_scan() -> impl Strategy<Value = Said> {
    let times = Times { from: 0, lasted: None, collected: 0 };
    (0..CHECKS, 0..4_u8, 1..9_u32).prop_map(move |(check, place, passed)| Said::Scan {
        check,
        place,
        counts: [passed, 0, 0],
        times,
        version: 1,
    })
}

/// A scan, and before it which resources fail: mostly as many as are counted.
fn scan(foretold: bool) -> impl Strategy<Value = Vec<Step>> {
    let counts = prop_oneof![
        3 => (1..9_u32).prop_map(|passed| [passed, 0, 0]),
        5 => [0..9_u32, 0..4_u32, 0..4_u32],
    ];
    let names = prop::sample::subsequence((0..RESOURCES).collect::<Vec<_>>(), 4).prop_shuffle();
    let odd = prop::option::weighted(0.2, 0..4_usize);
    (0..CHECKS, 0..4_u8, counts, times(foretold), 1..6_u32, (names, odd)).prop_map(
        |(check, place, counts, times, version, (names, odd))| {
            let failing = odd.unwrap_or(counts[1] as usize);
            let name = |number: u8| format!("resource-{number}");
            let added: BTreeSet<String> = names.into_iter().take(failing).map(name).collect();
            let removed = (0..RESOURCES).map(name).filter(|name| !added.contains(name)).collect();
            let Place { account, region } = place_of(place);
            let check_id = check_name(check);
            let changed =
                Statement::FailingChanged { check: check_id, account, region, added, removed };
            let scan = Said::Scan { check, place, counts, times, version };
            vec![Step::Say(Said::Plain(changed)), Step::Say(scan)]
        },
    )
}

fn manual(foretold: bool) -> impl Strategy<Value = Said> {
    let outcome = prop_oneof![
        3 => Just(Outcome::Passed),
        1 => Just(Outcome::Failed),
        1 => Just(Outcome::Unknown),
    ];
    let waited = prop_oneof![2 => Just(0), 1 => 0..20 * DAY];
    (0..TESTS, outcome, times(foretold), prop::option::of(1..6_u32), waited).prop_map(
        |(test, outcome, times, version, waited)| {
            // Only a pass waits for anybody.
            let waited = if outcome == Outcome::Passed { waited } else { 0 };
            Said::Manual { test, outcome, times, version, waited }
        },
    )
}

fn times(foretold: bool) -> impl Strategy<Value = Times> {
    let earliest = if foretold { -5 * DAY } else { 0 };
    let from = prop_oneof![2 => Just(0), 3 => earliest..40 * DAY];
    let lasted = prop::option::weighted(0.2, 0..30 * DAY);
    let collected = prop_oneof![2 => Just(0), 2 => -DAY..40 * DAY];
    (from, lasted, collected).prop_map(|(from, lasted, collected)| Times {
        from,
        lasted,
        collected,
    })
}

/// The controls that are always stated.
pub(crate) fn controls() -> impl Iterator<Item = ControlId> {
    (0..CONTROLS).map(id)
}

pub(crate) fn requirements() -> impl Iterator<Item = RequirementId> {
    (0..REQUIREMENTS).map(id)
}

pub(crate) fn frameworks() -> impl Iterator<Item = FrameworkId> {
    (0..FRAMEWORKS).map(id)
}

/// The same and the one that is referred to and never stated.
pub(crate) fn all_controls() -> impl Iterator<Item = ControlId> {
    (0..=CONTROLS).map(id)
}
