//! The differences between builds of iPXE, apart from commands.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The firmware that a build of iPXE runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Platform {
    /// A BIOS. The setting `${platform}` is `pcbios`.
    Bios,
    /// UEFI. The setting `${platform}` is `efi`.
    Efi,
}

impl Platform {
    /// The name, as in the names of [`IpxeBuild`](super::IpxeBuild)s: `bios` or `efi`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bios => "bios",
            Self::Efi => "efi",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A protocol of URLs that a build can open (each `struct uri_opener` in iPXE's source).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Protocol {
    /// `http://`.
    Http,
    /// `https://`.
    Https,
    /// `ftp://`, which no build of Debian or ipxe.org has.
    Ftp,
    /// `tftp://`.
    Tftp,
    /// `tftm://`, multicast TFTP.
    Tftm,
    /// `slam://`, which no build of Debian or ipxe.org has.
    Slam,
    /// `nfs://`.
    Nfs,
    /// `file:`, a file in a file system of the firmware, under UEFI.
    File,
    /// `iscsi:`.
    Iscsi,
    /// `aoe:`, ATA over Ethernet.
    Aoe,
    /// `ib_srp:`, SCSI over InfiniBand.
    #[serde(rename = "ib_srp")]
    IbSrp,
    /// `fcp:`, SCSI over Fibre Channel.
    Fcp,
    /// `usb:`, a disk on USB.
    Usb,
}

impl Protocol {
    /// Every protocol that this library knows.
    pub const ALL: [Self; 13] = [
        Self::Http,
        Self::Https,
        Self::Ftp,
        Self::Tftp,
        Self::Tftm,
        Self::Slam,
        Self::Nfs,
        Self::File,
        Self::Iscsi,
        Self::Aoe,
        Self::IbSrp,
        Self::Fcp,
        Self::Usb,
    ];

    /// The scheme, which comes before the `:` of a URL.
    pub const fn scheme(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Ftp => "ftp",
            Self::Tftp => "tftp",
            Self::Tftm => "tftm",
            Self::Slam => "slam",
            Self::Nfs => "nfs",
            Self::File => "file",
            Self::Iscsi => "iscsi",
            Self::Aoe => "aoe",
            Self::IbSrp => "ib_srp",
            Self::Fcp => "fcp",
            Self::Usb => "usb",
        }
    }

    /// Finds the protocol of a scheme. iPXE ignores the case of a scheme.
    pub fn of_scheme(scheme: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.scheme().eq_ignore_ascii_case(scheme))
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.scheme())
    }
}

/// A kind of file that a build can start (each `struct image_type` in iPXE's source). Scripts are
/// left out because every build runs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ImageFormat {
    /// A Linux kernel, started by the boot protocol for a BIOS.
    BzImage,
    /// An ELF program.
    Elf,
    /// A kernel that follows the Multiboot specification.
    Multiboot,
    /// A PXE network bootstrap program. iPXE takes every small file for one.
    Pxe,
    /// A UEFI program. Linux kernels are UEFI programs too.
    Efi,
}

/// A bug of some builds, or a difference that they do not report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Quirk {
    /// The build decodes the path of a URL and encodes it again for the request. Escapes of
    /// reserved characters, such as `%2F`, arrive decoded (`src/core/uri.c` before 1.21).
    ReencodesUrls,
    /// The kernel gets only the initrds that its command line names with `initrd=`
    /// (`src/image/efi_image.c` before 1.21, under UEFI).
    LoadsNamedInitrdsOnly,
    /// The kernel gets every fetched image as its initrd, regardless of the command line.
    LoadsEveryImage,
}
