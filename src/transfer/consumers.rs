//! Proves of an archive that no consumer in it is ahead of its source.

use anyhow::{Context, bail};
use studio_events::transfer::LogState;

use crate::consumers::CONSUMERS;

/// Fails where a consumer has taken in what its source does not hold.
pub(crate) fn check(logs: &[LogState]) -> anyhow::Result<()> {
    for log in logs {
        for consumer in &log.consumers {
            let known = CONSUMERS.iter().find(|known| known.name == consumer.name);
            let Some(known) = known else {
                bail!(
                    "the log of {} has a consumer \"{}\" that this Studio does not know",
                    log.source,
                    consumer.name
                );
            };
            let source = logs
                .iter()
                .find(|log| log.source == known.source)
                .with_context(|| format!("there is no log of {}", known.source))?;
            if consumer.position > source.position {
                bail!(
                    "{} has read the log of {} up to position {}, and it ends at {}",
                    known.name,
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
