//! Who has seen how much of each log: its own read models, the consumers in the other stores, and the
//! backups that are at hand.

use studio_events::seen::{Checkpoints, Seen, checkpoints};

use super::Verdict;
use crate::{consumers::CONSUMERS, stores::Store, transfer::Kept};

/// What was seen of each log, in the order of the stores.
pub(super) async fn of_all(
    stores: &[Store],
    kept: &[Kept],
    verdict: &mut Verdict,
) -> Vec<Vec<Seen>> {
    let mut all: Vec<Vec<Seen>> = vec![Vec::new(); stores.len()];
    for (index, (name, database)) in stores.iter().enumerate() {
        let read = checkpoints(database).await.unwrap_or_else(|error| {
            println!("{name}: who has seen the logs could not be read there: {error}");
            verdict.unchecked(format!("what the store of {name} has seen"));
            Checkpoints::default()
        });
        let Checkpoints { read_models, consumers } = read;
        for (read_model, position) in read_models {
            all[index].push(seen(format!("its own read model \"{read_model}\""), position));
        }
        for (consumer, position) in consumers {
            // Without its source there is nothing to compare with.
            let Some(known) = CONSUMERS.iter().find(|known| known.name == consumer) else {
                println!("{name}: nobody knows what its consumer \"{consumer}\" reads");
                continue;
            };
            if let Some(source) = stores.iter().position(|(name, _)| *name == known.source) {
                let by = format!("the consumer \"{consumer}\" in the store of {name}");
                all[source].push(seen(by, position));
            }
        }
        for kept in kept {
            all[index].extend(kept.seen(name));
        }
    }
    all
}

fn seen(by: String, position: i64) -> Seen {
    Seen { by, position, hash: None }
}
