//! What builds of iPXE differ in, commands apart.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The firmware that a build of iPXE runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Platform {
    /// A BIOS: iPXE says `${platform}` is `pcbios`.
    Bios,
    /// UEFI: iPXE says `${platform}` is `efi`.
    Efi,
}

impl Platform {
    /// Its name in the names of [`IpxeBuild`](super::IpxeBuild)s: `bios` or `efi`.
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

/// What a URL begins with, and a build can open (`struct uri_opener` all over iPXE's source).
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
    /// `tftm://`: multicast TFTP.
    Tftm,
    /// `slam://`, which no build of Debian or ipxe.org has.
    Slam,
    /// `nfs://`.
    Nfs,
    /// `file:`: a file of the firmware's file system, under UEFI.
    File,
    /// `iscsi:`.
    Iscsi,
    /// `aoe:`: ATA over Ethernet.
    Aoe,
    /// `ib_srp:`: SCSI over InfiniBand.
    #[serde(rename = "ib_srp")]
    IbSrp,
    /// `fcp:`: SCSI over Fibre Channel.
    Fcp,
    /// `usb:`: a disk on USB.
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

    /// What stands before the `:` of a URL.
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

    /// The protocol of a scheme, which iPXE compares without regard to case.
    pub fn of_scheme(scheme: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.scheme().eq_ignore_ascii_case(scheme))
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.scheme())
    }
}

/// A kind of file that a build can start (`struct image_type` all over iPXE's source), scripts
/// apart, which every build runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ImageFormat {
    /// A Linux kernel, started by its boot protocol for a BIOS.
    BzImage,
    /// An ELF program.
    Elf,
    /// A kernel by the Multiboot specification.
    Multiboot,
    /// A PXE network bootstrap program: anything that is small enough is taken for one.
    Pxe,
    /// A UEFI program, which Linux kernels are too.
    Efi,
}

/// A way in which some builds go wrong, or differ without a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Quirk {
    /// A URL's path is decoded and encoded again before it is asked for, and escapes of reserved
    /// characters such as `%2F` arrive decoded (`src/core/uri.c` before 1.21).
    ReencodesUrls,
    /// The kernel gets only those initrds that its command line names by `initrd=`
    /// (`src/image/efi_image.c` before 1.21, under UEFI).
    LoadsNamedInitrdsOnly,
    /// The kernel gets every image that is there as its initrd, whatever the command line says.
    LoadsEveryImage,
}
