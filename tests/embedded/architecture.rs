//! Who may know whom (ARCHITECTURE.md, "Invariants"), held by a test and not by prose.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const SUBGRAPHS: [&str; 5] = ["identity", "controls", "evidence", "documents", "ai"];

/// What each crate of ours may depend on, itself written by hand.
fn allowed(name: &str) -> Option<&'static [&'static str]> {
    Some(match name {
        "studio-kernel" | "studio-router" | "studio-sdk" => &[],
        "studio-entities" | "studio-migrations" | "studio-rego" => &[],
        "studio-mail" => &["studio-kernel"],
        "studio-access" => &["studio-kernel", "studio-rego"],
        "studio-stores" => &["studio-kernel", "studio-entities"],
        "studio-events" => {
            &["studio-kernel", "studio-stores", "studio-entities", "studio-migrations"]
        }
        "studio-service" => &["studio-kernel", "studio-access", "studio-stores", "studio-events"],
        "studio-identity" => &[
            "studio-kernel",
            "studio-access",
            "studio-stores",
            "studio-events",
            "studio-service",
            "studio-mail",
            "studio-entities",
            "studio-migrations",
        ],
        "studio-controls" | "studio-evidence" => &[
            "studio-kernel",
            "studio-rego",
            "studio-access",
            "studio-stores",
            "studio-events",
            "studio-service",
            "studio-entities",
            "studio-migrations",
        ],
        "studio-documents" | "studio-ai" => &[
            "studio-kernel",
            "studio-access",
            "studio-stores",
            "studio-events",
            "studio-service",
            "studio-entities",
            "studio-migrations",
        ],
        _ => return None,
    })
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The dependencies of each package of the workspace on other packages of it, tests left out.
fn internal_dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|dependency| dependency["kind"].as_str() != Some("dev"))
                .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
                .filter(|name| name.starts_with("studio-"))
                .collect();
            (package["name"].as_str().unwrap().to_owned(), dependencies)
        })
        .collect()
}

fn rust_files(directory: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn sources(directory: &str) -> Vec<(PathBuf, String)> {
    let directory = root().join(directory);
    let mut files = Vec::new();
    if directory.is_dir() {
        rust_files(&directory, &mut files);
    }
    files
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path.strip_prefix(root()).unwrap().to_owned(), text)
        })
        .collect()
}

#[test]
fn crates_know_only_whom_they_may() {
    let mut faults = Vec::new();
    for (package, dependencies) in internal_dependencies() {
        let Some(allowed) = allowed(&package) else { continue };
        for dependency in dependencies {
            if !allowed.contains(&dependency.as_str()) {
                faults.push(format!("{package} depends on {dependency}"));
            }
        }
    }
    assert!(faults.is_empty(), "see ARCHITECTURE.md, Invariants:\n{}", faults.join("\n"));
}

#[test]
fn domains_import_the_kernel_alone() {
    let mut faults = Vec::new();
    for subgraph in SUBGRAPHS {
        for (path, text) in sources(&format!("subgraphs/{subgraph}/src/domain")) {
            for foreign in [
                "studio_events",
                "studio_access",
                "studio_rego",
                "studio_stores",
                "studio_service",
                "studio_entities",
                "studio_migrations",
                "sea_orm",
                "async_graphql",
                "tokio",
                "axum",
            ] {
                if text.contains(&format!("{foreign}::")) {
                    faults.push(format!("{} uses {foreign}", path.display()));
                }
            }
            if text.contains("async fn") {
                faults.push(format!("{} is async", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "a domain is pure decisions and state:\n{}", faults.join("\n"));
}

#[test]
fn each_store_belongs_to_one_subgraph() {
    let mut faults = Vec::new();
    for subgraph in SUBGRAPHS {
        for (path, text) in sources(&format!("subgraphs/{subgraph}/src")) {
            for other in SUBGRAPHS.iter().filter(|other| **other != subgraph) {
                for module in ["studio_entities", "studio_migrations"] {
                    if text.contains(&format!("{module}::{other}")) {
                        faults.push(format!("{} uses {module}::{other}", path.display()));
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_router_names_no_subgraph() {
    let mut faults = Vec::new();
    for (path, text) in sources("router/src") {
        for subgraph in SUBGRAPHS.iter().filter(|name| **name != "ai") {
            for (number, line) in text.lines().enumerate() {
                if line.contains(&format!("\"{subgraph}\"")) {
                    faults.push(format!("{}:{} names {subgraph}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn files_hold_one_concept() {
    let mut faults = Vec::new();
    for directory in [
        "src",
        "router",
        "subgraphs",
        "platform",
        "entities",
        "migrations",
        "schema",
        "clients",
        "tests",
    ] {
        for (path, text) in sources(directory) {
            let lines = text.lines().count();
            if lines > 500 {
                faults.push(format!("{} has {lines} lines", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "files stay at about 400 lines:\n{}", faults.join("\n"));
}
