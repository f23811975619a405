//! The scanner's names of frameworks (as Prowler 5 writes them), and which family and edition each
//! one is.

use super::Spelling;

/// One name of a framework.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alias {
    /// The scanner's name, lower case.
    pub name: &'static str,
    /// The family, as catalogs carry it.
    pub family: &'static str,
    /// The edition that it must be; `None` where the family has one only.
    pub edition: Option<&'static str>,
    /// How ids are spelt.
    pub spelling: Spelling,
}

const fn row(
    name: &'static str,
    family: &'static str,
    edition: Option<&'static str>,
    spelling: Spelling,
) -> Alias {
    Alias { name, family, edition, spelling }
}

pub(super) const TABLE: &[Alias] = &[
    row("nist-800-53-revision-5", "nist-800-53", Some("5"), Spelling::Nist80053),
    row("nist-800-53-revision-4", "nist-800-53", Some("4"), Spelling::Nist80053),
    row("fedramp-low-revision-4", "nist-800-53", Some("4"), Spelling::Nist80053),
    row("fedramp-moderate-revision-4", "nist-800-53", Some("4"), Spelling::Nist80053),
    row("fedramp-20x-ksi-low", "fedramp-20x", None, Spelling::Verbatim),
    row("nist-800-171-revision-2", "nist-800-171", Some("2"), Spelling::Dotted),
    row("nist-csf-1.1", "nist-csf", Some("1.1"), Spelling::NistCsf),
    row("nist-csf-2.0", "nist-csf", Some("2.0"), Spelling::NistCsf),
    row("soc2", "soc2", None, Spelling::TrustServices),
    row("iso27001-2022", "iso27001", Some("2022"), Spelling::Verbatim),
    row("iso27001-2013", "iso27001", Some("2013"), Spelling::Verbatim),
    row("hipaa", "hipaa", None, Spelling::CodeOfFederalRegulations),
    row("gdpr", "gdpr", None, Spelling::Article),
    row("pci-4.0", "pci-dss", Some("4.0"), Spelling::LongestPrefix),
    row("pci-3.2.1", "pci-dss", Some("3.2.1"), Spelling::LongestPrefix),
    row("cis-1.4", "cis-aws", Some("1.4"), Spelling::Verbatim),
    row("cis-1.5", "cis-aws", Some("1.5"), Spelling::Verbatim),
    row("cis-2.0", "cis-aws", Some("2.0"), Spelling::Verbatim),
    row("cis-3.0", "cis-aws", Some("3.0"), Spelling::Verbatim),
    row("cis-4.0.1", "cis-aws", Some("4.0.1"), Spelling::Verbatim),
    row("cis-5.0", "cis-aws", Some("5.0"), Spelling::Verbatim),
    row("cis-6.0", "cis-aws", Some("6.0"), Spelling::Verbatim),
    row("cis-7.0", "cis-aws", Some("7.0"), Spelling::Verbatim),
    row("nis2", "nis2", None, Spelling::LongestPrefix),
];

/// The row of the scanner's name, written in either case.
pub fn alias(scanner_framework: &str) -> Option<&'static Alias> {
    TABLE.iter().find(|alias| alias.name.eq_ignore_ascii_case(scanner_framework))
}
