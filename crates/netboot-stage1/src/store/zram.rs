//! A compressed disk in memory (Linux's `Documentation/admin-guide/blockdev/zram.rst`).

pub(crate) mod algorithm;
pub(crate) mod device;
mod file_system;
pub(crate) mod problem;

use netboot_closure::Index;

pub use self::algorithm::ZramAlgorithm;
use self::device::ZramDevice;
use self::file_system::Mke2fs;
pub use self::problem::{ZramNeed, ZramProblem};

/// A machine's ability to have a store on zram.
#[derive(Debug)]
pub(crate) struct ZramOffer {
    device: ZramDevice,
    algorithm: ZramAlgorithm,
    mke2fs: Mke2fs,
}

impl ZramOffer {
    /// Looks for everything that is needed. Loads the kernel module, if it is there.
    pub(crate) fn find() -> Result<Self, ZramProblem> {
        let mke2fs = Mke2fs::find()?;
        let device = ZramDevice::add()?;
        let algorithm = device.choose_algorithm()?;
        Ok(Self { device, algorithm, mke2fs })
    }

    pub(crate) fn algorithm(&self) -> ZramAlgorithm {
        self.algorithm
    }

    /// The memory that the closure's store takes, in bytes.
    pub(crate) fn store_bytes(&self, index: &Index) -> u64 {
        self.algorithm.store_bytes(index)
    }

    /// Makes the disk with its file system. It never takes more than `limit` bytes of memory.
    pub(crate) fn make(self, index: &Index, limit: u64) -> Result<ZramDevice, ZramProblem> {
        let Self { mut device, mke2fs, .. } = self;
        device.set_up(file_system::disk_bytes(index), limit)?;
        mke2fs.run(device.path(), file_system::inodes(index))?;
        Ok(device)
    }
}
