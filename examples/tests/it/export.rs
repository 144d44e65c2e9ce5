//! `export`: it writes the library's output, and a mistake causes an error with a remedy.

use std::path::Path;
use std::process::{Command, Output};

use netboot_testbed::Testbed;
use tempfile::TempDir;

fn run(program: &str, directory: &Path, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).current_dir(directory).output().unwrap()
}

fn export(directory: &Path, arguments: &[&str]) -> String {
    let output = run(env!("CARGO_BIN_EXE_export"), directory, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs the program, expects a failure, and returns its output.
fn failure(directory: &Path, arguments: &[&str]) -> String {
    let output = run(env!("CARGO_BIN_EXE_export"), directory, arguments);
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

const NETWORK: [&str; 9] = [
    "dhcp",
    "--interface",
    "eno1",
    "--subnet",
    "10.0.0.0/24",
    "--tftp-server",
    "10.0.0.1",
    "--script",
    "http://10.0.0.1/boot.ipxe",
];

#[test]
fn configurations_of_dhcp_servers_are_printed() {
    let directory = TempDir::new().unwrap();
    let with = |more: &[&str]| export(directory.path(), &[&NETWORK[..], more].concat());
    let lease = ["--lease", "10.0.0.100-10.0.0.199", "--router", "10.0.0.254"];
    let machine = ["--machine", "52:54:00:00:00:01=http://10.0.0.1/one.ipxe", "--known-only"];
    for (server, text) in [
        ("dnsmasq", "dhcp-ignore=tag:!known"),
        ("kea", "\"client-class\": \"KNOWN\""),
        ("dhcpd", "deny unknown-clients;"),
    ] {
        let printed = with(&[&["--server", server], &lease[..], &machine[..]].concat());
        assert!(printed.contains(text) && printed.contains("one.ipxe"), "{printed}");
        let options = with(&["--server", server, "--boot-options"]);
        assert!(options.contains("undionly.kpxe") && !options.contains("10.0.0.100"), "{options}");
    }
    assert!(with(&["--server", "dnsmasq"]).contains("dhcp-range=10.0.0.0,proxy"));

    for (server, sign) in [
        ("kea", "option[175].exists"),
        ("dnsmasq", "dhcp-match=set:netboot-ipxe,175"),
        ("dhcpd", "exists netboot-ipxe"),
    ] {
        let arguments = [&["--server", server], &lease[..]].concat();
        assert!(!with(&arguments).contains(sign), "{server}");
        let printed = with(&[&arguments[..], &["--ipxe-sign", "option-175"]].concat());
        assert!(printed.contains(sign), "{printed}");
    }
    let help = with(&["--help"]);
    assert!(help.contains("ISC ended dhcpd in 2022") && help.contains("option-175"), "{help}");

    let said = failure(directory.path(), &[&NETWORK[..], &["--server", "kea"]].concat());
    assert!(said.contains("what to do: use dnsmasq"), "{said}");
    let outside = ["--server", "kea", "--lease", "10.1.0.1-10.1.0.9"];
    let said = failure(directory.path(), &[&NETWORK[..], &outside].concat());
    assert!(said.contains("10.1.0.1") && said.contains("what to do: "), "{said}");
}

/// Follows the hint for a network of IPv6.
#[test]
fn a_network_of_ipv6_is_refused_and_one_of_ipv4_beside_it_is_taken() {
    let directory = TempDir::new().unwrap();
    let kea = ["--server", "kea", "--lease", "10.0.0.100-10.0.0.199"];
    let arguments = [&NETWORK[..], &kea[..]].concat();
    for (four, six) in [
        ("10.0.0.0/24", "2001:db8::/64"),
        ("10.0.0.1", "2001:db8::1"),
        ("10.0.0.100-10.0.0.199", "2001:db8::100-2001:db8::199"),
    ] {
        let with_six: Vec<&str> =
            arguments.iter().map(|word| if *word == four { six } else { word }).collect();
        let said = failure(directory.path(), &with_six);
        assert!(said.contains("only DHCP over IPv4 is configured, not DHCPv6"), "{said}");
        assert!(said.contains("what to do: boot the machines over IPv4"), "{said}");
    }
    let router = [&arguments[..], &["--router", "fe80::1"]].concat();
    assert!(failure(directory.path(), &router).contains("router address \"fe80::1\""));
    export(directory.path(), &arguments);
}

#[test]
fn matchbox_and_pixiecore_boot_what_is_live() {
    let (testbed, directory) = (Testbed::locate(), TempDir::new().unwrap());
    let place = directory.path();
    let nothing = ["matchbox", "--published", "pxe", "--output", "matchbox"];
    std::fs::create_dir(place.join("pxe")).unwrap();
    assert!(failure(place, &nothing).contains("nothing is published"));

    let kernel = testbed.kernel().display().to_string();
    let busybox = testbed.busybox().display().to_string();
    let arguments = ["--kernel", &kernel, "--busybox", &busybox, "--publish", "pxe"];
    let built = run(env!("CARGO_BIN_EXE_custom-builder"), place, &arguments);
    assert!(built.status.success(), "{built:?}");

    let machine = "52:54:00:00:00:01=rescue";
    let arguments = [&nothing[..], &["--machine", machine, "--default", "rescue"]].concat();
    let written = export(place, &arguments);
    assert_eq!(written.lines().count(), 3, "{written}");
    let profile = std::fs::read_to_string(place.join("matchbox/profiles/rescue.json")).unwrap();
    assert!(profile.contains("\"kernel\": \"/assets/blobs/"), "{profile}");
    // The kernel that it names exists.
    let digest = profile.split("/assets/").nth(1).unwrap().split('"').next().unwrap();
    assert!(place.join("pxe").join(digest).is_file());

    export(place, &["pixiecore", "--published", "pxe", "--machine", machine]);
    let answer = place.join("pxe/v1/boot/52:54:00:00:00:01");
    assert!(std::fs::read_to_string(answer).unwrap().contains("\"kernel\": \"blobs/"));

    let other = ["pixiecore", "--published", "pxe", "--machine", "52:54:00:00:00:01=other"];
    let said = failure(place, &other);
    assert!(
        said.contains("`other`") && said.contains("what to do: choose one of: rescue"),
        "{said}"
    );
}
