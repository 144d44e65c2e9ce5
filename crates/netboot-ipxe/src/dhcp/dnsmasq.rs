//! The configuration of dnsmasq (its manual, dnsmasq(8)).

use std::fmt::{Display, Write as _};

use netboot_core::MacAddress;
use netboot_core::layout::GENERATED_MARK;

use crate::dhcp::boot_server::IpxeSign;
use crate::dhcp::client_architecture::ClientArchitecture;
use crate::dhcp::server::DhcpServer;
use crate::dhcp::settings::{Addressing, DhcpSettings};
use crate::error::Error;

/// The tag of iPXE, and below it the tag of machines with their own script. The prefix avoids
/// clashes with tags of a configuration that includes this one.
const IPXE: &str = "netboot-ipxe";
const OWN_SCRIPT: &str = "netboot-own-script";

/// Lines of a file.
struct Lines(String);

impl Lines {
    fn new() -> Self {
        Self(format!("{GENERATED_MARK}\n"))
    }

    fn add(&mut self, line: impl Display) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{line}");
    }
}

pub(super) fn configuration(settings: &DhcpSettings) -> Result<String, Error> {
    let mut lines = Lines::new();
    lines.add("# DHCP and TFTP only: no DNS.");
    lines.add("port=0");
    lines.add(format_args!("interface={}", settings.interface));
    let subnet = settings.subnet;
    let (netmask, seconds) = (subnet.netmask(), settings.lease_time.as_secs());
    match settings.addressing {
        Addressing::Leases { .. } => {
            let (first, last) = settings.range(DhcpServer::Dnsmasq)?;
            lines.add(format_args!("dhcp-range={first},{last},{netmask},{seconds}"));
            // With an empty value, dnsmasq does not announce itself.
            lines.add(format_args!("dhcp-option=option:router{}", list(&settings.routers)));
            lines
                .add(format_args!("dhcp-option=option:dns-server{}", list(&settings.name_servers)));
        }
        Addressing::ExistingServer => {
            lines.add("# Another server leases the addresses.");
            lines.add(format_args!("dhcp-range={},proxy,{netmask}", subnet.network()));
            if !settings.boot_server.http_boot_files()?.is_empty() {
                // By default a proxy answers `PXEClient` only.
                lines.add("dhcp-pxe-vendor=PXEClient,HTTPClient");
            }
        }
    }
    if settings.known_machines_only {
        lines.add("dhcp-ignore=tag:!known");
    }
    add_boot_options(settings, &mut lines)?;
    for machine in &settings.machines {
        let mut line = format!("dhcp-host={}", machine.mac());
        if let Some(address) = machine.address() {
            let _ = write!(line, ",{address}");
        }
        lines.add(line);
    }
    Ok(lines.0)
}

pub(super) fn boot_options(settings: &DhcpSettings) -> Result<String, Error> {
    let mut lines = Lines::new();
    add_boot_options(settings, &mut lines)?;
    Ok(lines.0)
}

fn add_boot_options(settings: &DhcpSettings, lines: &mut Lines) -> Result<(), Error> {
    let server = &settings.boot_server;
    if let Some(root) = server.tftp_root() {
        lines.add("enable-tftp");
        lines.add(format_args!("tftp-root={root}"));
    }
    lines.add(match server.ipxe_sign() {
        IpxeSign::UserClass => format!("dhcp-userclass=set:{IPXE},iPXE"),
        IpxeSign::EncapsulatedOptions => format!("dhcp-match=set:{IPXE},175"),
    });

    lines.add("# Firmware is given the iPXE of its architecture.");
    let is_proxy = settings.addressing == Addressing::ExistingServer;
    for (architecture, path) in server.boot_files() {
        let tag = format!("netboot-{architecture}");
        for code in architecture.tftp_codes() {
            lines.add(format_args!("dhcp-match=set:{tag},option:client-arch,{code}"));
            if is_proxy {
                // UEFI asks a proxy at port 4011, which answers only for services.
                lines.add(format_args!(
                    "pxe-service=tag:!{IPXE},{code},netboot,{path},{}",
                    server.address()
                ));
            }
        }
        lines.add(format_args!("dhcp-boot=tag:!{IPXE},tag:{tag},{path},,{}", server.address()));
    }
    for (architecture, url) in server.http_boot_files()? {
        let Some(code) = architecture.http_code() else { continue };
        let tag = http_tag(architecture);
        lines.add(format_args!("dhcp-match=set:{tag},option:client-arch,{code}"));
        // Firmware accepts a URL only from a server that announces HTTP boot.
        lines.add(format_args!("dhcp-option-force=tag:!{IPXE},tag:{tag},60,HTTPClient"));
        lines.add(format_args!("dhcp-boot=tag:!{IPXE},tag:{tag},{url}"));
    }

    lines.add("# iPXE is given the script.");
    lines.add(format_args!("dhcp-boot=tag:{IPXE},tag:!{OWN_SCRIPT},{}", server.script()));
    for (mac, script) in settings.scripts() {
        // Not with `dhcp-host`: the including configuration may have one for the machine, and
        // dnsmasq uses only one of two.
        lines.add(format_args!("dhcp-mac=set:{OWN_SCRIPT},{mac}"));
        lines.add(format_args!("dhcp-mac=set:{},{mac}", machine_tag(mac)));
        lines.add(format_args!("dhcp-boot=tag:{IPXE},tag:{},{script}", machine_tag(mac)));
    }
    Ok(())
}

fn http_tag(architecture: ClientArchitecture) -> String {
    format!("netboot-{architecture}-http")
}

fn machine_tag(mac: MacAddress) -> String {
    format!("netboot-{}", mac.separated_by(""))
}

/// The values of an option, each after a comma.
fn list<T: Display>(values: &[T]) -> String {
    values.iter().fold(String::new(), |text, value| format!("{text},{value}"))
}
