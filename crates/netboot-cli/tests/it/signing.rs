//! Commands with keys: `netboot countersign`, `netboot refresh`, and the options of all others.

use std::fs;
use std::os::unix::fs::symlink;

use netboot_core::Context;
use netboot_publish::{MinisignKey, Signer};
use netboot_qemu::DirectoryServer;

use crate::place::{Place, assert_documented, sample};

/// A key in two files of a place. Returns the paths of the secret and of the public key.
fn key(place: &Place, name: &str) -> [String; 2] {
    let key = MinisignKey::generate().unwrap();
    let [secret, public] = ["key", "pub"].map(|kind| place.path(&format!("{name}.{kind}")));
    fs::write(&secret, key.to_file_text().unwrap()).unwrap();
    fs::write(&public, key.public_key().as_str()).unwrap();
    [secret, public].map(|path| path.display().to_string())
}

#[tokio::test]
async fn a_target_gets_its_first_signatures() {
    let place = Place::directory();
    let [live] = place.publish(["one"]).await;
    let (target, [secret, public]) = (place.target(), key(&place, "release"));
    let said = place.run(&["verify", &target, "--key", &public]);
    assert_eq!(said.code, Some(3), "{said:#?}");
    let said = place.run(&["list", &target, "--key", &public]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert!(said.stderr.contains("is not trusted"), "{said:#?}");

    let sign = ["--sign", secret.as_str()];
    let said = place.succeeds(&[&["countersign", &target, &live.short()][..], &sign].concat());
    assert_eq!(said.stdout, format!("{live}\n"));
    assert!(said.stderr.contains(": signed"), "{said:#?}");
    let countersign = ["countersign", &target, &live.short(), "--json"];
    let object = place.succeeds(&[&countersign[..], &sign].concat()).json();
    assert_documented("countersign", &object);
    assert_eq!(object["added"], false);
    // The pointer is not signed yet, and a pointer that nobody trusts is not signed again.
    let said = place.fails(&[&["refresh", &target][..], &sign].concat());
    assert!(said.contains("is not trusted"), "{said}");
    let activate = ["activate", &target, &live.short(), "--replace-untrusted", "--key", &public];
    place.succeeds(&[&activate[..], &sign].concat());
    place.succeeds(&["verify", &target, "--key", &public]);
    place.succeeds(&["list", &target, "--key", &public]);

    let refresh = ["refresh", &target, "--pointer-lifetime", "24"];
    let said = place.succeeds(&[&refresh[..], &sign].concat());
    assert_eq!(said.stdout, format!("{live}\n"));
    let object = place.succeeds(&[&refresh[..], &sign, &["--json"]].concat()).json();
    assert_documented("refresh", &object);
    assert_eq!(object["release"], live.to_string());
    place.succeeds(&["verify", &target, "--key", &public]);
}

#[tokio::test]
async fn a_command_that_signs_needs_a_key() {
    let place = Place::directory();
    let [live] = place.publish(["one"]).await;
    let (target, [secret, _]) = (place.target(), key(&place, "release"));
    for command in [&["countersign", &target, &live.short()][..], &["refresh", &target]] {
        let said = place.misuses(command);
        assert!(said.contains("what to do: name the file of the secret key: `--sign FILE`"));
    }
    place.succeeds(&["countersign", &target, &live.short(), "--sign", &secret]);
    // A pointer that makes nothing live cannot be signed.
    let canary = ["--pointer", "canary", "--sign", &secret];
    let said = place.fails(&[&["refresh", &target][..], &canary].concat());
    assert!(said.contains("no release is live at"), "{said}");
    let said = place.run(&[&["activate", &target, &live.short()][..], &canary].concat());
    assert_eq!(said.code, Some(0), "{said:#?}");
    place.succeeds(&[&["refresh", &target][..], &canary].concat());
}

#[tokio::test]
async fn wrong_keys_are_refused_before_the_target_is_asked() {
    let place = Place::directory();
    let no_target = place.target();
    let missing = place.path("missing.key").display().to_string();
    let said = place.misuses(&["activate", &no_target, "ab", "--sign", &missing]);
    assert!(said.contains("missing.key"), "{said}");
    let [secret, public] = key(&place, "release");
    let said = place.misuses(&["rollback", &no_target, "--sign", &secret, "--key", &secret]);
    assert!(said.contains("public key"), "{said}");
    let said = place.misuses(&["rollback", &no_target, "--key", &public, "--threshold", "2"]);
    assert!(said.contains("2 of 1 keys cannot be required"), "{said}");
}

#[tokio::test]
async fn an_older_pointer_is_noticed_by_who_remembers() {
    let place = Place::directory();
    let target = place.target();
    let [secret, public] = key(&place, "release");
    let memory = place.path("pointers.json").display().to_string();
    let [first, second] = place.publish(["one", "two"]).await;
    for release in [first, second] {
        place.succeeds(&["countersign", &target, &release.short(), "--sign", &secret]);
    }
    let options = ["--sign", &secret, "--key", &public, "--pointer-memory", &memory];
    let activate = |release: &str| {
        let command = ["activate", &target, release, "--replace-untrusted"];
        place.succeeds(&[&command[..], &options].concat());
    };
    activate(&first.short());
    let pointer = place.published().join("nixos/current.ipxe");
    let [old, old_signature] =
        [pointer.clone(), pointer.with_extension("ipxe.minisig")].map(|path| fs::read(path).ok());
    activate(&second.short());
    let read = ["--key", &public, "--pointer-memory", &memory];
    place.succeeds(&[&["verify", &target][..], &read].concat());
    // No spelling of the target, and no link to it, makes the program forget.
    let missing = place.path("missing/pointers.json").display().to_string();
    let said = place.misuses(&["verify", &target, "--key", &public, "--pointer-memory", &missing]);
    assert!(said.contains("missing"), "{said}");
    symlink("published", place.path("link")).unwrap();
    // Somebody puts the old pointer back.
    fs::write(&pointer, old.unwrap()).unwrap();
    if let Some(signature) = old_signature {
        fs::write(pointer.with_extension("ipxe.minisig"), signature).unwrap();
    }
    for same in [&target, "./published/nixos/", "link/nixos", "./published/../link/nixos"] {
        let said = place.run(&[&["verify", same][..], &read].concat());
        assert_eq!(said.code, Some(3), "{same}: {said:#?}");
    }
    place.succeeds(&["verify", &target, "--key", &public]);
    // A memory that is damaged begins anew, and the program says so.
    fs::write(&memory, "nonsense").unwrap();
    let said = place.run(&[&["verify", &target][..], &read].concat());
    assert!(said.stderr.contains("the memory of pointers was damaged"), "{said:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_configuration_names_the_keys() {
    let place = Place::directory();
    let [secret, _] = key(&place, "release");
    let [live] = place.publish(["one"]).await;
    let target = place.target();
    let file = format!("targets.local = {target:?}\n[signing]\nkey-file = {secret:?}\n");
    fs::write(place.path("netboot.toml"), file).unwrap();
    let server = DirectoryServer::start(place.published().join("nixos")).await.unwrap();
    let url = server.url("").to_string();
    for place_to_check in ["local", &target, &url] {
        assert_eq!(place.run(&["verify", place_to_check]).code, Some(3));
    }
    // Publishing signs the release, and then the commands trust it and its pointer.
    let signer = MinisignKey::read(&secret, None).unwrap();
    let publisher = place.publisher().await.with_signer(signer).with_replace_untrusted(true);
    publisher.publish(&sample("one"), &Context::new()).await.unwrap();
    assert_eq!(place.succeeds(&["refresh", "local"]).stdout, format!("{live}\n"));
    place.succeeds(&["activate", "local", &live.short()]);
    for place_to_check in ["local", &target, &url] {
        place.succeeds(&["verify", place_to_check]);
    }
}

#[tokio::test]
async fn publishing_replaces_a_pointer_that_nobody_trusts_and_renews_an_old_one() {
    let place = Place::directory();
    place.publish(["one"]).await;
    let (target, [secret, public]) = (place.target(), key(&place, "release"));
    crate::image::write(&place.path("edge"), "a=1");
    let keys = ["--sign", secret.as_str(), "--key", &public];
    let publish = [&["publish", "edge", "--to", &target][..], &keys].concat();
    let said = place.fails(&publish);
    assert!(said.contains("is not trusted"), "{said}");
    let first = place.succeeds(&[&publish[..], &["--replace-untrusted"]].concat()).stdout;
    let signer = MinisignKey::read(&secret, None).unwrap();
    let publisher = place.publisher().await.with_trusted_keys(signer.public_key().clone());
    assert_eq!(publisher.live().await.unwrap().unwrap().to_string(), first.trim_end());

    // The date of the pointer has passed.
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(7200);
    let hour = std::time::Duration::from_secs(3600);
    let late = publisher.clone().with_signer(signer).with_pointer_lifetime(hour);
    late.with_clock(Stopped(long_ago)).refresh(&Context::new()).await.unwrap();
    assert!(publisher.live().await.is_err());
    let said = place.run(&["list", &target, "--key", &public]);
    assert!(said.code == Some(1) && said.stdout.contains(" live "), "{said:#?}");
    assert!(said.stderr.contains("its best-before date has passed (20"), "{said:#?}");
    crate::image::write(&place.path("edge"), "a=2");
    let second = place.succeeds(&[&publish[..], &["--pointer-lifetime", "1"]].concat()).stdout;
    assert_eq!(publisher.live().await.unwrap().unwrap().to_string(), second.trim_end());
}

#[tokio::test]
async fn a_pointer_keeps_its_date_and_its_signature() {
    let place = Place::directory();
    let (target, [secret, _]) = (place.target(), key(&place, "release"));
    let (sign, hour) = (["--sign", secret.as_str()], ["--pointer-lifetime", "1"]);
    let publish = ["publish", "edge", "--to", &target];
    let mut releases = Vec::new();
    for parameter in ["a=1", "a=2"] {
        crate::image::write(&place.path("edge"), parameter);
        let said = place.succeeds(&[&publish[..], &sign, &hour].concat());
        releases.push(said.stdout.trim_end().to_owned());
    }
    crate::image::write(&place.path("edge"), "a=3");
    let read = || fs::read_to_string(place.published().join("nixos/current.ipxe")).unwrap();
    let before = read();
    let activate = ["activate", target.as_str(), &releases[0]];
    let fleet = ["fleet", "publish", &target, "--without-machines"];
    for command in [&["rollback", &target][..], &activate, &publish, &fleet, &["refresh", &target]]
    {
        let said = place.fails(&[command, &sign].concat());
        assert!(said.contains("has a best-before date"), "{said}");
        assert!(said.contains("`--pointer-lifetime none`"), "{said}");
        if command[0] != "refresh" {
            let said = place.fails(command);
            assert!(said.contains("is signed") && said.contains("`--unsigned`"), "{said}");
        }
        assert_eq!(read(), before, "{command:?}");
    }
    // The remedies.
    place.succeeds(&[&["refresh", &target][..], &sign, &hour].concat());
    assert!(read().contains("# netboot best-before "), "{}", read());
    place.succeeds(&[&activate[..], &sign, &["--pointer-lifetime", "none"]].concat());
    assert!(!read().contains("# netboot best-before "), "{}", read());
    let said = place.misuses(&[&activate[..], &sign, &["--unsigned"]].concat());
    assert!(said.contains("`--unsigned` has no effect"), "{said}");
    place.succeeds(&["activate", &target, &releases[1], "--unsigned"]);
    assert!(!read().contains("# netboot signature "), "{}", read());
    place.succeeds(&["rollback", &target]);
}

#[tokio::test]
async fn two_people_sign_a_release() {
    let place = Place::directory();
    let target = place.target();
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| key(&place, name));
    let two_of = |keys: [&[String; 2]; 3]| {
        let keys = keys.map(|[_, public]| ["--key".to_owned(), public.clone()]).concat();
        [keys, vec!["--threshold".to_owned(), "2".to_owned()]].concat()
    };
    let run = |words: &[&str], signers: &[&[String; 2]], keys: &[String]| {
        let signers = signers.iter().flat_map(|[secret, _]| ["--sign", secret.as_str()]);
        let keys = keys.iter().map(String::as_str);
        let words: Vec<&str> = words.iter().copied().chain(signers).chain(keys).collect();
        place.run(&words)
    };
    let done = |said: crate::place::Said| {
        assert_eq!(said.code, Some(0), "{said:#?}");
        said.stdout.trim_end().to_owned()
    };
    let keys = two_of([&a, &b, &c]);
    let publish = ["publish", "edge", "--to", target.as_str()];
    let stage = [&publish[..], &["--stage"]].concat();
    crate::image::write(&place.path("edge"), "a=1");
    let said = run(&publish, &[&a], &keys);
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert!(said.stderr.contains("`netboot publish --stage` brings it there"), "{said:#?}");
    // The first person stages the release, and the second signs what is there.
    let first = done(run(&stage, &[&a], &keys));
    assert_eq!(place.live().await, None);
    let activate = ["activate", target.as_str(), &first];
    let said = run(&activate, &[&b], &keys);
    assert!(said.code == Some(1) && said.stderr.contains("`netboot countersign`"), "{said:#?}");
    done(run(&["countersign", &target, &first], &[&b], &keys));
    assert_eq!(done(run(&activate, &[&b], &keys)), first);
    // The second person publishes the same images, or one person has both keys.
    crate::image::write(&place.path("edge"), "a=2");
    let second = done(run(&stage, &[&a], &keys));
    assert_eq!(done(run(&publish, &[&c], &keys)), second);
    crate::image::write(&place.path("edge"), "a=3");
    let third = done(run(&publish, &[&a, &b], &keys));
    // D takes the place of B. The releases that A signed get the signature that they lack.
    let keys = two_of([&a, &c, &d]);
    let said = run(&["verify", &target], &[], &keys);
    assert!(said.code == Some(3) && said.stdout.contains("countersign"), "{said:#?}");
    for release in [&first, &third] {
        done(run(&["countersign", &target, release], &[&d], &keys));
    }
    done(run(&["verify", &target], &[], &keys));
    let said = place.misuses(&[&stage[..], &["--pointer-lifetime", "1"]].concat());
    assert!(said.contains("has no effect with `--stage`"), "{said}");
}

#[tokio::test]
async fn a_section_without_keys_is_told_by_a_key_that_it_has() {
    let place = Place::directory();
    place.publish(["one"]).await;
    for (line, key) in [
        ("threshold = 0", "signing.threshold"),
        ("threshold = 2", "signing.threshold"),
        ("pointer-lifetime-hours = 0", "signing.pointer-lifetime-hours"),
        ("pointer-lifetime-hours = 24", "signing.pointer-lifetime-hours"),
    ] {
        let file = format!("targets.local = {:?}\n[signing]\n{line}\n", place.target());
        fs::write(place.path("netboot.toml"), file).unwrap();
        let said = place.misuses(&["list", "local"]);
        assert!(said.contains(&format!("{key}: there is no key for it")), "{said}");
        assert!(!said.contains("signing.trusted-keys"), "{said}");
    }
}

/// A clock that stands still.
#[derive(Debug)]
struct Stopped(std::time::SystemTime);

impl netboot_publish::Clock for Stopped {
    fn now(&self) -> std::time::SystemTime {
        self.0
    }
}
