//! The choice of the kernel parameter `netboot.store`.

/// The choice of the kernel parameter `netboot.store`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum StoreChoice {
    /// `auto`: files in memory where they fit, else zram.
    #[default]
    Auto,
    /// `tmpfs`: files in memory.
    Tmpfs,
    /// `zram`: compressed memory. Where zram cannot be used, files in memory if they fit.
    Zram,
    /// `disk`: as `auto`, with a disk cache that is missed if it is not found.
    Disk,
}
