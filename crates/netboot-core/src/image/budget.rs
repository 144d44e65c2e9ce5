//! The warning of an image that is too large for its machines.

use crate::context::Context;
use crate::event::Event;
use crate::image::Image;

/// The size that most builds of iPXE cannot load, in bytes.
const IPXE_LIMIT: u64 = 2 * 1024 * 1024 * 1024;

impl Image {
    /// Emits a warning if a machine fetches more than `budget` bytes. Whatever the budget, it also
    /// emits one if the payload is larger than 2 GiB, which most builds of iPXE cannot load
    /// (nixpkgs issue 203593).
    pub fn warn_if_over(&self, budget: u64, context: &Context) {
        let (payload, size) = (self.payload_size(), self.fetched_size());
        let mebibytes = |bytes: u64| bytes.div_ceil(1024 * 1024);
        let (message, hint) = if payload > IPXE_LIMIT {
            (
                format!(
                    "the image has {} MiB, but most builds of iPXE cannot load 2 GiB or more",
                    mebibytes(payload)
                ),
                "build the profile with the payload `closure`, or remove packages from the \
                 configuration: a machine that cannot load the image stays in its firmware, or boots \
                 a damaged image",
            )
        } else if size > budget {
            (
                format!(
                    "the image has {} MiB, but its budget is {} MiB",
                    mebibytes(size),
                    mebibytes(budget)
                ),
                "remove packages from the configuration, or raise the profile's size budget: machines \
                 need more memory and time for a larger image",
            )
        } else {
            return;
        };
        let (profile, hint) = (Some(self.profile.clone()), Some(hint.to_owned()));
        context.emit(Event::Warning { profile, message, hint });
    }
}
