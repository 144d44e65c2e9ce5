//! Signed pointers: minisign verifies them by hand, their counters are remembered in a file, and
//! attacks are found over HTTP.
#![cfg(all(feature = "local", feature = "minisign", feature = "http"))]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use netboot_core::{Context, PointerName, layout};
use netboot_publish::contract::{ClockAhead, sample_release};
use netboot_publish::{
    Error, Finding, LocalStore, MinisignKey, PointerMemory, PointerMemoryFile, PointerProblem,
    PublicUrl, Publisher, Signer, VerifyDepth,
};
use netboot_qemu::DirectoryServer;
use tempfile::TempDir;

const HOUR: Duration = Duration::from_secs(3600);

fn signing(root: &Path, key: &MinisignKey) -> Publisher {
    Publisher::new(LocalStore::new(root))
        .with_trusted_keys(key.public_key().clone())
        .with_signer(key.clone())
}

/// The documentation shows these commands.
const BY_HAND: &str = "sed '/^# netboot signature /,$d' current.ipxe > pointer && \
    sed -n 's/^# netboot signature //p' current.ipxe > pointer.minisig && \
    minisign -V -P \"$KEY\" -m pointer";

#[tokio::test]
async fn minisign_verifies_a_pointer_by_hand() {
    let (root, key) = (TempDir::new().unwrap(), MinisignKey::generate().unwrap());
    let publisher = signing(root.path(), &key).with_pointer_lifetime(HOUR);
    publisher.publish(&sample_release("one"), &Context::new()).await.unwrap();
    let verify = || {
        let mut command = Command::new("sh");
        command.args(["-c", BY_HAND]).current_dir(root.path());
        command.env("KEY", key.public_key().as_str()).output().unwrap()
    };
    let said = verify();
    assert!(said.status.success(), "{said:?}");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("Trusted comment: netboot pointer current counter "), "{said}");

    let pointer = root.path().join("current.ipxe");
    let text = fs::read_to_string(&pointer).unwrap();
    let date = text.lines().find(|line| line.starts_with("# netboot best-before ")).unwrap();
    fs::write(&pointer, text.replace(date, &format!("{date}0"))).unwrap();
    assert!(!verify().status.success());
}

#[tokio::test]
async fn a_memory_in_a_file_knows_old_pointers_after_a_restart() {
    let (root, state) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (key, file) = (MinisignKey::generate().unwrap(), state.path().join("pointers.json"));
    let open = || {
        let memory = PointerMemoryFile::open(&file).unwrap();
        let set_aside = memory.set_aside().map(Path::to_owned);
        (signing(root.path(), &key).with_pointer_memory(memory), set_aside)
    };
    let pointer = root.path().join("current.ipxe");
    let context = Context::new();
    open().0.publish(&sample_release("one"), &context).await.unwrap();
    let old = fs::read(&pointer).unwrap();
    // Two programs share the file.
    let (first, second) = (open().0, open().0);
    first.publish(&sample_release("two"), &context).await.unwrap();
    let canary = second.with_pointer("canary").unwrap();
    canary.publish(&sample_release("two"), &context).await.unwrap();
    let known = fs::read_to_string(&file).unwrap();
    assert!(known.contains("\"current\"") && known.contains("\"canary\""), "{known}");

    fs::write(&pointer, &old).unwrap();
    let error = open().0.live().await.unwrap_err();
    let rolled_back = matches!(
        &error,
        Error::UntrustedPointer { problem: PointerProblem::RolledBack { .. }, .. }
    );
    assert!(rolled_back, "{error:?}");
    // A reader without the memory cannot know.
    assert!(signing(root.path(), &key).live().await.unwrap().is_some());

    // A damaged file gets another name, and nothing that is there is overwritten.
    for (number, damage) in [(1, "{\"half\": "), (2, "[]")] {
        fs::write(&file, damage).unwrap();
        let (publisher, set_aside) = open();
        let aside = set_aside.unwrap();
        assert_eq!(aside, state.path().join(format!("pointers.json.damaged-{number}")));
        assert_eq!(fs::read_to_string(aside).unwrap(), damage);
        assert!(publisher.live().await.unwrap().is_some(), "it begins anew");
        assert!(open().1.is_none());
    }
    // Without a place to write to, the memory lasts as long as the program.
    let (publisher, _) = open();
    publisher.activate(sample_release("two").id(), &context).await.unwrap();
    fs::remove_dir_all(state.path()).unwrap();
    publisher.activate(sample_release("one").id(), &context).await.unwrap();
    fs::write(&pointer, old).unwrap();
    assert!(publisher.live().await.is_err());
}

#[test]
fn a_memory_keeps_the_highest_counter() {
    let state = TempDir::new().unwrap();
    let memory = PointerMemoryFile::open(state.path().join("pointers.json")).unwrap();
    let name = PointerName::default();
    let known = |counter: u64, digit: char| {
        let (release, sha256) = (digit.to_string().repeat(64), digit.to_string().repeat(64));
        let json = format!(
            "{{\"counter\": {counter}, \"release\": \"{release}\", \"sha256\": \"{sha256}\"}}"
        );
        serde_json::from_str(&json).unwrap()
    };
    for (counter, digit) in [(5, 'a'), (4, 'b'), (5, 'c')] {
        memory.remember("here", &name, &known(counter, digit)).unwrap();
        assert_eq!(memory.recall("here", &name).unwrap(), Some(known(5, 'a')));
    }
    memory.remember("here", &name, &known(6, 'd')).unwrap();
    assert_eq!(memory.recall("here", &name).unwrap(), Some(known(6, 'd')));
    assert_eq!(memory.recall("there", &name).unwrap(), None);
}

/// The names of the attacks are those of the TUF specification.
#[tokio::test]
async fn rollback_freeze_mix_and_match_and_wrong_keys_are_found_over_http() {
    let (root, key) = (TempDir::new().unwrap(), MinisignKey::generate().unwrap());
    let context = Context::new();
    let publisher = signing(root.path(), &key).with_pointer_lifetime(HOUR);
    let canary = publisher.clone().with_pointer("canary").unwrap();
    let [one, two] = ["one", "two"].map(sample_release);
    let server = DirectoryServer::start(root.path()).await.unwrap();
    let new_url = || {
        let url = PublicUrl::new(server.url("").as_str()).unwrap();
        url.with_trusted_keys(key.public_key().clone())
    };
    let pointer = root.path().join("current.ipxe");
    publisher.publish(&one, &context).await.unwrap();
    let old = fs::read_to_string(&pointer).unwrap();
    publisher.publish(&two, &context).await.unwrap();
    canary.publish(&one, &context).await.unwrap();
    let sound = fs::read_to_string(&pointer).unwrap();

    let url = new_url();
    let verify = async |url: &PublicUrl| {
        let report = url.verify(VerifyDepth::Listing, &Context::new()).await.unwrap();
        match &report.findings[..] {
            [] => None,
            [Finding::UntrustedPointer { problem, .. }] => Some(problem.clone()),
            _ => panic!("{report}"),
        }
    };
    assert_eq!(verify(&url).await, None);
    // Rollback: whoever has seen the newer one is not deceived.
    fs::write(&pointer, &old).unwrap();
    assert_eq!(verify(&new_url()).await, None);
    assert!(matches!(verify(&url).await, Some(PointerProblem::RolledBack { .. })));
    // Freeze.
    fs::write(&pointer, &sound).unwrap();
    assert_eq!(verify(&url).await, None);
    let later = new_url().with_clock(ClockAhead(2 * HOUR));
    assert!(matches!(verify(&later).await, Some(PointerProblem::Expired { .. })));
    // Mix and match: another channel, and parts of two pointers.
    let theirs = fs::read_to_string(root.path().join("canary.ipxe")).unwrap();
    fs::write(&pointer, &theirs).unwrap();
    assert!(matches!(verify(&url).await, Some(PointerProblem::OtherName { .. })));
    let script = old.split("# netboot ").next().unwrap();
    let rest = &sound[sound.find("# netboot ").unwrap()..];
    fs::write(&pointer, [script, rest].concat()).unwrap();
    assert_eq!(verify(&url).await, Some(PointerProblem::Mismatch));
    let (signed, _) = sound.split_once("# netboot signature ").unwrap();
    let signature = &old[old.find("# netboot signature ").unwrap()..];
    fs::write(&pointer, [signed, signature].concat()).unwrap();
    assert_eq!(verify(&url).await, Some(PointerProblem::Mismatch));
    // Wrong key.
    fs::write(&pointer, signed).unwrap();
    assert_eq!(verify(&url).await, Some(PointerProblem::Unsigned));
    let other = MinisignKey::generate().unwrap();
    let attacking = signing(root.path(), &other).with_replace_untrusted(true);
    attacking.activate(one.id(), &context).await.unwrap_err();
    attacking.publish(&one, &context).await.unwrap();
    let report = url.verify(VerifyDepth::Listing, &context).await.unwrap();
    assert!(
        matches!(
            &report.findings[..],
            [Finding::UntrustedPointer { problem: PointerProblem::UntrustedKey, .. }]
        ),
        "{report}"
    );

    // The target is sound, and the web server shows something else.
    fs::write(&pointer, &sound).unwrap();
    let stale = TempDir::new().unwrap();
    for (text, expected) in [(&old, "older"), (&theirs, "signed as the pointer `canary`")] {
        fs::write(stale.path().join("current.ipxe"), text).unwrap();
        let server = DirectoryServer::start(stale.path()).await.unwrap();
        let url = PublicUrl::new(server.url("").as_str()).unwrap();
        let depth = VerifyDepth::Listing;
        let report = publisher.verify_public(&url, depth, &context).await.unwrap();
        assert!(report.to_string().contains(expected), "{report}");
    }
    // The manifest of another release.
    for file in [layout::manifest(), layout::manifest_signature()] {
        let from = root.path().join(layout::in_release(one.id(), &file).as_str());
        fs::copy(from, root.path().join(layout::in_release(two.id(), &file).as_str())).unwrap();
    }
    let report = url.verify(VerifyDepth::Listing, &context).await.unwrap();
    assert!(
        report.findings.iter().any(|found| matches!(found, Finding::MalformedManifest { .. })),
        "{report}"
    );
}
