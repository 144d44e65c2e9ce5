//! The forms that the store can have on the machine.
//!
//! The form is chosen at boot, and is never part of what is published. `netboot.store` asks for one
//! ([`StoreChoice`]); the memory of the machine decides. [`Store::prepare`] does both before
//! anything is fetched, and makes the directory ready:
//!
//! - [`StoreForm::Tmpfs`]: files in memory. NixOS mounts a tmpfs, whose limit is half of the memory
//!   at first. The limits become those that the closure needs.
//! - [`StoreForm::Zram`]: an ext4 file system on a compressed disk in memory, mounted over the
//!   directory. It takes about half of the memory.
//!
//! # What an initrd needs for zram
//! - The kernel module `zram`, unless the kernel has it built in, with `modprobe`. Kernels before
//!   6.12 also need the module of the compression (`zstd`, `lzo_rle`) from the kernel's crypto
//!   modules, and the program that `/proc/sys/kernel/modprobe` names.
//! - The module `ext4`, unless it is built in.
//! - `mke2fs` of e2fsprogs, in the `PATH`, in `/bin` or in `/sbin`. The applet of busybox makes no
//!   ext4.
//! - `/sys`, and `/dev` as a devtmpfs.

pub mod form;
mod tmpfs;
pub mod zram;

use std::os::fd::OwnedFd;
use std::path::Path;

use netboot_closure::Index;
use netboot_closure::boot_parameter::StoreChoice;
use rustix::fs::{Mode, OFlags};

pub use self::form::StoreForm;
use self::zram::ZramOffer;
use self::zram::device::ZramDevice;
use self::zram::problem::ZramNeed;
use crate::error::Error;
use crate::memory::MemoryNeed;

/// A directory that is ready for the store paths of a closure.
#[derive(Debug)]
pub struct Store {
    form: StoreForm,
    /// The memory in bytes that the boot needs.
    needed: u64,
    /// The root of the file system. The kernel keeps errors of writing for this descriptor.
    root: OwnedFd,
    zram: Option<ZramDevice>,
    notice: Option<String>,
}

impl Store {
    /// Chooses the form of the store, and prepares `directory` for the closure of `index`.
    ///
    /// `available` is the memory that the machine has, in bytes. `mount` says that a tmpfs is to be
    /// mounted over the directory. On NixOS there is one already.
    ///
    /// # Errors
    /// [`Error::Memory`] if the closure fits in no form. Otherwise [`Error::Io`].
    pub fn prepare(
        choice: StoreChoice,
        directory: &Path,
        index: &Index,
        connections: u64,
        available: u64,
        mount: bool,
    ) -> Result<Self, Error> {
        let need = MemoryNeed::of(index, connections);
        let tmpfs = need.tmpfs_bytes().saturating_add(need.other_bytes());
        let asks_zram = choice == StoreChoice::Zram;
        let mut offer = if tmpfs > available || asks_zram { Some(ZramOffer::find()) } else { None };
        let zram = match &offer {
            Some(Ok(offer)) => {
                ZramNeed::Bytes(offer.store_bytes(index).saturating_add(need.other_bytes()))
            }
            Some(Err(problem)) => ZramNeed::Unusable(problem.clone()),
            None => ZramNeed::NotAsked,
        };
        std::fs::create_dir_all(directory)
            .map_err(|source| Error::io("create", directory, source))?;
        ZramDevice::remove_leftover(directory);
        let mut notice = None;
        if form::is_zram(choice, tmpfs, &zram, available)?
            && let Some(Ok(offer)) = offer.take()
        {
            let form = StoreForm::Zram(offer.algorithm());
            let limit = available.saturating_sub(need.other_bytes());
            match offer
                .make(index, limit)
                .and_then(|device| device.mount(directory).map(|()| device))
            {
                Ok(device) => {
                    let root = open(directory)?;
                    let needed = zram.bytes().unwrap_or(tmpfs);
                    return Ok(Self { form, needed, root, zram: Some(device), notice });
                }
                Err(problem) if tmpfs > available => {
                    let zram = ZramNeed::Unusable(problem);
                    return Err(Error::Memory { tmpfs, zram, available });
                }
                Err(problem) => notice = Some(format!("no zram: {problem}")),
            }
        } else if let ZramNeed::Unusable(problem) = zram {
            notice = Some(format!("no zram: {problem}"));
        }
        tmpfs::prepare(directory, &need, mount)?;
        let (form, root) = (StoreForm::Tmpfs, open(directory)?);
        Ok(Self { form, needed: tmpfs, root, zram: None, notice })
    }

    /// The form of the store.
    pub fn form(&self) -> StoreForm {
        self.form
    }

    /// The memory in bytes that the boot needs: the store, stage 2, and this program.
    pub fn needed(&self) -> u64 {
        self.needed
    }

    /// Ends a store on zram that an earlier run left on `directory`, which frees its memory.
    pub fn remove_leftover(directory: &Path) {
        ZramDevice::remove_leftover(directory);
    }

    /// A line for people, if the form is another one than `netboot.store` asks for.
    pub fn notice(&self) -> Option<&str> {
        self.notice.as_deref()
    }

    /// Looks whether the store can still be written. Costs a few microseconds; call it now and then
    /// while store paths are unpacked, because the kernel tells writers of zram nothing.
    ///
    /// # Errors
    /// [`Error::StoreFull`] if zram takes more memory than it may.
    pub fn check(&self) -> Result<(), Error> {
        self.zram.as_ref().map_or(Ok(()), ZramDevice::check)
    }

    /// Writes everything, and looks for errors of writing that came late. A store that is in memory
    /// can fail only if it is on zram. Returns the bytes of memory that zram takes.
    ///
    /// # Errors
    /// [`Error::StoreFull`], or [`Error::Io`] if the file system could not be written.
    pub fn finish(self) -> Result<Option<u64>, Error> {
        let Some(zram) = self.zram else { return Ok(None) };
        let written = rustix::fs::syncfs(&self.root);
        zram.check()?;
        written.map_err(|source| Error::io("write", zram.path(), source.into()))?;
        let used = zram.used_bytes();
        zram.keep();
        Ok(used)
    }
}

fn open(directory: &Path) -> Result<OwnedFd, Error> {
    rustix::fs::open(directory, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|source| Error::io("open", directory, source.into()))
}
