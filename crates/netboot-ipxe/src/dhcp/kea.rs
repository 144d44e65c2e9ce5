//! The configuration of Kea's server for IPv4 (Kea Administrator Reference Manual, chapters 8
//! and 15).

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use serde::Serialize;
use serde_json::{Value, json};

use crate::dhcp::boot_server::IpxeSign;
use crate::dhcp::server::DhcpServer;
use crate::dhcp::settings::DhcpSettings;
use crate::error::Error;

/// The class of iPXE. The prefix avoids clashes with classes of a configuration that includes this
/// one.
const IPXE: &str = "netboot-ipxe";

/// The test that excludes iPXE from a class.
const NOT_IPXE: &str = "not member('netboot-ipxe')";

/// A class of machines: the test that recognizes them, and their options.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct ClientClass {
    name: String,
    test: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_server: Option<Ipv4Addr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    boot_file_name: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    option_data: Vec<Value>,
}

impl ClientClass {
    fn new(name: String, test: String) -> Self {
        Self { name, test, next_server: None, boot_file_name: None, option_data: Vec::new() }
    }
}

pub(super) fn configuration(settings: &DhcpSettings) -> Result<String, Error> {
    let (first, last) = settings.range(DhcpServer::Kea)?;
    let mut pool = json!({ "pool": format!("{first} - {last}") });
    if settings.known_machines_only {
        pool["client-class"] = json!("KNOWN");
    }
    let mut options = Vec::new();
    for (name, addresses) in
        [("routers", &settings.routers), ("domain-name-servers", &settings.name_servers)]
    {
        if !addresses.is_empty() {
            let data: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            options.push(json!({ "name": name, "data": data.join(", ") }));
        }
    }
    let reservations: Vec<Value> = settings
        .machines
        .iter()
        .map(|machine| {
            // Kea refuses a reservation that reserves nothing.
            let mut reservation =
                json!({ "hw-address": machine.mac(), "client-classes": ["netboot-known"] });
            if let Some(address) = machine.address() {
                reservation["ip-address"] = json!(address);
            }
            reservation
        })
        .collect();
    let configuration = json!({
        "Dhcp4": {
            "interfaces-config": { "interfaces": [settings.interface.as_str()] },
            "valid-lifetime": settings.lease_time.as_secs(),
            "host-reservation-identifiers": ["hw-address"],
            "client-classes": client_classes(settings)?,
            "subnet4": [{
                "id": 1,
                "subnet": settings.subnet.to_string(),
                "pools": [pool],
                "option-data": options,
                "reservations": reservations,
            }],
        }
    });
    Ok(text(&configuration))
}

pub(super) fn boot_options(settings: &DhcpSettings) -> Result<String, Error> {
    Ok(text(&json!(client_classes(settings)?)))
}

/// The classes. No client passes the tests of two classes, because it depends on the version of Kea
/// which boot file name it then uses.
fn client_classes(settings: &DhcpSettings) -> Result<Vec<ClientClass>, Error> {
    let server = &settings.boot_server;
    let sign = match server.ipxe_sign() {
        // The second form starts with the length of the class (RFC 3004, section 4).
        IpxeSign::UserClass => {
            "option[77].hex == 'iPXE' or substring(option[77].hex, 0, 5) == 0x0469505845"
        }
        IpxeSign::EncapsulatedOptions => "option[175].exists",
    };
    let mut classes = vec![ClientClass::new(IPXE.to_owned(), sign.to_owned())];
    for (architecture, path) in server.boot_files() {
        let is_one: Vec<String> =
            architecture.tftp_codes().iter().map(|code| has_code(*code)).collect();
        let test = format!("{NOT_IPXE} and ({})", is_one.join(" or "));
        let mut class = ClientClass::new(format!("netboot-{architecture}"), test);
        class.next_server = Some(server.address());
        class.boot_file_name = Some(path.to_string());
        classes.push(class);
    }
    for (architecture, url) in server.http_boot_files()? {
        let Some(code) = architecture.http_code() else { continue };
        let test = format!("{NOT_IPXE} and {}", has_code(code));
        let mut class = ClientClass::new(format!("netboot-{architecture}-http"), test);
        class.boot_file_name = Some(url.to_string());
        // Firmware accepts a URL only from a server that announces HTTP boot.
        class.option_data.push(
            json!({ "name": "vendor-class-identifier", "data": "HTTPClient", "always-send": true }),
        );
        classes.push(class);
    }
    let mut others = format!("member('{IPXE}')");
    for (mac, script) in settings.scripts() {
        let name = format!("netboot-{}", mac.separated_by(""));
        let test = format!("member('{IPXE}') and pkt4.mac == 0x{}", mac.separated_by(""));
        let mut class = ClientClass::new(name.clone(), test);
        class.boot_file_name = Some(script.to_string());
        classes.push(class);
        let _ = write!(others, " and not member('{name}')");
    }
    let mut class = ClientClass::new("netboot-script".to_owned(), others);
    class.boot_file_name = Some(server.script().to_string());
    classes.push(class);
    Ok(classes)
}

/// The test for the first architecture that a client sends.
fn has_code(code: u16) -> String {
    format!("substring(option[93].hex, 0, 2) == 0x{code:04x}")
}

/// Formats JSON, with a line feed at the end.
fn text(value: &Value) -> String {
    format!("{value:#}\n")
}
