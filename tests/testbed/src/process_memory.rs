//! The memory that a process has used.

use std::fs;

/// The most memory that a process has used so far, in KiB: `VmHWM` in proc(5).
///
/// # Panics
/// If the process does not exist.
#[expect(clippy::panic, reason = "a test whose process is gone has failed")]
pub fn peak_memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    kibibytes.unwrap_or_else(|| panic!("process {process} has no memory: {status}"))
}
