//! How far a machine came.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A step of a machine's way from power-on to what the caller waits for, in their order.
///
/// Each is recognised by what the console shows, so a machine whose kernel has no serial console
/// is not seen beyond [`Kernel`](Self::Kernel) or [`Initrd`](Self::Initrd).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum BootStage {
    /// QEMU was started.
    Started,
    /// iPXE's network card has an IPv4 address.
    Dhcp,
    /// iPXE fetched its first script.
    Script,
    /// iPXE fetched a kernel: the first file behind a script that is none itself. A name that
    /// says what it is, such as `bzImage` or `initrd`, decides before the order does.
    Kernel,
    /// iPXE fetched an initrd: a file behind the kernel.
    Initrd,
    /// Linux printed its version, the first thing that it does.
    KernelStarted,
    /// Linux started `/init`, or the caller's text for this was seen.
    InitReached,
    /// All that the caller expects was seen.
    MarkersSeen,
}

impl fmt::Display for BootStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Started => "started",
            Self::Dhcp => "DHCP",
            Self::Script => "script",
            Self::Kernel => "kernel",
            Self::Initrd => "initrd",
            Self::KernelStarted => "kernel started",
            Self::InitReached => "init reached",
            Self::MarkersSeen => "markers seen",
        })
    }
}
