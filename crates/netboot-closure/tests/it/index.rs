//! Indexes: they are read as they were written, and only so.

use netboot_closure::{Error, Index, IndexEntry, IndexProblem, Sha256, StorePath};
use proptest::prelude::*;

fn path(number: usize) -> StorePath {
    StorePath::from_base_name(&format!("{number:032}-package-{number}")).unwrap()
}

fn digest(number: usize) -> Sha256 {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&(number as u64).to_le_bytes());
    Sha256::from_bytes(bytes)
}

/// Indexes of up to nine paths with any references between them.
fn indexes() -> impl Strategy<Value = Index> {
    let entry = (any::<[u32; 4]>(), any::<bool>(), prop::collection::vec(0..9_usize, 0..5));
    prop::collection::vec(entry, 1..9).prop_map(|entries| {
        let count = entries.len();
        let builder = Index::builder(format!("{}/init", path(0)));
        let entries = entries.into_iter().enumerate();
        let entries = entries.map(|(number, (sizes, deriver, references))| IndexEntry {
            path: path(number),
            blob: digest(number),
            blob_size: sizes[0].into(),
            nar_hash: digest(number + 100),
            nar_size: sizes[1].into(),
            unpacked_bytes: sizes[2].into(),
            inodes: sizes[3].into(),
            deriver: deriver.then(|| path(number + 1000)),
            references: references.into_iter().map(|number| path(number % count)).collect(),
        });
        entries.rev().fold(builder, netboot_closure::IndexBuilder::entry).build().unwrap()
    })
}

fn problem(text: &str) -> (usize, IndexProblem) {
    match text.parse::<Index>() {
        Err(Error::Index { line, problem }) => (line, problem),
        other => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn an_index_is_read_as_it_was_written(index in indexes()) {
        prop_assert_eq!(index.to_string().parse::<Index>().unwrap(), index);
    }

    /// An index has one text only.
    #[test]
    fn a_text_that_is_read_is_the_text_of_its_index(
        index in indexes(),
        position in any::<prop::sample::Index>(),
        change in "[ 0-9a-z,\n-]{0,2}",
    ) {
        let text = index.to_string();
        let position = position.index(text.len());
        let changed = format!("{}{change}{}", &text[..position], &text[position + 1..]);
        if let Ok(read) = changed.parse::<Index>() {
            prop_assert_eq!(read.to_string(), changed);
        }
        if position > 0 {
            prop_assert!(text[..position].parse::<Index>().is_err());
        }
    }

    #[test]
    fn digests_are_read_in_both_notations(bytes in any::<[u8; 32]>()) {
        let digest = Sha256::from_bytes(bytes);
        prop_assert_eq!(Sha256::from_hex(&digest.to_string()).unwrap(), digest);
        prop_assert_eq!(Sha256::from_base32(&digest.to_base32()).unwrap(), digest);
    }

    #[test]
    fn a_base_32_digest_has_one_text(text in "[0-9a-df-np-sv-z]{52}") {
        if let Ok(digest) = Sha256::from_base32(&text) {
            prop_assert_eq!(digest.to_base32(), text);
        }
    }
}

fn one() -> IndexEntry {
    IndexEntry {
        path: path(1),
        blob: digest(1),
        blob_size: 5,
        nar_hash: digest(2),
        nar_size: 6,
        unpacked_bytes: 4096,
        inodes: 2,
        deriver: None,
        references: vec![path(1)],
    }
}

/// The text of every part is fixed, since machines of many ages read it.
#[test]
fn the_format_is_this_one() {
    let two = IndexEntry {
        path: path(2),
        references: vec![path(2), path(1), path(2)],
        deriver: Some(path(3)),
        ..one()
    };
    let builder = Index::builder(format!("{}/init", path(2)));
    let index = builder.entry(two).entry(one()).build().unwrap();
    let blob = "0100000000000000000000000000000000000000000000000000000000000000";
    let nar = "0000000000000000000000000000000000000000000000000002";
    let expected = format!(
        "netboot-index 1\n\
         init /nix/store/{p2}/init\n\
         unpacked 8192 4\n\
         paths 2\n\
         {p1} {blob} 5 {nar} 6 4096 2 - 0\n\
         {p2} {blob} 5 {nar} 6 4096 2 {p3} 0,1\n",
        p1 = path(1).base_name(),
        p2 = path(2).base_name(),
        p3 = path(3).base_name(),
    );
    assert_eq!(index.to_string(), expected);
    // Both paths have one blob.
    assert_eq!(index.blob_bytes(), 5);
}

#[test]
fn a_closure_that_is_not_closed_makes_no_index() {
    let init = format!("{}/init", path(1));
    let build = |entries: &[IndexEntry], init: &str| {
        entries
            .iter()
            .cloned()
            .fold(Index::builder(init), netboot_closure::IndexBuilder::entry)
            .build()
    };
    assert!(build(&[one()], &init).is_ok());
    let twice = build(&[one(), one()], &init);
    assert!(matches!(twice, Err(Error::DuplicatePath { path: twice }) if twice == path(1)));
    let open = IndexEntry { references: vec![path(7)], ..one() };
    let missing = build(&[open], &init);
    assert!(
        matches!(missing, Err(Error::MissingReference { reference, .. }) if reference == path(7))
    );
    for init in [
        "/init".to_owned(),
        format!("{}/init", path(2)),
        format!("{}", path(1)),
        format!("{}/../init", path(1)),
        format!("{}//init", path(1)),
        format!("{}/init\nroot=/dev/sda", path(1)),
        format!("{}/init quiet", path(1)),
        format!("{}/\"init", path(1)),
    ] {
        assert!(matches!(build(&[one()], &init), Err(Error::InitOutside { .. })), "{init}");
    }
}

#[test]
fn an_index_that_lies_is_refused() {
    let text =
        Index::builder(format!("{}/init", path(1))).entry(one()).build().unwrap().to_string();
    let with = |old: &str, new: &str| problem(&text.replacen(old, new, 1));
    assert_eq!(with("index 1", "index 2"), (1, IndexProblem::Version));
    assert_eq!(with("unpacked 4096", "unpacked 0"), (3, IndexProblem::Total));
    assert_eq!(with("unpacked 4096", "unpacked 04096"), (3, IndexProblem::Number));
    assert_eq!(with("paths 1", "paths 2").1, IndexProblem::Count);
    assert_eq!(with(" - 0\n", " - 1\n"), (5, IndexProblem::Reference));
    assert_eq!(with(" - 0\n", " - 0,0\n"), (5, IndexProblem::Reference));
    assert_eq!(with(" 5 ", " 99999999999999999999 "), (5, IndexProblem::Number));
    assert_eq!(with("package-1 ", "../package "), (5, IndexProblem::StorePath));
    assert_eq!(with("package-1/init", "package-2/init"), (2, IndexProblem::Init));
    assert!(matches!(with(" - 0\n", " - 0 \n"), (5, IndexProblem::Form { .. })));
    assert!(matches!(with(" - 0\n", " - 0"), (5, IndexProblem::Form { .. })));
    let line = text.lines().last().unwrap();
    let more = |line: &str| {
        let text = text.replacen("paths 1", "paths 2", 1);
        problem(&format!("{text}{line}\n"))
    };
    assert_eq!(more(line), (6, IndexProblem::Order));
    let other = line.replacen(path(1).base_name(), path(2).base_name(), 1);
    assert_eq!(more(&other.replacen(" 5 ", " 50 ", 1)), (6, IndexProblem::Blob));
}

#[test]
fn what_is_no_store_path_is_refused() {
    let digest = "s66mzxpvicwk07gjbjfw9izjfa797vsw";
    let long = "a".repeat(212);
    for name in [
        String::new(),
        digest.to_owned(),
        format!("{digest}-"),
        format!("{digest}-.hidden"),
        format!("{digest}-a/b"),
        format!("{digest}-a b"),
        format!("{digest}-ä"),
        format!("{digest}_hello"),
        format!("{}e-hello", &digest[1..]),
        format!("{digest}-{long}"),
        "é".repeat(20),
    ] {
        let found = StorePath::from_base_name(&name);
        assert!(matches!(found, Err(Error::StorePath { .. })), "{name}");
    }
    for path in [format!("{digest}-hello"), format!("/gnu/store/{digest}-hello"), "/".to_owned()] {
        assert!(path.parse::<StorePath>().is_err(), "{path}");
    }
}

#[test]
fn a_store_in_another_directory_is_registered_there() {
    let init = format!("/tmp/nix-1/store/{}/init", path(1).base_name());
    let index = Index::builder(init).entry(one()).build().unwrap();
    assert_eq!(index.store_directory(), "/tmp/nix-1/store");
    assert_eq!(index.to_string().parse::<Index>().unwrap(), index);
    let mut registration = String::new();
    index.write_registration(&mut registration).unwrap();
    let line = format!("/tmp/nix-1/store/{}\n", path(1).base_name());
    assert!(registration.starts_with(&line), "{registration}");
}
