//! Which log each consumer reads from, to prove of an archive that none is ahead of its source.

use anyhow::{Context, bail};
use studio_events::transfer::LogState;

/// The consumers by name, with the log that they read from.
const SOURCES: [(&str, &str); 5] = [
    ("controls.process_manager", "evidence"),
    ("score_engine", "controls"),
    ("evidence.controls", "controls"),
    ("documents.projects", "controls"),
    ("ai.document_versions", "documents"),
];

/// Fails where a consumer has taken in what its source does not hold.
pub(crate) fn check(logs: &[LogState]) -> anyhow::Result<()> {
    for log in logs {
        for consumer in &log.consumers {
            let source = SOURCES.iter().find(|(name, _)| *name == consumer.name);
            let Some((name, source)) = source else {
                bail!(
                    "the log of {} has a consumer \"{}\" that this Studio does not know",
                    log.source,
                    consumer.name
                );
            };
            let source = logs
                .iter()
                .find(|log| log.source == *source)
                .with_context(|| format!("there is no log of {source}"))?;
            if consumer.position > source.position {
                bail!(
                    "{name} has read the log of {} up to position {}, and it ends at {}",
                    source.source,
                    consumer.position,
                    source.position
                );
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use studio_events::transfer::ConsumerPosition;
    use studio_kernel::Timestamp;

    use super::*;

    fn log(source: &str, position: i64, consumers: &[(&str, i64)]) -> LogState {
        let consumers = consumers.iter().map(|(name, position)| ConsumerPosition {
            name: (*name).to_owned(),
            position: *position,
        });
        LogState {
            source: source.to_owned(),
            position,
            hash: [0; 32],
            recorded_at: Timestamp::from_micros(0),
            consumers: consumers.collect(),
            dead_letters: Vec::new(),
            signed_checkpoints: Vec::new(),
        }
    }

    #[test]
    fn a_consumer_ahead_of_its_source_is_found() {
        let controls = log("controls", 5, &[("controls.process_manager", 3)]);
        check(&[controls.clone(), log("evidence", 3, &[("evidence.controls", 5)])]).unwrap();
        let error = check(&[controls.clone(), log("evidence", 2, &[])]).unwrap_err();
        assert!(error.to_string().contains("up to position 3, and it ends at 2"), "{error}");
        assert!(check(&[log("ai", 0, &[("somebody", 0)])]).is_err());
        assert!(check(&[controls]).is_err());
    }
}
