//! Builds on other machines and in other stores, with results in a binary cache.
//!
//! The other machine is a real `nix-daemon --stdio` behind an `ssh` that this test wrote. It runs
//! in its own mount namespace, with another directory mounted as the store.

use std::error::Error as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use netboot_core::{Builder, Context, Image};
use netboot_nix::{BinaryCache, Compression, Error, NixBuilderOptions, RemoteBuilder, ScaleOut};

use crate::place;
use crate::place::{Place, WITH_INIT, least_configuration, profile, read};

/// A place and the other machine.
struct Machines {
    place: Place,
    /// The directory that the other machine has as its store.
    other_store: PathBuf,
    /// The arguments of `ssh`.
    log: PathBuf,
}

impl Machines {
    fn new() -> Self {
        let place = Place::new();
        let (other, log) = (place.path().join("other"), place.path().join("ssh.log"));
        let other_store = other.join("store");
        fs::create_dir_all(&other_store).unwrap();
        let store = place.environment()["NIX_STORE_DIR"].clone();
        fs::create_dir_all(&store).unwrap();
        let script = format!(
            r#"echo "$@" >> '{log}'
            case "$*" in
              *unreachable*) echo 'ssh: connect to host unreachable port 22: No route to host' >&2; exit 255 ;;
              *'nix-daemon --stdio'*) ;;
              *'echo started'*) echo started; exit ;;
              *) exit 1 ;;
            esac
            # ssh passes no settings on.
            export NIX_CONFIG='{settings}'
            export NIX_STATE_DIR='{other}/state' NIX_LOG_DIR='{other}/log' NIX_REMOTE=local
            exec unshare --map-root-user --mount sh -c '
              mount --bind "$1" "$2" && cd / && exec "$3" --stdio' sh '{other}/store' '{store}' '{daemon}'"#,
            log = log.display(),
            other = other.display(),
            settings = place.environment()["NIX_CONFIG"],
            daemon = place.nix_program("nix-daemon").display(),
        );
        place.program("ssh", &script);
        Self { place, other_store, log }
    }

    fn flake(&self) -> String {
        let configuration = least_configuration("x", WITH_INIT, "{ }");
        self.place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {configuration}; }}"))
    }

    fn builder(&self, scale_out: ScaleOut) -> NixBuilderOptions {
        let path = self.place.program("unused", "exit 1");
        self.place.builder(&self.flake()).environment("PATH", path).scale_out(scale_out)
    }

    async fn build(&self, scale_out: ScaleOut) -> Result<Image, Error> {
        let builder = self.builder(scale_out).build().unwrap();
        builder.build(&profile("x"), &Context::new()).await.map_err(|error| {
            let inner = error.source().and_then(|source| source.downcast_ref::<Error>());
            inner.unwrap_or_else(|| panic!("no error of Nix: {error:?}")).clone()
        })
    }

    /// The names of the store paths that the other machine built.
    fn built_there(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.other_store).unwrap().map(Result::unwrap);
        let names = entries.map(|entry| entry.file_name().into_string().unwrap());
        let built = names.filter(|name| {
            ["linux-x", "initrd-x", "system-x"].iter().any(|part| name.ends_with(part))
        });
        built.map(|name| name.split_once('-').unwrap().1.to_owned()).collect()
    }
}

#[tokio::test]
async fn a_remote_builder_builds_what_this_machine_must_not() {
    let machines = Machines::new();
    let remote = RemoteBuilder::new("ssh-ng://builder").unwrap();
    let scale_out = ScaleOut::new().with_remote_builder(remote).with_local_jobs(0);
    let image = machines.build(scale_out).await.unwrap();
    let mut built = machines.built_there();
    built.sort();
    assert_eq!(built, ["initrd-x", "linux-x", "system-x"]);
    // The result and the log are on this machine.
    let toplevel = &image.provenance().outputs["toplevel"];
    assert!(PathBuf::from(toplevel).join("init").is_file());
    let log = image.build_log().unwrap().clone();
    let mut text = String::new();
    let mut reader = log.open().await.unwrap();
    tokio::io::AsyncReadExt::read_to_string(&mut reader, &mut text).await.unwrap();
    assert!(text.contains("building linux-x"), "{text}");
}

#[tokio::test]
async fn without_a_builder_that_can_be_reached_nothing_is_built_here() {
    let machines = Machines::new();
    let remote = RemoteBuilder::new("ssh-ng://unreachable").unwrap();
    let scale_out = ScaleOut::new().with_remote_builder(remote).with_local_jobs(0);
    let error = machines.build(scale_out).await.unwrap_err();
    assert!(matches!(error, Error::NoBuilder { .. }), "{error:?}");
    assert!(error.hint().is_some());
}

#[tokio::test]
async fn another_store_builds_and_its_results_are_fetched_and_kept() {
    let machines = Machines::new();
    let scale_out = ScaleOut::new().with_store("ssh-ng://store").unwrap();
    let image = machines.build(scale_out).await.unwrap();
    assert_eq!(machines.built_there().len(), 3);
    let collected = machines.place.command("nix-store").arg("--gc").status().unwrap();
    assert!(collected.success());
    assert!(PathBuf::from(&image.provenance().outputs["kernel"]).join("bzImage").is_file());

    let gone = ScaleOut::new().with_store("ssh-ng://unreachable").unwrap();
    let error = machines.build(gone).await.unwrap_err();
    let Error::CopyFailed { store, message } = &error else { panic!("{error:?}") };
    assert_eq!(store, "ssh-ng://unreachable");
    assert!(message.contains("No route to host"), "{message}");
    assert!(read(&machines.log).contains("nix-daemon"));
}

/// The files of a signing key, secret and public.
fn keys(machines: &Machines) -> (PathBuf, String) {
    let [secret, public] = ["secret key", "public"].map(|name| machines.place.path().join(name));
    let mut generate = machines.place.command("nix-store");
    generate.args(["--generate-binary-cache-key", "cache.test-1"]).args([&secret, &public]);
    assert!(generate.status().unwrap().success());
    (secret, read(public).trim().to_owned())
}

#[tokio::test]
async fn results_are_signed_in_a_binary_cache_and_spare_the_next_machine_the_build() {
    let machines = Machines::new();
    let (secret, public) = keys(&machines);
    let cache = format!("file://{}", machines.place.path().join("cache").display());
    let copy = BinaryCache::new(cache.as_str())
        .unwrap()
        .with_signing_key_file(&secret)
        .with_compression(Compression::None);
    machines.build(ScaleOut::new().with_copy_to(copy)).await.unwrap();
    let cached = fs::read_dir(machines.place.path().join("cache")).unwrap().map(Result::unwrap);
    let infos: Vec<String> = cached
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(".narinfo"))
        .map(|entry| read(entry.path()))
        .collect();
    assert!(infos.len() >= 3 && infos.iter().all(|info| info.contains("Sig: cache.test-1:")));

    // Another machine with the same URL, which must build nothing.
    for directory in ["store", "state", "home", "cache"] {
        let store = PathBuf::from(&machines.place.environment()["NIX_STORE_DIR"]);
        let path = store.with_file_name(directory);
        if path.exists() {
            Command::new("chmod").args(["-R", "u+w"]).arg(&path).status().unwrap();
            fs::remove_dir_all(&path).unwrap();
        }
    }
    let with_key = |key: &str| {
        ScaleOut::new().with_substituter(cache.as_str(), key).unwrap().with_local_jobs(0)
    };
    let other_key = "cache.test-1:ebYgk3hp0M2RqTVUvDxJQrUKcoxDEkE9DvvUuBwtNqM=";
    let error = machines.build(with_key(other_key)).await.unwrap_err();
    assert!(!matches!(error, Error::BuildFailed { .. }), "{error:?}");
    machines.build(with_key(&public)).await.unwrap();
}

#[tokio::test]
async fn a_cache_that_cannot_be_written_is_told() {
    let machines = Machines::new();
    let file = machines.place.path().join("taken");
    fs::write(&file, "").unwrap();
    let to = |path: PathBuf| {
        let cache = format!("file://{}", path.display());
        ScaleOut::new().with_copy_to(BinaryCache::new(cache).unwrap())
    };
    let error = machines.build(to(file.join("cache"))).await.unwrap_err();
    assert!(matches!(error, Error::CopyFailed { .. }), "{error:?}");
    assert!(error.hint().unwrap().starts_with("check the spelling of `file:"), "{error:?}");
    machines.build(to(machines.place.path().join("cache"))).await.unwrap();
}

#[tokio::test]
async fn time_limits_reach_nix() {
    let machines = Machines::new();
    let configuration = place::configuration("x", "while :; do :; done");
    let flake = machines
        .place
        .flake(&format!("{{ nixosConfigurations.netboot-x.config = {configuration}; }}"));
    for scale_out in [
        ScaleOut::new().with_build_limit(Duration::from_secs(1)),
        ScaleOut::new().with_silence_limit(Duration::from_millis(1)),
    ] {
        let builder = machines.place.builder(&flake).scale_out(scale_out).build().unwrap();
        let error = builder.build(&profile("x"), &Context::new()).await.unwrap_err();
        let inner = error.source().and_then(|source| source.downcast_ref::<Error>());
        assert!(matches!(inner, Some(Error::TimedOut { .. })), "{error:?}");
    }
}

#[test]
fn no_text_becomes_another_setting_or_an_option() {
    for url in
        ["", "-x", "--option", "ssh-ng://a b", "ssh-ng://a;b", "a#b", "a\nb", "ssh://ü", "'x'"]
    {
        assert!(url.parse::<netboot_nix::StoreUrl>().is_err(), "{url:?}");
        assert!(RemoteBuilder::new(url).is_err(), "{url:?}");
    }
    let remote = || RemoteBuilder::new("ssh-ng://host").unwrap();
    for file in ["relative", "/with space", "/with;separator", "/with\nline"] {
        assert!(remote().with_identity(file).is_err(), "{file:?}");
    }
    for feature in ["", "-x", "a b", "a,b", "a;b"] {
        assert!(remote().with_feature(feature).is_err(), "{feature:?}");
    }
    let url = "https://cache.example.org";
    for key in ["", "name", "name:short", ":ebYgk3hp0M2RqTVUvDxJQrUKcoxDEkE9DvvUuBwtNqM=", "a b:c"]
    {
        let error = ScaleOut::new().with_substituter(url, key).unwrap_err();
        assert!(error.hint().is_some(), "{error}");
    }
    let secret =
        "https://alice:hunter2@cache.example.org".parse::<netboot_nix::StoreUrl>().unwrap();
    assert!(!format!("{secret} {secret:?}").contains("hunter2"), "{secret}");
}
