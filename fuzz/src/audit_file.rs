//! Tree heads and proofs that an auditor is given: any bytes are read or refused, what is read is
//! written as the same, and nothing is proven that the key did not sign.

use std::sync::LazyLock;

use studio_events::{
    CheckpointSigner as _, Ed25519Signer,
    tree::{AuditTrail, ProofFile, Proven, SignedTreeHead, check as proves},
};

/// The key of the seeds, which are of a log of seven events: heads of three and of all of them.
static KEY: LazyLock<[u8; 32]> = LazyLock::new(|| {
    let signer = Ed25519Signer::from_seed(&[5; 32]).expect("32 bytes");
    signer.public_key().try_into().expect("a key of 32 bytes")
});

pub fn check(bytes: &[u8]) {
    if let Ok(file) = ProofFile::read(bytes) {
        let written = file.write().expect("a proof can be written");
        let again = ProofFile::read(written.as_bytes()).expect("and read again");
        assert_eq!(again, file);
    }
    let Ok(proven) = proves(bytes, &KEY) else { return };
    AuditTrail::default().add(&proven).expect("one file contradicts nobody");
    match &proven {
        Proven::Head(head) => signed(head),
        Proven::Included { head, position, event, .. } => {
            signed(head);
            assert!((1..=head.size()).contains(position));
            assert!(event.as_ref().is_none_or(|event| event.position == *position));
        }
        Proven::Extended { older, newer } => {
            signed(older);
            signed(newer);
            assert!(older.size() <= newer.size());
        }
    }
}

fn signed(head: &SignedTreeHead) {
    assert!([3, 7].contains(&head.size()), "nobody signed this: {}", head.note());
    let again = SignedTreeHead::open(head.note(), &KEY).expect("it was opened before");
    assert_eq!(again, *head);
}
