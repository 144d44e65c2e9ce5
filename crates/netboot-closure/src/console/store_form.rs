//! The forms of the store.

use crate::console::template::template;

/// The place in which a machine keeps the unpacked store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum StoreForm {
    /// In memory.
    Tmpfs,
    /// In compressed memory.
    Zram,
}

template!(enum StoreForm:
    Tmpfs: "tmpfs";
    Zram: "zram";
);
