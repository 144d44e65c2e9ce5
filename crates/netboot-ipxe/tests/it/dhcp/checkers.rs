//! Each server accepts its own configuration, and refuses a broken one.

use std::path::{Path, PathBuf};
use std::process::Command;

use netboot_ipxe::dhcp::{DhcpServer, IpxeSign};
use netboot_testbed::{DebianTree, tool};
use tempfile::TempDir;

use super::{boot_server, builder, builder_with, leasing};

/// Asks the program of a server if it accepts a configuration. The text is its output.
fn check(server: DhcpServer, configuration: &str) -> Result<(), String> {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("configuration");
    std::fs::write(&file, configuration).unwrap();
    let mut command = match server {
        DhcpServer::Dnsmasq => {
            let mut command = Command::new(tool("dnsmasq"));
            command.arg("--test").arg(format!("--conf-file={}", file.display()));
            command
        }
        DhcpServer::Kea => {
            let mut command = Command::new(DebianTree::DHCP_SERVERS.program("kea-dhcp4"));
            command.env("KEA_PIDFILE_DIR", directory.path());
            command.env("KEA_LOCKFILE_DIR", directory.path());
            command.arg("-t").arg(&file);
            command
        }
        DhcpServer::IscDhcpd => {
            let mut command = Command::new(DebianTree::DHCP_SERVERS.program("dhcpd"));
            command.args(["-t", "-4", "-cf"]).arg(&file);
            command
        }
        other => panic!("no program checks a configuration of {other}"),
    };
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    if output.status.success() { Ok(()) } else { Err(said) }
}

#[test]
fn every_server_reads_its_configuration() {
    for sign in [IpxeSign::UserClass, IpxeSign::EncapsulatedOptions] {
        for known_only in [false, true] {
            let builder = leasing(builder_with(boot_server().with_ipxe_sign(sign)));
            let builder = if known_only { builder.known_machines_only() } else { builder };
            let settings = builder.build().unwrap();
            for server in DhcpServer::ALL {
                let configuration = settings.configuration(server).unwrap();
                check(server, &configuration).unwrap_or_else(|said| {
                    panic!("{server} does not read it: {said}\n{configuration}")
                });
            }
        }
    }
}

#[test]
fn dnsmasq_reads_the_configuration_beside_another_server() {
    let subnet = "10.77.0.0/24".parse().unwrap();
    let settings = netboot_ipxe::dhcp::DhcpSettings::builder("lo", subnet, boot_server()).unwrap();
    let configuration = settings.build().unwrap().configuration(DhcpServer::Dnsmasq).unwrap();
    check(DhcpServer::Dnsmasq, &configuration).unwrap();
}

/// A caller's configuration that includes `options`, as the documentation describes.
fn including(server: DhcpServer, options: &Path) -> String {
    let options = options.display();
    match server {
        DhcpServer::Dnsmasq => {
            format!("port=0\ndhcp-range=10.9.0.10,10.9.0.20\nconf-file={options}\n")
        }
        DhcpServer::Kea => format!(
            r#"{{ "Dhcp4": {{
                "client-classes": <?include "{options}"?>,
                "subnet4": [{{ "subnet": "10.9.0.0/24" }}]
            }} }}"#
        ),
        DhcpServer::IscDhcpd => {
            format!("include \"{options}\";\nsubnet 10.9.0.0 netmask 255.255.255.0 {{ }}\n")
        }
        other => panic!("{other} includes nothing"),
    }
}

#[test]
fn every_server_includes_the_boot_options() {
    let directory = TempDir::new().unwrap();
    let settings = leasing(builder()).build().unwrap();
    for server in DhcpServer::ALL {
        let path: PathBuf = directory.path().join(server.as_str());
        let options = settings.boot_options(server).unwrap();
        std::fs::write(&path, &options).unwrap();
        check(server, &including(server, &path)).unwrap_or_else(|said| panic!("{server}: {said}"));
        // The check also reads the included file.
        let words =
            [("option:client-arch", "option:x"), ("option[93]", "option[x]"), ("93 =", "x =")];
        let broken = words.iter().fold(options, |text, (from, to)| text.replace(from, to));
        std::fs::write(&path, broken).unwrap();
        check(server, &including(server, &path)).unwrap_err();
    }
}

/// Replaces each `from`, which must be there.
fn broken(configuration: &str, from: &str, to: &str) -> String {
    assert!(configuration.contains(from), "no {from} in {configuration}");
    configuration.replace(from, to)
}

#[test]
fn a_broken_configuration_is_refused() {
    let settings = leasing(builder()).known_machines_only().build().unwrap();
    let cases = [
        (DhcpServer::Dnsmasq, "10.77.0.199", "10.77.0.999"),
        (DhcpServer::Dnsmasq, "dhcp-userclass=", "dhcp-user-class="),
        (DhcpServer::Dnsmasq, "option:client-arch", "option:client-architecture"),
        (DhcpServer::Dnsmasq, "dhcp-host=52:54", "dhcp-host=52;54"),
        (DhcpServer::Dnsmasq, "dhcp-boot=", "dhcp-boots="),
        (DhcpServer::Kea, "10.77.0.100 - 10.77.0.199", "10.78.0.100 - 10.78.0.199"),
        (DhcpServer::Kea, "not member('netboot-ipxe')", "not member(netboot-ipxe)"),
        (DhcpServer::Kea, "option[93].hex", "option[93]hex"),
        (DhcpServer::Kea, "\"boot-file-name\"", "\"boot-file\""),
        (DhcpServer::Kea, "52:54:00:00:00:01", "52:54:00:00:00:0g"),
        (DhcpServer::IscDhcpd, "range 10.77.0.100", "range 10.78.0.100"),
        (DhcpServer::IscDhcpd, "elsif", "elseif"),
        (DhcpServer::IscDhcpd, "unsigned integer 16", "unsigned integer 17"),
        (DhcpServer::IscDhcpd, "hardware ethernet", "hardware etherne"),
        (DhcpServer::IscDhcpd, "filename \"", "filename "),
    ];
    for (server, from, to) in cases {
        let configuration = settings.configuration(server).unwrap();
        let said = check(server, &broken(&configuration, from, to));
        assert!(said.is_err(), "{server} reads {to} in place of {from}");
    }
}
