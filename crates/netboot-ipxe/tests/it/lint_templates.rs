//! The scripts of the built-in templates have no findings, for any build.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use ipxe_script::{IpxeBuild, Linter, Platform, Protocol, Script};
use netboot_core::{Architecture, ArtifactKind, BytesArtifact, Release};
use netboot_ipxe::{
    Assignment, BootOnce, DispatchForm, Fleet, LocalDisk, MachineKey, Renderer, RendererBuilder,
    Selector, UnknownMachine, lint,
};
use tokio::io::AsyncReadExt;

use crate::images::{closure_image, image};

/// All builds, and the build that they have in common.
fn builds() -> impl Iterator<Item = IpxeBuild> {
    IpxeBuild::all().chain([IpxeBuild::common("fleet", IpxeBuild::all()).unwrap()])
}

fn release(builder: RendererBuilder) -> Release {
    let images = [
        image(
            "worker",
            "Worker \"one\"",
            &["console=ttyS0", "dyndbg=\"file a.c +p\""],
            &["initrd"],
        ),
        image("gateway", "Gateway", &[], &["base", "layer"]),
    ];
    builder.build().unwrap().render_release(images).unwrap()
}

/// All findings in all scripts of a release.
async fn findings(release: &Release, build: &IpxeBuild) -> String {
    let mut scripts = Vec::new();
    for (path, artifact) in release.files() {
        if artifact.kind() == ArtifactKind::Script {
            let mut script = Vec::new();
            artifact.open().await.unwrap().read_to_end(&mut script).await.unwrap();
            scripts.push((path.to_string(), script));
        }
    }
    assert!(scripts.len() >= 3);
    let entries = release.entry_points().iter();
    scripts.extend(entries.map(|(path, text)| (format!("entry {path}"), text.to_vec())));
    scripts.push(("pointer".to_owned(), release.pointer().to_vec()));
    let mut found = String::new();
    for (path, script) in &scripts {
        assert_leaves_by_the_parts(path, script);
        for finding in lint(script, build) {
            let _ = writeln!(found, "{build}: {path}:{finding}");
        }
    }
    // Together they set every setting that they read, also those of their own prefix.
    for artifact in release.blobs().values().filter(|it| it.kind() == ArtifactKind::Script) {
        let mut script = Vec::new();
        artifact.open().await.unwrap().read_to_end(&mut script).await.unwrap();
        scripts.push((artifact.file_name().to_string(), script));
    }
    let parsed: Vec<Script> = scripts.iter().map(|(_, script)| Script::parse(script)).collect();
    let linter = parsed.iter().fold(Linter::new(build), Linter::with_settings_of);
    for ((path, _), script) in scripts.iter().zip(&parsed) {
        for finding in linter.lint(script) {
            let _ = writeln!(found, "{build}: {path}, without its prefix:{finding}");
        }
    }
    found
}

/// The only line that leaves iPXE with success, which is the built-in part `leave`.
const LEAVE: &str = "iseq ${platform} pcbios && exit 0 || exit 1";

/// Asserts that no script leaves iPXE with success, except under a BIOS, and that every script it
/// starts can leave it too.
fn assert_leaves_by_the_parts(path: &str, script: &[u8]) {
    let script = Script::parse(script);
    for line in script.lines() {
        let shown = script.excerpt(line.span());
        let shown = shown.trim();
        let named = |name: &'static str| {
            let is_it = move |command: &&ipxe_script::Command| {
                command.name().is_some_and(|it| it.bytes() == name.as_bytes())
            };
            line.commands().iter().filter(is_it)
        };
        for exit in named("exit") {
            let status = exit.tokens().get(1).map(ipxe_script::Token::bytes);
            assert!(shown == LEAVE || status == Some(b"1"), "{path}: {shown}");
        }
        let is_table = shown.contains("goto found ||")
            || shown.contains("/blobs/")
            || shown.contains("machines/");
        if named("chain").next().is_some() && !is_table {
            let passes = "&& goto leave || isset ${netboot-leave} && goto leave || goto ";
            assert!(shown.contains(passes), "{path}: {shown}");
        }
    }
}

#[tokio::test]
async fn menus_images_and_entries_have_no_findings() {
    for build in builds() {
        let plain = Renderer::builder().ipxe_build(build.clone());
        assert_eq!(findings(&release(plain.clone()), &build).await, "");
        let patient = plain
            .attempts(5, Duration::from_secs(2))
            .rounds(3)
            .offer_shell(false)
            .local_disk(LocalDisk::FirstDisk)
            .default_profile("gateway");
        assert_eq!(findings(&release(patient), &build).await, "");
    }
}

#[tokio::test]
async fn images_with_a_closure_have_no_findings() {
    let mirror = "http://mirror.example.org/".parse().unwrap();
    for build in builds() {
        let builder = Renderer::builder().ipxe_build(build.clone());
        let builder = builder.closure_source(&mirror).unwrap();
        for builder in
            [builder.clone(), builder.fleet(fleet(UnknownMachine::Menu, DispatchForm::Inline))]
        {
            let images = ["worker", "gateway"].map(|name| closure_image(name, &["quiet"]));
            let release = builder.build().unwrap().render_release(images).unwrap();
            assert_eq!(findings(&release, &build).await, "");
        }
    }
}

fn assignment(name: &str, profile: &str) -> Assignment {
    Assignment::new(name, profile).unwrap()
}

fn mac(text: &str) -> MachineKey {
    MachineKey::Mac(text.parse().unwrap())
}

/// A fleet with every kind of key and assignment.
fn fleet(unknown: UnknownMachine, form: DispatchForm) -> Fleet {
    let keys = BytesArtifact::new(ArtifactKind::Initrd, "keys", "keys").unwrap();
    let pair = [
        MachineKey::setting("manufacturer", "Example Inc.").unwrap(),
        MachineKey::Architecture(Architecture::X86_64),
    ];
    Fleet::builder(unknown)
        .form(form)
        .assignments([
            assignment("node-1", "worker")
                .with_key(mac("52:54:00:00:00:01"))
                .with_kernel_parameter("systemd.hostname=node-1")
                .unwrap(),
            assignment("node-2", "gateway")
                .with_key(mac("52:54:00:00:00:02"))
                .with_overlay(Arc::new(keys)),
            assignment("node-3", "worker")
                .with_key(MachineKey::Serial("S 3".parse().unwrap()))
                .with_boot_once(BootOnce::file("tokens/node-3").unwrap()),
            assignment("rack", "gateway").with_selector(Selector::new(pair).unwrap()),
        ])
        .build()
        .unwrap()
}

#[tokio::test]
async fn dispatch_in_every_form_has_no_findings() {
    let unknown = [
        UnknownMachine::Menu,
        UnknownMachine::LocalDisk,
        UnknownMachine::Refuse,
        UnknownMachine::Profile("worker".parse().unwrap()),
    ];
    for build in builds() {
        for form in [DispatchForm::Inline, DispatchForm::Tables, DispatchForm::Files] {
            for unknown in unknown.clone() {
                let fleet = fleet(unknown, form);
                let builder = Renderer::builder().ipxe_build(build.clone()).fleet(fleet);
                assert_eq!(findings(&release(builder), &build).await, "");
            }
        }
    }
}

#[test]
fn what_is_common_to_builds_is_what_each_of_them_has() {
    let common = IpxeBuild::common("fleet", IpxeBuild::all()).unwrap();
    assert!(common.runs_on(Platform::Bios) && common.runs_on(Platform::Efi));
    assert!(common.has_protocol(Protocol::Http) && !common.has_protocol(Protocol::Https));
    for build in IpxeBuild::all() {
        let commands = common.commands().all(|command| build.has_command(command));
        assert!(commands && build.quirks().all(|quirk| common.has_quirk(quirk)), "{build}");
    }
}
