//! Finding the file system of the disk cache, and mounting it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::mount::MountAttrFlags;

use crate::file_system_label::kind_with_label;
use crate::mount::{MountOption, mount_detached};

/// The time in which a disk has to answer before the others are taken without it.
const ANSWER: Duration = Duration::from_secs(3);

/// The time between two looks at the disks that there are.
const PAUSE: Duration = Duration::from_millis(200);

/// Block devices that hold no cache: memory, and drives that may have no disk in them.
const SKIPPED: [&str; 4] = ["ram", "zram", "fd", "sr"];

/// Mounts the first file system with the label, in the order of the devices' names. Waits for so
/// long until there is one. Tells `notice` why a file system with the label cannot be mounted.
pub(crate) fn mount(label: &str, wait: Duration, notice: &dyn Fn(&str)) -> Option<OwnedFd> {
    let start = Instant::now();
    let found = loop {
        let found = find(label);
        if !found.is_empty() || start.elapsed() >= wait {
            break found;
        }
        std::thread::sleep(PAUSE);
    };
    found.into_iter().find_map(|(device, kind)| {
        let mounted = mount_device(&device, kind);
        mounted.map_err(|error| notice(&format!("cannot mount {}: {error}", device.display()))).ok()
    })
}

/// The devices with the label, and the kinds of their file systems. A disk that does not answer is
/// left out, so each is asked by its own thread.
fn find(label: &str) -> BTreeMap<PathBuf, &'static str> {
    let (sender, receiver) = mpsc::channel();
    for device in devices() {
        let (sender, label) = (sender.clone(), label.to_owned());
        let ask = move || {
            let kind = kind_with_label(&device, &label).ok().flatten();
            let _ = sender.send(kind.map(|kind| (device, kind)));
        };
        let _ = std::thread::Builder::new().stack_size(64 << 10).spawn(ask);
    }
    drop(sender);
    let start = Instant::now();
    let mut found = BTreeMap::new();
    while let Ok(answer) = receiver.recv_timeout(ANSWER.saturating_sub(start.elapsed())) {
        found.extend(answer);
    }
    found
}

/// The block devices that can have a file system.
fn devices() -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir("/sys/class/block") else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let has_content = |name: &String| {
        let read = |file| fs::read_to_string(format!("/sys/class/block/{name}/{file}"));
        read("size").is_ok_and(|size| size.trim() != "0")
    };
    // A part of a RAID has the label of the whole.
    let is_free = |name: &String| {
        let holders = fs::read_dir(format!("/sys/class/block/{name}/holders"));
        holders.map_or(true, |mut holders| holders.next().is_none())
    };
    names
        .filter(|name| !SKIPPED.iter().any(|skipped| is_numbered(name, skipped)))
        .filter(|name| has_content(name) && is_free(name))
        // The kernel writes `!` for a slash in such names.
        .map(|name| PathBuf::from("/dev").join(name.replace('!', "/")))
        .collect()
}

/// Returns true if a name is this prefix with a number.
fn is_numbered(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix)
        .is_some_and(|number| number.bytes().all(|digit| digit.is_ascii_digit()))
}

/// Mounts a device, for reading alone if it cannot be written.
fn mount_device(device: &std::path::Path, kind: &str) -> io::Result<OwnedFd> {
    let source = device.to_string_lossy();
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOEXEC
        | MountAttrFlags::MOUNT_ATTR_NOATIME;
    let mut options = vec![MountOption::Value("source", &source)];
    if kind == "ext4" {
        // The file system itself can ask the kernel to panic at an error.
        options.push(MountOption::Value("errors", "remount-ro"));
    }
    let first = match mount_detached(kind, &options, attributes) {
        Err(error) if matches!(error.raw_os_error(), Some(EACCES | EROFS)) => error,
        result => return result,
    };
    options.push(MountOption::Flag("ro"));
    mount_detached(kind, &options, attributes)
        .or_else(|_| {
            // The log of a file system that was not unmounted cannot be played back.
            options.push(MountOption::Flag(if kind == "ext4" { "noload" } else { "norecovery" }));
            mount_detached(kind, &options, attributes)
        })
        .map_err(|_| first)
}

const EACCES: i32 = rustix::io::Errno::ACCESS.raw_os_error();
const EROFS: i32 = rustix::io::Errno::ROFS.raw_os_error();
