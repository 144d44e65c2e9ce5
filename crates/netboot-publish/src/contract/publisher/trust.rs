//! Attacks of somebody who can write to the target: nothing that was altered goes live, becomes
//! part of another release, or answers a machine.

use std::sync::Arc;

use netboot_core::{ArtifactKind, Context, Image, Manifest, Release, ReleasePath, layout};
use tokio::io::AsyncReadExt;

use crate::contract::later::later;
use crate::contract::publisher::fixture::{
    Make, artifact_of, assert_clean, flip, path, publish, publisher, text,
};
use crate::contract::sample::{release_of, sample_image, small_release};
use crate::contract::sample_signer::SampleSigner;
use crate::error::Error;
use crate::finding::Finding;
use crate::publisher::Publisher;
use crate::publisher::checks::depth::VerifyDepth;
use crate::publisher::prune::retention::Retention;
use crate::publisher::repair::source::RepairSource;
use crate::publisher::rollback::RollbackTo;
use crate::publisher::verify::VerifyScope;
use crate::signature::Signer;
use crate::store::{Store, Swap};

/// Changes that alter what machines boot, as an old and a new piece of a manifest's JSON.
const CHANGES: [(&str, &str); 12] = [
    ("\"title\": \"worker\"", "\"title\": \"hacker\""),
    ("\"init\": \"/nix/store/", "\"init\": \"/evil/store/"),
    ("\"kernel_parameters\": []", "\"kernel_parameters\": [\n          \"evil\"\n        ]"),
    ("\"architecture\": \"aarch64\"", "\"architecture\": \"x86_64\""),
    ("\"services\": []", "\"services\": [\n        \"evil\"\n      ]"),
    ("nchain releases/", "nchain evil/releases/"),
    ("\"file_name\": \"layer\"", "\"file_name\": \"zayer\""),
    ("\"boot.ipxe\": {\n      \"size\": ", "\"boot.ipxe\": {\n      \"size\": 1"),
    ("\"worker\": {", "\"evil\": {"),
    ("\"version\": 3", "\"version\": 2"),
    ("\"unpacked_bytes\": 8192", "\"unpacked_bytes\": 1"),
    ("\"inodes\": 2", "\"inodes\": 1"),
];

async fn write(store: &Arc<dyn Store>, path: &ReleasePath, text: String) {
    let there = store.read(path).await.unwrap().map(|document| document.version);
    assert_eq!(store.swap(path, there.as_ref(), text.into()).await.unwrap(), Swap::Done);
}

fn manifest_of(release: &Release) -> ReleasePath {
    layout::in_release(release.id(), &layout::manifest())
}

/// Returns the manifest's JSON with another kernel for one profile.
fn with_kernel(json: &str, from: &Manifest, profile: &str, evil: &Image) -> String {
    let kernel = &from.images()[profile].kernel;
    let (images, evil) = (json.find("\"images\"").unwrap(), evil.kernel());
    let (head, images) = json.split_at(images);
    let size = |size: u64, sha256| format!("\"size\": {size},\n        \"sha256\": \"{sha256}\"");
    let (old, new) = (size(kernel.size, kernel.sha256), size(evil.size(), evil.sha256()));
    let profile = images.find(&format!("\"{profile}\": {{")).unwrap();
    let (others, images) = images.split_at(profile);
    assert!(images.contains(&old), "{old} is not in {images}");
    format!("{head}{others}{}", images.replacen(&old, &new, 1))
}

/// Returns the manifest's JSON without the closure, and without one of its store paths.
fn without_closure_parts(json: &str) -> [String; 2] {
    let begin = json.find("      \"closure\": {").unwrap();
    let end = begin + json[begin..].find("\n      },\n").unwrap() + "\n      },\n".len();
    let (closure, blobs) = (&json[begin..end], "\"blobs\": {\n");
    let first = closure.find(blobs).unwrap() + blobs.len();
    let next = first + closure[first..].find('\n').unwrap() + 1;
    let fewer = [&closure[..first], &closure[next..]].concat();
    let with = |closure: &str| {
        let plain = [&json[..begin], closure, &json[end..]].concat();
        if closure.is_empty() { plain.replacen(": 3", ": 2", 1) } else { plain }
    };
    [with(""), with(&fewer)]
}

/// Makes an image with a kernel of its own. It is as large as the kernel of the sample.
fn evil_image(profile: &str) -> Image {
    let image = sample_image(profile, "one");
    let mut manifest = image.manifest();
    manifest.kernel.sha256 = netboot_core::Sha256Digest::of(b"no kernel!\n");
    Image::from_manifest(image.profile(), &manifest, |kind, record| {
        let name = record.file_name.clone();
        if kind == ArtifactKind::Kernel {
            let kernel = netboot_core::BytesArtifact::new(kind, name, "no kernel!\n");
            return Arc::new(kernel.unwrap());
        }
        artifact_of(&image, record.sha256)
    })
    .unwrap()
}

/// Checks that no operation accepts the altered manifest of `two`, while `live` is live.
async fn assert_refused(publisher: &Publisher, two: &Release, live: &Release) {
    let (id, context) = (two.id(), Context::new());
    let report = publisher.verify(VerifyScope::Release(*id), VerifyDepth::Listing, &context).await;
    let findings = report.unwrap().findings;
    assert!(
        matches!(&findings[..], [Finding::MalformedManifest { release, .. }] if release == id),
        "{findings:?}"
    );
    let history = publisher.history().await.unwrap();
    assert!(history.iter().any(|entry| entry.release == *id && !entry.whole), "{history:?}");
    for error in [
        publisher.activate(id, &context).await.unwrap_err(),
        publisher.rollback(RollbackTo::Release(*id), &context).await.unwrap_err(),
        publisher.images(id).await.unwrap_err(),
        publisher.manifest(id).await.unwrap_err(),
        publisher.countersign(id, &context).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::MalformedManifest { .. }), "{error:?}");
        assert!(error.hint().is_some());
    }
    // Repair takes nothing from it, neither here nor as a mirror.
    let own = publisher.repair(id, &[], &context).await.unwrap_err();
    assert!(matches!(own, Error::NotStaged { .. }), "{own:?}");
    let other = Publisher::new(crate::memory::MemoryStore::new());
    let mirror = [RepairSource::mirror(publisher)];
    let mirrored = other.repair(id, &mirror, &context).await.unwrap_err();
    assert!(matches!(mirrored, Error::NotStaged { .. }), "{mirrored:?}");
    assert_eq!(publisher.live().await.unwrap(), Some(*live.id()));
}

pub(crate) async fn an_altered_manifest_is_nobodys_manifest(make: Make<'_>) {
    let store = make();
    let publisher = publisher(&store);
    let [one, two] = ["one", "two"].map(small_release);
    publish(&publisher, &two).await;
    publish(&publisher, &one).await;
    let sound = text(&store, &manifest_of(&two)).await.unwrap();
    for (old, new) in CHANGES {
        assert!(sound.contains(old), "{old} is not in {sound}");
        write(&store, &manifest_of(&two), sound.replace(old, new)).await;
        assert_refused(&publisher, &two, &one).await;
    }
    let evil = evil_image("worker");
    let altered = with_kernel(&sound, two.manifest(), "worker", &evil);
    write(&store, &manifest_of(&two), altered).await;
    assert_refused(&publisher, &two, &one).await;
    for altered in without_closure_parts(&sound) {
        write(&store, &manifest_of(&two), altered).await;
        assert_refused(&publisher, &two, &one).await;
    }
    // The sound manifest of another release proves nothing either.
    let other = text(&store, &manifest_of(&one)).await.unwrap();
    write(&store, &manifest_of(&two), other).await;
    assert_refused(&publisher, &two, &one).await;
    publish(&publisher, &two).await;
    assert_clean(&publisher).await;
}

/// A caller builds one of two profiles again and takes the other one from the live release, whose
/// manifest somebody has altered.
pub(crate) async fn an_altered_image_is_not_carried_into_a_signed_release(make: Make<'_>) {
    let (store, key) = (make(), SampleSigner::new(1));
    let keys = key.public_key().clone();
    let publisher = publisher(&store).with_trusted_keys(keys).with_signer(key.clone());
    let one = release_of(["worker", "control-plane"].map(|name| sample_image(name, "one")));
    publish(&publisher, &one).await;
    let sound = text(&store, &manifest_of(&one)).await.unwrap();
    let evil = evil_image("control-plane");
    let uploads =
        [crate::store::Upload::new(layout::blob(&evil.kernel().sha256()), evil.kernel().clone())];
    store.send(uploads.to_vec(), &Context::new()).await.unwrap();

    let altered = with_kernel(&sound, one.manifest(), "control-plane", &evil);
    write(&store, &manifest_of(&one), altered).await;
    let refused = publisher.images(one.id()).await.unwrap_err();
    assert!(matches!(refused, Error::MalformedManifest { .. }), "{refused:?}");

    // A release of the attacker has an id of its own, but no signature.
    let theirs = release_of([sample_image("worker", "one"), evil]);
    self::publisher(&store).stage(&theirs, &Context::new()).await.unwrap();
    let unsigned = publisher.images(theirs.id()).await.unwrap_err();
    assert!(matches!(unsigned, Error::Signature { .. }), "{unsigned:?}");
    // The signer signs no manifest that others wrote.
    let unsigned = publisher.countersign(theirs.id(), &Context::new()).await.unwrap_err();
    assert!(matches!(unsigned, Error::Signature { .. }), "{unsigned:?}");
    assert_eq!(publisher.live().await.unwrap(), Some(*one.id()));

    write(&store, &manifest_of(&one), sound).await;
    let mut images = publisher.images(one.id()).await.unwrap();
    images.retain(|image| image.profile().as_str() == "control-plane");
    let two = release_of(images.into_iter().chain([sample_image("worker", "two")]));
    publish(&publisher, &two).await;
    let report = publisher.verify(VerifyScope::Live, VerifyDepth::Content, &Context::new()).await;
    assert!(report.unwrap().is_clean());
}

/// The target has the bytes that a new release shares with an old one, in the right size.
pub(crate) async fn an_altered_blob_does_not_go_live(make: Make<'_>) {
    let (store, key) = (make(), SampleSigner::new(1));
    let keys = key.public_key().clone();
    let publisher = publisher(&store).with_trusted_keys(keys).with_signer(key);
    let [one, two] = ["one", "two"].map(small_release);
    publish(&publisher, &one).await;
    let kernel = layout::blob(&one.manifest().images()["worker"].kernel.sha256);

    // A staged release is hashed when it goes live.
    publisher.stage(&two, &Context::new()).await.unwrap();
    flip(&store, &kernel).await;
    for result in [
        publisher.activate(two.id(), &Context::new()).await,
        publisher.rollback(RollbackTo::Release(*two.id()), &Context::new()).await,
    ] {
        let error = result.unwrap_err();
        assert!(
            matches!(&error, Error::NotWhole { findings, .. }
                if matches!(&findings[..], [Finding::WrongDigest { path, .. }] if *path == kernel)),
            "{error:?}"
        );
    }
    assert_eq!(publisher.live().await.unwrap(), Some(*one.id()));

    // The altered bytes cannot be read as an artifact of the old release.
    let images = publisher.images(one.id()).await.unwrap();
    let mut reader = images[0].kernel().open().await.unwrap();
    let error = reader.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    let three = release_of(images.into_iter().chain([sample_image("control-plane", "three")]));
    publisher.publish(&three, &Context::new()).await.unwrap_err();
    assert_eq!(publisher.live().await.unwrap(), Some(*one.id()));

    // A caller that has the right bytes sends them again.
    publish(&publisher, &two).await;
    assert_clean(&publisher).await;
}

/// The id covers the blobs, so nobody can make pruning believe that a live release has fewer.
pub(crate) async fn an_altered_manifest_frees_no_blobs(make: Make<'_>) {
    let store = make();
    let publisher = publisher(&store);
    let [one, two] = ["one", "two"].map(small_release);
    publish(&publisher, &one).await;
    publish(&publisher, &two).await;
    let sound = text(&store, &manifest_of(&two)).await.unwrap();
    let listed = |sha256| format!("    \"{sha256}\": ");
    let initrd = two.manifest().images()["worker"].initrds[0].clone();
    let line = format!("{}{},\n", listed(initrd.sha256), initrd.size);
    let last = format!(",\n{}{}\n", listed(initrd.sha256), initrd.size);
    let fewer = if sound.contains(&line) {
        sound.replacen(&line, "", 1)
    } else {
        sound.replacen(&last, "\n", 1)
    };
    assert_ne!(fewer, sound);
    let prune = Retention::default().with_grace(std::time::Duration::ZERO).with_keep_last(1);
    let ahead = later(&publisher, std::time::Duration::from_secs(3));
    write(&store, &manifest_of(&two), fewer).await;
    let error = ahead.prune(&prune, &Context::new()).await.unwrap_err();
    assert!(matches!(error, Error::MalformedManifest { .. }), "{error:?}");
    write(&store, &manifest_of(&two), sound).await;
    assert_clean(&publisher).await;

    // Of an unwanted release, only the files in its own directory are deleted.
    write(&store, &path("boot.txt"), "somebody's file".to_owned()).await;
    let report = ahead.prune(&prune, &Context::new()).await.unwrap();
    assert_eq!(report.deleted, [*one.id()].into());
    assert!(text(&store, &path("boot.txt")).await.is_some());
    assert_clean(&publisher).await;
}
