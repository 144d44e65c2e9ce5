//! The place where a machine's firmware finds the program or script to boot.

use std::fmt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::Error;
use crate::firmware::Firmware;
use crate::guest_url::{GuestUrl, HOST_ADDRESS};

/// The name of the script that chains to a URL that is too long for a DHCP answer.
const CHAIN_SCRIPT: &str = "netboot.ipxe";

/// The name of the script that an iPXE from a file runs first.
const AUTOEXEC_SCRIPT: &str = "autoexec.ipxe";

/// A network with its own DHCP server, which a machine is connected to instead of QEMU's network;
/// for [`Machine::boot_by_dhcp`](crate::Machine::boot_by_dhcp).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkLink {
    /// A tap interface of this machine, such as a port of the bridge where machines boot. It must
    /// exist and belong to this user (`ip tuntap add tap0 mode tap user …`).
    Tap {
        /// The name of the interface.
        interface: String,
    },
    /// A pair of Unix datagram sockets. Each datagram is an Ethernet frame. QEMU 7.2 or later is
    /// needed, and creates its own socket.
    Sockets {
        /// The path of QEMU's socket.
        local: PathBuf,
        /// The path of the socket that QEMU sends frames to. It must exist.
        remote: PathBuf,
    },
}

impl fmt::Display for NetworkLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tap { interface } => f.write_str(interface),
            Self::Sockets { remote, .. } => write!(f, "{}", remote.display()),
        }
    }
}

/// The place where a machine's firmware finds the program or script to boot.
#[derive(Debug)]
pub(super) enum BootSource {
    /// A URL that QEMU's own DHCP server names.
    Url(String),
    /// A file of a directory that QEMU serves by TFTP.
    Tftp { directory: PathBuf, file: &'static str },
    /// Another iPXE than the network card's, and the script that it runs. Both are files.
    Ipxe { program: PathBuf, script: PathBuf },
    /// An iPXE in a directory that the firmware sees as a drive.
    Drive { directory: PathBuf },
    /// A boot option in the firmware's variables has the URL.
    Variables,
    /// The DHCP server of another network names it.
    Dhcp(NetworkLink),
    /// The DHCP server of another network names the URL, and the firmware boots by HTTP.
    HttpByDhcp(NetworkLink),
}

impl BootSource {
    /// Prepares an iPXE of the caller with a script that chains to the URL. Returns also the name
    /// of the script on the console.
    pub(super) async fn by_ipxe(
        ipxe: &Path,
        firmware: Firmware,
        boot_program: &str,
        url: &GuestUrl,
        scratch: &TempDir,
    ) -> Result<(Self, Option<String>), Error> {
        let script = url.ipxe_script();
        match firmware {
            Firmware::Bios => {
                let path = scratch.path().join(AUTOEXEC_SCRIPT);
                write(&path, script.as_bytes()).await?;
                let source = Self::Ipxe { program: ipxe.to_owned(), script: path };
                Ok((source, Some(AUTOEXEC_SCRIPT.to_owned())))
            }
            Firmware::Uefi | Firmware::UefiSecureBoot => {
                let directory = scratch.path().join("drive");
                let programs = directory.join("EFI/BOOT");
                let failed = |action, path: &Path| {
                    let path = path.to_owned();
                    move |source| Error::Io { action, path, source }
                };
                tokio::fs::create_dir_all(&programs).await.map_err(failed("make", &programs))?;
                let program = programs.join(boot_program);
                tokio::fs::copy(ipxe, &program).await.map_err(failed("copy", ipxe))?;
                write(&directory.join(AUTOEXEC_SCRIPT), script.as_bytes()).await?;
                Ok((Self::Drive { directory }, Some(AUTOEXEC_SCRIPT.to_owned())))
            }
        }
    }

    /// Prepares the URL for DHCP. If it is too long, a script by TFTP chains to it. Returns also
    /// the URL of that script.
    pub(super) async fn by_dhcp(
        url: &GuestUrl,
        scratch: &TempDir,
    ) -> Result<(Self, Option<String>), Error> {
        if url.fits_dhcp() {
            return Ok((Self::Url(url.as_str().to_owned()), None));
        }
        let directory = scratch.path().join("tftp");
        tokio::fs::create_dir(&directory).await.map_err(|source| Error::Io {
            action: "make",
            path: directory.clone(),
            source,
        })?;
        write(&directory.join(CHAIN_SCRIPT), url.chain_script().as_bytes()).await?;
        let script = format!("tftp://{HOST_ADDRESS}/{CHAIN_SCRIPT}");
        Ok((Self::Tftp { directory, file: CHAIN_SCRIPT }, Some(script)))
    }
}

/// Writes a file for the machine.
pub(super) async fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    tokio::fs::write(path, content).await.map_err(|source| Error::Io {
        action: "write",
        path: path.to_owned(),
        source,
    })
}
