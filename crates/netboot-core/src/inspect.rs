//! Looks into kernels and initrds before a machine does: an error page saved as a kernel, or an
//! initrd that was cut short, is found here and not on a console in a rack.

mod cpio;
mod initrd;
mod kernel;
mod memory;
mod summary;

pub use self::initrd::inspect_initrd;
pub use self::kernel::check_kernel;
pub use self::memory::least_memory_mib;
pub use self::summary::{InitrdSummary, Presence, require_init};
