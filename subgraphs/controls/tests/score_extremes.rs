//! The largest and oddest values that a fact may hold: whatever is accepted can be scored.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at what it does not expect"
)]

use proptest::prelude::*;
use studio_controls::domain::score::{
    EvidenceHash, EvidenceRef, Excepted, Exception, Fact, Fixed, Grade, Implementation, Importance,
    Member, Model, Outcome, Reading, Refusal, STATE_VERSION, Statement, Strength, Verdict,
    WeightedRequirement,
};
use studio_kernel::{Code, Id, Timestamp, id::Kind};

fn id<K: Kind>(number: u8) -> Id<K> {
    format!("{}_{number:032x}", K::PREFIX).parse().unwrap()
}

fn number() -> impl Strategy<Value = Fixed> {
    prop_oneof![
        Just(Fixed::from_units(1)),
        Just(Fixed::ONE),
        Just(Fixed::from_units(1_000 * Fixed::ONE.units())),
        any::<i64>().prop_map(Fixed::from_units),
    ]
}

fn instant() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        any::<i64>().prop_map(Timestamp::from_micros),
        (0..4_000_000_000_000_000_i64).prop_map(Timestamp::from_micros),
    ]
}

fn count() -> impl Strategy<Value = u32> {
    prop_oneof![0..5_u32, Just(u32::MAX), any::<u32>()]
}

fn reading() -> impl Strategy<Value = Reading> {
    let population = prop_oneof![3 => Just(None), 1 => count().prop_map(Some)];
    let counts = (count(), count(), count(), population);
    let times = (instant(), prop::option::of(instant()), instant(), instant());
    (counts, times).prop_map(|((passed, failed, unknown, population), times)| Reading {
        rule_version: None,
        population: population.unwrap_or_else(|| passed.wrapping_add(failed).wrapping_add(unknown)),
        passed,
        failed,
        unknown,
        effective_from: times.0,
        effective_to: times.1,
        collected_at: times.2,
        recorded_at: times.3,
        evidence: Some(EvidenceRef {
            evidence: id(1),
            version: 1,
            hash: "0".repeat(64).parse().unwrap(),
        }),
    })
}

fn statement() -> impl Strategy<Value = Statement> {
    let scan = (0..2_u8, reading()).prop_map(|(region, reading)| Statement::CheckSummarized {
        check: "check".to_owned(),
        account: "account".to_owned(),
        region: region.to_string(),
        reading,
    });
    let test = (0..3_u8, 0..3_u8, number(), any::<bool>(), count()).prop_map(
        |(test, control, weight, key, validity_days)| Statement::TestStated {
            test: id(test),
            control: id(control),
            weight,
            key,
            validity_days,
            check: Some("check".to_owned()),
        },
    );
    let member = (0..2_u8, 0..3_u8, number()).prop_map(|(requirement, control, share)| {
        Statement::MemberStated {
            requirement: id(requirement),
            member: Member::Control(id(control)),
            share,
        }
    });
    let dependency = (0..3_u8, 0..3_u8).prop_map(|(control, on)| Statement::DependencyStated {
        control: id(control),
        on: id(on),
        strength: Strength::Weak,
    });
    let failing = (0..2_u8, any::<bool>()).prop_map(|(region, fails)| {
        let resource = [RESOURCE.to_owned()].into();
        let (added, removed) = if fails { (resource, [].into()) } else { ([].into(), resource) };
        let (check, account) = ("check".to_owned(), "account".to_owned());
        Statement::FailingChanged { check, account, region: region.to_string(), added, removed }
    });
    let exception = (0..2_u8, prop::option::of(0..3_u8), instant(), instant()).prop_map(
        |(number, compensating, from, until)| Statement::ExceptionStated {
            exception: id(number),
            stated: excepted(RESOURCE, compensating, from, until),
        },
    );
    let ended = (0..2_u8, instant())
        .prop_map(|(number, until)| Statement::ExceptionEnded { exception: id(number), until });
    let opened =
        (0..2_u8, 0..3_u8, any::<bool>(), instant()).prop_map(|(number, control, major, from)| {
            Statement::NonconformityOpened {
                nonconformity: id(number),
                control: id(control),
                grade: if major { Grade::Major } else { Grade::Minor },
                from,
            }
        });
    let closed = (0..2_u8, 0..3_u8, instant()).prop_map(|(number, control, until)| {
        Statement::NonconformityClosed { nonconformity: id(number), control: id(control), until }
    });
    prop_oneof![
        3 => scan, 2 => test, 2 => member, 1 => dependency,
        1 => failing, 2 => exception, 1 => ended, 1 => opened, 1 => closed,
    ]
}

const RESOURCE: &str = "arn:of:a:bucket";

fn excepted(
    resource: &str,
    compensating: Option<u8>,
    from: Timestamp,
    until: Timestamp,
) -> Exception {
    let (check, resource) = ("check".to_owned(), resource.to_owned());
    let on = Excepted::Resource { check, resource, places: None };
    Exception { on, compensating: compensating.map(id), from, until }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn whatever_is_accepted_gives_numbers_in_their_range(
        statements in prop::collection::vec(statement(), 0..30),
        at in prop::collection::vec(instant(), 1..4),
    ) {
        let mut model = Model::default();
        let stated = (0..3).map(|number| Statement::ControlStated {
            control: id(number),
            implementation: Implementation::Implemented,
            retired: false,
        });
        let requirements = (0..2)
            .map(|n| WeightedRequirement { requirement: id(n), importance: Importance::Critical })
            .collect();
        let adopted = Statement::FrameworkAdopted { framework: id(0), requirements };
        for statement in stated.chain([adopted]).chain(statements) {
            if let Ok(fact) = Fact::new(statement) {
                model.apply(&fact);
            }
        }
        for at in at {
            model.recompute(at).unwrap();
            prop_assert!(model.next_change().is_none_or(|next| next > at));
            let score = model.framework(id(0)).unwrap();
            let value = score.value.unwrap();
            let hundred = 100 * Fixed::ONE.units();
            prop_assert!(Fixed::ZERO <= value.lo && value.lo <= value.hi, "{score:?}");
            prop_assert!(value.hi.units() <= hundred && value.coverage <= Fixed::ONE, "{score:?}");
            model.explain_framework(id(0)).unwrap();
            let text = serde_json::to_string(&model).unwrap();
            let restored: Model = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(restored.framework(id(0)), Some(score));
        }
    }
}

fn plain() -> Reading {
    Reading {
        rule_version: None,
        population: 10,
        passed: 7,
        failed: 2,
        unknown: 1,
        effective_from: Timestamp::default(),
        effective_to: None,
        collected_at: Timestamp::default(),
        recorded_at: Timestamp::default(),
        evidence: Some(EvidenceRef {
            evidence: id(1),
            version: 1,
            hash: "0".repeat(64).parse().unwrap(),
        }),
    }
}

fn scan(reading: Reading) -> Statement {
    Statement::CheckSummarized {
        check: "check".to_owned(),
        account: "account".to_owned(),
        region: "region".to_owned(),
        reading,
    }
}

fn test(weight: &str, validity_days: u32) -> Statement {
    Statement::TestStated {
        test: id(1),
        control: id(1),
        weight: weight.parse().unwrap(),
        key: false,
        validity_days,
        check: None,
    }
}

#[test]
fn wild_values_are_refused_with_a_sentence() {
    assert!(Fact::new(scan(plain())).is_ok());
    let no_version = plain().evidence.map(|evidence| EvidenceRef { version: 0, ..evidence });
    let before = Some(Timestamp::default().plus_seconds(-1));
    let share = |share: &str| Statement::MemberStated {
        requirement: id(1),
        member: Member::Control(id(1)),
        share: share.parse().unwrap(),
    };
    let start = Timestamp::default();
    let exception = |resource: &str, until, in_places| {
        let mut stated = excepted(resource, None, start, until);
        if let Excepted::Resource { places, .. } = &mut stated.on {
            *places = in_places;
        }
        Statement::ExceptionStated { exception: id(1), stated }
    };
    let twice = WeightedRequirement { requirement: id(7), importance: Importance::Normal };
    let wild = [
        (scan(Reading { population: 9, ..plain() }), "must add up"),
        (scan(Reading { passed: u32::MAX, failed: u32::MAX, ..plain() }), "must add up"),
        (scan(Reading { effective_to: before, ..plain() }), "not before the beginning"),
        (scan(Reading { evidence: None, ..plain() }), "name the evidence"),
        (scan(Reading { evidence: no_version, ..plain() }), "count from 1"),
        (test("0", 30), "above 0"),
        (test("-1", 30), "above 0"),
        (test("1000.000000000001", 30), "at most 1000"),
        (test("1", 0), "1 to 36500"),
        (test("1", 36_501), "1 to 36500"),
        (share("0"), "above 0"),
        (share("1001"), "at most 1000"),
        (
            Statement::DependencyStated { control: id(1), on: id(1), strength: Strength::Full },
            "name another control",
        ),
        (
            Statement::MemberStated {
                requirement: id(1),
                member: Member::AnyOf { group: "any".to_owned(), controls: [].into() },
                share: Fixed::ONE,
            },
            "1 to 1000 controls",
        ),
        (
            Statement::FrameworkAdopted { framework: id(1), requirements: vec![twice, twice] },
            "listed twice",
        ),
        (Statement::EvidenceRejected { evidence: id(1), version: 0 }, "count from 1"),
        (exception("r", start.plus_days(-1), None), "an end that is later"),
        (exception("", start, None), "1 to 4096 bytes"),
        (exception(&"r".repeat(4_097), start, None), "1 to 4096 bytes"),
        (exception("r", start, Some([].into())), "leave them out for all"),
    ];
    for (statement, says) in wild {
        let text = serde_json::to_string(&statement).unwrap();
        let refusal = Fact::new(statement).unwrap_err();
        assert!(refusal.to_string().contains(says), "{refusal}");
        assert_eq!(refusal.code(), Code::BadRequest);
        let read = serde_json::from_str::<Fact>(&text).unwrap_err();
        assert!(read.to_string().contains(says), "a snapshot is checked too: {read}");
    }
    let nameless = Statement::CheckSummarized {
        check: String::new(),
        account: "a".to_owned(),
        region: "r".repeat(513),
        reading: plain(),
    };
    assert_eq!(Fact::new(nameless), Err(Refusal::Name("check")));
}

#[test]
fn hashes_are_64_lower_case_hexadecimal_digits() {
    let good = "0123456789abcdef".repeat(4);
    assert_eq!(good.parse::<EvidenceHash>().unwrap().to_string(), good);
    for bad in ["", "ab", &good[1..], &good.to_uppercase(), &format!("{good}00"), &"é".repeat(32)]
    {
        assert!(matches!(bad.parse::<EvidenceHash>(), Err(Refusal::EvidenceHash(_))), "{bad}");
    }
}

#[test]
fn a_snapshot_of_another_version_is_not_read() {
    let text = serde_json::to_string(&Model::default()).unwrap();
    let version = |number: u32| format!("\"stateVersion\":{number},");
    let other = text.replace(&version(STATE_VERSION), &version(STATE_VERSION - 1));
    assert_ne!(text, other);
    let error = serde_json::from_str::<Model>(&other).unwrap_err();
    assert!(error.to_string().contains("replay the events"), "{error}");
}

#[test]
fn the_outcome_of_a_manual_test_survives_a_snapshot() {
    let mut model = Model::default();
    let control = Statement::ControlStated {
        control: id(1),
        implementation: Implementation::Implemented,
        retired: false,
    };
    let outcome = |outcome| Statement::ManualResult {
        test: id(1),
        outcome,
        effective_from: Timestamp::default(),
        effective_to: None,
        collected_at: Timestamp::default(),
        recorded_at: Timestamp::default(),
        evidence: None,
    };
    for (result, verdict) in [
        (Outcome::Passed, Verdict::Satisfied),
        (Outcome::Failed, Verdict::OtherThanSatisfied),
        (Outcome::Unknown, Verdict::Undetermined),
    ] {
        for statement in [control.clone(), test("1", 30), outcome(result)] {
            model.apply(&Fact::new(statement).unwrap());
        }
        model.recompute(Timestamp::default()).unwrap();
        let text = serde_json::to_string(&model).unwrap();
        let restored: Model = serde_json::from_str(&text).unwrap();
        assert_eq!(restored.control(id(1)).unwrap().verdict, verdict);
        assert_eq!(restored.control(id(1)), model.control(id(1)));
    }
}
