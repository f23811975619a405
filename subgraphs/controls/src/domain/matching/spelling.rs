//! How scanners spell the ids of each family, and what each spelling may mean.

/// A requirement that a spelling may mean, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The code as the catalog has it.
    pub code: String,
    /// The part of its statement that must exist, as a path: `d.1`.
    pub part: Option<String>,
}

/// A way of spelling requirement ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// As the catalog has it.
    Verbatim,
    /// `ac_2_1` is AC-2(1), in OSCAL `ac-2.1`; `ac_2_d_1` part d.1 of AC-2; `ac-2-f` likewise.
    Nist80053,
    /// `3_13_1` is 3.13.1.
    Dotted,
    /// `ac_1` is PR.AC-1 (in CSF 2.0 `PR.AC-01`); `rc_rp_1` is RC.RP-1.
    NistCsf,
    /// `cc_6_1` is CC6.1, `cc_a_1_1` A1.1, `cc_c_1_2` C1.2, `pi_1_4` PI1.4, `p_1_1` P1.1.
    TrustServices,
    /// `164_308_a_5_ii_d` is 164.308(a)(5)(ii)(D).
    CodeOfFederalRegulations,
    /// `article_25` is Art. 25.
    Article,
    /// The longest prefix that exists: `1.2.8.33` is 1.2.8 where there is no 1.2.8.33.
    LongestPrefix,
}

/// Beyond this no family has an id: what is longer is no id.
const LONGEST: usize = 64;

impl Spelling {
    /// What an id may mean, the likeliest first. Codes are in lower case.
    pub fn candidates(self, id: &str) -> Vec<Candidate> {
        let id = id.trim().to_lowercase();
        if id.is_empty() || id.len() > LONGEST || !id.is_ascii() {
            return Vec::new();
        }
        match self {
            Self::Verbatim => whole([id]),
            Self::Nist80053 => nist_800_53(&id).into_iter().collect(),
            Self::Dotted => whole([id.replace('_', ".")]),
            Self::NistCsf => nist_csf(&id),
            Self::TrustServices => trust_services(&id).into_iter().collect(),
            Self::CodeOfFederalRegulations => federal_regulations(&id).into_iter().collect(),
            Self::Article => article(&id),
            Self::LongestPrefix => longest_prefix(&id),
        }
    }
}

fn whole(codes: impl IntoIterator<Item = String>) -> Vec<Candidate> {
    codes.into_iter().map(|code| Candidate { code, part: None }).collect()
}

fn is_number(segment: &str) -> bool {
    !segment.is_empty() && segment.len() <= 4 && segment.bytes().all(|b| b.is_ascii_digit())
}

fn is_letters(segment: &str) -> bool {
    !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_lowercase())
}

/// Family, number, then an enhancement if a number follows, then parts. A part never stands in for
/// an enhancement that the catalog lacks: `ac_2_6` is nothing in a baseline without AC-2(6).
fn nist_800_53(id: &str) -> Option<Candidate> {
    let mut segments = id.split(['_', '-']).peekable();
    let family = segments.next().filter(|segment| segment.len() == 2 && is_letters(segment))?;
    let number = segments.next().filter(|segment| is_number(segment))?;
    let mut code = format!("{family}-{}", number.trim_start_matches('0'));
    if let Some(enhancement) = segments.next_if(|segment| is_number(segment)) {
        code.push('.');
        code.push_str(enhancement.trim_start_matches('0'));
    }
    let parts: Vec<&str> = segments.collect();
    let is_part = |part: &&str| is_number(part) || (is_letters(part) && part.len() == 1);
    if !parts.iter().all(is_part) {
        return None;
    }
    Some(Candidate { code, part: (!parts.is_empty()).then(|| parts.join(".")) })
}

/// The functions of the Cybersecurity Framework that hold a category, over both editions.
const CSF_FUNCTIONS: &[(&str, &str)] = &[
    ("id", "am be gv ra rm sc im"),
    ("pr", "aa ac at ds ip ma ps pt ir"),
    ("de", "ae cm dp"),
    ("rs", "ma an co mi im rp"),
    ("rc", "rp co im"),
    ("gv", "oc rm rr po ov sc"),
];

fn nist_csf(id: &str) -> Vec<Candidate> {
    let segments: Vec<&str> = id.split(['_', '-', '.']).collect();
    let (functions, category, number): (Vec<&str>, &str, &str) = match segments[..] {
        [function, category, number] if is_letters(function) => (vec![function], category, number),
        [category, number] => {
            let holds = |list: &str| list.split(' ').any(|known| known == category);
            let functions: Vec<&str> = CSF_FUNCTIONS
                .iter()
                .filter(|(_, categories)| holds(categories))
                .map(|(function, _)| *function)
                .collect();
            (functions, category, number)
        }
        _ => return Vec::new(),
    };
    if !is_letters(category) || !is_number(number) {
        return Vec::new();
    }
    let number = number.trim_start_matches('0');
    whole(functions.into_iter().flat_map(|function| {
        [format!("{function}.{category}-{number}"), format!("{function}.{category}-{number:0>2}")]
    }))
}

fn trust_services(id: &str) -> Option<Candidate> {
    let segments: Vec<&str> = id.split(['_', '.', '-']).collect();
    let (category, group, number) = match segments[..] {
        // Prowler files availability and confidentiality under "cc".
        ["cc", category @ ("a" | "c" | "p" | "pi"), group, number] => (category, group, number),
        [category @ ("cc" | "a" | "c" | "p" | "pi"), group, number] => (category, group, number),
        _ => return whole([id.to_owned()]).pop(),
    };
    (is_number(group) && is_number(number))
        .then(|| Candidate { code: format!("{category}{group}.{number}"), part: None })
}

/// Title 45 of the CFR: part and section, then paragraphs in brackets.
fn federal_regulations(id: &str) -> Option<Candidate> {
    let mut segments = id.split(['_', '.', '(', ')']).filter(|segment| !segment.is_empty());
    let part = segments.next().filter(|segment| is_number(segment))?;
    let section = segments.next().filter(|segment| is_number(segment))?;
    let mut code = format!("{part}.{section}");
    for paragraph in segments {
        code.push('(');
        code.push_str(paragraph);
        code.push(')');
    }
    Some(Candidate { code, part: None })
}

fn article(id: &str) -> Vec<Candidate> {
    let number = id
        .trim_start_matches("article")
        .trim_start_matches("art")
        .trim_start_matches(['_', '.', '-', ' ']);
    if !is_number(number) {
        return Vec::new();
    }
    whole([
        format!("art.{number}"),
        format!("art. {number}"),
        format!("article {number}"),
        number.to_owned(),
    ])
}

fn longest_prefix(id: &str) -> Vec<Candidate> {
    let mut codes = vec![id.to_owned()];
    let mut rest = id;
    while let Some((prefix, _)) = rest.rsplit_once('.') {
        if !prefix.is_empty() {
            codes.push(prefix.to_owned());
        }
        rest = prefix;
    }
    whole(codes)
}
