//! The sections that the UKI of an image has.

use netboot_core::{Artifact, Image, Sha256Digest};

use crate::image_uki::os_release::os_release;
use crate::pe::headers::Headers;
use crate::pe::problem::PeProblem;
use crate::pe::section::Section;
use crate::stub::MAGIC_SECTION;
use crate::uki::part::{Part, padding};

/// The sections of systemd's stubs, which no stub takes for a part of a UKI
/// (`tools/elf2efi.py` of systemd; the last four are those of stubs before systemd 254).
const OF_STUB: [&str; 10] = [
    ".text",
    ".rodata",
    ".data",
    ".reloc",
    ".sbat",
    MAGIC_SECTION,
    ".dynamic",
    ".dynsym",
    ".rela",
    ".rdata",
];

pub(super) const OS_RELEASE: &str = ".osrel";
pub(super) const COMMAND_LINE: &str = ".cmdline";
pub(super) const UNAME: &str = ".uname";

/// The sections that are compared with an image, in the order in which a UKI of ours has them.
pub(super) const COMPARED: [&str; 6] =
    [MAGIC_SECTION, OS_RELEASE, COMMAND_LINE, UNAME, Part::KERNEL, Part::INITRD];

/// A range of a section, and what its bytes must be.
pub(super) struct Piece {
    pub(super) size: u64,
    pub(super) expected: Expected,
}

pub(super) enum Expected {
    Digest(Sha256Digest),
    Zeros,
}

/// Returns a section that no UKI of ours has. Stubs take many kinds of sections: firmware,
/// microcode, device trees and profiles change what a machine starts, and `.pcrsig` and others
/// become files in the initrd (systemd-stub(7)). Later versions may know more of them.
pub(super) fn foreign(sections: &[Section]) -> Option<&Section> {
    let is_known = |name: &str| OF_STUB.contains(&name) || COMPARED.contains(&name);
    sections.iter().find(|section| !is_known(&section.name))
}

/// Checks that a stub has no part of a UKI already.
pub(super) fn check_stub(headers: &Headers) -> Result<(), PeProblem> {
    match headers.sections.iter().find(|section| !OF_STUB.contains(&section.name.as_str())) {
        Some(section) => {
            Err(PeProblem::ForeignSection { section: PeProblem::named(&section.name) })
        }
        None => Ok(()),
    }
}

/// The bytes of the text or of the files of an image that a section has. There are none for
/// sections that are compared otherwise.
pub(super) fn pieces(image: &Image, section: &str) -> Option<Vec<Piece>> {
    match section {
        OS_RELEASE => {
            let text = os_release(image);
            let expected = Expected::Digest(Sha256Digest::of(text.as_bytes()));
            Some(vec![Piece { size: text.len() as u64, expected }])
        }
        Part::KERNEL => Some(vec![Piece::of(image.kernel().as_ref())]),
        Part::INITRD => {
            let files = image.initrds();
            let pieces = files.iter().flat_map(|file| {
                let size = padding(file.as_ref(), files);
                [Piece::of(file.as_ref()), Piece { size, expected: Expected::Zeros }]
            });
            Some(pieces.collect())
        }
        _ => None,
    }
}

impl Piece {
    fn of(file: &dyn Artifact) -> Self {
        Self { size: file.size(), expected: Expected::Digest(file.sha256()) }
    }
}
