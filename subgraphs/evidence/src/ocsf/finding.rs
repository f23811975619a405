//! One OCSF Detection Finding as Prowler writes it, read from the bytes of an item. Text is
//! borrowed from those bytes where it holds no escapes.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::value::RawValue;
use studio_kernel::{Timestamp, published::controls::RULE_CHECKS};

/// The class of a Detection Finding (OCSF 1.x, category Findings).
const DETECTION_FINDING: u64 = 2004;
/// Longest id, name, account or region in bytes: real ones have up to a few hundred.
const MAX_NAME: usize = 1024;
/// Longest message that is kept, in bytes; more is cut.
const MAX_MESSAGE: usize = 2048;
/// Most resources of one finding.
const MAX_RESOURCES: usize = 100;
/// Most bytes of the requirement ids of one check, as they stand in the file.
const MAX_COMPLIANCE: usize = 256 * 1024;
/// From here on a `time` counts milliseconds, as OCSF has it; Prowler writes seconds.
const MILLIS_FROM: i64 = 100_000_000_000;

/// Requirement ids by the scanner's name of the framework, verbatim.
pub type Requirements = BTreeMap<String, Vec<String>>;

/// What a finding says of its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// The resource passes.
    Pass,
    /// The resource fails.
    Fail,
    /// A person must look: nothing is known.
    Manual,
    /// Muted in the scanner: neither pass nor fail.
    Muted,
    /// The check did not run to its end, or says something else: nothing is known.
    Error,
}

/// The check that a finding is a result of.
#[derive(Debug, PartialEq)]
pub struct Check<'a> {
    /// Its id, `metadata.event_code`.
    pub id: Cow<'a, str>,
    /// Its title, in the scanner's words; its id where there is none.
    pub title: Cow<'a, str>,
    /// `unmapped.compliance` as it stands in the file; [`Check::requirements`] reads it.
    compliance: Option<&'a str>,
}

/// A resource that a finding looks at.
#[derive(Debug, PartialEq, Eq)]
pub struct Asset<'a> {
    /// Its id with the provider, for example an ARN.
    pub uid: Cow<'a, str>,
    /// Its name; its id where there is none.
    pub name: Cow<'a, str>,
    /// Its type, for example `AwsS3Bucket`; empty where there is none.
    pub kind: Cow<'a, str>,
    /// Its region; that of the finding where it names none.
    pub region: Cow<'a, str>,
}

/// A finding, checked: every id is there and no longer than [`MAX_NAME`].
#[derive(Debug, PartialEq)]
pub struct Finding<'a> {
    /// `finding_info.uid`: the same in every scan of the same resource by the same check.
    pub uid: Cow<'a, str>,
    /// The check.
    pub check: Check<'a>,
    /// The cloud provider, for example `aws`.
    pub provider: Cow<'a, str>,
    /// The cloud account.
    pub account: Cow<'a, str>,
    /// The region, or `global`.
    pub region: Cow<'a, str>,
    /// The result.
    pub status: Status,
    /// Lower case: informational, low, medium, high, critical; `unknown` where there is none.
    pub severity: String,
    /// What the scanner says about the result, at most [`MAX_MESSAGE`] bytes.
    pub message: Cow<'a, str>,
    /// The resources; the first is the one that the result is about. Never empty: a finding
    /// without one is about itself.
    pub assets: Vec<Asset<'a>>,
    /// When it was observed.
    pub time: Timestamp,
}

/// Why an item is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// `finding_info.uid`, where it could be read.
    pub uid: Option<String>,
    /// What is wrong, in a sentence.
    pub reason: String,
}

#[derive(Deserialize)]
struct Raw<'a> {
    class_uid: Option<u64>,
    #[serde(borrow)]
    metadata: Option<Metadata<'a>>,
    #[serde(borrow)]
    severity: Option<Cow<'a, str>>,
    #[serde(borrow)]
    status: Option<Cow<'a, str>>,
    #[serde(borrow)]
    status_code: Option<Cow<'a, str>>,
    #[serde(borrow)]
    status_detail: Option<Cow<'a, str>>,
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
    #[serde(borrow)]
    unmapped: Option<Unmapped<'a>>,
    #[serde(borrow)]
    finding_info: Option<FindingInfo<'a>>,
    #[serde(borrow)]
    resources: Option<Vec<Resource<'a>>>,
    #[serde(borrow)]
    cloud: Option<Cloud<'a>>,
    time: Option<i64>,
    #[serde(borrow)]
    time_dt: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow)]
    event_code: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Unmapped<'a> {
    #[serde(borrow)]
    compliance: Option<&'a RawValue>,
    #[serde(borrow)]
    provider_uid: Option<Cow<'a, str>>,
    #[serde(borrow)]
    provider: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct FindingInfo<'a> {
    #[serde(borrow)]
    uid: Option<Cow<'a, str>>,
    #[serde(borrow)]
    title: Option<Cow<'a, str>>,
    created_time: Option<i64>,
    #[serde(borrow)]
    created_time_dt: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(borrow)]
    uid: Option<Cow<'a, str>>,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    region: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Cloud<'a> {
    #[serde(borrow)]
    account: Option<Account<'a>>,
    #[serde(borrow)]
    region: Option<Cow<'a, str>>,
    #[serde(borrow)]
    provider: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Account<'a> {
    #[serde(borrow)]
    uid: Option<Cow<'a, str>>,
}

impl<'a> Finding<'a> {
    /// Reads one item.
    ///
    /// # Errors
    /// A [`Refusal`] that says what is missing or wrong.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let unknown = |reason| Refusal { uid: None, reason };
        let text = std::str::from_utf8(bytes)
            .map_err(|error| unknown(format!("it is not UTF-8: {error}")))?;
        if !text.starts_with('{') {
            return Err(unknown("it is not a JSON object".to_owned()));
        }
        let raw: Raw<'a> = serde_json::from_str(text).map_err(|error| {
            unknown(format!("it does not read as an OCSF Detection Finding: {error}"))
        })?;
        let uid = raw.finding_info.as_ref().and_then(|info| info.uid.as_deref());
        let uid = uid.map(|uid| cut(uid.into(), MAX_NAME).into_owned());
        Self::check(raw).map_err(|reason| Refusal { uid, reason })
    }

    fn check(raw: Raw<'a>) -> Result<Self, String> {
        match raw.class_uid {
            Some(DETECTION_FINDING) => {}
            Some(other) => {
                return Err(format!(
                    "its class_uid is {other}: only Detection Findings ({DETECTION_FINDING}) are \
                     taken"
                ));
            }
            None => return Err("it has no class_uid".to_owned()),
        }
        let info = raw.finding_info.ok_or("it has no finding_info")?;
        let time = time_of(
            info.created_time_dt.as_deref().or(raw.time_dt.as_deref()),
            info.created_time.or(raw.time),
        )?;
        let uid = name(info.uid, "finding_info.uid")?;
        let check_id = name(raw.metadata.and_then(|m| m.event_code), "metadata.event_code")?;
        if check_id.starts_with(RULE_CHECKS) {
            return Err(format!(
                "its metadata.event_code begins with \"{RULE_CHECKS}\": only rules of tests have such checks"
            ));
        }
        let (cloud_account, cloud_region, cloud_provider) = match raw.cloud {
            Some(cloud) => (cloud.account.and_then(|a| a.uid), cloud.region, cloud.provider),
            None => (None, None, None),
        };
        let (compliance, provider_uid, provider) = match raw.unmapped {
            Some(unmapped) => (unmapped.compliance, unmapped.provider_uid, unmapped.provider),
            None => (None, None, None),
        };
        let account = name(filled(cloud_account).or(filled(provider_uid)), "cloud.account.uid")?;
        let resources = raw.resources.unwrap_or_default();
        if resources.len() > MAX_RESOURCES {
            return Err(format!("it names more than {MAX_RESOURCES} resources"));
        }
        let region = resources
            .first()
            .and_then(|resource| filled(resource.region.clone()))
            .or(filled(cloud_region))
            .unwrap_or(Cow::Borrowed("global"));
        let region = short(region, "the region")?;
        let assets = assets(resources, &uid, &region)?;
        let title = filled(info.title).unwrap_or_else(|| check_id.clone());
        let check = Check {
            title: cut(title, MAX_MESSAGE),
            id: check_id,
            compliance: compliance.map(RawValue::get).filter(|text| *text != "null"),
        };
        let message = filled(raw.status_detail).or(filled(raw.message)).unwrap_or_default();
        Ok(Self {
            uid,
            provider: short(
                filled(provider).or(filled(cloud_provider)).unwrap_or(Cow::Borrowed("unknown")),
                "the provider",
            )?,
            account,
            region,
            status: status_of(raw.status_code.as_deref(), raw.status.as_deref()),
            severity: severity_of(raw.severity.as_deref()),
            message: cut(message, MAX_MESSAGE),
            assets,
            time,
            check,
        })
    }
}

impl Check<'_> {
    /// The bytes that say which requirements the check is evidence for: equal bytes, equal
    /// requirements.
    pub fn compliance(&self) -> &str {
        self.compliance.unwrap_or("")
    }

    /// The requirements that the scanner names for the check.
    ///
    /// # Errors
    /// A sentence, where `unmapped.compliance` is no object of lists of texts.
    pub fn requirements(&self) -> Result<Requirements, String> {
        let Some(text) = self.compliance else { return Ok(Requirements::new()) };
        if text.len() > MAX_COMPLIANCE {
            return Err(format!("unmapped.compliance has more than {MAX_COMPLIANCE} bytes"));
        }
        serde_json::from_str(text).map_err(|error| {
            format!("unmapped.compliance is not an object of lists of requirement ids: {error}")
        })
    }
}

fn assets<'a>(
    resources: Vec<Resource<'a>>,
    uid: &Cow<'a, str>,
    region: &Cow<'a, str>,
) -> Result<Vec<Asset<'a>>, String> {
    let mut assets = Vec::with_capacity(resources.len().max(1));
    for resource in resources {
        let uid = name(filled(resource.uid).or(filled(resource.name.clone())), "resources.uid")?;
        let name = short(filled(resource.name).unwrap_or_else(|| uid.clone()), "resources.name")?;
        let kind = short(filled(resource.kind).unwrap_or_default(), "resources.type")?;
        let region = filled(resource.region).unwrap_or_else(|| region.clone());
        assets.push(Asset { uid, name, kind, region: short(region, "resources.region")? });
    }
    if assets.is_empty() {
        assets.push(Asset {
            uid: uid.clone(),
            name: uid.clone(),
            kind: Cow::Borrowed(""),
            region: region.clone(),
        });
    }
    Ok(assets)
}

/// PASS, FAIL and MANUAL as they stand; `status` Suppressed makes any of them unknown.
fn status_of(code: Option<&str>, status: Option<&str>) -> Status {
    if status.is_some_and(|status| status.eq_ignore_ascii_case("suppressed")) {
        return Status::Muted;
    }
    match code {
        Some("PASS") => Status::Pass,
        Some("FAIL") => Status::Fail,
        Some("MANUAL") => Status::Manual,
        _ => Status::Error,
    }
}

fn severity_of(severity: Option<&str>) -> String {
    let lower = severity.unwrap_or_default().to_ascii_lowercase();
    match lower.as_str() {
        "informational" | "low" | "medium" | "high" | "critical" => lower,
        "fatal" => "critical".to_owned(),
        _ => "unknown".to_owned(),
    }
}

/// The instant of a finding. A text with an offset says it alone. Prowler writes local time
/// without an offset, so there the whole seconds come from the number, which is UTC, and only the
/// fraction from the text. A text without an offset and without a number is taken as UTC.
fn time_of(text: Option<&str>, number: Option<i64>) -> Result<Timestamp, String> {
    let number = number.filter(|number| *number > 0).map(|number| {
        if number >= MILLIS_FROM {
            Timestamp::from_micros(number.saturating_mul(1000))
        } else {
            Timestamp::from_micros(number.saturating_mul(1_000_000))
        }
    });
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return number.ok_or_else(|| "it has no time".to_owned());
    };
    if let Ok(instant) = text.parse() {
        return Ok(instant);
    }
    let as_utc: Timestamp = format!("{}Z", text.replace(' ', "T"))
        .parse()
        .map_err(|_| format!("its time \"{}\" is no instant", cut(text.into(), 64)))?;
    Ok(match number {
        Some(number) if number.micros() % 1_000_000 == 0 => {
            number.plus_micros(as_utc.micros().rem_euclid(1_000_000))
        }
        Some(number) => number,
        None => as_utc,
    })
}

fn filled(text: Option<Cow<'_, str>>) -> Option<Cow<'_, str>> {
    text.filter(|text| !text.is_empty())
}

fn name<'a>(text: Option<Cow<'a, str>>, path: &str) -> Result<Cow<'a, str>, String> {
    short(filled(text).ok_or_else(|| format!("it has no {path}"))?, path)
}

fn short<'a>(text: Cow<'a, str>, path: &str) -> Result<Cow<'a, str>, String> {
    if text.len() > MAX_NAME {
        return Err(format!("{path} has more than {MAX_NAME} bytes"));
    }
    // PostgreSQL keeps no NUL in a text.
    if text.contains('\0') {
        return Err(format!("{path} holds a NUL character"));
    }
    Ok(text)
}

fn cut(text: Cow<'_, str>, most: usize) -> Cow<'_, str> {
    let text = if text.contains('\0') { text.replace('\0', "\u{FFFD}").into() } else { text };
    if text.len() <= most {
        return text;
    }
    let end = text.floor_char_boundary(most - '…'.len_utf8());
    format!("{}…", &text[..end]).into()
}

#[cfg(test)]
mod tests;
