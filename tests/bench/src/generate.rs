//! A scan of any size, like real ones: 5 to 12 kB a finding, the same fields, texts of made-up
//! words. The same number of findings always gives the same bytes.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use serde::Serialize as _;
use serde_json::{json, ser::PrettyFormatter};

const CHECKS: usize = 300;
/// Kinds of resources: each is looked at by two or three checks.
const KINDS: usize = 120;
const REGIONS: [&str; 4] = ["eu-central-1", "eu-west-1", "us-east-1", "us-west-2"];
const WORDS: [&str; 16] = [
    "access", "bucket", "policy", "region", "encrypt", "rotate", "review", "network", "grant",
    "monitor", "backup", "restore", "account", "require", "attach", "public",
];

/// In which order the findings stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Check by check, as scanners write.
    ByCheck,
    /// Each finding is of another check than the one before it: the worst that a file can do.
    Mixed,
}

/// Writes `findings` findings and gives the size of the file in bytes.
pub(crate) fn write(file: &Path, findings: usize, order: Order) -> anyhow::Result<u64> {
    let mut output = BufWriter::with_capacity(1 << 20, File::create(file)?);
    let of_each = findings.div_ceil(CHECKS);
    for index in 0..findings {
        output.write_all(if index == 0 { b"[" } else { b"," })?;
        let (check, resource) = match order {
            Order::ByCheck => (index / of_each, index % of_each),
            Order::Mixed => (index % CHECKS, index / CHECKS),
        };
        // Four spaces, as Prowler indents.
        let format = PrettyFormatter::with_indent(b"    ");
        let mut serializer = serde_json::Serializer::with_formatter(&mut output, format);
        finding(index, check, resource).serialize(&mut serializer)?;
    }
    output.write_all(b"]\n")?;
    output.flush()?;
    // What is measured must not wait for the disk to take this file.
    output.get_ref().sync_all()?;
    Ok(std::fs::metadata(file)?.len())
}

fn text(seed: usize, words: usize) -> String {
    let mut text = String::with_capacity(words * 8);
    let mut state = seed as u64 | 1;
    for _ in 0..words {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(WORDS[(state >> 60) as usize]);
        text.push(' ');
    }
    text
}

fn finding(index: usize, check: usize, resource: usize) -> serde_json::Value {
    let kind = check % KINDS;
    let region = REGIONS[resource % REGIONS.len()];
    let status = if (check + resource).is_multiple_of(5) { "FAIL" } else { "PASS" };
    let id = format!("check_{check:03}");
    // From about 5 to about 12 kB: the remediation text is what differs most in real scans.
    let length = 300 + (index * 7919) % 900;
    // One instant for the whole scan, as Prowler writes it.
    let seconds = 1_795_000_000_i64;
    json!({
        "message": text(index, 12),
        "metadata": {
            "event_code": id,
            "product": { "name": "Prowler", "uid": "prowler", "vendor_name": "Prowler", "version": "5.46.0" },
            "profiles": ["cloud", "datetime"],
            "tenant_uid": "",
            "version": "1.5.0",
        },
        "severity_id": 3,
        "severity": "Medium",
        "status": "New",
        "status_code": status,
        "status_detail": text(index + 1, 14),
        "status_id": 1,
        "unmapped": {
            "related_url": "",
            "categories": ["encryption"],
            "additional_urls": [text(check, 6), text(check + 1, 6)],
            "notes": text(check + 2, 20),
            "compliance": {
                "SOC2": [format!("cc_6_{}", check % 8 + 1), format!("cc_7_{}", check % 5 + 1)],
                "ISO27001-2022": [format!("A.8.{}", check % 34 + 1)],
                "CIS-4.0.1": ["1.8"],
                "NIST-800-53-Revision-5": ["ac_2_1", "ac_3_3_b_1", "ia_5_1_f", "sc_23_3"],
            },
            "scan_id": "01a204fe-4b34-7d48-b29c-0ab825f41db6",
            "provider_uid": "123456789012",
            "provider": "aws",
        },
        "activity_name": "Create",
        "activity_id": 1,
        "finding_info": {
            "created_time": seconds,
            "desc": text(check + 3, 60),
            "title": format!("The check number {check}"),
            "types": ["Software and Configuration Checks"],
            "uid": format!("prowler-aws-{id}-123456789012-{region}-resource-{resource}"),
        },
        "resources": [{
            "cloud_partition": "aws",
            "region": region,
            "data": { "details": "", "metadata": { "notes": text(index + 2, 80) } },
            "group": { "name": "s3" },
            "labels": [],
            "name": format!("resource-{resource}"),
            "type": format!("AwsKind{kind:03}"),
            "uid": format!("arn:aws:kind-{kind:03}:{region}:123456789012:resource-{resource}"),
        }],
        "category_name": "Findings",
        "category_uid": 2,
        "class_name": "Detection Finding",
        "class_uid": 2004,
        "cloud": {
            "account": { "name": "", "type": "AWS Account", "type_id": 10, "uid": "123456789012" },
            "provider": "aws",
            "region": region,
        },
        "remediation": { "desc": text(index + 3, length / 2), "references": [text(check + 4, 10)] },
        "risk_details": text(check + 5, length / 2),
        "time": seconds,
        "type_uid": 200_401,
        "type_name": "Detection Finding: Create",
    })
}
