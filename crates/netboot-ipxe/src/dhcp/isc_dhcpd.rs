//! The configuration of ISC's dhcpd (its manuals, dhcpd.conf(5) and dhcp-eval(5)).

use std::fmt::{Display, Write as _};

use netboot_core::layout::GENERATED_MARK;

use crate::dhcp::boot_server::{BootServer, IpxeSign};
use crate::dhcp::known_machine::KnownMachine;
use crate::dhcp::problem::{DhcpProblem, DhcpSetting};
use crate::dhcp::server::DhcpServer;
use crate::dhcp::settings::DhcpSettings;
use crate::error::Error;

pub(super) fn configuration(settings: &DhcpSettings) -> Result<String, Error> {
    let (first, last) = settings.range(DhcpServer::IscDhcpd)?;
    // dhcpd leases an address of the range to any machine, even if a `host` has it.
    let mut own = settings.machines.iter().filter_map(KnownMachine::address);
    if let Some(address) = own.find(|address| (first..=last).contains(address)) {
        return Err(Error::dhcp_setting(DhcpSetting::Machine, address, DhcpProblem::InRange));
    }
    let mut text = heading();
    // dhcpd gets the interface on its command line, which Debian reads from another file.
    let _ = writeln!(
        text,
        "# Listens on {0}: INTERFACESv4=\"{0}\" in /etc/default/isc-dhcp-server.",
        settings.interface
    );
    let seconds = settings.lease_time.as_secs();
    let _ = writeln!(text, "default-lease-time {seconds};\nmax-lease-time {seconds};");
    write_boot_options(&mut text, settings, false)?;
    write_hosts(&mut text, settings);
    let (network, netmask) = (settings.subnet.network(), settings.subnet.netmask());
    let _ = writeln!(text, "subnet {network} netmask {netmask} {{");
    for (name, addresses) in
        [("routers", &settings.routers), ("domain-name-servers", &settings.name_servers)]
    {
        if !addresses.is_empty() {
            let _ = writeln!(text, "  option {name} {};", list(addresses));
        }
    }
    let _ = writeln!(text, "  pool {{\n    range {first} {last};");
    if settings.known_machines_only {
        let _ = writeln!(text, "    deny unknown-clients;");
    }
    let _ = writeln!(text, "  }}\n}}");
    Ok(text)
}

/// The first lines of a file. They tell its reader that ISC maintains dhcpd no longer
/// (<https://www.isc.org/blogs/isc-dhcp-eol/>).
fn heading() -> String {
    format!("{GENERATED_MARK}\n# ISC ended dhcpd in 2022. Its successor is Kea.\n")
}

pub(super) fn boot_options(settings: &DhcpSettings) -> Result<String, Error> {
    let mut text = heading();
    write_boot_options(&mut text, settings, true)?;
    Ok(text)
}

/// Writes the options of each kind of client. With `own_scripts` also those of single machines:
/// these cannot be in a `host`, because the including configuration may have a `host` for the
/// machine and dhcpd uses only one of two, and because a `host` makes a machine known.
fn write_boot_options(
    text: &mut String,
    settings: &DhcpSettings,
    own_scripts: bool,
) -> Result<(), Error> {
    let server = &settings.boot_server;
    let _ = writeln!(text, "option netboot-architecture code 93 = unsigned integer 16;");
    let _ = writeln!(text, "option netboot-ipxe code 175 = string;");
    for (mac, script) in settings.scripts().filter(|_| own_scripts) {
        // 1 is Ethernet (RFC 1700, "Hardware Type").
        // dhcpd reads a parenthesis at the start as one around the whole condition.
        let _ = writeln!(text, "if hardware = 1:{mac} and {} {{", is_ipxe(server));
        let _ = write!(text, "  filename \"{script}\";\n}} els");
    }
    let _ = writeln!(text, "if {} {{", is_ipxe(server));
    let _ = writeln!(text, "  filename \"{}\";", server.script());
    for (architecture, path) in server.boot_files() {
        let is_one: Vec<String> =
            architecture.tftp_codes().iter().map(|code| has_code(*code)).collect();
        let _ = writeln!(text, "}} elsif {} {{", is_one.join(" or "));
        let _ = writeln!(text, "  next-server {};", server.address());
        let _ = writeln!(text, "  filename \"{path}\";");
    }
    for (architecture, url) in server.http_boot_files()? {
        let Some(code) = architecture.http_code() else { continue };
        let _ = writeln!(text, "}} elsif {} {{", has_code(code));
        // Firmware accepts a URL only from a server that announces HTTP boot.
        let _ = writeln!(text, "  option vendor-class-identifier \"HTTPClient\";");
        let _ = writeln!(text, "  filename \"{url}\";");
    }
    let _ = writeln!(text, "}}");
    Ok(())
}

/// Writes the known machines. Their options override those of all machines.
fn write_hosts(text: &mut String, settings: &DhcpSettings) {
    for machine in &settings.machines {
        let mac = machine.mac();
        let _ = writeln!(text, "host netboot-{} {{", mac.separated_by(""));
        let _ = writeln!(text, "  hardware ethernet {mac};");
        if let Some(address) = machine.address() {
            let _ = writeln!(text, "  fixed-address {address};");
        }
        if let Some(script) = machine.script() {
            let is_ipxe = is_ipxe(&settings.boot_server);
            let _ = writeln!(text, "  if {is_ipxe} {{\n    filename \"{script}\";\n  }}");
        }
        let _ = writeln!(text, "}}");
    }
}

fn is_ipxe(server: &BootServer) -> &'static str {
    match server.ipxe_sign() {
        // The second form starts with the length of the class (RFC 3004, section 4).
        IpxeSign::UserClass => {
            "(option user-class = \"iPXE\" or \
             substring(option user-class, 0, 5) = 04:69:50:58:45)"
        }
        IpxeSign::EncapsulatedOptions => "exists netboot-ipxe",
    }
}

/// The test for the first architecture that a client sends.
fn has_code(code: u16) -> String {
    let [high, low] = code.to_be_bytes();
    format!("substring(option netboot-architecture, 0, 2) = {high:02x}:{low:02x}")
}

fn list<T: Display>(values: &[T]) -> String {
    let values: Vec<String> = values.iter().map(ToString::to_string).collect();
    values.join(", ")
}
