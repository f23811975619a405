use super::*;
use serde_json::json;

fn item() -> serde_json::Value {
    json!({
        "class_uid": 2004,
        "metadata": {"event_code": "s3_versioning"},
        "severity": "High", "status": "New", "status_code": "FAIL",
        "status_detail": "Bucket \"a\" has none.",
        "unmapped": {"provider": "aws", "provider_uid": "1",
            "compliance": {"SOC2": ["cc_6_1"], "HIPAA": []}},
        "finding_info": {"uid": "f-1", "title": "Versioning", "created_time": 1_795_375_507,
            "created_time_dt": "2026-11-22T21:25:07.282761"},
        "resources": [{"uid": "arn:a", "name": "a", "type": "AwsS3Bucket", "region": "eu-1"}],
        "cloud": {"account": {"uid": "123"}, "region": "us-1", "provider": "aws"},
        "time": 1_795_375_507
    })
}

fn read<T>(value: &serde_json::Value, with: impl FnOnce(Result<Finding<'_>, Refusal>) -> T) -> T {
    with(Finding::read(&serde_json::to_vec(value).unwrap()))
}

#[test]
fn reads_a_finding() {
    read(&item(), |finding| {
        let finding = finding.unwrap();
        assert_eq!(finding.uid, "f-1");
        assert_eq!(finding.check.id, "s3_versioning");
        assert_eq!((&*finding.account, &*finding.region), ("123", "eu-1"));
        assert_eq!(finding.status, Status::Fail);
        assert_eq!(finding.severity, "high");
        assert_eq!(finding.message, "Bucket \"a\" has none.");
        assert_eq!(finding.check.requirements().unwrap()["SOC2"], ["cc_6_1"]);
        // Seconds in UTC from the number, the fraction from the local text.
        assert_eq!(finding.time.to_string(), "2026-11-22T19:25:07.282761Z");
    });
}

#[test]
fn muted_and_other_results_are_no_passes() {
    for (code, status, expected) in [
        (json!("PASS"), json!("New"), Status::Pass),
        (json!("PASS"), json!("Suppressed"), Status::Muted),
        (json!("FAIL"), json!("Suppressed"), Status::Muted),
        (json!("MANUAL"), json!("New"), Status::Manual),
        (json!("ERROR"), json!("New"), Status::Error),
        (json!("pass"), json!("New"), Status::Error),
        (json!(null), json!(null), Status::Error),
    ] {
        let mut value = item();
        value["status_code"] = code;
        value["status"] = status;
        read(&value, |finding| assert_eq!(finding.unwrap().status, expected));
    }
}

#[test]
fn falls_back_where_the_source_is_silent() {
    let mut value = item();
    value["resources"] = json!([]);
    value["cloud"] = json!(null);
    value["finding_info"] = json!({"uid": "f-2"});
    value["time_dt"] = json!("2026-01-01T00:00:00+01:00");
    read(&value, |finding| {
        let finding = finding.unwrap();
        assert_eq!((&*finding.account, &*finding.region), ("1", "global"));
        assert_eq!(finding.assets[0].uid, "f-2");
        assert_eq!(finding.check.title, "s3_versioning");
        assert_eq!(finding.time.to_string(), "2025-12-31T23:00:00Z");
    });
    assert_eq!(time_of(None, Some(1_795_375_507_123)).unwrap().micros() % 1_000_000, 123_000);
}

#[test]
fn says_what_is_wrong() {
    let change = |pointer: &str, to: serde_json::Value| {
        let mut value = item();
        *value.pointer_mut(pointer).unwrap() = to;
        value
    };
    for (value, expected) in [
        (change("/class_uid", json!(2001)), "its class_uid is 2001"),
        (change("/class_uid", json!(null)), "no class_uid"),
        (change("/class_uid", json!("2004")), "does not read"),
        (change("/finding_info/uid", json!("")), "no finding_info.uid"),
        (change("/finding_info", json!(null)), "no finding_info"),
        (change("/metadata/event_code", json!(null)), "no metadata.event_code"),
        (change("/finding_info/created_time_dt", json!("yesterday")), "is no instant"),
        (change("/resources/0/uid", json!("x".repeat(2000))), "more than 1024 bytes"),
        (change("/resources/0/uid", json!("a\0b")), "NUL"),
        (json!([1]), "not a JSON object"),
        (json!({}), "no class_uid"),
    ] {
        let reason = read(&value, |finding| finding.unwrap_err().reason);
        assert!(reason.contains(expected), "{reason}");
    }
    assert!(Finding::read(b"{\"a\":\xFF}").unwrap_err().reason.contains("UTF-8"));
    let refused = read(&change("/class_uid", json!(1)), |finding| finding.unwrap_err());
    assert_eq!(refused.uid.as_deref(), Some("f-1"));
    let value = change("/unmapped/compliance", json!({"SOC2": "cc_6_1"}));
    read(&value, |finding| {
        let error = finding.unwrap().check.requirements().unwrap_err();
        assert!(error.contains("unmapped.compliance"), "{error}");
    });
}

#[test]
fn long_messages_are_cut_between_characters() {
    let mut value = item();
    value["status_detail"] = json!("é".repeat(3000));
    read(&value, |finding| {
        let message = finding.unwrap().message.into_owned();
        assert!(message.len() <= MAX_MESSAGE && message.ends_with("é…"));
    });
}

proptest::proptest! {
    #[test]
    fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let _ = Finding::read(&bytes);
    }
}
