//! The settings of the caller.

use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use crate::patience::Patience;

/// The settings of the caller: the places on the machine, and how to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// The directory that store paths are put into.
    pub into: PathBuf,
    /// The file with the kernel command line.
    pub command_line: PathBuf,
    /// The file that says how much memory is available.
    pub memory: PathBuf,
    /// The directory with the network interfaces.
    pub interfaces: PathBuf,
    /// True if a tmpfs should be mounted over the directory. NixOS has mounted one already.
    pub mount: bool,
    /// The number of connections.
    pub connections: NonZero<usize>,
    /// The time to go on without progress.
    pub patience: Patience,
    /// The program that works on the disk cache: it calls
    /// [`worker::run`](crate::disk_cache::worker::run). Without it, there is no disk cache.
    pub disk_cache_worker: Option<PathBuf>,
    /// The time to wait for the disk that `netboot.store=disk` asks for.
    pub disk_wait: Duration,
    /// The time to wait at the end, so that the last reports can leave.
    pub report_wait: Duration,
}

impl Settings {
    /// The number of connections, unless the caller decides.
    pub const CONNECTIONS: NonZero<usize> = NonZero::<usize>::MIN.saturating_add(3);

    /// The settings for this machine: its files in `/proc` and `/sys`, four connections, the
    /// default patience, 15 seconds for the disk and 2 seconds for the last reports.
    pub fn new(into: impl Into<PathBuf>) -> Self {
        Self {
            into: into.into(),
            mount: false,
            command_line: "/proc/cmdline".into(),
            memory: "/proc/meminfo".into(),
            interfaces: "/sys/class/net".into(),
            connections: Self::CONNECTIONS,
            patience: Patience::default(),
            disk_cache_worker: None,
            disk_wait: Duration::from_secs(15),
            report_wait: Duration::from_secs(2),
        }
    }
}
