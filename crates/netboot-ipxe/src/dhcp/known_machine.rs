//! Machines that a DHCP server knows.

use std::net::Ipv4Addr;

use netboot_core::MacAddress;

use crate::dhcp::boot_url::BootUrl;

/// A machine that a DHCP server knows by the hardware address of its network card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownMachine {
    mac: MacAddress,
    address: Option<Ipv4Addr>,
    script: Option<BootUrl>,
}

impl KnownMachine {
    /// Creates the machine with this network card.
    ///
    /// # Errors
    /// [`InvalidValue`](netboot_core::InvalidValue) for a text that is not a hardware address.
    pub fn new<M: TryInto<MacAddress>>(mac: M) -> Result<Self, M::Error> {
        Ok(Self { mac: mac.try_into()?, address: None, script: None })
    }

    /// Always leases this address to the machine.
    #[must_use]
    pub fn with_address(mut self, address: Ipv4Addr) -> Self {
        self.address = Some(address);
        self
    }

    /// Gives its iPXE this script instead of the script for all machines.
    ///
    /// # Errors
    /// [`Error::InvalidDhcpSetting`](crate::Error::InvalidDhcpSetting) for a text that is not a
    /// URL.
    pub fn with_script<U: TryInto<BootUrl>>(mut self, script: U) -> Result<Self, U::Error> {
        self.script = Some(script.try_into()?);
        Ok(self)
    }

    /// The hardware address.
    pub fn mac(&self) -> MacAddress {
        self.mac
    }

    /// The address that is always leased to it.
    pub fn address(&self) -> Option<Ipv4Addr> {
        self.address
    }

    /// Its own script.
    pub fn script(&self) -> Option<&BootUrl> {
        self.script.as_ref()
    }
}
