//! Hints about what a caller sets up.

use std::process::Command;
use std::sync::Arc;

use netboot_core::Context;
use netboot_publish::contract::sample_release;
use netboot_publish::{
    BinaryCache, Error, ListScope, MemoryStore, MinisignKey, PointerMemoryFile, PublicUrl,
    Publisher, RsyncStore, RsyncTarget, Signer, Sites, Store, TrustedKey, TrustedKeys,
};
use tempfile::TempDir;

use super::{assert_clean, hint};

#[tokio::test]
async fn sites_get_names_of_their_own() {
    let publisher = || Publisher::new(MemoryStore::new());
    let error = Sites::builder().build().unwrap_err();
    hint(&error, "name at least one target");
    let one = Sites::builder().site("tokyo", publisher());
    one.clone().build().unwrap();
    let error = one.clone().site("tokyo", publisher()).build().unwrap_err();
    hint(&error, "give one of the two `tokyo` another name");
    one.site("osaka", publisher()).build().unwrap();
}

/// The hints have examples, which are valid.
#[test]
fn urls_and_targets_are_written_as_in_the_examples() {
    let error = PublicUrl::new("boot.example.net/netboot").unwrap_err();
    let said = hint(&error, "give the URL of the target's root, as machines reach it: ");
    PublicUrl::new(said.rsplit(' ').next().unwrap()).unwrap();

    let error = "boot.example.org".parse::<RsyncTarget>().unwrap_err();
    let said = hint(&error, "write `user@host:path` or ");
    let examples: Vec<&str> = said.split('`').skip(1).step_by(2).take(2).collect();
    for example in examples {
        let target = example.replace("port", "873").parse::<RsyncTarget>().unwrap();
        assert_eq!((target.user(), target.host()), (Some("user"), "host"), "{example}");
    }
    "user@host:/a path/+@,:=%".parse::<RsyncTarget>().unwrap();
}

#[test]
fn a_key_of_minisign_is_taken_with_its_password() {
    let work = TempDir::new().unwrap();
    let minisign = |arguments: &[&str], input: &str| {
        let script = format!("printf '{input}' | minisign \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, "sh"]).args(arguments).current_dir(work.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    let error = MinisignKey::parse("no key", None).unwrap_err();
    hint(&error, "give a key file that `minisign -G` made, and the password if the secret key");
    let made = |name: &str| work.path().join(name);
    minisign(&["-G", "-W", "-p", "open.pub", "-s", "open.key"], "");
    MinisignKey::read(made("open.key"), None).unwrap();

    let pair = minisign::KeyPair::generate_encrypted_keypair(Some("a password".to_owned()));
    std::fs::write(made("locked.key"), pair.unwrap().sk.to_box(None).unwrap().into_string())
        .unwrap();
    let error = MinisignKey::read(made("locked.key"), None).unwrap_err();
    hint(&error, "give the password that the key was made with");
    let error = MinisignKey::read(made("locked.key"), Some("another")).unwrap_err();
    hint(&error, "and the password if the secret key has one");
    MinisignKey::read(made("locked.key"), Some("a password")).unwrap();
}

/// A file that the caller named never vanished: it was never there.
#[tokio::test]
async fn a_file_that_the_caller_named_is_found_under_another_name() {
    let work = TempDir::new().unwrap();
    let missing = work.path().join("nowhere");
    let key = MinisignKey::generate().unwrap();
    let text = format!("check the spelling of the path: `{}` does not exist", missing.display());
    hint(&MinisignKey::read(&missing, None).unwrap_err(), &text);
    hint(&TrustedKey::read(&missing).unwrap_err(), &text);
    std::fs::write(&missing, key.to_file_text().unwrap()).unwrap();
    MinisignKey::read(&missing, None).unwrap();
    std::fs::write(&missing, key.public_key().as_str()).unwrap();
    TrustedKey::read(&missing).unwrap();
    std::fs::remove_file(&missing).unwrap();

    // The files of connections, which are opened when the store is used.
    let ssh = || RsyncStore::builder("user@127.0.0.1:/x".parse().unwrap());
    let daemon = "rsync://user@127.0.0.1:1/x".parse().unwrap();
    for (named, builder) in [
        ("identity file", ssh().identity_file(&missing)),
        ("file of known hosts", ssh().known_hosts_file(&missing)),
        ("password file", RsyncStore::builder(daemon).password_file(&missing)),
    ] {
        let error = builder.build().unwrap().list(&ListScope::Root).await.unwrap_err();
        assert_eq!(error.to_string(), format!("cannot open the {named} `{}`", missing.display()));
        hint(&error, &text);
    }

    // The memory of pointers need not exist, but its directory has to.
    let (release, context) = (sample_release("one"), Context::new());
    let publish = async || {
        let memory = PointerMemoryFile::open(missing.join("pointers.json"))?;
        let publisher = Publisher::new(MemoryStore::new()).with_signer(key.clone());
        let publisher = publisher.with_pointer_memory(Arc::new(memory));
        publisher.publish(&release, &context).await
    };
    hint(&publish().await.unwrap_err(), &text);
    std::fs::create_dir(&missing).unwrap();
    publish().await.unwrap();
}

#[tokio::test]
async fn trusted_keys_and_signers_are_set_up() {
    let [one, two] = [(), ()].map(|()| MinisignKey::generate().unwrap());
    let [first, second] = [&one, &two].map(|key| key.public_key().clone());
    let text = "name each key once, and require at least one and at most all of them to sign";
    hint(&TrustedKeys::new([first.clone(), first.clone()]).unwrap_err(), text);
    let keys = TrustedKeys::new([first.clone(), second.clone()]).unwrap();
    for threshold in [0, 3] {
        hint(&keys.clone().with_threshold(threshold).unwrap_err(), text);
    }
    for threshold in [1, 2] {
        keys.clone().with_threshold(threshold).unwrap();
    }

    let (release, context) = (sample_release("one"), Context::new());
    let trusting = || Publisher::new(MemoryStore::new()).with_trusted_keys(first.clone());
    let of_other = trusting().with_signer(two.clone());
    let error = of_other.publish(&release, &context).await.unwrap_err();
    assert!(matches!(error, Error::NoPointerSigner { .. } | Error::Signature { .. }), "{error:?}");
    let unsigned = trusting();
    unsigned.publish(&release, &context).await.unwrap_err();
    let staging = Publisher::new(unsigned.store().clone()).with_signer(one.clone());
    staging.stage(&release, &context).await.unwrap();
    let error = unsigned.activate(release.id(), &context).await.unwrap_err();
    hint(&error, "give the publisher a signer with a trusted key (`with_signer`)");
    unsigned.clone().with_signer(one.clone()).activate(release.id(), &context).await.unwrap();
    // Or trust the key of its signer.
    let other = Publisher::new(MemoryStore::new()).with_trusted_keys(second).with_signer(two);
    other.publish(&release, &context).await.unwrap();
    assert_clean(&other).await;
}

#[tokio::test]
async fn a_release_without_an_index_is_published_without_the_binary_cache() {
    let key = netboot_closure::NixSecretKey::from_seed("cache.example.org-1", [1; 32]).unwrap();
    let store = MemoryStore::new();
    let cached = Publisher::new(store.clone()).with_binary_cache(BinaryCache::new(key));
    // The index of this release is no index.
    let (release, context) = (sample_release("one"), Context::new());
    let error = cached.publish(&release, &context).await.unwrap_err();
    hint(&error, "build the image again, and publish it without the binary cache until then");
    let plain = Publisher::new(store);
    plain.publish(&release, &context).await.unwrap();
    assert_clean(&plain).await;
}
