//! Hints about signatures of releases and of pointers.
#![cfg(all(feature = "local", feature = "minisign"))]

use std::fs;
use std::process::Command;
use std::time::Duration;

use netboot_core::{Context, Release, layout};
use netboot_publish::contract::{ClockAhead, sample_release};
use netboot_publish::{
    Error, LocalStore, MinisignKey, PointerMemoryFile, Publisher, RepairSource, Signer, TrustedKeys,
};
use tempfile::TempDir;

use super::{assert_clean, assert_only, hint, verify};

const HOUR: Duration = Duration::from_secs(3600);

struct Signed {
    root: TempDir,
    key: MinisignKey,
    release: Release,
}

impl Signed {
    async fn new() -> Self {
        let (root, key) = (TempDir::new().unwrap(), MinisignKey::generate().unwrap());
        let signed = Self { root, key, release: sample_release("one") };
        signed.publisher().publish(&signed.release, &Context::new()).await.unwrap();
        signed
    }

    fn publisher(&self) -> Publisher {
        Publisher::new(LocalStore::new(self.root.path()))
            .with_trusted_keys(self.key.public_key().clone())
            .with_signer(self.key.clone())
    }

    fn at(&self, file: &netboot_core::ReleasePath) -> std::path::PathBuf {
        self.root.path().join(layout::in_release(self.release.id(), file).as_str())
    }

    /// Checks that the release cannot go live, and is found by verification.
    async fn assert_refused(&self, publisher: &Publisher, text: &str) {
        let error = publisher.activate(self.release.id(), &Context::new()).await.unwrap_err();
        assert!(matches!(error, Error::Signature { .. }), "{error:?}");
        hint(&error, text);
        let report = verify(publisher).await;
        assert!(report.findings.iter().any(|found| found.hint().contains(text)), "{report}");
    }

    async fn assert_live(&self, publisher: &Publisher) {
        publisher.activate(self.release.id(), &Context::new()).await.unwrap();
        assert_clean(publisher).await;
    }
}

#[tokio::test]
async fn a_release_without_a_signature_is_staged_again_or_signed_by_hand() {
    let signed = Signed::new().await;
    let (publisher, context) = (signed.publisher(), Context::new());
    let signature = signed.at(&layout::manifest_signature());
    let text = "stage the release again with its signer, or sign it with minisign";
    fs::remove_file(&signature).unwrap();
    signed.assert_refused(&publisher, text).await;
    publisher.stage(&signed.release, &context).await.unwrap();
    signed.assert_live(&publisher).await;

    let work = TempDir::new().unwrap();
    fs::write(work.path().join("key"), signed.key.to_file_text().unwrap()).unwrap();
    let manifest = signed.at(&layout::manifest());
    let sign = |option: &str| {
        let mut command = Command::new("minisign");
        command.args([option, "-W", "-s", "key", "-m"]).arg(&manifest).arg("-x").arg(&signature);
        let comment = format!("netboot release {}", signed.release.id());
        let output = command.args(["-t", &comment]).current_dir(work.path()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    fs::remove_file(&signature).unwrap();
    signed.assert_refused(&publisher, text).await;
    sign("-S");
    signed.assert_live(&publisher).await;

    // In the format of older versions of minisign, or in none.
    let text = "sign the release again, in minisign's format for prehashed files: `minisign -SH`";
    fs::write(&signature, "no signature\n").unwrap();
    signed.assert_refused(&publisher, text).await;
    sign("-SH");
    signed.assert_live(&publisher).await;
}

#[tokio::test]
async fn a_release_of_an_unknown_key_is_trusted_or_staged_again() {
    let signed = Signed::new().await;
    let other = MinisignKey::generate().unwrap();
    let others = Publisher::new(LocalStore::new(signed.root.path()))
        .with_trusted_keys(other.public_key().clone())
        .with_replace_untrusted(true)
        .with_signer(other.clone());
    let text = "trust the public key of whoever signed it, if that is who should sign releases";
    signed.assert_refused(&others, text).await;
    // Trust both keys.
    let both = TrustedKeys::new([&signed.key, &other].map(|key| key.public_key().clone()));
    let both = both.unwrap();
    signed.assert_live(&others.clone().with_trusted_keys(both.clone())).await;
    // Or stage it with a trusted signer.
    others.stage(&signed.release, &Context::new()).await.unwrap();
    signed.assert_live(&others).await;

    // Both have to sign.
    let fresh = Signed::new().await;
    let strict = || fresh.publisher().with_trusted_keys(both.clone().with_threshold(2).unwrap());
    let error = strict().activate(fresh.release.id(), &Context::new()).await.unwrap_err();
    hint(&error, "trust the public key of whoever signed it");
    let two = TrustedKeys::new([&fresh.key, &other].map(|key| key.public_key().clone()));
    let two = two.unwrap().with_threshold(2).unwrap();
    let strict = || fresh.publisher().with_trusted_keys(two.clone());
    let text = "let another trusted key sign the release, then activate it";
    fresh.assert_refused(&strict(), text).await;
    let (next, context) = (sample_release("two"), Context::new());
    hint(&strict().publish(&next, &context).await.unwrap_err(), text);
    // The hint for a release that is at the target already.
    let by_other = Publisher::new(LocalStore::new(fresh.root.path()))
        .with_signer(other)
        .with_trusted_keys(two.clone());
    assert!(by_other.countersign(fresh.release.id(), &context).await.unwrap());
    fresh.assert_live(&strict()).await;
    // The hint for a release that is not there yet.
    strict().stage(&next, &context).await.unwrap();
    assert!(by_other.countersign(next.id(), &context).await.unwrap());
    by_other.activate(next.id(), &context).await.unwrap();
    assert_clean(&strict()).await;
}

#[tokio::test]
async fn a_manifest_that_somebody_changed_is_staged_again_from_its_source() {
    let signed = Signed::new().await;
    let publisher = signed.publisher();
    let manifest = signed.at(&layout::manifest());
    let json = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, json.replacen("\"builder\": \"\"", "\"builder\": \"x\"", 1)).unwrap();
    let text = "somebody changed the manifest or its signature: do not boot it; find out who can";
    signed.assert_refused(&publisher, text).await;
    publisher.stage(&signed.release, &Context::new()).await.unwrap();
    signed.assert_live(&publisher).await;
}

/// Checks that a pointer is not trusted, and that this publisher replaces it.
async fn replace(publisher: &Publisher, release: &Release, text: &str) {
    let context = Context::new();
    let error = publisher.activate(release.id(), &context).await.unwrap_err();
    assert!(matches!(error, Error::UntrustedPointer { .. }), "{error:?}");
    hint(&error, text);
    assert_only(&verify(publisher).await, text);
    let replacing = publisher.clone().with_replace_untrusted(true);
    replacing.activate(release.id(), &context).await.unwrap();
    assert_clean(publisher).await;
}

#[tokio::test]
async fn pointers_that_are_not_trusted_are_replaced_by_who_may() {
    let signed = Signed::new().await;
    let publisher = signed.publisher();
    let pointer = signed.root.path().join("current.ipxe");
    let sound = fs::read_to_string(&pointer).unwrap();
    let unsigned = sound.split("# netboot signature ").next().unwrap();
    fs::write(&pointer, unsigned).unwrap();
    let text = "if this target has never had signed pointers, activate the live release once with";
    replace(&publisher, &signed.release, text).await;

    let sound = fs::read_to_string(&pointer).unwrap();
    fs::write(&pointer, sound.replacen("chain ", "echo x\nchain ", 1)).unwrap();
    let text = "somebody changed the pointer: find out who can write to the target, then activate";
    replace(&publisher, &signed.release, text).await;

    // Another key signed it.
    let other = MinisignKey::generate().unwrap();
    let others = Publisher::new(LocalStore::new(signed.root.path()))
        .with_trusted_keys(other.public_key().clone())
        .with_signer(other.clone())
        .with_replace_untrusted(true);
    others.publish(&sample_release("two"), &Context::new()).await.unwrap();
    let text = "trust the public key of whoever signed it, if that is who should sign pointers";
    let both = TrustedKeys::new([&signed.key, &other].map(|key| key.public_key().clone()));
    let trusting = signed.publisher().with_trusted_keys(both.unwrap());
    assert!(trusting.live().await.unwrap().is_some(), "trusted, as the hint says");
    let publisher = signed.publisher();
    let error = publisher.activate(signed.release.id(), &Context::new()).await.unwrap_err();
    hint(&error, text);
    let replacing = publisher.with_replace_untrusted(true);
    replacing.activate(signed.release.id(), &Context::new()).await.unwrap();
    assert!(signed.publisher().live().await.unwrap().is_some());
}

#[tokio::test]
async fn an_older_pointer_is_replaced_by_one_with_a_higher_counter() {
    let (signed, state) = (Signed::new().await, TempDir::new().unwrap());
    let memory = PointerMemoryFile::open(state.path().join("pointers.json")).unwrap();
    let publisher = signed.publisher().with_pointer_memory(memory);
    let pointer = signed.root.path().join("current.ipxe");
    let old = fs::read(&pointer).unwrap();
    publisher.publish(&sample_release("two"), &Context::new()).await.unwrap();
    fs::write(&pointer, old).unwrap();
    let text = "somebody put an older pointer back, or restored the target from a backup: find out";
    replace(&publisher, &signed.release, text).await;
}

#[tokio::test]
async fn an_expired_pointer_is_renewed() {
    let signed = Signed::new().await;
    for refreshes in [true, false] {
        let dated = signed.publisher().with_pointer_lifetime(HOUR);
        dated.refresh(&Context::new()).await.unwrap();
        dated.publish(&sample_release("two"), &Context::new()).await.unwrap();
        let later = dated.clone().with_clock(ClockAhead(HOUR * 2));
        let text = "renew the pointer with `Publisher::refresh`, or publish a release; if you did,";
        assert_only(&verify(&later).await, text);
        // A machine whose clock is right trusts it still.
        assert_clean(&dated).await;
        if refreshes {
            later.refresh(&Context::new()).await.unwrap();
        } else {
            later.publish(&signed.release, &Context::new()).await.unwrap();
        }
        assert_clean(&later).await;
        let sources = [RepairSource::release(&signed.release)];
        later.repair(signed.release.id(), &sources, &Context::new()).await.unwrap();
    }
}

#[tokio::test]
async fn a_pointer_keeps_its_protection_unless_told_otherwise() {
    let (signed, context) = (Signed::new().await, Context::new());
    let keyless = Publisher::new(LocalStore::new(signed.root.path()));
    let two = sample_release("two");
    let error = keyless.publish(&two, &context).await.unwrap_err();
    hint(&error, "give the publisher a signer with a trusted key (`with_signer`)");
    signed.publisher().with_pointer_lifetime(HOUR).publish(&two, &context).await.unwrap();
    assert_clean(&signed.publisher()).await;

    let undated = signed.publisher();
    let error = undated.refresh(&context).await.unwrap_err();
    hint(&error, "say for how long the new pointer counts (`with_pointer_lifetime`)");
    undated.clone().with_pointer_lifetime(HOUR).refresh(&context).await.unwrap();
    assert!(undated.refresh(&context).await.is_err(), "it still has a date");
    undated.clone().without_pointer_lifetime().refresh(&context).await.unwrap();
    undated.refresh(&context).await.unwrap();
    keyless.with_unsigned_pointers(true).activate(signed.release.id(), &context).await.unwrap();
    let error = undated.live().await.unwrap_err();
    assert!(matches!(error, Error::UntrustedPointer { .. }), "{error:?}");
}
