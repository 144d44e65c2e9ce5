//! The commands, protocols and image formats of the builds in common use.
//!
//! The tests ask Debian's binaries, with `help`, with `--help`, and by trying. The data of
//! ipxe.org's default builds comes from builds of the release 2.0.0, which were asked in the same
//! way.

use crate::build::capability::{ImageFormat, Platform, Protocol};
use crate::dialect::Version;

/// The origin of a build: who configured it, and its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Bookworm,
    Trixie,
    Sid,
    IpxeOrg,
}

impl Origin {
    /// All origins, the oldest first.
    pub(crate) const ALL: [Self; 4] = [Self::Bookworm, Self::Trixie, Self::Sid, Self::IpxeOrg];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Bookworm => "bookworm",
            Self::Trixie => "trixie",
            Self::Sid => "sid",
            Self::IpxeOrg => "ipxe-2.0",
        }
    }

    pub(crate) const fn version(self) -> Version {
        match self {
            Self::Bookworm => Version::V2019,
            Self::Trixie => Version::V1_21,
            Self::Sid | Self::IpxeOrg => Version::V2_0,
        }
    }

    /// The commands of a build.
    pub(crate) fn commands(self, platform: Platform) -> impl Iterator<Item = &'static str> {
        let debian: &[&str] = if self == Self::IpxeOrg { &[] } else { &["ping"] };
        let certificates: &[&str] = if (self, platform) == (Self::IpxeOrg, Platform::Bios) {
            &[]
        } else {
            &CONSOLES_CERTIFICATES_AND_VLANS
        };
        let later: [&[&str]; 4] = match (self, platform) {
            (Self::Bookworm, _) => [&[], &[], &[], &[]],
            (Self::Trixie, _) | (_, Platform::Bios) => [&SINCE_1_21, debian, certificates, &[]],
            (_, Platform::Efi) => [&SINCE_1_21, debian, certificates, &EFI_SINCE_2_0],
        };
        EVERYWHERE.iter().chain(later.into_iter().flatten()).copied()
    }

    /// The protocols of a build.
    pub(crate) fn protocols(self, platform: Platform) -> impl Iterator<Item = Protocol> {
        let efi = platform == Platform::Efi;
        let two = self.version() == Version::V2_0;
        Protocol::ALL.into_iter().filter(move |protocol| match protocol {
            Protocol::Http
            | Protocol::Tftp
            | Protocol::Tftm
            | Protocol::Iscsi
            | Protocol::Aoe
            | Protocol::IbSrp => true,
            Protocol::Https => match self {
                Self::Bookworm => false,
                Self::Trixie | Self::Sid => true,
                Self::IpxeOrg => efi,
            },
            Protocol::Nfs => self != Self::IpxeOrg,
            Protocol::File => efi,
            Protocol::Usb => two,
            Protocol::Ftp | Protocol::Slam | Protocol::Fcp => false,
        })
    }
}

/// The image formats of builds for a platform.
pub(crate) fn image_formats(platform: Platform) -> &'static [ImageFormat] {
    match platform {
        Platform::Bios => {
            &[ImageFormat::BzImage, ImageFormat::Elf, ImageFormat::Multiboot, ImageFormat::Pxe]
        }
        Platform::Efi => &[ImageFormat::Efi],
    }
}

const EVERYWHERE: [&str; 48] = [
    "autoboot",
    "boot",
    "chain",
    "choose",
    "clear",
    "config",
    "cpuid",
    "dhcp",
    "echo",
    "exit",
    "goto",
    "help",
    "ibstat",
    "ifclose",
    "ifconf",
    "ifopen",
    "ifstat",
    "imgargs",
    "imgexec",
    "imgfetch",
    "imgfree",
    "imgload",
    "imgselect",
    "imgstat",
    "inc",
    "initrd",
    "iseq",
    "isset",
    "item",
    "iwlist",
    "iwstat",
    "kernel",
    "login",
    "menu",
    "module",
    "prompt",
    "pxebs",
    "read",
    "reboot",
    "route",
    "sanboot",
    "sanhook",
    "sanunhook",
    "set",
    "shell",
    "show",
    "sleep",
    "sync",
];

const SINCE_1_21: [&str; 5] = ["form", "iflinkwait", "poweroff", "present", "shim"];

const CONSOLES_CERTIFICATES_AND_VLANS: [&str; 8] =
    ["certfree", "certstat", "certstore", "colour", "console", "cpair", "vcreate", "vdestroy"];

const EFI_SINCE_2_0: [&str; 11] = [
    "md5sum",
    "ntp",
    "param",
    "params",
    "pciscan",
    "sha1sum",
    "sha224sum",
    "sha256sum",
    "sha384sum",
    "sha512sum",
    "usbscan",
];
