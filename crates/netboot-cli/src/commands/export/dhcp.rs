//! `netboot export dhcp`: the configuration of a DHCP server.

use std::net::IpAddr;

use ipnet::IpNet;
use netboot_core::{Architecture, Report};
use netboot_ipxe::dhcp::{
    BootFilePath, BootServer, BootUrl, ClientArchitecture, DhcpServer, DhcpSetting, DhcpSettings,
    InterfaceName, IpxeSign, KnownMachine, TftpRoot, ipv4_address, ipv4_subnet,
};
use serde_json::json;

use crate::answer::Answer;

/// The way the DHCP server recognizes iPXE.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Sign {
    /// By the user class `iPXE` (option 77).
    #[default]
    UserClass,
    /// By iPXE's own options (option 175).
    #[value(name = "option-175")]
    Option175,
}

impl From<Sign> for IpxeSign {
    fn from(sign: Sign) -> Self {
        match sign {
            Sign::UserClass => Self::UserClass,
            Sign::Option175 => Self::EncapsulatedOptions,
        }
    }
}

/// The description of the object that `--json` prints.
const JSON: &str = "\
With --json:
  server         the DHCP server
  configuration  its configuration, or only the options with --boot-options";

#[derive(Debug, clap::Args)]
#[command(after_long_help = JSON)]
pub(super) struct Arguments {
    /// The DHCP server: kea, dnsmasq or dhcpd. ISC ended dhcpd in 2022; its successor is Kea.
    #[arg(long, value_name = "SERVER")]
    server: DhcpServer,

    /// The network interface on which the server listens.
    #[arg(long, value_name = "NAME")]
    interface: InterfaceName,

    /// The subnet that the server serves. It is one of IPv4.
    #[arg(long, value_name = "ADDRESS/BITS")]
    subnet: IpNet,

    /// The addresses to lease. Without them, dnsmasq runs beside another server that leases
    /// addresses.
    #[arg(long, value_name = "FIRST-LAST", value_parser = parse_range)]
    lease: Option<(IpAddr, IpAddr)>,

    /// The router that machines use.
    #[arg(long, value_name = "ADDRESS")]
    router: Option<IpAddr>,

    /// The address of the TFTP server.
    #[arg(long, value_name = "ADDRESS")]
    tftp_server: IpAddr,

    /// The directory that dnsmasq serves by TFTP.
    #[arg(long, value_name = "DIR")]
    tftp_root: Option<TftpRoot>,

    /// The script that machines run: the URL of boot.ipxe or of a profile's netboot.ipxe.
    #[arg(long, value_name = "URL")]
    script: BootUrl,

    /// The URL of the boot files for firmware that boots by HTTP.
    #[arg(long, value_name = "URL")]
    http_boot: Option<BootUrl>,

    /// The URL of a target, or of the directory of one of its profiles. Firmware that boots by HTTP
    /// gets the target's `boot-<architecture>.efi`.
    #[arg(long, value_name = "URL")]
    boot_programs: Option<BootUrl>,

    /// The architecture of machines that get a program of the target. Can be repeated.
    #[arg(
        long = "architecture",
        value_name = "NAME",
        requires = "boot_programs",
        default_values = ["x86_64"]
    )]
    architectures: Vec<Architecture>,

    /// The firmware of the machines fetches by HTTPS only. Then a plain `http` URL for it is an
    /// error.
    #[arg(long)]
    https_only: bool,

    /// The way the server recognizes iPXE. Use `option-175` for an iPXE with a user class of its
    /// own.
    #[arg(long, value_name = "SIGN", value_enum, default_value_t)]
    ipxe_sign: Sign,

    /// The iPXE for UEFI on 64-bit ARM, relative to the TFTP root.
    #[arg(long, value_name = "PATH")]
    arm64: Option<BootFilePath>,

    /// A known machine, and optionally its own script. Can be repeated.
    #[arg(long = "machine", value_name = "MAC[=URL]", value_parser = parse_machine)]
    machines: Vec<KnownMachine>,

    /// Serve known machines only.
    #[arg(long)]
    known_only: bool,

    /// Print only the options that boot machines, to include them into an existing configuration.
    #[arg(long)]
    boot_options: bool,
}

pub(super) fn export(arguments: Arguments) -> Result<Answer, Report> {
    let subnet = ipv4_subnet(arguments.subnet)?;
    let address = ipv4_address(DhcpSetting::ServerAddress, arguments.tftp_server)?;
    let mut server =
        BootServer::new(address, arguments.script)?.with_ipxe_sign(arguments.ipxe_sign.into());
    if let Some(root) = arguments.tftp_root {
        server = server.with_tftp_root(root)?;
    }
    if let Some(directory) = arguments.http_boot {
        server = server.with_http_boot(directory)?;
    }
    if let Some(directory) = arguments.boot_programs {
        for architecture in arguments.architectures {
            server = server.with_boot_program(directory.clone(), architecture)?;
        }
    }
    if arguments.https_only {
        server = server.with_https_only();
    }
    if let Some(path) = arguments.arm64 {
        server = server.with_boot_file(ClientArchitecture::EfiArm64, path)?;
    }
    let mut settings = DhcpSettings::builder(arguments.interface, subnet, server)?;
    let in_range = |address| ipv4_address(DhcpSetting::AddressRange, address);
    if let Some((first, last)) = arguments.lease {
        settings = settings.leases(in_range(first)?, in_range(last)?);
    }
    if let Some(router) = arguments.router {
        settings = settings.router(ipv4_address(DhcpSetting::Router, router)?);
    }
    for machine in arguments.machines {
        settings = settings.machine(machine);
    }
    if arguments.known_only {
        settings = settings.known_machines_only();
    }
    let settings = settings.build()?;
    let configuration = if arguments.boot_options {
        settings.boot_options(arguments.server)?
    } else {
        settings.configuration(arguments.server)?
    };
    let object = json!({
        "server": arguments.server.to_string(),
        "configuration": configuration,
    });
    Ok(Answer::new(configuration, object))
}

fn parse_range(text: &str) -> Result<(IpAddr, IpAddr), String> {
    let address = |text: &str| text.parse().map_err(|error| format!("{text}: {error}"));
    let (first, last) = text.split_once('-').ok_or("give the first and the last address")?;
    Ok((address(first)?, address(last)?))
}

fn parse_machine(text: &str) -> Result<KnownMachine, netboot_ipxe::Error> {
    let (mac, script) = text.split_once('=').map_or((text, None), |(mac, url)| (mac, Some(url)));
    let machine = KnownMachine::new(mac)?;
    match script {
        Some(url) => machine.with_script(url),
        None => Ok(machine),
    }
}
