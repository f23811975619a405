//! `studio-schema write DIR` writes what clients build on: the SDL of each subgraph, the
//! supergraph, the public schema, the published events, the configuration and the REST endpoints.
//! `studio-schema check DIR` fails where the folder differs from the code.

use std::{collections::BTreeMap, fs, path::Path, process::ExitCode};

use anyhow::{Context, bail};
use schemars::{JsonSchema, schema_for};
use serde_json::Value;
use studio_kernel::{
    Payload,
    published::{CloudEvent, cloud_event_type, controls, documents, evidence, identity},
};
use studio_router::SubgraphSdl;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", folder] => files().and_then(|files| write(Path::new(folder), &files)),
        ["check", folder] => files().and_then(|files| check(Path::new(folder), &files)),
        _ => Err(anyhow::anyhow!("usage: studio-schema write DIR | studio-schema check DIR")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Every generated file by its path within the folder.
fn files() -> anyhow::Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    let mut parts = Vec::new();
    for (name, sdl) in [
        ("identity", studio_identity::sdl()),
        ("controls", studio_controls::sdl()),
        ("evidence", studio_evidence::sdl()),
        ("documents", studio_documents::sdl()),
        ("ai", studio_ai::sdl()),
    ] {
        files.insert(format!("sdl/{name}.graphql"), sdl.clone());
        parts.push(SubgraphSdl { name: name.to_owned(), url: None, sdl });
    }
    let supergraph = studio_router::compose(parts).context("the subgraphs do not compose")?;
    studio_router::check_plannable(&supergraph.sdl).context("not every field can be planned")?;
    files.insert("supergraph.graphql".to_owned(), supergraph.sdl);
    files.insert("api.graphql".to_owned(), supergraph.api_sdl);

    event::<controls::ProjectCreated>(&mut files)?;
    event::<controls::ProjectRenamed>(&mut files)?;
    event::<controls::ProjectArchived>(&mut files)?;
    event::<controls::ProjectRestored>(&mut files)?;
    event::<controls::ControlTestAdded>(&mut files)?;
    event::<controls::ControlTestRuleSet>(&mut files)?;
    event::<controls::CheckResultsMatched>(&mut files)?;
    event::<controls::ScoreAlertRaised>(&mut files)?;
    event::<controls::ScoreAlertCleared>(&mut files)?;
    event::<evidence::CheckResultsRecorded>(&mut files)?;
    event::<evidence::EvidenceRejected>(&mut files)?;
    event::<documents::DocumentVersionStored>(&mut files)?;
    event::<documents::DocumentClassified>(&mut files)?;
    event::<identity::OrganizationStateChanged>(&mut files)?;
    event::<identity::SessionExtended>(&mut files)?;
    event::<identity::SessionEnded>(&mut files)?;
    event::<identity::RolesChanged>(&mut files)?;
    event::<identity::UserSuspended>(&mut files)?;
    event::<identity::UserReactivated>(&mut files)?;
    event::<identity::ApiKeyCreated>(&mut files)?;
    event::<identity::ApiKeyRevoked>(&mut files)?;
    event::<identity::AppAllowed>(&mut files)?;
    event::<identity::AppGrantEnded>(&mut files)?;
    event::<identity::AppGrantExtended>(&mut files)?;
    event::<identity::OAuthClientCreated>(&mut files)?;
    event::<identity::OAuthClientRevoked>(&mut files)?;
    event::<identity::AccessTokenRevoked>(&mut files)?;

    let config = serde_json::to_value(schema_for!(studio_service::Config))?;
    files.insert("config.schema.json".to_owned(), pretty(&config)?);
    let openapi = studio_service::rest::openapi([
        studio_controls::openapi(),
        studio_evidence::openapi(),
        studio_documents::openapi(),
    ]);
    files.insert("openapi.json".to_owned(), pretty(&openapi)?);
    for text in files.values_mut() {
        let trimmed = text.trim_end().len();
        text.truncate(trimmed);
        text.push('\n');
    }
    Ok(files)
}

/// The JSON Schema of one published event.
fn event<P: Payload + JsonSchema>(files: &mut BTreeMap<String, String>) -> anyhow::Result<()> {
    let name = cloud_event_type::<P>();
    let mut schema = serde_json::to_value(schema_for!(CloudEvent<P>))?;
    schema["title"] = Value::String(name.clone());
    schema["properties"]["type"] = serde_json::json!({ "const": name });
    files.insert(format!("events/{name}.json"), pretty(&schema)?);
    Ok(())
}

fn pretty(value: &Value) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(value)?)
}

fn write(folder: &Path, files: &BTreeMap<String, String>) -> anyhow::Result<()> {
    for stale in generated(folder)?.into_iter().filter(|path| !files.contains_key(path)) {
        fs::remove_file(folder.join(&stale)).with_context(|| stale.clone())?;
    }
    for (path, text) in files {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

fn check(folder: &Path, files: &BTreeMap<String, String>) -> anyhow::Result<()> {
    let mut differing: Vec<String> = files
        .iter()
        .filter(|(path, text)| fs::read_to_string(folder.join(path)).ok().as_ref() != Some(text))
        .map(|(path, _)| path.clone())
        .collect();
    differing.extend(generated(folder)?.into_iter().filter(|path| !files.contains_key(path)));
    if differing.is_empty() {
        return Ok(());
    }
    bail!(
        "{} differ from the code: run `make schema`, look at what it changed, and note a change \
         that breaks clients in schema/CHANGES.md:\n  {}",
        folder.display(),
        differing.join("\n  ")
    )
}

/// The generated files that lie in the folder now.
fn generated(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for (below, extension) in
        [("", "graphql"), ("", "json"), ("sdl", "graphql"), ("events", "json")]
    {
        let directory = folder.join(below);
        if !directory.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&directory)? {
            let path = entry?.path();
            if path.extension().is_some_and(|found| found == extension)
                && let Some(name) = path.file_name().and_then(|name| name.to_str())
            {
                found.push(Path::new(below).join(name).display().to_string());
            }
        }
    }
    Ok(found)
}
