//! The settings of a DHCP server.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use ipnet::Ipv4Net;
use netboot_core::MacAddress;

use crate::dhcp::boot_server::BootServer;
use crate::dhcp::boot_url::BootUrl;
use crate::dhcp::interface_name::InterfaceName;
use crate::dhcp::known_machine::KnownMachine;
use crate::dhcp::problem::{DhcpProblem, DhcpSetting};
use crate::dhcp::server::DhcpServer;
use crate::dispatch::MachineKey;
use crate::error::Error;

/// The shortest and the longest lease, in seconds. dnsmasq accepts no lease below two minutes.
const LEASE_SECONDS: std::ops::RangeInclusive<u64> = 120..=366 * 24 * 3600;

/// The server that leases addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Addressing {
    /// The configured server leases addresses from a range of the subnet.
    Leases {
        /// The first address that is leased.
        first: Ipv4Addr,
        /// The last address that is leased.
        last: Ipv4Addr,
    },
    /// Another DHCP server leases addresses and is not changed. The configured server only adds
    /// boot options (proxy DHCP; Intel's PXE specification 2.1, section 2.2). dnsmasq can do that.
    ExistingServer,
}

/// The settings with which a DHCP server lets the machines of a subnet boot from the network.
///
/// [`DhcpServer`] lists the servers that can be configured.
///
/// ```
/// use netboot_ipxe::dhcp::{BootServer, DhcpServer, DhcpSettings};
///
/// let server = BootServer::new("10.0.0.1".parse()?, "http://10.0.0.1/boot.ipxe")?;
/// let settings = DhcpSettings::builder("eno1", "10.0.0.0/24".parse()?, server)?
///     .leases("10.0.0.100".parse()?, "10.0.0.199".parse()?)
///     .router("10.0.0.254".parse()?)
///     .build()?;
/// let file = settings.configuration(DhcpServer::Dnsmasq)?;
/// assert!(file.contains("dhcp-range=10.0.0.100,10.0.0.199,255.255.255.0,3600"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DhcpSettings {
    pub(super) interface: InterfaceName,
    pub(super) subnet: Ipv4Net,
    pub(super) boot_server: BootServer,
    pub(super) addressing: Addressing,
    pub(super) routers: Vec<Ipv4Addr>,
    pub(super) name_servers: Vec<Ipv4Addr>,
    pub(super) lease_time: Duration,
    pub(super) machines: Vec<KnownMachine>,
    pub(super) known_machines_only: bool,
}

impl DhcpSettings {
    /// Starts the settings of a server that listens on `interface` and serves `subnet`. Without
    /// [`leases`](DhcpSettingsBuilder::leases), another server leases the addresses.
    ///
    /// # Errors
    /// [`Error::InvalidDhcpSetting`] for a text that is not the name of an interface.
    pub fn builder<N: TryInto<InterfaceName>>(
        interface: N,
        subnet: Ipv4Net,
        boot_server: BootServer,
    ) -> Result<DhcpSettingsBuilder, N::Error> {
        Ok(DhcpSettingsBuilder(Self {
            interface: interface.try_into()?,
            subnet: subnet.trunc(),
            boot_server,
            addressing: Addressing::ExistingServer,
            routers: Vec::new(),
            name_servers: Vec::new(),
            lease_time: Duration::from_secs(3600),
            machines: Vec::new(),
            known_machines_only: false,
        }))
    }

    /// The range of leased addresses. It is an error if the server needs one and there is none.
    pub(super) fn range(&self, server: DhcpServer) -> Result<(Ipv4Addr, Ipv4Addr), Error> {
        match self.addressing {
            Addressing::Leases { first, last } => Ok((first, last)),
            Addressing::ExistingServer => Err(Error::NoProxyDhcp { server: server.as_str() }),
        }
    }

    /// The machines with their own scripts.
    pub(super) fn scripts(&self) -> impl Iterator<Item = (MacAddress, &BootUrl)> {
        self.machines.iter().filter_map(|machine| Some((machine.mac(), machine.script()?)))
    }
}

/// Builds [`DhcpSettings`]. [`DhcpSettings::builder`] creates it.
#[derive(Debug, Clone)]
#[must_use = "`build` makes the settings"]
pub struct DhcpSettingsBuilder(DhcpSettings);

impl DhcpSettingsBuilder {
    /// Leases the addresses from `first` to `last`.
    pub fn leases(mut self, first: Ipv4Addr, last: Ipv4Addr) -> Self {
        self.0.addressing = Addressing::Leases { first, last };
        self
    }

    /// Adds a router for machines.
    pub fn router(mut self, address: Ipv4Addr) -> Self {
        self.0.routers.push(address);
        self
    }

    /// Adds a name server for machines.
    pub fn name_server(mut self, address: Ipv4Addr) -> Self {
        self.0.name_servers.push(address);
        self
    }

    /// Sets the lease time of addresses, to the second. The default is an hour.
    pub fn lease_time(mut self, time: Duration) -> Self {
        self.0.lease_time = time;
        self
    }

    /// Adds a known machine.
    pub fn machine(mut self, machine: KnownMachine) -> Self {
        self.0.machines.push(machine);
        self
    }

    /// Serves only known machines. Others get no answer.
    pub fn known_machines_only(mut self) -> Self {
        self.0.known_machines_only = true;
        self
    }

    /// Checks that the settings fit together, and returns them.
    ///
    /// # Errors
    /// [`Error::InvalidDhcpSetting`], and [`Error::SharedIdentity`] for a machine with an address
    /// that many network cards have.
    pub fn build(mut self) -> Result<DhcpSettings, Error> {
        self.0.machines.sort_by_key(KnownMachine::mac);
        let settings = &self.0;
        if settings.subnet.prefix_len() > 30 || settings.subnet.prefix_len() == 0 {
            return Err(Error::dhcp_setting(
                DhcpSetting::Subnet,
                settings.subnet,
                DhcpProblem::TooSmall,
            ));
        }
        if !LEASE_SECONDS.contains(&settings.lease_time.as_secs()) {
            let value = format!("{} s", settings.lease_time.as_secs());
            return Err(Error::dhcp_setting(
                DhcpSetting::LeaseTime,
                value,
                DhcpProblem::OutOfBounds,
            ));
        }
        if let Addressing::Leases { first, last } = settings.addressing {
            settings.check_range(first, last)?;
        }
        for router in &settings.routers {
            settings.check_address(DhcpSetting::Router, *router)?;
        }
        for server in &settings.name_servers {
            if server.is_unspecified() || server.is_loopback() || server.is_multicast() {
                let problem = DhcpProblem::Unreachable;
                return Err(Error::dhcp_setting(DhcpSetting::NameServer, server, problem));
            }
        }
        settings.check_machines()?;
        settings.boot_server.http_boot_files()?;
        Ok(self.0)
    }
}

impl DhcpSettings {
    fn check_range(&self, first: Ipv4Addr, last: Ipv4Addr) -> Result<(), Error> {
        let range = format!("{first}-{last}");
        for address in [first, last] {
            self.check_address(DhcpSetting::AddressRange, address)?;
        }
        if last < first {
            return Err(Error::dhcp_setting(
                DhcpSetting::AddressRange,
                range,
                DhcpProblem::Backwards,
            ));
        }
        let server = (DhcpSetting::ServerAddress, self.boot_server.address());
        let routers = self.routers.iter().map(|router| (DhcpSetting::Router, *router));
        for (setting, address) in routers.chain([server]) {
            if (first..=last).contains(&address) {
                return Err(Error::dhcp_setting(setting, address, DhcpProblem::InRange));
            }
        }
        Ok(())
    }

    /// Checks that a machine of the subnet can have an address.
    fn check_address(&self, setting: DhcpSetting, address: Ipv4Addr) -> Result<(), Error> {
        let subnet = self.subnet;
        if subnet.contains(&address) && address != subnet.network() && address != subnet.broadcast()
        {
            Ok(())
        } else {
            Err(Error::dhcp_setting(setting, address, DhcpProblem::OutsideSubnet))
        }
    }

    fn check_machines(&self) -> Result<(), Error> {
        let (mut macs, mut addresses) = (BTreeSet::new(), BTreeSet::new());
        if self.known_machines_only && self.machines.is_empty() {
            return Err(Error::dhcp_setting(DhcpSetting::Machine, "", DhcpProblem::NoneKnown));
        }
        for machine in &self.machines {
            MachineKey::Mac(machine.mac()).check_identity()?;
            if !macs.insert(machine.mac()) {
                let problem = DhcpProblem::Duplicate;
                return Err(Error::dhcp_setting(DhcpSetting::Machine, machine.mac(), problem));
            }
            let Some(address) = machine.address() else { continue };
            let refused =
                |problem| Err(Error::dhcp_setting(DhcpSetting::Machine, address, problem));
            if self.addressing == Addressing::ExistingServer {
                return refused(DhcpProblem::NotLeasing);
            }
            self.check_address(DhcpSetting::Machine, address)?;
            if !addresses.insert(address)
                || address == self.boot_server.address()
                || self.routers.contains(&address)
            {
                return refused(DhcpProblem::Duplicate);
            }
        }
        Ok(())
    }
}
