//! Where a machine's firmware finds what to boot.

use std::fmt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::Error;
use crate::firmware::Firmware;
use crate::guest_url::{GuestUrl, HOST_ADDRESS};

/// The script that stands in for a URL that is too long for a DHCP answer.
const CHAIN_SCRIPT: &str = "netboot.ipxe";

/// The script that an iPXE of its own runs first, under the name by which iPXE looks for it.
const AUTOEXEC_SCRIPT: &str = "autoexec.ipxe";

/// A network that a machine is connected to instead of QEMU's own, for
/// [`Machine::boot_by_dhcp`](crate::Machine::boot_by_dhcp).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkLink {
    /// A tap interface of this machine, such as one that is a port of the bridge where machines
    /// boot; it has to be there, and to be this user's (`ip tuntap add tap0 mode tap user …`).
    Tap {
        /// The interface.
        interface: String,
    },
    /// A pair of Unix datagram sockets that carry Ethernet frames, one each; QEMU makes its own.
    /// It needs QEMU 7.2.
    Sockets {
        /// The path of QEMU's socket.
        local: PathBuf,
        /// The path of the socket that frames are sent to, which has to be there.
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

/// Where a machine's firmware finds what to boot.
#[derive(Debug)]
pub(super) enum BootSource {
    /// At a URL that QEMU's own DHCP server names.
    Url(String),
    /// In a file of a directory that QEMU serves by TFTP.
    Tftp { directory: PathBuf, file: &'static str },
    /// By another iPXE than the network card's, which runs a script: both are files.
    Ipxe { program: PathBuf, script: PathBuf },
    /// By an iPXE in a directory, which the firmware sees as a drive.
    Drive { directory: PathBuf },
    /// Where the DHCP server of another network says.
    Dhcp(NetworkLink),
}

impl BootSource {
    /// An iPXE of the caller's, with a script that leads it to the URL: also the name of that script
    /// on the console.
    pub(super) async fn by_ipxe(
        ipxe: &Path,
        firmware: Firmware,
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
            Firmware::Uefi => {
                let directory = scratch.path().join("drive");
                let programs = directory.join("EFI/BOOT");
                let failed = |action, path: &Path| {
                    let path = path.to_owned();
                    move |source| Error::Io { action, path, source }
                };
                tokio::fs::create_dir_all(&programs).await.map_err(failed("make", &programs))?;
                let program = programs.join("BOOTX64.EFI");
                tokio::fs::copy(ipxe, &program).await.map_err(failed("copy", ipxe))?;
                write(&directory.join(AUTOEXEC_SCRIPT), script.as_bytes()).await?;
                Ok((Self::Drive { directory }, Some(AUTOEXEC_SCRIPT.to_owned())))
            }
        }
    }

    /// What DHCP names: the URL, or a script by TFTP that goes to it. With it the script's own URL.
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

/// Writes a file of the machine.
pub(super) async fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    tokio::fs::write(path, content).await.map_err(|source| Error::Io {
        action: "write",
        path: path.to_owned(),
        source,
    })
}
