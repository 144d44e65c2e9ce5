//! Reading a kernel from its first byte to its last one, for the facts that it states.

use memchr::memmem::find_iter;
use netboot_core::Architecture;

use crate::pe::headers::HEADERS_LIMIT;
use crate::pe::problem::PeProblem;
use crate::uki::kernel::{Kernel, RELEASE_LIMIT, first_version};

/// The start of the text by which Linux names its version (`linux_banner` in `init/version.c`).
const BANNER: &[u8] = b"Linux version ";

/// The number of bytes behind which a banner is complete: with its version, and one byte more.
const COMPLETE: usize = BANNER.len() + RELEASE_LIMIT + 1;

/// The bytes of a kernel that were read so far. Only a bounded part of them is kept.
#[derive(Debug, Default)]
pub(crate) struct KernelReader {
    start: Vec<u8>,
    /// The last bytes, in which a banner may begin.
    tail: Vec<u8>,
    banner: Option<String>,
}

impl KernelReader {
    /// Takes the next bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let room = HEADERS_LIMIT as usize - self.start.len();
        self.start.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if self.banner.is_some() {
            return;
        }
        self.tail.extend_from_slice(bytes);
        self.find_banner();
        let kept = self.tail.len().saturating_sub(COMPLETE - 1);
        self.tail.drain(..kept);
    }

    /// Returns the facts about the kernel. The header of a `bzImage` states the version. An `Image`
    /// of ARM has it in its banner only, where `ukify` finds it too.
    pub(crate) fn finish(mut self, architecture: Architecture) -> Result<Kernel, PeProblem> {
        let mut kernel = Kernel::parse(&self.start, architecture)?;
        if kernel.release.is_none() && architecture == Architecture::Aarch64 {
            if self.banner.is_none() {
                // A banner at the end of the kernel ends there.
                self.tail.push(0);
                self.find_banner();
            }
            kernel.release = self.banner;
        }
        Ok(kernel)
    }

    fn find_banner(&mut self) {
        let ends = find_iter(&self.tail, BANNER).map(|at| at + BANNER.len());
        let mut versions = ends.filter_map(|end| first_version(&self.tail[end..]));
        self.banner = versions.next();
    }
}
