//! The faults of EFI programs.

use std::fmt;

use foreign_text::ForeignText;

/// A fault of an EFI program, of a UKI or of a stub. `Display` is a clause about the file, which
/// is "it".
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeProblem {
    /// The headers are not those of a 64-bit EFI program.
    Headers {
        /// The reason, as a clause.
        reason: &'static str,
    },
    /// The program is for another processor, or for one that no UKI of Netboot is for.
    Machine {
        /// The number of the processor (Microsoft's "PE Format", section "Machine Types").
        machine: u16,
    },
    /// The name of a section is not printable ASCII.
    SectionName,
    /// A section lies outside the file.
    SectionOutside {
        /// The section.
        section: String,
    },
    /// The bytes of a section do not follow those of the section before it.
    SectionMisplaced {
        /// The section.
        section: String,
    },
    /// A section overlaps another one in memory, or the sections are not in the order of their
    /// addresses.
    SectionAddress {
        /// The section.
        section: String,
    },
    /// A UKI has a section twice. Netboot does not read UKIs of several profiles.
    DuplicateSection {
        /// The section.
        section: String,
    },
    /// A section of a UKI states no size in memory, so that systemd's stub does not see it.
    NoMemorySize {
        /// The section.
        section: String,
    },
    /// A stub has a section of a UKI, or one that no stub of systemd has.
    ForeignSection {
        /// The section.
        section: String,
    },
    /// A section is missing.
    MissingSection {
        /// The section.
        section: &'static str,
    },
    /// A section of text is larger than such a section can be.
    SectionTooLarge {
        /// The section.
        section: String,
        /// The greatest size in bytes.
        limit: u32,
    },
    /// The kernel in a UKI is no EFI program for the processor of the UKI.
    Kernel {
        /// The reason, as a clause.
        reason: String,
    },
    /// The table of signatures does not lie at the end of the file, or is damaged.
    SignatureTable,
    /// A stub is not the one of systemd that is needed here.
    ForeignStub {
        /// The program that a stub of this kind names.
        expected: &'static str,
    },
    /// A stub or the input of [`Uki`](crate::Uki) is signed already, or has bytes behind its last
    /// section.
    BytesBehind,
    /// The last section of a stub does not end at a multiple of the alignment in the file.
    UnalignedEnd,
    /// The headers have no room for the section.
    NoRoom {
        /// The section.
        section: &'static str,
    },
    /// A stub of an unknown version, or of another vendor, measures what nobody can predict here.
    UnknownStub {
        /// The name that the stub gives to itself. It is empty without one.
        stub: String,
    },
    /// The stub takes from this kind of section what fits the machine, so that nobody can predict
    /// what it measures.
    ChosenByMachine {
        /// The section.
        section: String,
    },
    /// The stub measures a section in memory, where it is larger than in the file.
    LargerInMemory {
        /// The section.
        section: String,
    },
    /// The kernel has gaps or overlaps, so that programs compute different digests of it.
    AmbiguousKernel,
    /// The file is larger than 4 GiB, which the format cannot describe.
    TooLarge,
    /// The file changed while it was read.
    Changed,
}

impl PeProblem {
    /// Quotes the name of a section, which comes from the file.
    pub(crate) fn named(name: &str) -> String {
        ForeignText::line(name).into_string()
    }
}

impl fmt::Display for PeProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Headers { reason } => write!(f, "it is no EFI program: {reason}"),
            Self::Machine { machine } => {
                write!(f, "it is for another processor (machine type {machine:#06x})")
            }
            Self::SectionName => f.write_str("the name of a section is not printable"),
            Self::SectionOutside { section } => {
                write!(f, "its section {section} lies outside the file")
            }
            Self::SectionMisplaced { section } => {
                write!(f, "the bytes of its section {section} do not follow the ones before")
            }
            Self::SectionAddress { section } => {
                write!(f, "its section {section} overlaps the one before it in memory")
            }
            Self::DuplicateSection { section } => write!(f, "it has the section {section} twice"),
            Self::NoMemorySize { section } => {
                write!(f, "its section {section} states no size in memory, so that no stub sees it")
            }
            Self::ForeignSection { section } => {
                write!(f, "it has the section {section}, which is not one of a stub")
            }
            Self::MissingSection { section } => write!(f, "it has no section {section}"),
            Self::SectionTooLarge { section, limit } => {
                write!(f, "its section {section} has more than {limit} bytes")
            }
            Self::Kernel { reason } => write!(f, "its kernel cannot start: {reason}"),
            Self::SignatureTable => f.write_str("its table of signatures is damaged"),
            Self::ForeignStub { expected } => write!(f, "it is not {expected}"),
            Self::BytesBehind => f.write_str("it is signed, or has bytes behind its last section"),
            Self::UnalignedEnd => f.write_str("the end of its last section is not aligned"),
            Self::NoRoom { section } => {
                write!(f, "its headers have no room for the section {section}")
            }
            Self::UnknownStub { stub } => {
                write!(f, "its stub is not systemd-stub 257 or later, but {stub:?}")
            }
            Self::ChosenByMachine { section } => {
                write!(f, "its stub chooses from its sections {section} what fits the machine")
            }
            Self::LargerInMemory { section } => {
                write!(f, "its section {section} is larger in memory than in the file")
            }
            Self::AmbiguousKernel => {
                f.write_str("its kernel has gaps or overlaps, so that its digest is ambiguous")
            }
            Self::TooLarge => f.write_str("it is larger than 4 GiB"),
            Self::Changed => f.write_str("it changed while it was read"),
        }
    }
}
