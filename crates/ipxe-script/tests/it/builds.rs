//! Compares the table of builds with real builds: with their `help`, their `--help`, and the
//! commands that they refuse.
//!
//! `builds/ipxe-2.0-*.txt` has the output of ipxe.org's default builds of 2.0.0, and
//! `builds/every-command-2.0.txt` the output of a build with every command. They were built with
//! `make bin/ipxe.lkrn bin-x86_64-efi/ipxe.efi` from the release, and asked in the same way.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use ipxe_script::Version;
use ipxe_script::commands::CommandSyntax;
use ipxe_script::settings::SettingType;
use ipxe_script::{ImageFormat, IpxeBuild, Protocol};
use netboot_testbed::{DebianTree, IpxeOracle, OracleCase};

use crate::ipxe_under_efi;
use crate::ipxe_usage;

/// Every command of any version.
fn every_command() -> Vec<&'static str> {
    let known = CommandSyntax::all(Version::V2_0).map(|command| command.name);
    known.chain(["help", "shell"]).collect()
}

/// A script that asks a build for everything that the table has.
fn questions() -> String {
    let mut script = ipxe_usage::script(&every_command());
    // A download over NFS that fails damages the value.
    script += "echo\necho @@directory ${cwduri}.\n";
    for protocol in Protocol::ALL {
        let scheme = protocol.scheme();
        let _ = writeln!(script, "echo\necho @@protocol {scheme}");
        let _ = writeln!(script, "imgfetch --timeout 1 {scheme}://10.0.2.2:1/x ||");
    }
    script + "echo\necho @@features\nshow version ||\n"
}

/// Compares the output of a build for the [`questions`] with the table.
fn assert_answers(console: &str, build: &str) {
    let build: IpxeBuild = build.parse().unwrap();
    let listed = ipxe_usage::listed(console);
    assert_eq!(build.commands().map(str::to_owned).collect::<BTreeSet<_>>(), listed, "{build}");
    let usages = ipxe_usage::usages(console);
    for (name, usage) in &usages {
        ipxe_usage::assert_same(usage, build.version());
        let options: BTreeSet<&str> = build.options_of(name).collect();
        let printed = usage.split("|--").skip(1);
        let printed = printed.map(|text| text.split([']', ' ']).next().unwrap());
        assert_eq!(options, printed.collect(), "{build}: {usage}");
    }
    // In builds for a BIOS, `shim` accepts everything and does nothing.
    let silent = listed.iter().filter(|name| !usages.contains_key(*name));
    assert!(silent.into_iter().all(|name| ["help", "shim"].contains(&name.as_str())), "{usages:?}");

    let answers = console.split("@@protocol ").skip(1);
    let mut asked = 0;
    for answer in answers {
        let (scheme, text) = answer.split_once('\n').unwrap();
        let text = text.replace('\n', "");
        let refused = text.contains("start download: Operation not supported");
        let protocol = Protocol::of_scheme(scheme.trim()).unwrap();
        assert_eq!(build.has_protocol(protocol), !refused, "{build}: {protocol}: {text}");
        asked += 1;
    }
    assert_eq!(asked, Protocol::ALL.len());

    let (_, directory) = console.split_once("@@directory ").unwrap();
    let directory = directory.lines().next().unwrap();
    let is_known = directory.starts_with("http://10.0.2.2:") && directory.ends_with("/.");
    assert_eq!(build.has_setting("cwduri"), is_known, "{build}: {directory}");
    assert!(is_known || directory == ".", "{build}: {directory}");
}

fn ask_under_bios(oracle: &mut IpxeOracle, build: &str) {
    let script = format!("#!ipxe\n{}", questions());
    let observed = oracle.run(&OracleCase::new(script.as_bytes(), Arc::new(|_| None)));
    let console = observed.lines.iter().map(|line| String::from_utf8_lossy(line) + "\n");
    assert_answers(&console.collect::<String>(), build);
}

#[test]
fn debians_builds_for_a_bios_have_what_their_tables_say() {
    ask_under_bios(&mut IpxeOracle::bookworm(), "bookworm-bios");
    ask_under_bios(&mut IpxeOracle::trixie(), "trixie-bios");
    ask_under_bios(&mut IpxeOracle::sid(), "sid-bios");
}

#[test]
fn bookworms_build_for_uefi_has_what_its_table_says() {
    let console = ipxe_under_efi::console(Path::new("/usr/lib/ipxe/ipxe.efi"), &questions());
    assert_answers(&console, "bookworm-efi");
}

#[test]
fn the_later_builds_for_uefi_have_what_their_tables_say() {
    for (tree, build) in
        [(DebianTree::TRIXIE_IPXE, "trixie-efi"), (DebianTree::SID_IPXE, "sid-efi")]
    {
        let efi = tree.path("usr/lib/ipxe/ipxe-amd64.efi");
        assert_answers(&ipxe_under_efi::console(&efi, &questions()), build);
    }
}

#[test]
fn ipxe_orgs_builds_have_what_their_tables_say() {
    for (build, recorded) in [
        ("ipxe-2.0-bios", include_str!("../builds/ipxe-2.0-bios.txt")),
        ("ipxe-2.0-efi", include_str!("../builds/ipxe-2.0-efi.txt")),
    ] {
        let build: IpxeBuild = build.parse().unwrap();
        let names = recorded.lines().map(|usage| usage.split(' ').next().unwrap());
        assert_eq!(build.commands().collect::<BTreeSet<_>>(), names.collect(), "{build}");
        let silent = ["help", "shim"];
        let usages = recorded.lines().filter(|usage| !silent.contains(usage));
        usages.for_each(|usage| ipxe_usage::assert_same(usage, build.version()));
    }
}

#[test]
fn commands_that_only_custom_builds_have_are_read_as_they_are() {
    let recorded = include_str!("../builds/every-command-2.0.txt");
    recorded.lines().for_each(|usage| ipxe_usage::assert_same(usage, Version::V2_0));
}

/// A command prints its usage with one argument too many or too few, and not with the right number.
fn assert_counts(oracle: &mut IpxeOracle, build: &str) {
    // These commands would end the script, wait for a person, or search for machines.
    const STAY_AWAY: [&str; 28] = [
        "autoboot",
        "boot",
        "chain",
        "choose",
        "config",
        "dhcp",
        "exit",
        "form",
        "goto",
        "ifclose",
        "ifconf",
        "iflinkwait",
        "imgexec",
        "imgfree",
        "kernel",
        "login",
        "ntp",
        "ping",
        "poweroff",
        "present",
        "prompt",
        "pxebs",
        "read",
        "reboot",
        "sanboot",
        "sanhook",
        "sync",
        "shell",
    ];
    let build: IpxeBuild = build.parse().unwrap();
    let mut script = String::from("#!ipxe\n");
    let mut expected = Vec::new();
    let words = |count: usize| " x".repeat(count);
    for syntax in build.commands().filter_map(|name| build.syntax(name)) {
        let name = syntax.name;
        // Under a BIOS, `shim` accepts everything.
        if name == "shim" {
            continue;
        }
        let wrong = [syntax.minimum.checked_sub(1), Some(syntax.maximum + 1)];
        let right = [syntax.minimum, syntax.maximum].map(Some);
        let right = right.into_iter().filter(|_| !STAY_AWAY.contains(&name));
        let wrong = wrong.into_iter().flatten().map(|count| (count, true));
        for (count, refused) in wrong.chain(right.flatten().map(|count| (count, false))) {
            let _ = write!(script, "echo\necho @@try {name} {count}\n{name}{} ||\n", words(count));
            expected.push((name, count, refused));
        }
    }
    let observed = oracle.run(&OracleCase::new(script.as_bytes(), Arc::new(|_| None)));
    let console = observed.lines.iter().map(|line| String::from_utf8_lossy(line) + "\n");
    let console = console.collect::<String>();
    let answers: Vec<&str> = console.split("@@try ").skip(1).collect();
    assert_eq!(answers.len(), expected.len(), "{console}");
    for (answer, (name, count, refused)) in answers.iter().zip(expected) {
        assert!(answer.starts_with(&format!("{name} {count}\n")), "{answer}");
        assert_eq!(answer.contains("Usage:"), refused, "{build}: {answer}");
    }
}

#[test]
fn commands_take_as_many_arguments_as_the_model_says() {
    assert_counts(&mut IpxeOracle::bookworm(), "bookworm-bios");
    assert_counts(&mut IpxeOracle::sid(), "sid-bios");
}

#[test]
fn versions_have_the_types_of_settings_that_the_model_says() {
    const TYPES: [&str; 20] = [
        "string",
        "uristring",
        "int8",
        "int16",
        "int32",
        "uint8",
        "uint16",
        "uint32",
        "hex",
        "hexhyp",
        "hexraw",
        "base64",
        "uuid",
        "guid",
        "ipv4",
        "ipv6",
        "busdevfn",
        "integer",
        "mac",
        "bool",
    ];
    for (mut oracle, version) in
        [(IpxeOracle::bookworm(), Version::V2019), (IpxeOracle::sid(), Version::V2_0)]
    {
        let ask = |name: &str| format!("echo @@type {name}\nset build-q:{name} 1 ||\n");
        let script = format!("#!ipxe\n{}", TYPES.map(ask).concat());
        let observed = oracle.run(&OracleCase::new(script.as_bytes(), Arc::new(|_| None)));
        let console = observed.lines.iter().map(|line| String::from_utf8_lossy(line) + "\n");
        let console = console.collect::<String>();
        for answer in console.split("@@type ").skip(1) {
            let (name, text) = answer.split_once('\n').unwrap();
            let known = SettingType::find(name.as_bytes(), version).is_some();
            assert_eq!(text.contains("invalid setting"), !known, "{version}: {answer}");
        }
    }
}

#[test]
fn builds_know_the_formats_of_images_that_their_tables_say() {
    // The bytes that iPXE checks in a file, and the name of the format in `imgstat`.
    let header = [2, 0, 3, 0, 1, 0, 0, 0];
    let words = [
        0x10_0000_u32,
        52,
        0,
        0,
        0x20_0034,
        1,
        0, // The header's end.
        1,
        0,
        0x10_0000,
        0x10_0000,
        84,
        84,
        7,
        0, // A segment.
    ];
    let words = words.map(u32::to_le_bytes).concat();
    let elf = [b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".as_slice(), &header, &words].concat();
    let multiboot = [0x1bad_b002_u32, 0, 0x1bad_b002_u32.wrapping_neg()];
    let multiboot = [multiboot.map(u32::to_le_bytes).concat(), vec![0; 4096]].concat();
    let mut kernel = vec![0; 16_384];
    kernel[0x1fe..0x208].copy_from_slice(b"\x55\xaa\xeb\x66HdrS\x04\x02");
    let files = [
        (ImageFormat::Elf, "[ELF]", elf),
        (ImageFormat::Multiboot, "[Multiboot]", multiboot),
        (ImageFormat::BzImage, "[bzImage]", kernel),
        (ImageFormat::Pxe, "[PXE-NBP]", b"program".to_vec()),
        (ImageFormat::Efi, "[EFI]", [b"MZ".as_slice(), &[0; 98]].concat()),
    ];
    for (mut oracle, build) in
        [(IpxeOracle::bookworm(), "bookworm-bios"), (IpxeOracle::sid(), "sid-bios")]
    {
        let build: IpxeBuild = build.parse().unwrap();
        for (format, name, content) in &files {
            let content = content.clone();
            let script = b"#!ipxe\nimgselect --name file file ||\n";
            let case = OracleCase::new(script, Arc::new(move |_| Some(content.clone())));
            let observed = oracle.run(&case);
            let images: Vec<_> =
                observed.images.iter().map(|line| String::from_utf8_lossy(line)).collect();
            let is_known = images.iter().any(|image| image.contains(name));
            assert_eq!(is_known, build.has_image_format(*format), "{build}: {name}: {images:?}");
        }
    }
}

#[test]
fn commands_are_in_the_order_of_their_names() {
    let names: Vec<&str> = CommandSyntax::all(Version::V2_0).map(|command| command.name).collect();
    assert!(names.is_sorted(), "{names:?}");
}
