//! `logs/<name>.jsonl.gz`: the events of a log, one a line.

use std::io::{BufReader, Write};

use anyhow::Context;
use flate2::{Compression, bufread::GzDecoder, write::GzEncoder};
use studio_events::transfer::{Filling, Lines, LogState, Reader, write_line};
use studio_stores::sql::Database;

use super::{
    archive::{Archive, Writer, log_path},
    manifest::Manifest,
    progress,
};

/// Events that one transaction keeps.
const BATCH: usize = 1_000;
/// Events after which it is said how far the work has come.
const TELL: i64 = 50_000;

/// Copies the events of a log up to the cut.
pub(crate) async fn copy(
    writer: &mut Writer,
    database: &Database,
    state: &LogState,
) -> anyhow::Result<()> {
    let output = writer.file(&log_path(&state.source))?;
    let mut encoder = GzEncoder::new(output, Compression::default());
    let mut reader = Reader::new(database, state);
    let (mut text, mut told) = (Vec::new(), Told::default());
    loop {
        let events = reader.next().await?;
        let Some(last) = events.last() else { break };
        text.clear();
        for event in &events {
            write_line(event, &mut text)?;
        }
        encoder.write_all(&text).with_context(|| log_path(&state.source))?;
        told.tell("copied", state, last.position);
    }
    let output = encoder.finish().with_context(|| log_path(&state.source))?;
    writer.keep(output)
}

/// Reads a log of an archive from its first event to its last and holds it against the manifest.
pub(crate) fn check(archive: &Archive, manifest: &Manifest, log: &LogState) -> anyhow::Result<()> {
    let mut lines = lines(archive, manifest, log)?;
    let mut told = Told::default();
    while let Some(last) = lines.next(BATCH)?.last() {
        told.tell("checked", log, last.position);
    }
    Ok(())
}

/// Keeps the events of a log of an archive that was checked. The log stays marked.
pub(crate) async fn fill(
    archive: &Archive,
    manifest: &Manifest,
    log: &LogState,
    database: &Database,
) -> anyhow::Result<()> {
    let mut lines = lines(archive, manifest, log)?;
    let mut filling = Filling::begin(database, log).await?;
    let mut told = Told::default();
    loop {
        let events = lines.next(BATCH)?;
        let Some(last) = events.last() else { break };
        filling.take(&events).await?;
        told.tell("kept", log, last.position);
    }
    Ok(filling.finish().await?)
}

type Input = BufReader<GzDecoder<BufReader<std::fs::File>>>;

fn lines(archive: &Archive, manifest: &Manifest, log: &LogState) -> anyhow::Result<Lines<Input>> {
    let entry = manifest.file(&log_path(&log.source))?;
    let file = archive.reader(&log_path(&log.source), entry.bytes)?;
    Ok(Lines::new(BufReader::new(GzDecoder::new(file)), log.clone()))
}

/// Says now and then how far a log has come.
#[derive(Default)]
struct Told(i64);

impl Told {
    fn tell(&mut self, done: &str, log: &LogState, position: i64) {
        if position / TELL != self.0 {
            self.0 = position / TELL;
            let (of, source) = (log.position, &log.source);
            progress(format_args!("{source}: {position} of {of} events {done}"));
        }
    }
}
