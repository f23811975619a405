//! The cloud scan of the demo: the account of a made-up company, in the shape in which Prowler
//! writes OCSF 1.5 Detection Findings. It is made at the moment of use, so that its evidence is
//! fresh whenever the demo is tried.

use serde_json::{Value, json};
use studio_kernel::Timestamp;

const ACCOUNT: &str = "210987654321";
const REGION: &str = "eu-central-1";

/// One check: what it is called, what it bears on, and how each resource fares.
struct Check {
    id: &'static str,
    title: &'static str,
    service: &'static str,
    severity: &'static str,
    soc2: &'static [&'static str],
    iso27001: &'static [&'static str],
    /// Resources that pass.
    pass: &'static [&'static str],
    /// Resources that fail now and are mended in the second scan.
    mended: &'static [&'static str],
    /// Resources that fail in both scans.
    fail: &'static [&'static str],
}

/// The findings of the account, before (`mended` false) or after a round of fixes.
pub(super) fn findings(observed_at: Timestamp, mended: bool) -> Value {
    let findings = CHECKS
        .iter()
        .flat_map(|check| {
            let with = |names: &'static [&'static str], status| {
                names.iter().map(move |name| finding(check, name, status, observed_at))
            };
            let status_of_mended = if mended { "PASS" } else { "FAIL" };
            with(check.pass, "PASS")
                .chain(with(check.mended, status_of_mended))
                .chain(with(check.fail, "FAIL"))
        })
        .collect();
    Value::Array(findings)
}

fn finding(check: &Check, resource: &str, status: &str, observed_at: Timestamp) -> Value {
    let seconds = observed_at.micros().div_euclid(1_000_000);
    let arn = format!("arn:aws:{}:{REGION}:{ACCOUNT}:{resource}", check.service);
    let verdict = if status == "PASS" { "meets" } else { "does not meet" };
    json!({
        "message": format!("{resource} {verdict}: {}.", check.title),
        "metadata": {
            "event_code": check.id,
            "product": {
                "name": "Prowler", "uid": "prowler", "vendor_name": "Prowler", "version": "5.46.0",
            },
            "version": "1.5.0",
        },
        "severity": check.severity,
        "status": "New",
        "status_code": status,
        "status_detail": format!("{resource} {verdict}: {}.", check.title),
        "unmapped": {
            "compliance": { "SOC2": check.soc2, "ISO27001-2022": check.iso27001 },
            "provider": "aws",
            "provider_uid": ACCOUNT,
        },
        "activity_name": "Create",
        "activity_id": 1,
        "finding_info": {
            "created_time": seconds,
            "created_time_dt": observed_at.to_string(),
            "title": check.title,
            "desc": check.title,
            "uid": format!("prowler-aws-{}-{ACCOUNT}-{REGION}-{resource}", check.id),
        },
        "resources": [{
            "cloud_partition": "aws",
            "region": REGION,
            "group": { "name": check.service },
            "name": resource,
            "type": check.service,
            "uid": arn,
        }],
        "category_name": "Findings",
        "category_uid": 2,
        "class_name": "Detection Finding",
        "class_uid": 2004,
        "cloud": {
            "account": { "name": "larkspur-production", "type": "AWS Account", "uid": ACCOUNT },
            "provider": "aws",
            "region": REGION,
        },
        "time": seconds,
        "time_dt": observed_at.to_string(),
        "type_uid": 200_401,
        "type_name": "Detection Finding: Create",
    })
}

const CHECKS: &[Check] = &[
    Check {
        id: "s3_bucket_public_access",
        title: "No bucket can be read by the public",
        service: "s3",
        severity: "Critical",
        soc2: &["cc_6_1"],
        iso27001: &["A.8.1"],
        pass: &["larkspur-invoices", "larkspur-backups", "larkspur-logs"],
        mended: &["larkspur-website-staging"],
        fail: &[],
    },
    Check {
        id: "s3_bucket_default_encryption",
        title: "Buckets encrypt what is written to them",
        service: "s3",
        severity: "Medium",
        soc2: &["pi_1_4"],
        iso27001: &["A.8.11", "A.8.24"],
        pass: &["larkspur-invoices", "larkspur-backups"],
        mended: &["larkspur-logs"],
        fail: &["larkspur-website-staging"],
    },
    Check {
        id: "s3_bucket_server_access_logging_enabled",
        title: "Buckets log who reads and writes them",
        service: "s3",
        severity: "Medium",
        soc2: &["cc_7_2", "cc_7_3", "cc_a_1_1"],
        iso27001: &["A.8.15"],
        pass: &["larkspur-invoices"],
        mended: &["larkspur-backups", "larkspur-logs"],
        fail: &[],
    },
    Check {
        id: "s3_bucket_object_versioning",
        title: "Buckets keep former versions",
        service: "s3",
        severity: "Medium",
        soc2: &["cc_7_4", "cc_a_1_1", "cc_c_1_2", "pi_1_5"],
        iso27001: &["A.8.3", "A.8.10"],
        pass: &["larkspur-invoices", "larkspur-backups"],
        mended: &[],
        fail: &["larkspur-website-staging"],
    },
    Check {
        id: "ec2_networkacl_allow_ingress_tcp_port_22",
        title: "No network opens port 22 to the world",
        service: "ec2",
        severity: "Medium",
        soc2: &["cc_6_6"],
        iso27001: &["A.8.20", "A.8.21", "A.8.22"],
        pass: &["acl-production"],
        mended: &["acl-staging"],
        fail: &[],
    },
    Check {
        id: "ec2_ebs_public_snapshot",
        title: "No disk snapshot is public",
        service: "ec2",
        severity: "Critical",
        soc2: &["cc_6_6"],
        iso27001: &["A.8.1"],
        pass: &["snap-orders", "snap-ledger", "snap-website"],
        mended: &[],
        fail: &[],
    },
    Check {
        id: "ec2_ebs_volume_encryption",
        title: "Disks are encrypted",
        service: "ec2",
        severity: "High",
        soc2: &["pi_1_5"],
        iso27001: &["A.8.11", "A.8.24"],
        pass: &["vol-orders", "vol-ledger"],
        mended: &["vol-website"],
        fail: &[],
    },
    Check {
        id: "iam_user_mfa_enabled_console_access",
        title: "People with console access use a second factor",
        service: "iam",
        severity: "High",
        soc2: &["cc_6_1"],
        iso27001: &["A.5.15", "A.5.17", "A.8.5"],
        pass: &["user-amara", "user-jonas", "user-wei"],
        mended: &["user-petra"],
        fail: &["user-release-bot"],
    },
    Check {
        id: "iam_user_accesskey_unused",
        title: "Access keys that nobody uses are removed",
        service: "iam",
        severity: "Medium",
        soc2: &["cc_1_3"],
        iso27001: &["A.5.15"],
        pass: &["user-amara", "user-jonas", "user-wei", "user-petra"],
        mended: &["user-release-bot"],
        fail: &[],
    },
    Check {
        id: "iam_policy_attached_only_to_group_or_roles",
        title: "Rights are given to groups and roles, not to single people",
        service: "iam",
        severity: "Low",
        soc2: &["cc_1_3"],
        iso27001: &["A.5.15"],
        pass: &["user-amara", "user-jonas", "user-wei", "user-petra"],
        mended: &[],
        fail: &[],
    },
    Check {
        id: "kms_cmk_rotation_enabled",
        title: "Customer-managed keys rotate",
        service: "kms",
        severity: "High",
        soc2: &["pi_1_5"],
        iso27001: &["A.8.5", "A.8.11", "A.8.24"],
        pass: &["key-ledger"],
        mended: &["key-orders"],
        fail: &[],
    },
    Check {
        id: "cloudtrail_multi_region_enabled",
        title: "Every region records what is done through its interface",
        service: "cloudtrail",
        severity: "High",
        soc2: &["cc_7_1", "cc_7_2", "cc_7_3"],
        iso27001: &["A.8.15", "A.8.16"],
        pass: &["trail-organization"],
        mended: &[],
        fail: &[],
    },
    Check {
        id: "guardduty_is_enabled",
        title: "Threat detection is switched on",
        service: "guardduty",
        severity: "Medium",
        soc2: &["cc_6_8", "cc_7_2", "cc_7_3"],
        iso27001: &["A.5.7", "A.8.7", "A.8.16"],
        pass: &[],
        mended: &["detector-eu-central-1"],
        fail: &[],
    },
    Check {
        id: "rds_instance_backup_enabled",
        title: "Databases are backed up",
        service: "rds",
        severity: "Medium",
        soc2: &["cc_7_5", "cc_a_1_2", "pi_1_5"],
        iso27001: &["A.8.13"],
        pass: &["db-orders", "db-ledger"],
        mended: &[],
        fail: &["db-analytics"],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_scan_holds_the_same_resources_with_fewer_failures() {
        let count = |mended, status: &str| {
            let scan = findings(Timestamp::from_micros(0), mended);
            let findings = scan.as_array().unwrap().clone();
            let failing =
                findings.iter().filter(|finding| finding["status_code"] == status).count();
            (findings.len(), failing)
        };
        let (before, failing_before) = count(false, "FAIL");
        let (after, failing_after) = count(true, "FAIL");
        assert_eq!(before, after);
        assert!(failing_after < failing_before && failing_after > 0);
    }

    #[test]
    fn no_finding_stands_twice() {
        let scan = findings(Timestamp::from_micros(0), false);
        let mut ids: Vec<_> = scan
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| finding["finding_info"]["uid"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        let all = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), all);
    }
}
