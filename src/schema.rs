//! `studio schema`: the public schema, what a new one changes for clients of an old one, and supergraphs
//! of other subgraphs.

use std::{
    io::{self, Write as _},
    path::Path,
};

use anyhow::{Context, bail};
use studio_router::{PublicSchema, Severity, SubgraphSdl, Supergraph};

use crate::{cli::SchemaVerb, standalone};

/// Most bytes of a schema file: the largest public supergraphs have a few megabytes.
const LARGEST: u64 = 64 << 20;

/// The schema of each subgraph of Studio.
pub(crate) fn subgraphs() -> [(&'static str, String); 5] {
    [
        ("identity", studio_identity::sdl()),
        ("controls", studio_controls::sdl()),
        ("evidence", studio_evidence::sdl()),
        ("documents", studio_documents::sdl()),
        ("ai", studio_ai::sdl()),
    ]
}

/// Composes subgraphs that are reached in another way than by an address in the supergraph.
pub(crate) fn compose(
    sdls: impl IntoIterator<Item = (&'static str, String)>,
) -> anyhow::Result<Supergraph> {
    studio_router::compose(parts(sdls)).context("the subgraphs do not compose")
}

/// Schemas of subgraphs that are reached in another way than by an address in the supergraph.
pub(crate) fn parts(sdls: impl IntoIterator<Item = (&'static str, String)>) -> Vec<SubgraphSdl> {
    let part = |(name, sdl): (&str, String)| SubgraphSdl { name: name.to_owned(), url: None, sdl };
    sdls.into_iter().map(part).collect()
}

pub(crate) async fn run(verb: SchemaVerb) -> anyhow::Result<()> {
    match verb {
        SchemaVerb::Print => print(&compose(subgraphs())?.api_sdl),
        SchemaVerb::Check { published, next } => {
            let next = match next {
                Some(file) => read(&file)?,
                None => PublicSchema::read(&compose(subgraphs())?.api_sdl)?,
            };
            check(&read(&published)?, &next)
        }
        SchemaVerb::Compose { subgraphs } => print(&standalone::supergraph(&subgraphs).await?),
    }
}

fn check(published: &PublicSchema, next: &PublicSchema) -> anyhow::Result<()> {
    let changes = published.changes(next);
    let breaking = changes.iter().filter(|change| change.severity == Severity::Breaking).count();
    let mut text = String::new();
    for change in &changes {
        text.push_str(&format!("{change}\n"));
    }
    if changes.is_empty() {
        text.push_str("Nothing changes for clients of the published schema.\n");
    }
    print(&text)?;
    match breaking {
        0 => Ok(()),
        1 => bail!("1 change breaks clients of the published schema"),
        several => bail!("{several} changes break clients of the published schema"),
    }
}

/// The text of a file with a schema.
pub(crate) fn text(file: &Path) -> anyhow::Result<String> {
    let shown = file.display();
    let size = std::fs::metadata(file).with_context(|| format!("{shown} cannot be read"))?.len();
    if size > LARGEST {
        bail!("{shown} has {size} bytes, and a schema may have {LARGEST}: is it the right file?");
    }
    std::fs::read_to_string(file).with_context(|| format!("{shown} cannot be read"))
}

fn read(file: &Path) -> anyhow::Result<PublicSchema> {
    PublicSchema::read(&text(file)?).with_context(|| format!("{} is of no use", file.display()))
}

/// What reads it may have enough before the end.
fn print(text: &str) -> anyhow::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("the output cannot be written"),
    }
}
