//! Proofs against the reference vectors of Certificate Transparency (google/certificate-transparency,
//! `merkletree`), and exhaustively for small trees.

use gateline_log::{ConsistencyProof, Hash, InclusionProof, MAX_PATH, ProofError, Tree, TreeHead, leaf_hash};

const LEAVES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];

const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

const LEAF_2: &str = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
const LEAF_4: &str = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
const NODE_4_5: &str = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";
const NODE_2_3: &str = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
const NODE_4_7: &str = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";
const NODE_6_7: &str = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";

fn hashes(hex: &[&str]) -> Vec<Hash> {
    hex.iter()
        .map(|hex| hex.parse().expect("the vectors are hashes"))
        .collect()
}

fn reference() -> Tree {
    LEAVES.iter().map(|entry| leaf_hash(entry)).collect()
}

fn leaf(index: u64) -> Hash {
    leaf_hash(&index.to_be_bytes())
}

fn tree(size: u64) -> Tree {
    (0..size).map(leaf).collect()
}

/// Calls `check` with hashes that differ from `hash` in one byte: for each byte in trees of up to 24 leaves, for the
/// first and the last byte in larger ones (which keeps the tests short).
fn flipped(size: u64, hash: Hash, mut check: impl FnMut(Hash)) {
    for at in (0..32).step_by(if size <= 24 { 1 } else { 31 }) {
        let mut bytes = *hash.as_bytes();
        bytes[at] ^= 1 << (at % 8);
        check(Hash::new(bytes));
    }
}

#[test]
fn roots_are_those_of_the_reference() {
    for (size, root) in (1..).zip(ROOTS) {
        let root = root.parse().unwrap();
        assert_eq!(reference().head_at(size), Ok(TreeHead { size, root }));
    }
}

#[test]
fn inclusion_paths_are_those_of_the_reference() {
    let rows: [(u64, u64, &[&str]); 5] = [
        (0, 1, &[]),
        (0, 8, &[LEAF_2, NODE_2_3, NODE_4_7]),
        (5, 8, &[LEAF_4, NODE_6_7, ROOTS[3]]),
        (2, 3, &[ROOTS[1]]),
        (1, 5, &[ROOTS[0], NODE_2_3, LEAF_4]),
    ];
    for (index, size, path) in rows {
        assert_eq!(
            reference().inclusion(index, size).unwrap(),
            InclusionProof {
                index,
                path: hashes(path)
            }
        );
    }
}

#[test]
fn consistency_paths_are_those_of_the_reference() {
    let rows: [(u64, u64, &[&str]); 4] = [
        (1, 1, &[]),
        (1, 8, &[LEAF_2, NODE_2_3, NODE_4_7]),
        (6, 8, &[NODE_4_5, NODE_6_7, ROOTS[3]]),
        (2, 5, &[NODE_2_3, LEAF_4]),
    ];
    for (old, new, path) in rows {
        assert_eq!(
            reference().consistency(old, new).unwrap(),
            ConsistencyProof { path: hashes(path) }
        );
    }
}

#[test]
fn every_inclusion_proof_holds_for_its_leaf_only() {
    let tree = tree(64);
    for size in 1..=64 {
        let head = tree.head_at(size).unwrap();
        for index in 0..size {
            let proof = tree.inclusion(index, size).unwrap();
            assert_eq!(proof.verify(leaf(index), &head), Ok(()), "leaf {index} of {size}");
            for other in (index.saturating_sub(4)..index + 5).filter(|other| *other != index) {
                assert!(
                    proof.verify(leaf(other), &head).is_err(),
                    "leaf {other} passed as {index} of {size}"
                );
                let moved = InclusionProof {
                    index: other,
                    ..proof.clone()
                };
                assert!(
                    moved.verify(leaf(index), &head).is_err(),
                    "{index} of {size} passed as {other}"
                );
            }
        }
    }
}

#[test]
fn every_flipped_byte_breaks_an_inclusion_proof() {
    let tree = tree(64);
    for size in 1..=64 {
        let head = tree.head_at(size).unwrap();
        for index in 0..size {
            let proof = tree.inclusion(index, size).unwrap();
            flipped(size, leaf(index), |leaf| {
                assert!(proof.verify(leaf, &head).is_err())
            });
            flipped(size, head.root, |root| {
                assert!(proof.verify(leaf(index), &TreeHead { root, ..head }).is_err())
            });
            for at in 0..proof.path.len() {
                let mut broken = proof.clone();
                flipped(size, proof.path[at], |hash| {
                    broken.path[at] = hash;
                    assert!(
                        broken.verify(leaf(index), &head).is_err(),
                        "leaf {index} of {size}, hash {at}"
                    );
                });
            }
        }
    }
}

#[test]
fn every_consistency_proof_holds_and_every_flipped_byte_breaks_it() {
    let tree = tree(64);
    for new_size in 0..=64 {
        let new = tree.head_at(new_size).unwrap();
        for old_size in 0..=new_size {
            let old = tree.head_at(old_size).unwrap();
            let proof = tree.consistency(old_size, new_size).unwrap();
            assert_eq!(proof.verify(&old, &new), Ok(()), "{old_size} to {new_size}");
            flipped(new_size, old.root, |root| {
                assert!(proof.verify(&TreeHead { root, ..old }, &new).is_err())
            });
            // Every log begins with the empty tree: from there, the newer root is free.
            if old_size > 0 {
                flipped(new_size, new.root, |root| {
                    assert!(proof.verify(&old, &TreeHead { root, ..new }).is_err())
                });
            }
            for at in 0..proof.path.len() {
                let mut broken = proof.clone();
                flipped(new_size, proof.path[at], |hash| {
                    broken.path[at] = hash;
                    assert!(
                        broken.verify(&old, &new).is_err(),
                        "{old_size} to {new_size}, hash {at}"
                    );
                });
            }
        }
    }
}

#[test]
fn a_shorter_or_longer_path_is_refused() {
    let tree = tree(64);
    for size in 1..=64 {
        let head = tree.head_at(size).unwrap();
        for index in 0..size {
            let proof = tree.inclusion(index, size).unwrap();
            let mut longer = proof.clone();
            longer.path.push(Hash::ZERO);
            assert_eq!(longer.verify(leaf(index), &head), Err(ProofError::PathLength));
            for len in 0..proof.path.len() {
                let shorter = InclusionProof {
                    index,
                    path: proof.path[..len].to_vec(),
                };
                assert_eq!(shorter.verify(leaf(index), &head), Err(ProofError::PathLength));
            }
            let (old, proof) = (
                tree.head_at(index).unwrap(),
                tree.consistency(index, size).unwrap(),
            );
            let longer = ConsistencyProof {
                path: [proof.path.as_slice(), &[Hash::ZERO]].concat(),
            };
            assert_eq!(longer.verify(&old, &head), Err(ProofError::PathLength));
            for len in 0..proof.path.len() {
                let shorter = ConsistencyProof {
                    path: proof.path[..len].to_vec(),
                };
                assert_eq!(shorter.verify(&old, &head), Err(ProofError::PathLength));
            }
        }
    }
}

#[test]
fn a_rewritten_log_has_no_consistency_proof() {
    let honest = tree(40);
    let rewritten: Tree = (0..64)
        .map(|index| leaf(if index == 17 { 1000 } else { index }))
        .collect();
    for old in 18..=40 {
        let proof = rewritten.consistency(old, 64).unwrap();
        let verdict = proof.verify(&honest.head_at(old).unwrap(), &rewritten.head());
        assert!(
            matches!(verdict, Err(ProofError::Root { .. })),
            "rewriting leaf 17 passed from {old}"
        );
    }
}

#[test]
fn impossible_questions_are_refused() {
    let tree = tree(5);
    assert_eq!(tree.inclusion(5, 5), Err(ProofError::Index { index: 5, size: 5 }));
    assert_eq!(tree.inclusion(0, 0), Err(ProofError::Index { index: 0, size: 0 }));
    assert_eq!(tree.consistency(5, 4), Err(ProofError::Shrunk { old: 5, new: 4 }));
    assert!(matches!(
        tree.inclusion(0, 6),
        Err(ProofError::NodeMissing { .. })
    ));
    assert!(matches!(
        tree.inclusion(4, u64::MAX),
        Err(ProofError::NodeMissing { .. })
    ));
    assert!(matches!(
        tree.consistency(1, u64::MAX),
        Err(ProofError::NodeMissing { .. })
    ));
    let (old, new) = (tree.head_at(4).unwrap(), tree.head());
    let proof = ConsistencyProof { path: Vec::new() };
    assert_eq!(
        proof.verify(&new, &old),
        Err(ProofError::Shrunk { old: 5, new: 4 })
    );
}

#[test]
fn no_proof_is_longer_than_the_limit() {
    let nodes = |_: u8, _: u64| Some(Hash::ZERO);
    let size = gateline_log::MAX_SIZE;
    let longest = InclusionProof::prove(&nodes, 0, size).unwrap().path.len();
    assert_eq!(longest, 63);
    assert!(
        ConsistencyProof::prove(&nodes, size / 2, size)
            .unwrap()
            .path
            .len()
            <= MAX_PATH
    );
    let head = TreeHead {
        size: u64::MAX,
        root: Hash::ZERO,
    };
    let huge = InclusionProof {
        index: u64::MAX - 1,
        path: vec![Hash::ZERO; 100_000],
    };
    assert_eq!(huge.verify(Hash::ZERO, &head), Err(ProofError::PathLength));
}
