//! A file system that never answers.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

/// A mounted file system whose server never answers, as a network file system whose server is down.
///
/// It is a FUSE file system without a program behind it: the kernel waits for the first answer for
/// ever. Processes that touch it wait, and can only be killed. Dropping this value ends the waits.
#[derive(Debug)]
pub struct HungFileSystem {
    place: PathBuf,
    device: Option<File>,
}

impl HungFileSystem {
    /// Mounts it over a directory. The caller should have a mount namespace of its own.
    ///
    /// # Panics
    /// If the process may not mount FUSE file systems: it needs `/dev/fuse`, and to be root.
    #[expect(clippy::panic, reason = "a test whose set-up fails has failed")]
    pub fn mount(place: &Path) -> Self {
        let device = File::options().read(true).write(true).open("/dev/fuse");
        let device = device.unwrap_or_else(|error| panic!("/dev/fuse is needed: {error}"));
        let descriptor = device.as_raw_fd();
        let options = format!("fd={descriptor},rootmode=40000,user_id=0,group_id=0");
        let options = std::ffi::CString::new(options).unwrap_or_default();
        mount("hung", place, "fuse", MountFlags::empty(), options.as_c_str())
            .unwrap_or_else(|error| panic!("a FUSE file system cannot be mounted: {error}"));
        Self { place: place.to_owned(), device: Some(device) }
    }
}

impl Drop for HungFileSystem {
    fn drop(&mut self) {
        let _ = unmount(&self.place, UnmountFlags::DETACH);
        // Closing the device ends the waits.
        drop(self.device.take());
    }
}
