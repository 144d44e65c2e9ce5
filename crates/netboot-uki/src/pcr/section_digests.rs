//! The digests of a UKI's sections and of its kernel, made while the UKI is read once.

use netboot_core::{Sha256Digest, Sha256Hasher};

use crate::pe::headers::{HEADERS_LIMIT, Headers};
use crate::pe::sums::Sums;
use crate::scan::overlap;
use crate::uki::part::Part;

/// The sections that the stub measures, in the order in which it does so (`unified_sections` in
/// `src/fundamental/uki.c` of systemd 257). It leaves out `.pcrsig`, which signs the result.
pub(crate) const MEASURED: [&str; 13] = [
    Part::KERNEL,
    ".osrel",
    ".cmdline",
    ".initrd",
    ".ucode",
    ".splash",
    ".dtb",
    ".uname",
    ".sbat",
    ".pcrpkey",
    ".profile",
    ".dtbauto",
    ".hwids",
];

/// Takes the bytes of a UKI in pieces, and computes the digests.
#[derive(Debug, Default)]
pub(crate) struct SectionDigests {
    /// A hasher for each section of [`MEASURED`].
    hashers: [Sha256Hasher; MEASURED.len()],
    kernel: KernelDigest,
}

impl SectionDigests {
    /// Takes the next bytes, which stand at `position` in the file.
    pub(crate) fn update(&mut self, headers: &Headers, position: u64, bytes: &[u8]) {
        for (name, hasher) in MEASURED.iter().zip(&mut self.hashers) {
            let Some(section) = headers.section(name) else { continue };
            let bytes = overlap(&section.range(), position, bytes);
            hasher.update(bytes);
            if *name == Part::KERNEL {
                self.kernel.update(bytes, u64::from(section.size));
            }
        }
    }

    /// Returns the digests in the order of [`MEASURED`], and the kernel's.
    pub(crate) fn finish(self) -> ([Sha256Digest; MEASURED.len()], Option<Sha256Digest>) {
        (self.hashers.map(|hasher| hasher.finish().0), self.kernel.finish())
    }
}

/// Computes the digest of a kernel as firmware measures an EFI program that it loads.
#[derive(Debug, Default)]
enum KernelDigest {
    /// The first bytes.
    #[default]
    Empty,
    Headers(Vec<u8>),
    Body {
        sums: Box<Sums>,
        end: u64,
    },
    /// The kernel has gaps or overlaps, so that programs compute different digests.
    Ambiguous,
}

impl KernelDigest {
    /// Takes the next bytes of a kernel of `length` bytes.
    fn update(&mut self, bytes: &[u8], length: u64) {
        match self {
            Self::Empty => {
                *self = Self::Headers(Vec::new());
                self.update(bytes, length);
            }
            Self::Headers(start) => {
                start.extend_from_slice(bytes);
                if start.len() as u64 >= length.min(HEADERS_LIMIT.into()) {
                    *self = Self::body(start, length);
                }
            }
            Self::Body { sums, end } => {
                let rest = usize::try_from(*end - sums.length()).unwrap_or(usize::MAX);
                sums.update(&bytes[..rest.min(bytes.len())]);
            }
            Self::Ambiguous => {}
        }
    }

    fn body(start: &[u8], length: u64) -> Self {
        let Ok(headers) = Headers::parse(start, length) else { return Self::Ambiguous };
        let (header_bytes, rest) = start.split_at(headers.size as usize);
        let sums = Box::new(Sums::of_headers(&headers, header_bytes));
        let mut body = Self::Body { sums, end: headers.signatures.start };
        body.update(rest, length);
        body
    }

    fn finish(self) -> Option<Sha256Digest> {
        match self {
            Self::Body { sums, end } if sums.length() == end => Some(sums.finish().0),
            _ => None,
        }
    }
}
