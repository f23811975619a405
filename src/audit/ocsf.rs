//! Entries of the audit log in the Open Cybersecurity Schema Framework, version 1.5.0: sign-ins are
//! Authentication (class 3002), all else is API Activity (class 6003). Only what is known is in them:
//! `src_endpoint`, which the schema wants, is missing where a part of Studio acted by itself, and where
//! the address is not kept any more.

use anyhow::Context;
use serde_json::{Map, Value, json};
use studio_kernel::Timestamp;

use super::entry::Entry;

/// `severity_id` of what is told and worries nobody by itself.
const INFORMATIONAL: i64 = 1;
const SUCCESS: i64 = 1;
const FAILURE: i64 = 2;
/// `activity_id` of whatever has none of its own.
const OTHER: i64 = 99;

/// One event.
pub(super) fn event(entry: &Entry) -> anyhow::Result<Value> {
    let at: Timestamp = entry.recorded_at.parse().context("an instant does not read")?;
    let details = entry.details()?;
    let (status_id, status) = match entry.outcome.as_str() {
        "SUCCEEDED" => (SUCCESS, "Success"),
        _ => (FAILURE, "Failure"),
    };
    let mut event = json!({
        "time": at.micros().div_euclid(1_000),
        "severity_id": INFORMATIONAL,
        "status_id": status_id,
        "status": status,
        "count": entry.times,
        "metadata": {
            "version": "1.5.0",
            "uid": entry.id,
            "log_name": entry.log,
            "sequence": entry.position.parse::<i64>()?,
            "product": { "name": "Studio", "vendor_name": "Studio" },
        },
    });
    if let Some(address) = &entry.address {
        event["src_endpoint"] = json!({ "ip": address });
    }
    if let Some(agent) = &entry.user_agent {
        event["http_request"] = json!({ "user_agent": agent });
    }
    if let Some(organization) = &entry.organization {
        event["metadata"]["tenant_uid"] = organization.as_str().into();
    }
    let more = match sign_in(entry, &details) {
        Some(fields) => fields,
        None => activity(entry),
    };
    if let (Value::Object(event), Value::Object(more)) = (&mut event, more) {
        event.extend(more);
        let before = entry.before()?;
        let mut unmapped = details;
        if !before.is_empty() {
            unmapped.insert("before".to_owned(), before.into());
        }
        if !unmapped.is_empty() {
            event.insert("unmapped".to_owned(), unmapped.into());
        }
    }
    Ok(event)
}

/// Class, activity and type.
fn class(class_uid: i64, activity_id: i64, activity_name: &str) -> Map<String, Value> {
    let class = json!({
        "class_uid": class_uid,
        "category_uid": class_uid / 1_000,
        "activity_id": activity_id,
        "activity_name": activity_name,
        "type_uid": class_uid * 100 + activity_id,
    });
    match class {
        Value::Object(class) => class,
        _ => Map::new(),
    }
}

/// Authentication, where it is one.
fn sign_in(entry: &Entry, details: &Map<String, Value>) -> Option<Value> {
    let (activity_id, name, user) = match entry.action.as_str() {
        "identity.session.started" => (1, "Logon", entry.actor.as_str()),
        "identity.session.ended" => (2, "Logoff", entry.actor.as_str()),
        "identity.sign_in.failed" => (1, "Logon", entry.target.as_str()),
        _ => return None,
    };
    let mut fields = class(3002, activity_id, name);
    fields.insert("user".to_owned(), json!({ "uid": user }));
    if let Some(session) = &entry.session {
        fields.insert("session".to_owned(), json!({ "uid": session }));
    }
    if let Some(methods) = details.get("methods").and_then(Value::as_array) {
        fields.insert("is_mfa".to_owned(), (methods.len() > 1).into());
    }
    Some(fields.into())
}

/// API Activity.
fn activity(entry: &Entry) -> Value {
    let (activity_id, name) = match entry.action.rsplit('.').next().unwrap_or_default() {
        "created" | "added" | "imported" | "stored" => (1, "Create"),
        "exported" => (2, "Read"),
        "updated" | "renamed" | "roles_changed" | "password_changed" => (3, "Update"),
        "erased" | "removed" => (4, "Delete"),
        _ => (OTHER, entry.action.as_str()),
    };
    let mut fields = class(6003, activity_id, name);
    let mut api = json!({ "operation": entry.action });
    if let Some(request) = &entry.request {
        api["request"] = json!({ "uid": request });
    }
    let actor = match (&entry.session, &entry.credential) {
        (Some(session), _) => {
            json!({ "user": { "uid": entry.actor }, "session": { "uid": session } })
        }
        // A program, for a person or of the organization.
        (None, Some(credential)) => {
            json!({ "user": { "uid": entry.actor, "credential_uid": credential } })
        }
        (None, None) => json!({ "app_name": entry.actor }),
    };
    fields.insert("api".to_owned(), api);
    fields.insert("actor".to_owned(), actor);
    let resource = json!({ "type": entry.target_kind, "uid": entry.target });
    fields.insert("resources".to_owned(), json!([resource]));
    fields.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::entry::Detail;

    fn entry(action: &str, outcome: &str) -> Entry {
        Entry {
            id: "evt_1".to_owned(),
            organization: None,
            log: "identity".to_owned(),
            position: "17".to_owned(),
            recorded_at: "2026-01-31T12:00:00.123456Z".to_owned(),
            action: action.to_owned(),
            outcome: outcome.to_owned(),
            times: 3,
            actor: "usr_1".to_owned(),
            session: Some("ses_1".to_owned()),
            credential: None,
            roles: vec!["OWNER".to_owned()],
            target_kind: "identity.user".to_owned(),
            target: "usr_2".to_owned(),
            request: Some("req_1".to_owned()),
            cause: None,
            address: Some("192.0.2.1".to_owned()),
            user_agent: None,
            details: vec![Detail {
                name: "roles".to_owned(),
                value: "[\"viewer\"]".to_owned(),
                before: Some("[\"admin\"]".to_owned()),
            }],
        }
    }

    #[test]
    fn what_people_do_is_api_activity() {
        let event = event(&entry("identity.user.roles_changed", "SUCCEEDED")).unwrap();
        let expected = json!({
            "class_uid": 6003, "category_uid": 6, "activity_id": 3, "activity_name": "Update",
            "type_uid": 600_303, "time": 1_769_860_800_123_i64, "severity_id": 1, "count": 3,
            "status_id": 1, "status": "Success",
            "metadata": {
                "version": "1.5.0", "uid": "evt_1", "log_name": "identity", "sequence": 17,
                "product": { "name": "Studio", "vendor_name": "Studio" },
            },
            "api": { "operation": "identity.user.roles_changed", "request": { "uid": "req_1" } },
            "actor": { "user": { "uid": "usr_1" }, "session": { "uid": "ses_1" } },
            "resources": [{ "type": "identity.user", "uid": "usr_2" }],
            "src_endpoint": { "ip": "192.0.2.1" },
            "unmapped": { "roles": ["viewer"], "before": { "roles": ["admin"] } },
        });
        assert_eq!(event, expected);
        let denied = super::event(&entry("access.action.denied", "DENIED")).unwrap();
        assert_eq!((&denied["type_uid"], &denied["status_id"]), (&json!(600_399), &json!(2)));
        assert_eq!(denied["activity_name"], "access.action.denied");
    }

    #[test]
    fn sign_ins_are_authentication() {
        let begun = event(&entry("identity.session.started", "SUCCEEDED")).unwrap();
        assert_eq!((&begun["class_uid"], &begun["type_uid"]), (&json!(3002), &json!(300_201)));
        assert_eq!((&begun["user"]["uid"], &begun["status_id"]), (&json!("usr_1"), &json!(1)));
        let mut in_vain = entry("identity.sign_in.failed", "FAILED");
        (in_vain.actor, in_vain.session) = ("identity.sign_in".to_owned(), None);
        let in_vain = event(&in_vain).unwrap();
        assert_eq!((&in_vain["user"]["uid"], &in_vain["status_id"]), (&json!("usr_2"), &json!(2)));
        assert_eq!(in_vain.get("session"), None);
    }

    #[test]
    fn a_part_of_studio_is_an_application() {
        let mut entry = entry("controls.test.added", "SUCCEEDED");
        (entry.actor, entry.session) = ("controls.process_manager".to_owned(), None);
        let event = event(&entry).unwrap();
        assert_eq!(event["actor"], json!({ "app_name": "controls.process_manager" }));
    }

    #[test]
    fn a_program_is_named_with_its_key() {
        let mut entry = entry("controls.test.added", "SUCCEEDED");
        (entry.session, entry.credential) = (None, Some("key_1".to_owned()));
        let event = event(&entry).unwrap();
        let expected = json!({ "user": { "uid": "usr_1", "credential_uid": "key_1" } });
        assert_eq!(event["actor"], expected);
    }

    #[test]
    fn what_does_not_read_is_said() {
        let mut odd = entry("a.b", "SUCCEEDED");
        odd.recorded_at = "then".to_owned();
        assert!(event(&odd).is_err());
        let mut odd = entry("a.b", "SUCCEEDED");
        odd.details[0].value = "{".to_owned();
        assert!(event(&odd).is_err());
    }
}
