//! Images whose system is a closure.

use std::collections::BTreeSet;
use std::fs;
use std::io::Cursor;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use netboot_closure::nar::{NarLimits, unpack};
use netboot_closure::{CompressionLevel, Index};
use netboot_core::secret_scan::SecretPolicy;
use netboot_core::{
    Artifact, Builder, CancellationToken, Closure, Context, Error, Event, Image, Payload, Phase,
    Report, Sha256Digest,
};
use netboot_nix::{BinaryCache, ClosureBoot, NixBuilderOptions, Overrides, Policy, ScaleOut};
use netboot_testbed::{TestFlake, Testbed};

use crate::place::{
    NixVersion, Place, extensible, least_configuration, manifest, profile, profiles, recording,
};

/// The options and values of NixOS that the module of closure boot needs.
pub(crate) const NIXOS: &str = r#"{ config, lib, ... }: {
    options.boot.initrd.allowMissingModules = lib.mkOption { };
    options.boot.initrd.systemd.network = lib.mkOption { };
    options.boot.initrd.systemd.extraBin = lib.mkOption { };
    options.netboot.storeContents = lib.mkOption { default = [ ]; };
    config.system.build.initialRamdisk = derivation {
      name = "stage-1"; system = "x86_64-linux"; builder = "/bin/sh";
      args = [ "-c" ''
        "$busybox" mkdir "$out"; echo stage-1 > init
        echo init | "$busybox" cpio -o -H newc > "$out/initrd"
      '' ];
      busybox = "BUSYBOX";
    };
}"#;

/// Adds a path to the store of the machine.
const MORE: &str = r#"{ ... }: { config.netboot.storeContents = [ (derivation {
    name = "more"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo > $out" ];
}) ]; }"#;

/// A builder of closure images. The program in the initrd does not run in these tests.
fn with_closures(place: &Place, flake: &str) -> NixBuilderOptions {
    let program = place.path().join("netboot-stage1");
    fs::write(&program, "the program").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let closure_boot = ClosureBoot::with_program(program).unwrap();
    let builder = place.builder(flake).payload(Payload::Closure).closure_boot(closure_boot);
    builder.compression_level(CompressionLevel::FAST)
}

/// A builder for one configuration with these modules. `script` fills the output of the system.
fn with_modules(place: &Place, script: &str, modules: &[&str]) -> NixBuilderOptions {
    let busybox = Testbed::locate().busybox().display().to_string();
    let init = r#"echo init > "$out/init""#;
    let least = least_configuration("x", "echo > root/x", "{ }");
    let least = least.replacen(init, &format!("{init}; {script}"), 1);
    let nixos = NIXOS.replace("BUSYBOX", &busybox);
    let modules = [&[least.as_str(), nixos.as_str()], modules].concat();
    let configuration = extensible(&modules, r#"{ e2fsprogs = "/e2fsprogs"; }"#);
    let flake = place.flake(&format!("{{ nixosConfigurations.netboot-x = {configuration}; }}"));
    with_closures(place, &flake).policy(Policy::none())
}

async fn bytes(artifact: &Arc<dyn Artifact>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut reader = artifact.open().await.unwrap();
    tokio::io::AsyncReadExt::read_to_end(&mut reader, &mut bytes).await.unwrap();
    bytes
}

async fn index(closure: &Closure) -> Index {
    Index::from_compressed(&bytes(&closure.index).await).unwrap()
}

/// The closure that Nix names, as names of store paths.
fn requisites(place: &Place, path: &str) -> BTreeSet<String> {
    let query = ["--query", "--requisites", path];
    let output = place.command("nix-store").args(query).output().unwrap();
    assert!(output.status.success());
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|path| path.rsplit('/').next().unwrap().to_owned()).collect()
}

fn names(index: &Index) -> BTreeSet<String> {
    index.entries().iter().map(|entry| entry.path.base_name().to_owned()).collect()
}

async fn a_machine_fetches_each_store_path_of_the_system(nix: NixVersion) {
    let place = Place::of(nix);
    let builder = with_closures(&place, &place.test_flake()).build().unwrap();
    let (context, events) = recording();
    let image = builder.build(&profile("worker"), &context).await.unwrap();
    let closure = image.closure().unwrap();
    let index = index(closure).await;
    assert_eq!(index.init(), image.boot().init().as_str());
    let toplevel = &image.provenance().outputs["toplevel"];
    assert_eq!(names(&index), requisites(&place, toplevel));
    assert_eq!(closure.manifest().blobs.len(), index.entries().len());

    // Each blob has the files of its store path, and Nix knows the registration.
    let into = place.path().join("machine");
    fs::create_dir(&into).unwrap();
    for entry in index.entries() {
        let is_it = |blob: &&Arc<dyn Artifact>| blob.sha256().to_string() == entry.blob.to_string();
        let blob = bytes(closure.blobs.iter().find(is_it).unwrap()).await;
        assert_eq!(Sha256Digest::of(&blob).to_string(), entry.blob.to_string());
        let place = into.join(entry.path.base_name());
        let archive = zstd::decode_all(Cursor::new(blob)).unwrap();
        unpack(&archive[..], &place, NarLimits::default()).unwrap();
    }
    let store = Path::new(toplevel).parent().unwrap();
    for entry in index.entries() {
        let name = entry.path.base_name();
        let compared = Command::new("diff")
            .args(["-r", "--no-dereference"])
            .args([store.join(name), into.join(name)])
            .output()
            .unwrap();
        assert!(compared.status.success(), "{compared:?}");
    }
    let events = events.lock().unwrap();
    let is_packing =
        |event: &Event| matches!(event, Event::PhaseStarted { phase: Phase::Packing, .. });
    assert_eq!(events.iter().filter(|event| is_packing(event)).count(), 1);
}

async fn a_change_of_the_system_leaves_the_payload_as_it_is(nix: NixVersion) {
    let place = Place::of(nix);
    let build = async |flake: &TestFlake, overrides: Overrides| {
        let flake = flake.write(&place.path().join("flake")).unwrap();
        let builder = with_closures(&place, &flake).overrides(overrides).build().unwrap();
        builder.build(&profile("worker"), &Context::new()).await.unwrap()
    };
    let flake = TestFlake::new(&Testbed::locate(), "first");
    let before = build(&flake, Overrides::default()).await;
    let blobs = before.closure().unwrap().manifest().blobs;
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti x";
    let overrides = Overrides::builder()
        .authorized_key("root", key)
        .kernel_parameter("console=ttyS1")
        .build()
        .unwrap();
    let other = TestFlake::new(&Testbed::locate(), "second").without_service("novanet");
    for (flake, overrides) in [(&flake, overrides), (&other, Overrides::default())] {
        let after = build(flake, overrides).await;
        let payload =
            |image: &Image| image.payload().map(netboot_core::Artifact::sha256).collect::<Vec<_>>();
        assert_eq!(payload(&before), payload(&after));
        assert_ne!(before.boot().init(), after.boot().init());
        let changed = after.closure().unwrap().manifest().blobs;
        assert_eq!(changed.keys().filter(|blob| !blobs.contains_key(*blob)).count(), 1);
    }
}

#[tokio::test]
async fn building_again_gives_the_same_closure_and_packs_nothing() {
    let place = Place::new();
    let flake = place.test_flake();
    let builder = with_closures(&place, &flake).build().unwrap();
    let all = builder.build_all(&profiles(&["control-plane", "worker"]), &Context::new()).await;
    let [control_plane, worker] = <[_; 2]>::try_from(all).unwrap().map(Result::unwrap);
    let cache = place.path().join("state/closures/format-1-level-3");
    let there = || fs::read_dir(&cache).unwrap().map(|it| it.unwrap().path());
    let before: BTreeSet<_> =
        there().map(|path| (path.clone(), fs::metadata(&path).unwrap().ino())).collect();
    let again = builder.build(&profile("worker"), &Context::new()).await.unwrap();
    assert_eq!(manifest(&again), manifest(&worker));
    let after: BTreeSet<_> =
        there().map(|path| (path.clone(), fs::metadata(&path).unwrap().ino())).collect();
    assert_eq!(before, after);

    // Both profiles have one blob for each path that they share.
    let blobs = |image: &Image| image.closure().unwrap().manifest().blobs;
    let shared = blobs(&control_plane).into_keys().filter(|it| blobs(&worker).contains_key(it));
    assert!(shared.count() > 0);

    // Another builder with another state directory makes the same bytes.
    let other = with_closures(&place, &flake).state_directory(place.path().join("other"));
    let third = other.build().unwrap().build(&profile("worker"), &Context::new()).await.unwrap();
    let closure = |image: &Image| image.closure().unwrap().manifest();
    assert_eq!(closure(&third), closure(&worker));
    assert_eq!(third.initrds()[0].sha256(), worker.initrds()[0].sha256());
}

#[tokio::test]
async fn store_contents_are_fetched_too() {
    let place = Place::new();
    let builder = with_modules(&place, "", &[MORE]).build().unwrap();
    let image = builder.build(&profile("x"), &Context::new()).await.unwrap();
    let index = index(image.closure().unwrap()).await;
    let names: Vec<&str> = index.entries().iter().map(|entry| entry.path.name()).collect();
    assert!(names.contains(&"more") && names.contains(&"system-x"), "{names:?}");
}

#[tokio::test]
async fn a_profile_chooses_its_payload() {
    let place = Place::new();
    let builder = with_modules(&place, "", &[]).build().unwrap();
    let ramdisk = profile("x").with_payload(Payload::Ramdisk);
    // The initrd of this configuration has no init.
    let error = builder.build(&ramdisk, &Context::new()).await.unwrap_err();
    let shown = in_full(error);
    assert!(shown.contains("does not contain its own init"), "{shown}");
    let image = builder.build(&profile("x"), &Context::new()).await.unwrap();
    assert!(image.closure().is_some());
}

#[tokio::test]
async fn a_secret_in_the_closure_is_found() {
    let place = Place::new();
    let token = ["ghp_", "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ", "0mLq17"].concat();
    let script = format!(r#"echo {token} > "$out/token""#);
    let builder = with_modules(&place, &script, &[])
        .policy(Policy::none().with_secrets(SecretPolicy::default()));
    let error = builder.build().unwrap().build(&profile("x"), &Context::new()).await.unwrap_err();
    assert!(matches!(&error, Error::SecretsFound { .. }), "{error:?}");
    assert!(error.to_string().contains("/token"), "{error}");
}

#[tokio::test]
async fn a_large_closure_is_over_the_budget_though_the_boot_loader_fetches_little() {
    let place = Place::new();
    let noise = r#"busybox head -c 3000000 /dev/urandom > "$out/noise""#;
    let builder = with_modules(&place, noise, &[]).build().unwrap();
    let (context, events) = recording();
    let small = profile("x").with_size_budget(1_000_000);
    let image = builder.build(&small, &context).await.unwrap();
    assert!(image.payload_size() < 1_000_000 && image.fetched_size() > 3_000_000);
    let warnings: Vec<String> = events
        .lock()
        .unwrap()
        .iter()
        .filter(|event| matches!(event, Event::Warning { .. }))
        .map(ToString::to_string)
        .collect();
    assert!(warnings.iter().any(|it| it.contains("its budget is 1 MiB")), "{warnings:?}");
    assert!(warnings.iter().any(|it| it.contains("system-x")), "{warnings:?}");
}

#[tokio::test]
async fn files_that_nix_did_not_register_are_not_published() {
    let place = Place::new();
    let builder = with_modules(&place, "", &[]).build().unwrap();
    let image = builder.build(&profile("x"), &Context::new()).await.unwrap();
    let init = image.boot().init().as_str().to_owned();
    fs::remove_dir_all(place.path().join("state/closures")).unwrap();
    fs::set_permissions(&init, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&init, "evil").unwrap();
    let error = builder.build(&profile("x"), &Context::new()).await.unwrap_err();
    assert!(error.hint().unwrap().contains("nix-store --repair-path"), "{error:?}");
    let shown = in_full(error);
    assert!(shown.contains("are not those that Nix registered"), "{shown}");
}

#[tokio::test]
async fn a_build_that_is_cancelled_while_it_packs_ends() {
    let place = Place::new();
    let builder = with_modules(&place, "", &[]).build().unwrap();
    let token = CancellationToken::new();
    let sink = token.clone();
    let at_packing = move |event| {
        if matches!(event, Event::PhaseStarted { phase: Phase::Packing, .. }) {
            sink.cancel();
        }
    };
    let context = Context::new().with_events(at_packing).with_cancellation(token);
    let stopped = builder.build(&profile("x"), &context).await;
    assert!(matches!(stopped, Err(Error::Cancelled)), "{stopped:?}");
    builder.build(&profile("x"), &Context::new()).await.unwrap();
}

#[tokio::test]
async fn the_closure_also_goes_to_a_binary_cache() {
    let place = Place::new();
    let cache = place.path().join("cache");
    let url = format!("file://{}", cache.display());
    let scale_out = ScaleOut::new().with_copy_to(BinaryCache::new(url).unwrap());
    let builder = with_modules(&place, "", &[]).scale_out(scale_out).build().unwrap();
    let image = builder.build(&profile("x"), &Context::new()).await.unwrap();
    for entry in index(image.closure().unwrap()).await.entries() {
        let narinfo = cache.join(format!("{}.narinfo", entry.path.digest()));
        assert!(narinfo.exists(), "{}", narinfo.display());
    }
}

#[tokio::test]
async fn a_size_report_has_the_compressed_sizes_and_what_is_new() {
    let place = Place::new();
    let noise = |text: &str| format!(r#"busybox seq 1 100000 > "$out/{text}""#);
    let budget = profile("x").with_size_budget(1000);
    let report = async |text: &str| {
        let builder = with_modules(&place, &noise(text), &[MORE]).build().unwrap();
        let image = builder.build(&budget, &Context::new()).await.unwrap();
        let report = builder.size_report(&budget, &image, &Context::new()).await.unwrap();
        (report, image.closure().unwrap().manifest())
    };
    let (first, manifest) = report("one").await;
    assert_eq!(first.fetched_closure, manifest.size());
    assert_eq!(first.fetched(), first.payload() + manifest.size());
    assert!(first.is_over_budget());
    let names: Vec<&str> = first.paths.iter().map(netboot_nix::StorePathSize::name).collect();
    assert_eq!(names, ["system-x", "more"]);
    for path in &first.paths {
        let blob = path.blob.unwrap();
        assert_eq!(manifest.blobs[&blob.sha256], blob.size);
    }
    assert!(first.paths[0].blob.unwrap().size < first.paths[0].own_size / 2);
    assert!(first.to_string().contains("compressed"), "{first}");

    let (second, _) = report("two").await;
    let new: Vec<&str> = second.new_paths(&manifest).iter().map(|path| path.name()).collect();
    assert_eq!(new, ["system-x"]);
    assert!(first.new_paths(&manifest).is_empty());
}

/// An error with its causes.
fn in_full(error: Error) -> String {
    Report::from(error).in_full()
}

mod with_nix_versions {
    crate::place::with_nix_versions! {
        a_machine_fetches_each_store_path_of_the_system in [super]
        a_change_of_the_system_leaves_the_payload_as_it_is in [super]
    }
}
