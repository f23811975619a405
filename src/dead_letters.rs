//! `studio dead-letters`: the events that consumers gave up on, listed and taken again. It works on the
//! stores themselves, beside a server that uses them: listing reads, and taking again is left to the
//! consumer, which finds the marks that are set here.

use std::{fmt::Write as _, time::Duration};

use anyhow::{Context, bail};
use studio_events::dead_letters::{Stored, list, mark};
use studio_kernel::{Timestamp, published::CloudEvent};
use studio_service::Config;
use studio_stores::sql::Database;

use crate::{
    cli::{DeadLettersVerb, Redrive},
    stores::{self, Store},
};

/// Dead letters that are read at a time.
const PAGE: u64 = 200;
/// How often to look what became of the marks.
const LOOK: Duration = Duration::from_millis(250);

/// Lists dead letters, or lets their consumers take them again.
pub(crate) async fn run(verb: DeadLettersVerb) -> anyhow::Result<()> {
    match verb {
        DeadLettersVerb::List(settings) => show(&settings.load(None)?).await,
        DeadLettersVerb::Redrive(arguments) => redrive(arguments).await,
    }
}

async fn show(config: &Config) -> anyhow::Result<()> {
    let mut count = 0;
    let stores = stores::all(config).await?;
    for (name, database) in &stores {
        each(name, database, |letter| {
            println!("{}", told(&letter));
            count += 1;
        })
        .await?;
    }
    stores::close(stores).await?;
    match count {
        0 => println!("No dead letters."),
        1 => println!("1 dead letter. Mend the cause, then run studio dead-letters redrive."),
        _ => {
            println!("{count} dead letters. Mend the cause, then run studio dead-letters redrive.")
        }
    }
    Ok(())
}

async fn redrive(arguments: Redrive) -> anyhow::Result<()> {
    let config = arguments.settings.load(None)?;
    let stores = stores::all(&config).await?;
    // Before they are marked: a consumer may be quick.
    let wanted = wanted(&stores, &arguments).await?;
    if wanted.is_empty() {
        return nothing(&arguments);
    }
    for (name, database) in &stores {
        mark(database, arguments.consumer.as_deref(), arguments.position)
            .await
            .with_context(|| unreadable(name))?;
    }
    println!("{} marked: their consumers take them again.", wanted.len());
    let outcome = follow(&stores, wanted, Duration::from_secs(arguments.wait)).await;
    stores::close(stores).await?;
    outcome?.tell()
}

fn nothing(arguments: &Redrive) -> anyhow::Result<()> {
    match (&arguments.consumer, arguments.position) {
        (None, _) => println!("No dead letters."),
        (Some(consumer), None) => bail!(
            "there are no dead letters of a consumer {consumer}: studio dead-letters list shows \
             which there are"
        ),
        (Some(consumer), Some(position)) => bail!(
            "{consumer} has no dead letter of position {position}: studio dead-letters list shows \
             which there are"
        ),
    }
    Ok(())
}

/// A dead letter: the index of its store, its consumer and its position.
type Key = (usize, String, i64);

/// Those that are to be taken again.
async fn wanted(stores: &[Store], arguments: &Redrive) -> anyhow::Result<Vec<Key>> {
    let mut wanted = Vec::new();
    for (index, (name, database)) in stores.iter().enumerate() {
        each(name, database, |letter| {
            let consumer = arguments.consumer.as_ref();
            if consumer.is_none_or(|consumer| *consumer == letter.consumer)
                && arguments.position.is_none_or(|position| position == letter.position)
            {
                wanted.push((index, letter.consumer, letter.position));
            }
        })
        .await?;
    }
    Ok(wanted)
}

/// What became of the marked ones.
struct Outcome {
    taken: usize,
    failed: Vec<Stored>,
    waiting: usize,
}

impl Outcome {
    fn tell(self) -> anyhow::Result<()> {
        println!("{} taken in.", self.taken);
        for letter in &self.failed {
            println!("failed again: {}", told(letter));
        }
        if self.waiting > 0 {
            println!(
                "{} still marked: they are taken when their consumers run, that is, when Studio is \
                 started, or reaches what it needs for them.",
                self.waiting
            );
        }
        match self.failed.len() {
            0 => Ok(()),
            failed => {
                bail!("{failed} of the dead letters failed again: mend the cause named above")
            }
        }
    }
}

/// Waits until none of those that were wanted is marked, at most so long, and looks what became of
/// them. Other marks are no concern: their consumers may not run, or be busy for long.
async fn follow(stores: &[Store], wanted: Vec<Key>, patience: Duration) -> anyhow::Result<Outcome> {
    let seen_to = async {
        for key in &wanted {
            while still(stores, key).await?.is_some_and(|letter| letter.redrive != 0) {
                tokio::time::sleep(LOOK).await;
            }
        }
        Ok::<_, anyhow::Error>(())
    };
    if let Ok(looked) = tokio::time::timeout(patience, seen_to).await {
        looked?;
    }
    let mut outcome = Outcome { taken: 0, failed: Vec::new(), waiting: 0 };
    for key in &wanted {
        match still(stores, key).await? {
            None => outcome.taken += 1,
            Some(now) if now.redrive != 0 => outcome.waiting += 1,
            Some(now) => outcome.failed.push(now),
        }
    }
    Ok(outcome)
}

/// A dead letter as it is now, if it is one still.
async fn still(stores: &[Store], key: &Key) -> anyhow::Result<Option<Stored>> {
    let (index, consumer, position) = key;
    let (name, database) = &stores[*index];
    let before = Some((consumer.as_str(), position - 1));
    let next = list(database, false, before, 1).await.with_context(|| unreadable(name))?.pop();
    Ok(next.filter(|next| next.consumer == *consumer && next.position == *position))
}

/// Reads all dead letters of a store, some at a time.
async fn each(name: &str, database: &Database, mut take: impl FnMut(Stored)) -> anyhow::Result<()> {
    let mut after: Option<(String, i64)> = None;
    loop {
        let from = after.as_ref().map(|(consumer, position)| (consumer.as_str(), *position));
        let letters = list(database, false, from, PAGE).await.with_context(|| unreadable(name))?;
        let Some(last) = letters.last() else { return Ok(()) };
        after = Some((last.consumer.clone(), last.position));
        letters.into_iter().for_each(&mut take);
    }
}

fn unreadable(name: &str) -> String {
    format!(
        "the dead letters of {name} cannot be read (a store that an older Studio made must be opened \
         by this one once: start it)"
    )
}

/// A dead letter in a few lines.
fn told(letter: &Stored) -> String {
    let Stored { consumer, source, position, attempts, .. } = letter;
    let at = Timestamp::from_micros(letter.recorded_at);
    let event = match serde_json::from_str::<CloudEvent>(&letter.event) {
        Ok(event) => format!("{} {} of {}", event.event_type, event.id, letter.tenant),
        Err(error) => format!("an event that does not read ({error}) of {}", letter.tenant),
    };
    let mut text = format!("{consumer}: position {position} of {source}, {attempts} tries, {at}");
    if letter.redrive != 0 {
        text.push_str(", marked");
    }
    // Writing to a text does not fail.
    let _infallible = write!(text, "\n  {event}\n  {}", letter.error);
    text
}
