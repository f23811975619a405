//! The tree without a database: against the vectors of the first Certificate Transparency logs, against
//! another implementation, and with every proof that is not quite right.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;

use super::{
    Frontier, Hash, ProofError, empty_root, leaf_hash, node_hash,
    shape::{complete_subtrees, consistency, inclusion},
    verify_consistency, verify_inclusion,
};

/// More than one of the sizes at which a tree grows by a level, on both sides.
const SIZES: u64 = 70;

fn hash(text: &str) -> Hash {
    hex::decode(text).unwrap().try_into().unwrap()
}

fn leaves(count: u64) -> Vec<[u8; 32]> {
    (0..count).map(|n| leaf_hash(&n.to_le_bytes())).collect()
}

/// The root over leaf hashes, straight from the definition.
fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let middle = leaves.len().next_power_of_two() / 2;
            node_hash(&root(&leaves[..middle]), &root(&leaves[middle..]))
        }
    }
}

fn path(leaves: &[Hash], subtrees: Vec<std::ops::Range<u64>>) -> Vec<Hash> {
    let whole =
        |range: std::ops::Range<u64>| root(&leaves[range.start as usize..range.end as usize]);
    subtrees.into_iter().map(whole).collect()
}

fn grown(leaves: &[Hash]) -> Frontier {
    let mut frontier = Frontier::default();
    for leaf in leaves {
        frontier.push(*leaf);
    }
    frontier
}

#[test]
fn the_known_trees_have_the_known_roots() {
    const LEAVES: [&str; 8] = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let leaves: Vec<Hash> =
        LEAVES.iter().map(|data| leaf_hash(&hex::decode(data).unwrap())).collect();
    for (size, known) in ROOTS.iter().enumerate() {
        assert_eq!(grown(&leaves[..size]).root(), hash(known), "{size}");
    }
    let first = [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]
    .map(hash);
    assert_eq!(path(&leaves, inclusion(0, 8)), first);
    assert_eq!(path(&leaves, consistency(1, 8)), first);
    verify_inclusion(&leaves[0], 0, 8, &first, &hash(ROOTS[8])).unwrap();
    verify_consistency(1, 8, &first, &hash(ROOTS[1]), &hash(ROOTS[8])).unwrap();
    let from_six = [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    .map(hash);
    assert_eq!(path(&leaves, consistency(6, 8)), from_six);
    verify_consistency(6, 8, &from_six, &hash(ROOTS[6]), &hash(ROOTS[8])).unwrap();
}

#[test]
fn every_event_of_every_tree_is_proven_and_nothing_else() {
    let leaves = leaves(SIZES);
    for size in 1..=SIZES {
        let tree = root(&leaves[..size as usize]);
        for index in 0..size {
            let proof = path(&leaves, inclusion(index, size));
            let leaf = leaves[index as usize];
            verify_inclusion(&leaf, index, size, &proof, &tree).unwrap();
            // Anywhere else, of any other event, or in a tree of another size.
            for other in (0..SIZES).filter(|other| *other != index) {
                assert!(verify_inclusion(&leaf, other, size, &proof, &tree).is_err());
                let another = leaves[other as usize];
                assert!(verify_inclusion(&another, index, size, &proof, &tree).is_err());
            }
            assert_refused(&proof, bits(size), |proof| {
                verify_inclusion(&leaf, index, size, proof, &tree)
            });
        }
        assert_eq!(
            verify_inclusion(&tree, size, size, &[], &tree),
            Err(ProofError::Outside { position: size + 1, size })
        );
    }
}

#[test]
fn every_beginning_of_every_tree_is_proven_and_nothing_else() {
    let leaves = leaves(SIZES);
    let roots: Vec<Hash> = (0..=SIZES).map(|size| root(&leaves[..size as usize])).collect();
    let verify = |older: u64, newer: u64, proof: &[Hash]| {
        verify_consistency(older, newer, proof, &roots[older as usize], &roots[newer as usize])
    };
    for newer in 0..=SIZES {
        for older in 0..=newer {
            let proof = path(&leaves, consistency(older, newer));
            verify(older, newer, &proof).unwrap();
            // Of the roots, any other one.
            let (first, second) = (&roots[older as usize], &roots[newer as usize]);
            for wrong in roots.iter().filter(|wrong| *wrong != first) {
                assert!(verify_consistency(older, newer, &proof, wrong, second).is_err());
            }
            // The empty tree is the beginning of anything.
            for wrong in roots.iter().filter(|wrong| older > 0 && *wrong != second) {
                assert!(verify_consistency(older, newer, &proof, first, wrong).is_err());
            }
            assert_refused(&proof, bits(newer), |proof| verify(older, newer, proof));
        }
    }
    assert_eq!(verify(9, 8, &[]), Err(ProofError::Order { older: 9, newer: 8 }));
}

/// From one bit of a hash that is changed to the next: each of them in the small trees and in the
/// largest ones, some in the others, which takes long enough.
fn bits(size: u64) -> usize {
    if (17..SIZES - 3).contains(&size) { 31 } else { 1 }
}

/// Any proof but this one is refused: with one bit changed, one hash too few or too many, or in another
/// order.
fn assert_refused(proof: &[Hash], bits: usize, verify: impl Fn(&[Hash]) -> Result<(), ProofError>) {
    for at in 0..proof.len() {
        for bit in (0..256).step_by(bits) {
            let mut changed = proof.to_vec();
            changed[at][bit / 8] ^= 1 << (bit % 8);
            assert!(verify(&changed).is_err());
        }
        let mut shorter = proof.to_vec();
        shorter.remove(at);
        assert!(verify(&shorter).is_err());
        let mut swapped = proof.to_vec();
        swapped.swap(0, at);
        assert!(at == 0 || verify(&swapped).is_err());
    }
    for at in 0..=proof.len() {
        let mut longer = proof.to_vec();
        longer.insert(at, *proof.last().unwrap_or(&[7; 32]));
        assert!(verify(&longer).is_err());
    }
}

#[test]
fn a_node_is_no_leaf() {
    // The tree of four as if it were one of two, whose leaves are its nodes.
    let leaves = leaves(4);
    let (left, right) = (root(&leaves[..2]), root(&leaves[2..]));
    let tree = root(&leaves);
    verify_inclusion(&left, 0, 2, &[right], &tree).unwrap();
    let claimed = leaf_hash(&[leaves[0], leaves[1]].concat());
    assert_ne!(claimed, left, "no data has the hash of a node as its leaf");
    assert!(verify_inclusion(&claimed, 0, 2, &[right], &tree).is_err());
}

#[test]
fn sizes_beyond_any_log_are_no_trap() {
    let some = [[1; 32]; 64];
    for size in [1, 2, 3, 1 << 62, (1 << 63) - 1, 1 << 63, u64::MAX] {
        for index in [0, 1, size / 2, size - 1, size, u64::MAX] {
            for length in [0, 1, 63, 64] {
                let _ = verify_inclusion(&some[0], index, size, &some[..length], &some[1]);
                let _ = verify_consistency(index, size, &some[..length], &some[0], &some[1]);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn another_implementation_has_the_same_trees_and_proofs(
        data in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..600),
        one in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
    ) {
        let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
        let mut ours = Frontier::default();
        let mut leaves = Vec::new();
        for leaf in &data {
            theirs.push(leaf.clone());
            leaves.push(leaf_hash(leaf));
            for (level, root_of) in ours.push(leaf_hash(leaf)).iter().enumerate() {
                let first = leaves.len() - (1 << level);
                prop_assert_eq!(*root_of, root(&leaves[first..]));
            }
        }
        let size = data.len() as u64;
        prop_assert_eq!(ours.size(), size);
        let their_root = theirs.root();
        prop_assert_eq!(&ours.root()[..], &their_root.as_bytes()[..]);
        let index = one.index(data.len());
        let proof = path(&leaves, inclusion(index as u64, size));
        let of_theirs = theirs.prove_inclusion(index);
        prop_assert_eq!(proof.concat(), of_theirs.as_bytes());
        prop_assert!(verify_inclusion(&leaves[index], index as u64, size, &proof, &ours.root()).is_ok());
        let older = other.index(data.len()) + 1;
        let proof = path(&leaves, consistency(older as u64, size));
        let of_theirs = theirs.prove_consistency(data.len() - older);
        prop_assert_eq!(proof.concat(), of_theirs.as_bytes());
        let before = grown(&leaves[..older]).root();
        prop_assert!(verify_consistency(older as u64, size, &proof, &before, &ours.root()).is_ok());
        let covered: Vec<Hash> = complete_subtrees(0..size)
            .into_iter()
            .map(|(level, index)| {
                let first = (index << level) as usize;
                root(&leaves[first..first + (1 << level)])
            })
            .collect();
        let joined = covered.into_iter().rev().reduce(|right, left| node_hash(&left, &right));
        prop_assert_eq!(joined.unwrap(), ours.root());
    }
}
