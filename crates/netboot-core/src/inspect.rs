//! Looks into kernels and initrds before a machine does: an error page saved as a kernel, or an
//! initrd that was cut short, is found here and not on a console in a rack.

mod cpio;
mod initrd;
mod kernel;

pub use self::initrd::{InitrdSummary, Presence, inspect_initrd, require_init};
pub use self::kernel::check_kernel;
