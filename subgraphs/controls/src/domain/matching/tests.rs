use std::{collections::BTreeSet, io::Read};

use studio_kernel::{Env, FixedEntropy, ManualClock, Timestamp};

use super::*;
use crate::domain::catalog::{CatalogRequirement, read, shipped};
use crate::domain::score::Importance;

fn index(catalog: &Catalog) -> (CatalogIndex, HashMap<Id<kind::Requirement>, String>) {
    let env = Env::new(ManualClock::at(Timestamp::default()), FixedEntropy::seeded(1));
    let ids: Vec<_> = catalog.requirements.iter().map(|_| env.id()).collect();
    let codes = ids
        .iter()
        .zip(&catalog.requirements)
        .map(|(id, requirement)| (*id, requirement.code.clone()))
        .collect();
    (CatalogIndex::new(catalog, &ids), codes)
}

fn catalog(family: &str, edition: &str, codes: &[&str]) -> Catalog {
    Catalog {
        name: family.to_owned(),
        version: edition.to_owned(),
        family: family.to_owned(),
        edition: edition.to_owned(),
        publisher: None,
        notice: None,
        requirements: codes
            .iter()
            .map(|code| CatalogRequirement {
                code: (*code).to_owned(),
                label: (*code).to_owned(),
                title: "t".to_owned(),
                text: String::new(),
                group: String::new(),
                importance: Importance::Normal,
                parts: if *code == "ac-2" {
                    vec!["d".to_owned(), "d.1".to_owned()]
                } else {
                    vec![]
                },
            })
            .collect(),
    }
}

#[test]
fn each_family_spells_in_its_own_way() {
    let cases = [
        ("nist-800-53", "5", "NIST-800-53-Revision-5", "ac_2_1", "ac-2.1", Some("ac-2.1")),
        ("nist-800-53", "5", "NIST-800-53-Revision-5", "ac_2_d_1", "ac-2", Some("ac-2")),
        ("nist-800-53", "5", "NIST-800-53-Revision-5", "ac_2_z", "ac-2", None),
        ("nist-800-53", "5", "NIST-800-53-Revision-5", "ac_2_6", "ac-2", None),
        ("nist-800-53", "5", "NIST-800-53-Revision-4", "ac_2", "ac-2", None),
        ("nist-800-53", "4", "FedRamp-Moderate-Revision-4", "ac-2-1", "ac-2.1", Some("ac-2.1")),
        ("soc2", "2017", "SOC2", "cc_6_1", "CC6.1", Some("CC6.1")),
        ("soc2", "2017", "SOC2", "cc_a_1_1", "A1.1", Some("A1.1")),
        ("soc2", "2017", "soc2", "pi_1_4", "PI1.4", Some("PI1.4")),
        ("soc2", "2017", "SOC2", "cc_6", "CC6.1", None),
        ("iso27001", "2022", "ISO27001-2022", "A.5.15", "A.5.15", Some("A.5.15")),
        ("iso27001", "2022", "ISO27001-2013", "A.9.2.A", "A.9.2", None),
        (
            "hipaa",
            "",
            "HIPAA",
            "164_308_a_5_ii_d",
            "164.308(a)(5)(ii)(D)",
            Some("164.308(a)(5)(ii)(D)"),
        ),
        ("hipaa", "", "HIPAA", "164_308_a_5_ii_d", "164.308(a)", None),
        ("pci-dss", "4.0", "PCI-4.0", "1.2.8.33", "1.2.8", Some("1.2.8")),
        ("pci-dss", "4.0", "PCI-4.0", "1.20.8", "1.2", None),
        ("nist-800-171", "2", "NIST-800-171-Revision-2", "3_13_1", "3.13.1", Some("3.13.1")),
        ("nist-csf", "1.1", "NIST-CSF-1.1", "ac_1", "PR.AC-1", Some("PR.AC-1")),
        ("nist-csf", "2.0", "NIST-CSF-2.0", "rc_rp_1", "RC.RP-01", Some("RC.RP-01")),
        ("gdpr", "", "GDPR", "article_25", "Art. 25", Some("Art. 25")),
        ("other", "", "SOC2", "cc_6_1", "CC6.1", None),
    ];
    for (family, edition, framework, id, code, expected) in cases {
        let (index, codes) = index(&catalog(family, edition, &[code]));
        let found = index.find(framework, id).map(|id| codes[&id].as_str());
        assert_eq!(found, expected, "{framework} {id} in {family} {edition} with {code}");
    }
}

#[test]
fn what_is_no_id_matches_nothing_and_does_not_panic() {
    let (index, _) = index(&catalog("nist-800-53", "5", &["ac-2"]));
    for odd in ["", "_", "ac", "ac_", "ac_2_", "ac__2", "ac_99999", "ä_2", &"ac_2".repeat(99)] {
        assert_eq!(index.find("NIST-800-53-Revision-5", odd), None, "{odd}");
        for alias in table::TABLE {
            let _candidates = alias.spelling.candidates(odd);
        }
    }
}

/// Every requirement id of a real scan, matched with the catalogs that we have.
#[test]
fn real_ids() {
    let Ok(directory) = std::env::var("STUDIO_TEST_DATA") else {
        println!("skipped: set STUDIO_TEST_DATA to the folder with the scans");
        return;
    };
    let directory = std::path::Path::new(&directory);
    let packed =
        std::fs::File::open(directory.join("prowler-aws-scan-large.ocsf.json.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    let findings: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for finding in &findings {
        for (framework, ids) in finding["unmapped"]["compliance"].as_object().unwrap() {
            let ids = ids.as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned());
            named.entry(framework.clone()).or_default().extend(ids);
        }
    }
    let baseline =
        std::fs::read_to_string(directory.join("nist-800-53-r5-moderate-baseline.oscal.json"));
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for document in [
        baseline.unwrap().as_str(),
        shipped("soc2").unwrap().document,
        shipped("iso27001").unwrap().document,
    ] {
        let (index, codes) = index(&read(document, usize::MAX).unwrap());
        for (framework, ids) in named.iter().filter(|(framework, _)| index.is(framework)) {
            let lines = ids.iter().map(|id| match index.find(framework, id) {
                Some(requirement) => format!("{id} = {}", codes[&requirement]),
                None => format!("{id} matches nothing"),
            });
            found.insert(framework.clone(), lines.collect());
        }
    }
    insta::assert_json_snapshot!(found);
}
