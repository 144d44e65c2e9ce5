//! The stages of a boot.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A stage of a boot, in order from power-on to the texts that the caller expects.
///
/// Netboot recognises each stage from the console. If the kernel has no serial console, no stage
/// after [`Kernel`](Self::Kernel) or [`Initrd`](Self::Initrd) is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum BootStage {
    /// QEMU was started.
    Started,
    /// iPXE's network card has an IPv4 address, or the firmware has an address for its own boot by
    /// HTTP.
    Dhcp,
    /// The firmware itself fetched an EFI program by HTTP, and started it.
    Program,
    /// iPXE fetched its first script.
    Script,
    /// iPXE fetched a kernel: the first file after the scripts. A name such as `bzImage` or
    /// `initrd` decides before the order does. A kernel that came in a program of the firmware has
    /// the time when the firmware started the program, which is that of [`Program`](Self::Program).
    Kernel,
    /// iPXE fetched an initrd: a file after the kernel.
    Initrd,
    /// Linux printed its version, which is its first message.
    KernelStarted,
    /// Linux started `/init`, or the console showed the caller's text for this stage.
    InitReached,
    /// Stage 1 began to fetch the store of a closure. It prints this itself, as it does the next
    /// two stages.
    StoreStarted,
    /// Stage 1 verified the index of the closure.
    IndexVerified,
    /// Stage 1 verified every store path of the closure, and put it into its place.
    StoreComplete,
    /// The console showed all texts that the caller expects.
    MarkersSeen,
}

impl fmt::Display for BootStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Started => "started",
            Self::Dhcp => "DHCP",
            Self::Program => "EFI program",
            Self::Script => "script",
            Self::Kernel => "kernel",
            Self::Initrd => "initrd",
            Self::KernelStarted => "kernel started",
            Self::InitReached => "init reached",
            Self::StoreStarted => "store started",
            Self::IndexVerified => "index verified",
            Self::StoreComplete => "store complete",
            Self::MarkersSeen => "markers seen",
        })
    }
}
