//! What an auditor does with files alone: every one that is not quite right is refused, and two histories
//! show.

use studio_events::{
    Ed25519Signer,
    tree::{
        AuditError, AuditTrail, FileError, Hex, LogTree, MAX_FILE, ProofFile, Proven,
        SignedTreeHead, check,
    },
};
use studio_kernel::Timestamp;

use super::{
    harness::*,
    proving::{append, public_key, signer, tree},
};

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

/// A head of a log of seven events, an inclusion proof and a consistency proof.
async fn files() -> [String; 3] {
    let place = Place::sqlite();
    let store = place.store().await;
    append(&store, "a", 7).await;
    let tree = tree(store.database());
    let older = tree.head(3, &signer(), NOW).await.unwrap();
    let newer = tree.sign(&signer(), NOW).await.unwrap();
    let included = tree.prove_inclusion(&newer, 5, true).await.unwrap();
    let extended = tree.prove_consistency(&older, &newer).await.unwrap();
    [newer.note().to_owned(), included.write().unwrap(), extended.write().unwrap()]
}

#[tokio::test]
async fn a_file_with_any_other_bit_proves_nothing_else() {
    for file in files().await {
        let proven = check(file.as_bytes(), &public_key()).unwrap();
        let whole = file.trim_end().len();
        for length in 0..whole {
            assert!(check(&file.as_bytes()[..length], &public_key()).is_err(), "{length}");
        }
        let mut refused = 0;
        for at in 0..file.len() {
            for bit in 0..8 {
                let mut changed = file.as_bytes().to_vec();
                changed[at] ^= 1 << bit;
                // White space, and the case of hexadecimal digits, mean nothing.
                match check(&changed, &public_key()) {
                    Ok(other) => assert_eq!(other, proven, "{}", String::from_utf8_lossy(&changed)),
                    Err(_) => refused += 1,
                }
            }
        }
        assert!(refused > file.len() * 6, "{refused} of {}", file.len() * 8);
        let other = Ed25519Signer::from_seed(&[6; 32]).unwrap();
        let other = studio_events::CheckpointSigner::public_key(&other).try_into().unwrap();
        assert!(matches!(check(file.as_bytes(), &other), Err(AuditError::Head(_))));
    }
}

#[tokio::test]
async fn a_proof_is_of_its_own_event_and_head() {
    let [note, included, extended] = files().await;
    let read = |text: &str| ProofFile::read(text.as_bytes()).unwrap();
    let refused = |file: ProofFile| check(file.write().unwrap().as_bytes(), &public_key());
    let ProofFile::Inclusion { head, position, hash, event, path } = read(&included) else {
        panic!("{included}")
    };
    assert_eq!(head, note);
    let with = |position, hash, event| ProofFile::Inclusion {
        head: head.clone(),
        position,
        hash,
        event,
        path: path.clone(),
    };
    let contents = event.clone().unwrap();
    assert!(matches!(refused(with(4, hash, None)), Err(AuditError::Proof(_))));
    assert!(matches!(refused(with(8, hash, None)), Err(AuditError::Proof(_))));
    assert!(matches!(refused(with(position, Hex([1; 32]), None)), Err(AuditError::Proof(_))));
    let mut changed = contents.clone();
    changed.canonical = changed.canonical.replace("naïve", "naive");
    assert!(matches!(refused(with(position, hash, Some(changed))), Err(AuditError::Contents)));
    let mut changed = contents;
    changed.prev_hash.0[0] ^= 1;
    assert!(matches!(refused(with(position, hash, Some(changed))), Err(AuditError::Contents)));
    // Without its contents the hash alone is proven.
    let Ok(Proven::Included { event: None, .. }) = refused(with(position, hash, None)) else {
        panic!("the contents may be left out")
    };
    let ProofFile::Consistency { older, newer, path } = read(&extended) else {
        panic!("{extended}")
    };
    let swapped = ProofFile::Consistency { older: newer.clone(), newer: older, path };
    assert!(matches!(refused(swapped), Err(AuditError::Proof(_))));
    let place = Place::sqlite();
    let other = place.store().await;
    append(&other, "a", 3).await;
    let elsewhere = LogTree::new(other.database(), "shop").sign(&signer(), NOW).await.unwrap();
    let older = elsewhere.note().to_owned();
    let two = ProofFile::Consistency { older, newer, path: Vec::new() };
    assert!(matches!(refused(two), Err(AuditError::OtherLog { .. })));
}

#[test]
fn what_is_no_proof_is_refused_within_limits() {
    let read = |text: &str| ProofFile::read(text.as_bytes());
    let hashes = |count: usize| vec![format!("\"{}\"", "0".repeat(64)); count].join(",");
    let consistency = |path: &str| {
        format!(
            r#"{{"format":"studio-consistency-proof-v1","older":"","newer":"","path":[{path}]}}"#
        )
    };
    read(&consistency(&hashes(64))).unwrap();
    assert!(matches!(read(&consistency(&hashes(65))), Err(FileError::Path(65))));
    let long = " ".repeat(MAX_FILE + 1);
    assert!(matches!(read(&long), Err(FileError::TooLong(_))));
    let zero = format!(
        r#"{{"format":"studio-inclusion-proof-v1","head":"","position":0,"hash":{},"path":[]}}"#,
        hashes(1)
    );
    assert!(matches!(read(&zero), Err(FileError::Position(0))));
    for text in [
        "",
        "{}",
        "[]",
        "null",
        r#"{"format":"studio-inclusion-proof-v2"}"#,
        &consistency("\"00\""),
        &consistency(&format!("\"{}\"", "g".repeat(64))),
        &consistency("1"),
        &zero.replace("\"position\":0", "\"position\":-1"),
        &zero.replace("\"position\":0", "\"position\":1.5"),
        &zero.replace("\"position\":0", "\"position\":1,\"position\":2"),
        &zero.replace("\"position\":0", "\"position\":1,\"more\":2"),
        &"[".repeat(100_000),
        &"{\"path\":".repeat(100_000),
    ] {
        assert!(matches!(read(text), Err(FileError::Form(_))), "{text:.80}");
    }
    assert!(matches!(check(&[0xff, 0xfe], &[0; 32]), Err(AuditError::NoText)));
}

#[tokio::test]
async fn two_histories_show() {
    let heads = async |account: &str| {
        let place = Place::sqlite();
        let store = place.store().await;
        append(&store, account, 9).await;
        let tree = tree(store.database());
        let mut heads = Vec::new();
        for size in [3, 5, 9] {
            heads.push(tree.head(size, &signer(), NOW).await.unwrap());
        }
        let mut links = Vec::new();
        for (a, b) in [(0, 1), (1, 2), (0, 2)] {
            let link = tree.prove_consistency(&heads[a], &heads[b]).await.unwrap();
            links.push(check(link.write().unwrap().as_bytes(), &public_key()).unwrap());
        }
        (heads, links)
    };
    let (ours, links) = heads("a").await;
    let (theirs, _) = heads("b").await;
    let proven = |head: &SignedTreeHead| check(head.note().as_bytes(), &public_key()).unwrap();

    let mut trail = AuditTrail::default();
    trail.add(&proven(&ours[1])).unwrap();
    assert!(trail.unconnected().is_empty(), "one head is one history");
    assert!(matches!(trail.add(&proven(&theirs[1])), Err(AuditError::Fork { size: 5, .. })));

    // Both are the beginning of the largest, each by a proof or by way of another.
    let unconnected = |links: &[&Proven]| {
        let mut trail = AuditTrail::default();
        ours.iter().for_each(|head| trail.add(&proven(head)).unwrap());
        links.iter().for_each(|link| trail.add(link).unwrap());
        trail.unconnected().iter().map(|(_, size, of)| (*size, *of)).collect::<Vec<_>>()
    };
    let [to_five, five_to_nine, to_nine] = &links[..] else { panic!() };
    assert_eq!(unconnected(&[]), [(5, 9), (3, 9)]);
    assert_eq!(unconnected(&[to_five]), [(5, 9), (3, 9)]);
    // That three is the beginning of both says nothing of five and nine.
    assert_eq!(unconnected(&[to_five, to_nine]), [(5, 9)]);
    assert_eq!(unconnected(&[to_five, five_to_nine]), []);
    assert_eq!(unconnected(&[to_nine, five_to_nine]), []);
}
