//! `studio audit verify`: what files prove to somebody who has the public key. Nothing else is read,
//! and nothing is asked of a network.

use std::{fs::File, io::Read as _, path::Path};

use anyhow::{Context, bail};
use studio_events::tree::{AuditTrail, MAX_FILE, Proven, ProvenEvent, SignedTreeHead, check};

use crate::verify::NotVerified;

/// Verifies each file and all of them together, says what they prove, and fails where one proves
/// nothing ([`NotVerified`] where heads are right, and not shown to be of one history).
pub(super) fn run(files: &[impl AsRef<Path>], key: &str) -> anyhow::Result<()> {
    let key = public_key(key)?;
    let mut trail = AuditTrail::default();
    let mut wrong = 0;
    for path in files {
        let path = path.as_ref();
        match prove(path, &key, &mut trail) {
            Ok(proven) => println!("{}: {}", path.display(), told(&proven)),
            Err(error) => {
                wrong += 1;
                println!("{}: WRONG: {}", path.display(), crate::told::told(&error));
            }
        }
    }
    let unconnected = trail.unconnected();
    for (origin, size, largest) in &unconnected {
        println!(
            "NOT PROVEN: that {origin} with {largest} events begins with what it was with {size}. Ask \
             for: studio audit consistency --log {} --from {size} --to {largest}",
            origin.rsplit('/').next().unwrap_or(origin)
        );
    }
    if wrong > 0 {
        bail!("{wrong} of {} files are not what was signed, or prove nothing", files.len());
    }
    if !unconnected.is_empty() {
        let told = "nothing is wrong, but not all tree heads are shown to be of one history";
        return Err(NotVerified(told.to_owned()).into());
    }
    println!("All of it is proven, to whoever trusts the key and has kept these tree heads.");
    Ok(())
}

fn public_key(text: &str) -> anyhow::Result<[u8; 32]> {
    let key = hex::decode(text.trim()).ok().and_then(|key| key.try_into().ok());
    key.context("--key takes 64 hexadecimal digits, as `studio audit key` prints them")
}

fn prove(path: &Path, key: &[u8; 32], trail: &mut AuditTrail) -> anyhow::Result<Proven> {
    let file = File::open(path).context("the file cannot be read")?;
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_FILE)?.saturating_add(1);
    file.take(limit).read_to_end(&mut bytes).context("the file cannot be read")?;
    let proven = check(&bytes, key)?;
    trail.add(&proven)?;
    Ok(proven)
}

fn told(proven: &Proven) -> String {
    match proven {
        Proven::Head(head) => {
            format!("the key signed that {} (root {})", signed(head), hex::encode(head.root()))
        }
        Proven::Included { head, position, hash, event } => {
            let what = match event {
                Some(event) => described(event),
                None => format!(
                    "an event with the hash {}, whose contents are not in the file,",
                    hex::encode(hash)
                ),
            };
            format!("{what} is at position {position} of the log: {}", signed(head))
        }
        Proven::Extended { older, newer } => format!(
            "nothing before was changed, removed or inserted between two tree heads: {}; {}",
            signed(older),
            signed(newer)
        ),
    }
}

fn signed(head: &SignedTreeHead) -> String {
    format!("{} had {} events by {}", head.origin(), head.size(), head.signed_at())
}

/// Whoever wrote the event is not trusted with the terminal.
fn described(event: &ProvenEvent) -> String {
    format!(
        "the event {} ({}, version {} of {} {}, organization {}, recorded {})",
        event.event_id.escape_debug(),
        event.event_type.escape_debug(),
        event.stream_version,
        event.stream_type.escape_debug(),
        event.stream_id.escape_debug(),
        event.tenant.escape_debug(),
        event.recorded_at.escape_debug(),
    )
}
