//! A device of zram, and its files in `/sys`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::mount::{MountAttrFlags, UnmountFlags, unmount};

use crate::error::Error;
use crate::file_system_label;
use crate::mount::{MountOption, attach, mount_detached};
use crate::store::zram::algorithm::ZramAlgorithm;
use crate::store::zram::file_system::LABEL;
use crate::store::zram::problem::ZramProblem;

const CONTROL: &str = "/sys/class/zram-control";

/// The number of tries to remove a device that is in use, and the time between two tries.
const REMOVE_TRIES: u32 = 25;
const REMOVE_PAUSE: Duration = Duration::from_millis(20);

/// A device of zram. Unless it is kept, dropping this value removes it.
#[derive(Debug)]
pub(crate) struct ZramDevice {
    number: u32,
    path: PathBuf,
    limit: u64,
    is_kept: bool,
}

impl ZramDevice {
    /// Adds a device. It is a new one, because the system may set up `/dev/zram0` for swap.
    pub(crate) fn add() -> Result<Self, ZramProblem> {
        let hot_add = Path::new(CONTROL).join("hot_add");
        if !hot_add.exists() {
            // The device `zram0` that the module brings is left to the system.
            let mut load = Command::new("modprobe");
            let _ = load.arg("zram").stdin(Stdio::null()).stderr(Stdio::null()).status();
        }
        if !hot_add.exists() {
            return Err(ZramProblem::NoKernelSupport);
        }
        // Reading this file adds a device.
        let number = fs::read_to_string(&hot_add)
            .map_err(|error| ZramProblem::failed("add a device of zram", error))?;
        let number: u32 = number
            .trim()
            .parse()
            .map_err(|error| ZramProblem::failed("add a device of zram", error))?;
        Ok(Self::with_number(number))
    }

    /// Unmounts a store on zram that lies over `directory` since an earlier attempt, which was
    /// killed. It would take memory for nothing.
    pub(crate) fn remove_leftover(directory: &Path) {
        let Ok(state) = rustix::fs::stat(directory) else { return };
        let (major, minor) = (rustix::fs::major(state.st_dev), rustix::fs::minor(state.st_dev));
        let device = fs::read_link(format!("/sys/dev/block/{major}:{minor}"));
        let name = device.ok().and_then(|device| Some(device.file_name()?.to_str()?.to_owned()));
        let number = name.and_then(|name| name.strip_prefix("zram")?.parse().ok());
        let Some(number) = number else { return };
        let mut device = Self::with_number(number);
        let is_ours = file_system_label::kind_with_label(&device.path, LABEL);
        let is_gone = is_ours.is_ok_and(|kind| kind.is_some())
            && unmount(directory, UnmountFlags::empty())
                .or_else(|_| unmount(directory, UnmountFlags::DETACH))
                .is_ok();
        device.is_kept = !is_gone;
    }

    fn with_number(number: u32) -> Self {
        let path = PathBuf::from(format!("/dev/zram{number}"));
        Self { number, path, limit: 0, is_kept: false }
    }

    /// The device's path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the device the best compression that the kernel has, and returns it.
    ///
    /// Kernels before 6.12 also list a compression whose module is missing, and refuse it when it
    /// is written.
    pub(crate) fn choose_algorithm(&self) -> Result<ZramAlgorithm, ZramProblem> {
        let file = self.file("comp_algorithm");
        let offered = fs::read_to_string(&file)
            .map_err(|error| ZramProblem::failed(format!("read {}", file.display()), error))?;
        // The one in use stands in brackets.
        let names: Vec<&str> =
            offered.split_whitespace().map(|name| name.trim_matches(['[', ']'])).collect();
        let mut known = ZramAlgorithm::ALL.into_iter().filter(|it| names.contains(&it.as_str()));
        let chosen = known.find(|it| self.write("comp_algorithm", it.as_str()).is_ok());
        chosen.ok_or_else(|| ZramProblem::NoAlgorithm { offered: offered.trim().into() })
    }

    /// Gives the device its size and its limit of memory, both in bytes.
    pub(crate) fn set_up(&mut self, size: u64, limit: u64) -> Result<(), ZramProblem> {
        self.write("disksize", &size.to_string())?;
        self.write("mem_limit", &limit.to_string())?;
        self.limit = limit;
        Ok(())
    }

    /// Mounts the ext4 file system of the device over a directory.
    pub(crate) fn mount(&self, directory: &Path) -> Result<(), ZramProblem> {
        let source = self.path.to_string_lossy();
        let options = [
            MountOption::Value("source", &source),
            // A writer must notice an error, not the next boot.
            MountOption::Value("errors", "remount-ro"),
            // Empty inode tables need no memory until they are written.
            MountOption::Flag("noinit_itable"),
        ];
        let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID
            | MountAttrFlags::MOUNT_ATTR_NODEV
            | MountAttrFlags::MOUNT_ATTR_NOATIME;
        let failed = |source: io::Error| {
            ZramProblem::failed(
                format!("mount {} at {}", self.path.display(), directory.display()),
                source,
            )
        };
        let root = mount_detached("ext4", &options, attributes).map_err(failed)?;
        // It would be part of the store.
        let _ = rustix::fs::unlinkat(&root, "lost+found", rustix::fs::AtFlags::REMOVEDIR);
        attach(&root, directory).map_err(failed)
    }

    /// The memory that the device takes, in bytes.
    pub(crate) fn used_bytes(&self) -> Option<u64> {
        // The third number of `mm_stat` is `mem_used_total`.
        self.number_in("mm_stat", 2)
    }

    /// Looks whether a write failed. That happens when the device reached its limit of memory.
    pub(crate) fn check(&self) -> Result<(), Error> {
        // The second number of `io_stat` is `failed_writes`.
        if self.number_in("io_stat", 1).is_some_and(|failed| failed > 0) {
            let used = self.used_bytes().unwrap_or(0);
            return Err(Error::StoreFull { device: self.path.clone(), used, limit: self.limit });
        }
        Ok(())
    }

    /// Leaves the device to the system.
    pub(crate) fn keep(mut self) {
        self.is_kept = true;
    }

    fn number_in(&self, file: &str, position: usize) -> Option<u64> {
        let text = fs::read_to_string(self.file(file)).ok()?;
        text.split_whitespace().nth(position)?.parse().ok()
    }

    fn write(&self, file: &str, value: &str) -> Result<(), ZramProblem> {
        let file = self.file(file);
        let step = || format!("write {value} into {}", file.display());
        fs::write(&file, value).map_err(|error| ZramProblem::failed(step(), error))
    }

    fn file(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/sys/block/zram{}/{name}", self.number))
    }
}

impl Drop for ZramDevice {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        // The kernel lets a device go a moment after its file system is unmounted. A device that is
        // still mounted stays.
        let control = Path::new(CONTROL).join("hot_remove");
        for _ in 0..REMOVE_TRIES {
            match fs::write(&control, self.number.to_string()) {
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                    std::thread::sleep(REMOVE_PAUSE);
                }
                _ => return,
            }
        }
    }
}
