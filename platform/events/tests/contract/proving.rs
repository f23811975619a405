//! The Merkle tree over a log: heads and proofs as the log grows, and what becomes of them when the
//! log or the stored tree is changed from outside.

use sea_orm::{ConnectionTrait as _, DbBackend};
use studio_events::{
    CheckpointSigner as _, Ed25519Signer, EventStore, Expected, Fault, StoreError, VerifyError,
    tree::{Frontier, LogTree, Proven, ProvenEvent, SignedTreeHead, TreeError, check, leaf_hash},
};
use studio_kernel::Timestamp;
use studio_stores::sql::Database;

use super::{chain::allow_tampering, harness::*};
use crate::on_each_database;

on_each_database![
    a_log_that_grows_is_proven,
    an_old_log_gets_its_tree_when_it_is_needed,
    building_goes_on_where_it_was_cut_off,
    heads_are_signed_while_the_log_grows,
    a_stored_tree_that_was_changed_is_found,
    no_head_of_a_log_that_was_rewritten,
    what_cannot_be_proven_is_refused,
    a_store_from_before_the_tree_still_verifies,
];

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

pub(crate) fn signer() -> Ed25519Signer {
    Ed25519Signer::from_seed(&[5; 32]).unwrap()
}

pub(crate) fn public_key() -> [u8; 32] {
    signer().public_key().try_into().unwrap()
}

pub(crate) async fn append(store: &EventStore, account: &str, events: usize) {
    let events = vec![pay(1); events];
    store.append(to_account(tenant(1), account, Expected::Any, events)).await.unwrap();
}

pub(crate) fn tree(database: &Database) -> LogTree<'_> {
    LogTree::new(database, "bank")
}

/// The roots of the log at these sizes, from the events alone.
async fn roots(store: &EventStore, sizes: &[u64]) -> Vec<[u8; 32]> {
    let (mut frontier, mut roots) = (Frontier::default(), Vec::new());
    loop {
        let after = i64::try_from(frontier.size()).unwrap();
        let events = store.read(after, 10_000).await.unwrap();
        if events.is_empty() {
            return roots;
        }
        for event in events {
            frontier.push(leaf_hash(&event.hash));
            roots.extend(sizes.contains(&frontier.size()).then(|| frontier.root()));
        }
    }
}

async fn assert_included(store: &EventStore, head: &SignedTreeHead, position: u64) {
    let event = included(store, head, position, true).await.unwrap();
    let recorded = store.read(i64::try_from(position).unwrap() - 1, 1).await.unwrap().remove(0);
    assert_eq!(event.event_id, recorded.event_id.to_string());
    assert_eq!(event.stream_version, recorded.stream_version);
}

async fn included(
    store: &EventStore,
    head: &SignedTreeHead,
    position: u64,
    contents: bool,
) -> Option<Box<ProvenEvent>> {
    let proof = tree(store.database()).prove_inclusion(head, position, contents).await.unwrap();
    let proven = check(proof.write().unwrap().as_bytes(), &public_key()).unwrap();
    let Proven::Included { head: of, position: at, hash, event } = proven else { panic!() };
    assert_eq!((&of, at), (head, position));
    let recorded = store.read(i64::try_from(position).unwrap() - 1, 1).await.unwrap().remove(0);
    assert_eq!(hash, recorded.hash);
    event
}

async fn assert_extended(store: &EventStore, older: &SignedTreeHead, newer: &SignedTreeHead) {
    let proof = tree(store.database()).prove_consistency(older, newer).await.unwrap();
    let proven = check(proof.write().unwrap().as_bytes(), &public_key()).unwrap();
    assert_eq!(proven, Proven::Extended { older: older.clone(), newer: newer.clone() });
}

async fn a_log_that_grows_is_proven(place: Place) {
    let store = place.store().await;
    let mut heads: Vec<SignedTreeHead> = Vec::new();
    for events in [1, 2, 4, 249, 1, 255, 300] {
        append(&store, "a", events).await;
        heads.push(tree(store.database()).sign(&signer(), NOW).await.unwrap());
    }
    let sizes: Vec<u64> = heads.iter().map(SignedTreeHead::size).collect();
    assert_eq!(sizes, [1, 3, 7, 256, 257, 512, 812]);
    let found: Vec<[u8; 32]> = heads.iter().map(|head| *head.root()).collect();
    assert_eq!(found, roots(&store, &sizes).await);
    for (index, newer) in heads.iter().enumerate() {
        for older in &heads[..=index] {
            assert_extended(&store, older, newer).await;
        }
        for position in [1, newer.size() / 2, newer.size()] {
            assert_included(&store, newer, position.max(1)).await;
        }
    }
    let rows = count(store.database(), "SELECT COUNT(*) FROM log_tree").await;
    assert_eq!(rows, 3, "one for each 256 events");
    let verified = store.verify().await.unwrap();
    assert_eq!((verified.events, verified.tree_heads), (812, 7));
    // A head that was signed is given out again, and one of another size is made.
    let again = tree(store.database()).head(257, &signer(), NOW.plus_seconds(9)).await.unwrap();
    assert_eq!(again, heads[4]);
    let between = tree(store.database()).head(700, &signer(), NOW).await.unwrap();
    assert_extended(&store, &heads[5], &between).await;
    assert_extended(&store, &between, &heads[6]).await;
}

pub(crate) async fn count(database: &Database, sql: &str) -> i64 {
    let statement = sea_orm::Statement::from_string(database.backend(), sql);
    let row = database.primary().query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

/// A log of so many events, written by one statement: its chain is not right, which no tree asks for.
async fn fill(database: &Database, events: i64) {
    let columns = "position, event_id, tenant, stream_type, stream_id, stream_version, type, \
                   schema_version, payload, metadata, recorded_at, prev_hash, hash";
    let tenant = tenant(1);
    let sql = match database.backend() {
        DbBackend::Sqlite => format!(
            "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < {events}) \
             INSERT INTO events ({columns}) SELECT x, printf('evt_%032x', x), '{tenant}', \
             'bank.account', 'a', x, 'bank.account.statement_sent', 1, '{{}}', '{{}}', 0, \
             zeroblob(32), randomblob(32) FROM n"
        ),
        _ => format!(
            "INSERT INTO events ({columns}) SELECT x, 'evt_' || lpad(to_hex(x), 32, '0'), \
             '{tenant}', 'bank.account', 'a', x, 'bank.account.statement_sent', 1, '{{}}', '{{}}', \
             0, sha256('x'), sha256(x::text::bytea) FROM generate_series(1, {events}) n (x)"
        ),
    };
    database.writer().execute_unprepared(&sql).await.unwrap();
    let sql = "UPDATE log_head SET position = $1, \
               hash = (SELECT hash FROM events WHERE position = $1)";
    execute(database.writer(), sql, vec![events.into()]).await;
}

async fn an_old_log_gets_its_tree_when_it_is_needed(place: Place) {
    const EVENTS: i64 = (2 << 16) + 777;
    let store = place.store().await;
    fill(store.database(), EVENTS).await;
    let size = EVENTS.unsigned_abs();
    let older = tree(store.database()).head(70_000, &signer(), NOW).await.unwrap();
    let head = tree(store.database()).sign(&signer(), NOW).await.unwrap();
    let found = [*older.root(), *head.root()];
    assert_eq!(roots(&store, &[70_000, size]).await, found);
    let rows = count(store.database(), "SELECT COUNT(*) FROM log_tree WHERE level = 8").await;
    assert_eq!(rows, EVENTS >> 8);
    assert_eq!(count(store.database(), "SELECT COUNT(*) FROM log_tree WHERE level = 16").await, 2);
    for position in [1, 256, 257, 65_536, 65_537, 131_072, 131_073, size] {
        assert_eq!(included(&store, &head, position, false).await, None);
    }
    let wrong = tree(store.database()).prove_inclusion(&head, 256, true).await;
    assert!(matches!(wrong, Err(TreeError::Contents { position: 256 })));
    assert_extended(&store, &older, &head).await;
}

async fn building_goes_on_where_it_was_cut_off(place: Place) {
    let store = place.store().await;
    fill(store.database(), 70_000).await;
    let head = tree(store.database()).sign(&signer(), NOW).await.unwrap();
    let writer = store.database().writer();
    for lost in ["level = 16", "level = 8 AND idx >= 200", "level >= 8"] {
        execute(writer, &format!("DELETE FROM log_tree WHERE {lost}"), vec![]).await;
        let (first, second) = (place.database().await, place.database().await);
        let (signer, at) = (signer(), NOW.plus_seconds(1));
        let (first, second) =
            tokio::join!(async { tree(&first).sign(&signer, at).await.unwrap() }, async {
                tree(&second).sign(&signer, at).await.unwrap()
            },);
        assert_eq!((first.root(), second.root()), (head.root(), head.root()), "{lost}");
        assert_eq!(included(&store, &first, 69_999, false).await, None);
        let rows = count(store.database(), "SELECT COUNT(*) FROM log_tree").await;
        assert_eq!(rows, 273 + 1, "{lost}");
    }
    assert_eq!(count(store.database(), "SELECT COUNT(*) FROM log_tree_heads").await, 1);
}

async fn heads_are_signed_while_the_log_grows(place: Place) {
    let store = place.store().await;
    append(&store, "a", 1).await;
    let other = place.database().await;
    let grow = async {
        for n in 0..60 {
            append(&store, &format!("account-{n}"), 1 + n % 40).await;
        }
    };
    let sign = async {
        let mut heads = Vec::new();
        for n in 0..12 {
            let now = NOW.plus_seconds(n);
            heads.push(tree(&other).sign(&signer(), now).await.unwrap());
        }
        heads
    };
    let ((), heads) = tokio::join!(grow, sign);
    let last = tree(store.database()).sign(&signer(), NOW).await.unwrap();
    assert_eq!(i64::try_from(last.size()).unwrap(), store.head());
    for head in &heads {
        assert_extended(&store, head, &last).await;
        assert_included(&store, head, head.size()).await;
    }
    whole_log(&store).await;
}

fn fault(error: VerifyError) -> (i64, Fault) {
    match error {
        VerifyError::Broken(link) => (link.position, link.fault),
        VerifyError::Store(error) => panic!("{error}"),
    }
}

async fn a_stored_tree_that_was_changed_is_found(place: Place) {
    let store = place.store().await;
    append(&store, "a", 800).await;
    let head = tree(store.database()).sign(&signer(), NOW).await.unwrap();
    let writer = store.database().writer();
    let node = "UPDATE log_tree SET hash = $1 WHERE level = 8 AND idx = 1";
    execute(writer, node, vec![vec![7_u8; 32].into()]).await;
    let found = fault(store.verify().await.unwrap_err());
    assert_eq!(found, (512, Fault::TreeNode { level: 8, index: 1 }));
    let proof = tree(store.database()).prove_inclusion(&head, 1, true).await;
    assert!(matches!(proof, Err(TreeError::Tree)));
    // Nothing is signed on top of it.
    append(&store, "a", 1).await;
    let next = tree(store.database()).sign(&signer(), NOW).await;
    assert!(matches!(next, Err(TreeError::Contradiction { size: 800 })));
    execute(writer, node, vec![vec![7_u8; 31].into()]).await;
    assert_eq!(fault(store.verify().await.unwrap_err()).0, 512);
    let next = tree(store.database()).sign(&signer(), NOW).await;
    assert!(matches!(next, Err(TreeError::Node { level: 8, index: 1 })));
    execute(writer, "DELETE FROM log_tree WHERE idx = 1", vec![]).await;
    let found = fault(store.verify().await.unwrap_err());
    assert_eq!(found, (512, Fault::TreeNode { level: 8, index: 1 }));
    let next = tree(store.database()).sign(&signer(), NOW).await;
    assert!(matches!(next, Err(TreeError::Node { level: 8, index: 1 })));
    // A node of events that there never were, as far away as a number can be.
    execute(writer, "UPDATE log_tree SET idx = $1 WHERE idx = 2", vec![i64::MAX.into()]).await;
    assert!(store.verify().await.is_err());
    assert!(tree(store.database()).sign(&signer(), NOW).await.is_err());
    // It follows from the events: emptied, it is made anew.
    execute(writer, "DELETE FROM log_tree", vec![]).await;
    let next = tree(store.database()).sign(&signer(), NOW).await.unwrap();
    assert_extended(&store, &head, &next).await;
    assert_eq!(store.verify().await.unwrap().tree_heads, 2);
    // A head that was kept, changed.
    let note = head.note().replace("signed-at 2023", "signed-at 2024");
    let sql = "UPDATE log_tree_heads SET note = $1 WHERE size = 800";
    execute(writer, sql, vec![note.into()]).await;
    assert!(matches!(fault(store.verify().await.unwrap_err()), (800, Fault::TreeHead(_))));
    let kept = tree(store.database()).head(800, &signer(), NOW).await;
    assert!(matches!(kept, Err(TreeError::Kept { size: 800, .. })));
}

async fn no_head_of_a_log_that_was_rewritten(place: Place) {
    let store = place.store().await;
    append(&store, "a", 3).await;
    let third = store.read(2, 1).await.unwrap().remove(0);
    append(&store, "a", 300).await;
    let kept = tree(store.database()).sign(&signer(), NOW).await.unwrap();
    // Cut off, with a head that agrees, and written anew with a chain that is right in itself.
    allow_tampering(store.database()).await;
    let writer = store.database().writer();
    execute(writer, "DELETE FROM events WHERE position > 3", vec![]).await;
    let sql = "UPDATE log_head SET position = 3, hash = $1, recorded_at = $2";
    let values = vec![third.hash.to_vec().into(), third.recorded_at.micros().into()];
    execute(writer, sql, values).await;
    assert_eq!(fault(store.verify().await.unwrap_err()), (4, Fault::TreeBeyond(303)));
    let cut = tree(store.database()).sign(&signer(), NOW).await;
    assert!(matches!(cut, Err(TreeError::Contradiction { size: 303 })));
    let database = store.database().clone();
    store.shutdown().await;
    let store = place.store().await;
    append(&store, "b", 400).await;
    // The stored node, too, is of other events; without it the head alone shows what was done.
    let node = Fault::TreeNode { level: 8, index: 0 };
    assert_eq!(fault(store.verify().await.unwrap_err()), (256, node));
    execute(database.writer(), "DELETE FROM log_tree", vec![]).await;
    assert_eq!(fault(store.verify().await.unwrap_err()), (303, Fault::TreeRoot));
    let rewritten = tree(store.database()).sign(&signer(), NOW).await;
    assert!(matches!(rewritten, Err(TreeError::Contradiction { size: 303 })));
    // With that head gone nobody here knows any more: the copy of the auditor does.
    execute(database.writer(), "DELETE FROM log_tree_heads", vec![]).await;
    store.verify().await.unwrap();
    let second = tree(store.database()).sign(&signer(), NOW).await.unwrap();
    let proof = tree(store.database()).prove_consistency(&kept, &second).await;
    assert!(matches!(proof, Err(TreeError::Tree)));
}

async fn what_cannot_be_proven_is_refused(place: Place) {
    let store = place.store().await;
    let tree = tree(store.database());
    assert!(matches!(tree.sign(&signer(), NOW).await, Err(TreeError::Empty)));
    append(&store, "a", 5).await;
    let third = tree.head(3, &signer(), NOW).await.unwrap();
    let fifth = tree.sign(&signer(), NOW).await.unwrap();
    let beyond = tree.head(6, &signer(), NOW).await;
    assert!(matches!(beyond, Err(TreeError::Beyond { size: 6, newest: 5 })));
    assert!(matches!(tree.head(0, &signer(), NOW).await, Err(TreeError::Empty)));
    for position in [0, 4, u64::MAX] {
        let outside = tree.prove_inclusion(&third, position, true).await;
        assert!(matches!(outside, Err(TreeError::Outside { size: 3, .. })), "{position}");
    }
    let order = tree.prove_consistency(&fifth, &third).await;
    assert!(matches!(order, Err(TreeError::Order { older: 5, newer: 3 })));
    let event = store.read(3, 1).await.unwrap().remove(0);
    assert_eq!(tree.position_of(&event.event_id.to_string()).await.unwrap(), Some(4));
    assert_eq!(tree.position_of("evt_nobody").await.unwrap(), None);
    // An event that is gone is not passed over.
    allow_tampering(store.database()).await;
    execute(store.database().writer(), "DELETE FROM events WHERE position = 2", vec![]).await;
    let missing = tree.prove_inclusion(&third, 2, true).await;
    assert!(matches!(missing, Err(TreeError::Store(StoreError::Missing(2)))));
    // Signed with another key, it is another log's history.
    let other = Ed25519Signer::from_seed(&[6; 32]).unwrap();
    assert!(matches!(tree.sign(&other, NOW).await, Err(TreeError::Store(StoreError::Missing(2)))));
}

async fn a_store_from_before_the_tree_still_verifies(place: Place) {
    let store = place.store().await;
    append(&store, "a", 5).await;
    for table in ["log_tree", "log_tree_heads"] {
        store.database().writer().execute_unprepared(&format!("DROP TABLE {table}")).await.unwrap();
    }
    assert_eq!(store.verify().await.unwrap().events, 5);
    assert!(matches!(tree(store.database()).sign(&signer(), NOW).await, Err(TreeError::NoTables)));
}
