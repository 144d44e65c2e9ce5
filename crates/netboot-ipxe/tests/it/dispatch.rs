//! The assignment of profiles to machines: the exact scripts, and the rules of precedence.

use std::collections::BTreeMap;
use std::sync::Arc;

use netboot_core::{
    Architecture, Artifact, ArtifactKind, BytesArtifact, FileName, Release, ReleasePath,
};
use netboot_ipxe::{
    Assignment, BootOnce, DispatchForm, Error, Fleet, MachineKey, MenuText, NextStep, Renderer,
    ScriptUrl, Selector, UnknownMachine,
};
use url::Url;

use crate::golden_file::assert_golden;
use crate::images::image;

fn mac(number: u32) -> MachineKey {
    let [_, a, b, c] = number.to_be_bytes();
    MachineKey::Mac(format!("52:54:00:{a:02x}:{b:02x}:{c:02x}").parse().unwrap())
}

fn assignment(name: &str, profile: &str) -> Assignment {
    Assignment::new(name, profile).unwrap()
}

fn setting(name: &str, value: &str) -> MachineKey {
    MachineKey::setting(name, value).unwrap()
}

fn overlay(text: &'static str) -> Arc<dyn Artifact> {
    let name = FileName::new("host-keys").unwrap();
    Arc::new(BytesArtifact::new(ArtifactKind::Initrd, name, text).unwrap())
}

fn release(fleet: Fleet) -> Release {
    let images = ["worker", "gateway"].map(|name| image(name, name, &["loglevel=4"], &["initrd"]));
    let renderer = Renderer::builder().fleet(fleet).build().unwrap();
    renderer.render_release(images).unwrap()
}

async fn text(artifact: &dyn Artifact) -> String {
    use tokio::io::AsyncReadExt;
    let mut text = String::new();
    artifact.open().await.unwrap().read_to_string(&mut text).await.unwrap();
    text
}

async fn script(release: &Release, path: &str) -> String {
    text(release.files()[&ReleasePath::new(path).unwrap()].as_ref()).await
}

/// A fleet with every kind of key and assignment.
fn small_fleet(form: DispatchForm) -> Fleet {
    let pair = [setting("manufacturer", "Example Inc."), setting("product", "R-1")];
    Fleet::builder(UnknownMachine::Refuse)
        .form(form)
        .assignments([
            assignment("node-1", "worker")
                .with_key(mac(1))
                .with_key(mac(2))
                .with_kernel_parameter("systemd.hostname=node-1")
                .unwrap()
                .with_kernel_parameter("dyndbg=\"file a.c +p\"")
                .unwrap(),
            assignment("node-2", "gateway")
                .with_key(MachineKey::Uuid("12345678-9ABC-4DEF-8012-3456789abcde".parse().unwrap()))
                .with_overlay(overlay("keys of node-2")),
            assignment("node-3", "worker")
                .with_key(MachineKey::Serial("S 3 #&& ${x}".parse().unwrap()))
                .with_boot_once(BootOnce::file("tokens/node-3").unwrap()),
            assignment("node-4", "worker").with_key(MachineKey::AssetTag("AT".parse().unwrap())),
            assignment("node-5", "worker").with_selector(
                Selector::new([mac(2), MachineKey::Architecture(Architecture::X86_64)]).unwrap(),
            ),
            assignment("rack", "gateway").with_selector(Selector::new(pair).unwrap()),
            assignment("arm", "gateway").with_key(MachineKey::Architecture(Architecture::Aarch64)),
        ])
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_small_fleet_is_in_the_script_that_every_machine_runs() {
    let release = release(small_fleet(DispatchForm::Automatic));
    assert_golden("dispatch.ipxe", &script(&release, "boot.ipxe").await);
    assert_golden("dispatch-image.ipxe", &script(&release, "worker/netboot.ipxe").await);
    let pointer = String::from_utf8(release.pointer().to_vec()).unwrap();
    assert_golden("dispatch-pointer.ipxe", &pointer);
    let files: Vec<&str> = release.files().keys().map(ReleasePath::as_str).collect();
    assert_eq!(files, ["boot.ipxe", "gateway/netboot.ipxe", "worker/netboot.ipxe"]);
    assert!(release.blobs().contains_key(&overlay("keys of node-2").sha256()));
}

#[tokio::test]
async fn a_fleet_in_files_has_one_for_each_key() {
    let release = release(small_fleet(DispatchForm::Files));
    assert_golden("dispatch-files.ipxe", &script(&release, "boot.ipxe").await);
    let machine = script(&release, "machines/mac-of-82.84.0.0/52-54-00-00-00-02.ipxe").await;
    assert_golden("dispatch-file.ipxe", &machine);
    // A file with conditions that are not true assigns nothing.
    let fleet = Fleet::builder(UnknownMachine::Refuse).form(DispatchForm::Files).assignment(
        assignment("a", "worker")
            .with_selector(Selector::new([mac(1), setting("product", "R-1")]).unwrap()),
    );
    let conditional = self::release(fleet.build().unwrap());
    let machine = script(&conditional, "machines/mac-of-82.84.0.0/52-54-00-00-00-01.ipxe").await;
    assert_golden("dispatch-file-with-conditions.ipxe", &machine);
    let machines = release.files().keys().filter(|path| path.as_str().starts_with("machines/"));
    let machines: Vec<&str> = machines.map(ReleasePath::as_str).collect();
    assert_eq!(
        machines,
        [
            "machines/asset-of-/4154.ipxe",
            "machines/known.ipxe",
            "machines/mac-of-82.84.0.0/52-54-00-00-00-01.ipxe",
            "machines/mac-of-82.84.0.0/52-54-00-00-00-02.ipxe",
            "machines/serial-of-83.32.51.32/5320332023262620247b787d.ipxe",
            "machines/uuid-of-de/12345678-9abc-4def-8012-3456789abcde.ipxe",
        ]
    );
}

/// A fleet in tables, in which machine 7 has this parameter.
fn large_fleet(parameter: &str) -> Fleet {
    let machines = (0..3000).map(|number| {
        let machine =
            assignment(&format!("node-{number}"), "worker").with_key(mac(number * 64 + 1));
        let parameter = if number == 7 { parameter } else { "x=0" };
        machine.with_kernel_parameter(parameter).unwrap()
    });
    Fleet::builder(UnknownMachine::Menu).assignments(machines).build().unwrap()
}

#[tokio::test]
async fn a_changed_machine_changes_its_table_and_the_script_that_names_it() {
    let (before, after) = (release(large_fleet("x=1")), release(large_fleet("x=2")));
    let digests = |release: &Release| -> Vec<_> { release.blobs().keys().copied().collect() };
    let (old, new) = (digests(&before), digests(&after));
    let added: Vec<_> = new.iter().filter(|digest| !old.contains(digest)).collect();
    assert_eq!(added.len(), 1);
    let table = text(after.blobs()[added[0]].as_ref()).await;
    assert!(table.contains(":mac-52-54-00-00-01-c1\nset netboot-machine node-7\n"), "{table}");
    assert!(table.len() < 150_000, "{}", table.len());
    let changed = before
        .manifest()
        .files()
        .iter()
        .filter(|(path, content)| after.manifest().files().get(*path) != Some(content));
    assert_eq!(changed.map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["boot.ipxe"]);
    // Three tables, and the kernel and the initrd of both images.
    assert_eq!(before.blobs().len(), 5);
}

#[tokio::test]
async fn every_machine_of_a_large_fleet_is_found_through_its_share() {
    let release = release(large_fleet("x=1"));
    let script = script(&release, "boot.ipxe").await;
    // The label of each share leads to the first table after it.
    let mut tables = BTreeMap::new();
    let mut labels = Vec::new();
    for line in script.lines() {
        if let Some(label) = line.strip_prefix(":mac-of-") {
            labels.push(label.to_owned());
        } else if let Some(url) = line.strip_prefix("chain ../../blobs/") {
            let digest = url.split(' ').next().unwrap().parse().unwrap();
            tables.extend(labels.drain(..).map(|label| (label, digest)));
        }
    }
    for number in 0..3000_u32 {
        let address = number * 64 + 1;
        let table = &tables[&format!("82.84.0.{}", address >> 16)];
        let table = text(release.blobs()[table].as_ref()).await;
        let [_, a, b, c] = address.to_be_bytes();
        let lines =
            format!(":mac-52-54-00-{a:02x}-{b:02x}-{c:02x}\nset netboot-machine node-{number}\n");
        assert!(table.contains(&lines), "{lines}");
    }
}

#[test]
fn the_most_specific_selector_wins() {
    let fleet = small_fleet(DispatchForm::Automatic);
    let chosen = |keys: &[MachineKey]| {
        fleet.assignment_of(keys).map(|assignment| assignment.name().to_string())
    };
    let x86 = MachineKey::Architecture(Architecture::X86_64);
    let rack = [setting("manufacturer", "Example Inc."), setting("product", "R-1")];
    assert_eq!(chosen(&[mac(1), x86.clone()]).as_deref(), Some("node-1"));
    assert_eq!(chosen(&[mac(2)]).as_deref(), Some("node-1"));
    assert_eq!(chosen(&[mac(2), x86.clone()]).as_deref(), Some("node-5"));
    assert_eq!(chosen(&[mac(1), rack[0].clone(), rack[1].clone()]).as_deref(), Some("node-1"));
    assert_eq!(chosen(&rack).as_deref(), Some("rack"));
    assert_eq!(chosen(&[mac(9), x86, rack[0].clone()]), None);
}

#[test]
fn a_tie_is_an_error_that_names_both() {
    let tie = |one: Vec<MachineKey>, other: Vec<MachineKey>| {
        let selector = |keys| Selector::new(keys).unwrap();
        let fleet = Fleet::builder(UnknownMachine::Menu)
            .assignment(assignment("one", "worker").with_selector(selector(one)))
            .assignment(assignment("other", "worker").with_selector(selector(other)));
        fleet.build().err().map(|error| {
            assert!(matches!(error, Error::AmbiguousSelectors { .. }), "{error:?}");
            assert!(error.hint().is_some());
            error.to_string()
        })
    };
    let x86 = || MachineKey::Architecture(Architecture::X86_64);
    assert!(
        tie(vec![mac(1)], vec![mac(1)]).unwrap().contains("`one` (MAC address 52:54:00:00:00:01)")
    );
    let settings = |value: &str| vec![setting("product", value)];
    assert!(tie(settings("a"), vec![setting("manufacturer", "b")]).is_some());
    assert!(tie(vec![mac(1), setting("a", "1")], vec![mac(1), setting("b", "1")]).is_some());
    for (one, other) in [
        (vec![mac(1)], vec![mac(2)]),
        (vec![mac(1)], vec![mac(1), x86()]),
        (settings("a"), settings("b")),
        (settings("a"), vec![x86()]),
        (vec![mac(1), setting("a", "1")], vec![mac(2), setting("b", "1")]),
    ] {
        assert_eq!(tie(one, other), None);
    }
}

#[test]
fn what_cannot_be_a_fleet_is_refused() {
    let build = |assignments: Vec<Assignment>| {
        Fleet::builder(UnknownMachine::Menu).assignments(assignments).build().unwrap_err()
    };
    let error =
        build(vec![assignment("a", "w").with_key(mac(1)), assignment("a", "w").with_key(mac(2))]);
    assert!(matches!(error, Error::DuplicateMachine { .. }), "{error:?}");
    let error = build(vec![assignment("a", "w")]);
    assert!(matches!(error, Error::AssignmentWithoutKey { .. }), "{error:?}");
    assert!(Selector::new([]).is_err());
    assert!(Selector::new([mac(1), mac(2)]).is_err());
    for serial in ["", "To be filled by O.E.M.", "\u{e9}", "a\nb", &"x".repeat(61)] {
        assert!(serial.parse::<netboot_ipxe::SerialNumber>().is_err(), "{serial}");
    }
    for uuid in ["", "00000000-0000-0000-0000-000000000000", "x"] {
        assert!(uuid.parse::<netboot_ipxe::MachineUuid>().is_err(), "{uuid}");
    }
    for (name, value) in [("a b", "x"), ("", "x"), ("/a", "x"), ("a:hex", "x"), ("a", "${b}")] {
        assert!(MachineKey::setting(name, value).is_err(), "{name} {value}");
    }
}

#[test]
fn a_fleet_needs_its_profiles_and_short_command_lines() {
    let render = |unknown, assignment: Assignment| {
        let fleet = Fleet::builder(unknown).assignment(assignment).build().unwrap();
        let renderer = Renderer::builder().fleet(fleet).build().unwrap();
        renderer.render_release([image("worker", "W", &[], &["initrd"])]).unwrap_err()
    };
    let error = render(UnknownMachine::Menu, assignment("a", "gateway").with_key(mac(1)));
    let Error::UnknownProfile { wanted_by, .. } = &error else { panic!("{error:?}") };
    assert_eq!(wanted_by, "the machine a");
    assert!(error.hint().unwrap().contains("worker"));
    let unknown = UnknownMachine::Profile("gateway".parse().unwrap());
    let error = render(unknown, assignment("a", "worker").with_key(mac(1)));
    assert!(matches!(error, Error::UnknownProfile { .. }), "{error:?}");
    let long = |byte: char| byte.to_string().repeat(1000);
    let long = assignment("a", "worker").with_key(mac(1)).with_kernel_parameter(long('x')).unwrap();
    let error = render(UnknownMachine::Menu, long.with_kernel_parameter("y".repeat(1000)).unwrap());
    assert!(matches!(error, Error::CommandLineTooLong { .. }), "{error:?}");
}

#[tokio::test]
async fn every_policy_for_unknown_machines_has_its_script() {
    for (unknown, name, has_menu) in [
        (UnknownMachine::Menu, "menu", true),
        (UnknownMachine::Profile("gateway".parse().unwrap()), "profile", false),
        (UnknownMachine::LocalDisk, "local-disk", false),
    ] {
        let fleet = Fleet::builder(unknown).assignment(assignment("a", "worker").with_key(mac(1)));
        let release = release(fleet.build().unwrap());
        let script = script(&release, "boot.ipxe").await;
        assert_golden(&format!("dispatch-unknown-{name}.ipxe"), &script);
        assert_eq!(release.files().keys().any(|path| path.as_str() == "menu.ipxe"), has_menu);
    }
}

#[tokio::test]
async fn a_family_stands_for_the_image_of_each_architecture() {
    let family = "node".parse().unwrap();
    let members = [
        (Architecture::X86_64, "worker".parse().unwrap()),
        (Architecture::Aarch64, "gateway".parse().unwrap()),
    ];
    let fleet = Fleet::builder(UnknownMachine::Profile("node".parse().unwrap()));
    let fleet = fleet.assignment(assignment("a", "node").with_key(mac(1))).build().unwrap();
    let builder = Renderer::builder().family(family, members).fleet(fleet);
    let images = ["worker", "gateway"].map(|name| image(name, name, &[], &["initrd"]));
    let renderer = builder.build().unwrap();
    let release = renderer.render_release(images.clone()).unwrap();
    assert_golden("family.ipxe", &script(&release, "node/netboot.ipxe").await);
    assert!(release.entry_points().keys().any(|path| path.as_str() == "node/netboot.ipxe"));
    let error = renderer.render_release(images.into_iter().take(1)).unwrap_err();
    assert!(matches!(error, Error::UnknownProfile { .. }), "{error:?}");
}

#[tokio::test]
async fn payloads_and_reports_may_have_urls_of_their_own() {
    let payload = Url::parse("http://mirror.example/netboot/").unwrap();
    let report = Url::parse("http://deployer.example/report?site=a").unwrap();
    let renderer = Renderer::builder()
        .payload_url(&payload)
        .unwrap()
        .report_url(&report)
        .unwrap()
        .kernel_parameter("console=ttyS1,115200")
        .rounds(4)
        .offer_shell(false)
        .fleet(small_fleet(DispatchForm::Tables))
        .build()
        .unwrap();
    let images = ["worker", "gateway"].map(|name| image(name, name, &["a=b"], &["initrd"]));
    let machine = small_fleet(DispatchForm::Inline).assignments()[1].clone();
    assert_golden("one-machine.ipxe", &renderer.render_machine(&images[1], &machine, 0).unwrap());
    let own = machine.with_report_url(&"http://b/report?nonce=1".parse().unwrap()).unwrap();
    let text = renderer.render_machine(&images[1], &own, 0).unwrap();
    assert_eq!(text.matches("http://b/report?nonce=1&stage=").count(), 3, "{text}");
    assert_eq!(text.matches("stage=").count(), 3, "every report goes there: {text}");
    assert_golden("reporting-entry.ipxe", &renderer.render_boot_entry().unwrap());
    let release = renderer.render_release(images).unwrap();
    assert_golden("reporting-dispatch.ipxe", &script(&release, "boot.ipxe").await);
    assert_golden("reporting-image.ipxe", &script(&release, "worker/netboot.ipxe").await);
}

#[tokio::test]
async fn where_unknown_machines_are_refused_no_script_offers_a_shell_or_a_menu() {
    for form in [DispatchForm::Inline, DispatchForm::Tables, DispatchForm::Files] {
        let release = release(small_fleet(form));
        let fixed = release.entry_points().values().chain([release.pointer()]);
        let mut scripts: Vec<String> =
            fixed.map(|text| String::from_utf8(text.to_vec()).unwrap()).collect();
        for artifact in release.files().values().chain(release.blobs().values()) {
            if artifact.kind() == ArtifactKind::Script {
                scripts.push(text(artifact.as_ref()).await);
            }
        }
        assert!(scripts.len() > 6, "{}", scripts.len());
        for script in scripts {
            let is_open = |word: &str| matches!(word, "shell" | "menu" | "login" | "config");
            assert!(!script.split_whitespace().any(is_open), "{script}");
        }
    }
    // Other fleets offer a shell after a failure.
    let open = Fleet::builder(UnknownMachine::LocalDisk)
        .assignment(assignment("a", "worker").with_key(mac(1)))
        .build()
        .unwrap();
    assert!(script(&release(open), "worker/netboot.ipxe").await.contains("&& shell ||"));
}

#[test]
fn keys_of_two_machines_at_once_have_two_answers() {
    let fleet = Fleet::builder(UnknownMachine::Refuse)
        .assignment(assignment("b", "worker").with_key(mac(2)))
        .assignment(assignment("a", "worker").with_key(mac(1)).with_key(mac(3)))
        .assignment(assignment("s", "worker").with_key(MachineKey::Serial("S-1".parse().unwrap())))
        .build()
        .unwrap();
    let names = |keys: &[MachineKey]| -> Vec<String> {
        let closest = fleet.closest_assignments(keys).into_iter();
        closest.map(|assignment| assignment.name().to_string()).collect()
    };
    assert_eq!(names(&[mac(1), mac(2)]), ["a", "b"]);
    assert_eq!(names(&[mac(1), mac(3)]), ["a"]);
    assert_eq!(names(&[MachineKey::Serial("S-1".parse().unwrap()), mac(2)]), ["b"]);
    assert_eq!(names(&[mac(9)]), [""; 0]);
}

#[test]
fn a_service_has_an_entry_and_notices() {
    let service = Url::parse("http://deployer.example/boot").unwrap();
    let report = Url::parse("http://deployer.example/report").unwrap();
    let renderer = Renderer::builder().report_url(&report).unwrap().offer_shell(false);
    let renderer = renderer.build().unwrap();
    assert_golden("service-entry.ipxe", &renderer.render_service_entry(&service).unwrap());
    let lines = ["Netboot: no release is live", "Netboot: ask the operator"];
    let lines = lines.map(|line| MenuText::new(line).unwrap());
    let notice = |next| renderer.render_notice(&lines, &next).unwrap();
    assert_golden("notice.ipxe", &notice(NextStep::TryAgain));
    let menu = Url::parse("http://deployer.example/published/releases/0/menu.ipxe").unwrap();
    let menu = NextStep::Chain(ScriptUrl::absolute(&menu).unwrap());
    assert_golden("notice-chain.ipxe", &notice(menu));
    assert_golden("notice-local-disk.ipxe", &notice(NextStep::LocalDisk));
}
