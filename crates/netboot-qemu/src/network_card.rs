//! The models of network cards.

use std::fmt;

/// The model of a machine's network card.
///
/// The kernel of the image needs a driver for it. Debian's kernels for cloud machines have no
/// driver for [`E1000`](Self::E1000), for example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkCard {
    /// The paravirtual card of QEMU and KVM. OVMF drives it without the card's iPXE. So a machine
    /// with UEFI cannot [`boot`](crate::Machine::boot) a URL from it, unless the machine has
    /// [another iPXE](crate::MachineBuilder::ipxe). It is the only card from which the firmware
    /// [boots by HTTP](crate::Machine::boot_by_http).
    Virtio,
    /// Intel's 82540EM.
    E1000,
    /// `VMware`'s paravirtual card.
    Vmxnet3,
}

impl fmt::Display for NetworkCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Virtio => "virtio",
            Self::E1000 => "e1000",
            Self::Vmxnet3 => "vmxnet3",
        })
    }
}

impl NetworkCard {
    /// The name of QEMU's device.
    pub(crate) fn device(self) -> &'static str {
        match self {
            Self::Virtio => "virtio-net-pci",
            Self::E1000 => "e1000",
            Self::Vmxnet3 => "vmxnet3",
        }
    }
}
