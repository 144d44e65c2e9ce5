//! The forms of an initrd that programs make, but that no kernel unpacks.

/// A form of an initrd that is not damaged, but that no kernel unpacks.
///
/// `Display` is a clause that describes it. [`hint`](Self::hint) gives a remedy. The source of each
/// rule is `init/initramfs.c` of Linux and the decompressor in `lib/decompress_*.c`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InitrdFormat {
    /// A cpio archive in the format "odc" or in another format than "newc".
    #[error("its cpio archive is not in the format newc")]
    CpioFormat,
    /// An archive at a position that is not a multiple of four bytes.
    #[error("an archive does not begin at a multiple of four bytes")]
    Position,
    /// A compressed archive that begins with zeros, as the first of the initrd.
    #[error("its first archive begins with zeros inside the compression")]
    LeadingZeros,
    /// A compressed part without an archive, as the first of the initrd.
    #[error("its first compressed part is empty")]
    EmptyPart,
    /// One archive in several compressed parts. A kernel reads each part for itself.
    #[error("one cpio archive is compressed in several parts, and a kernel reads each for itself")]
    SplitArchive,
    /// A gzip header with fields other than the file's name.
    #[error("its gzip header has fields that no kernel knows")]
    GzipHeader,
    /// lz4's frame format, where kernels know the older format only.
    #[error("it has lz4's frame format, and kernels know lz4's legacy format only")]
    Lz4Frame,
    /// Another part directly behind an lz4 part, whose end only zeros mark.
    #[error("another part follows an lz4 part without zeros between them")]
    BehindLz4,
    /// An lzop file with larger blocks, with other checksums or with a filter.
    #[error("its lzop file has blocks, checksums or filters that no kernel knows")]
    Lzop,
    /// An lzma file with a dictionary of 2 GiB or more.
    #[error("its lzma dictionary has 2 GiB or more")]
    LzmaDictionary,
    /// An xz stream with a check other than CRC32.
    #[error("its xz stream has another check than CRC32")]
    XzCheck,
    /// An xz stream with filters that are in no kernel of today.
    #[error("its xz stream has filters that no kernel knows")]
    XzFilters,
    /// A zstd frame that needs a larger window than 128 MiB.
    #[error("its zstd frame needs a window of more than 128 MiB")]
    ZstdWindow,
    /// A zstd frame that was compressed with a dictionary.
    #[error("its zstd frame needs a dictionary")]
    ZstdDictionary,
    /// A zstd frame of data that programs skip, as `pzstd` writes it.
    #[error("it has a zstd frame to skip, as `pzstd` writes it, and no kernel skips it")]
    ZstdSkippable,
    /// A compression or an archive of another kind.
    #[error("it is {0}, which no kernel unpacks")]
    Foreign(&'static str),
}

impl InitrdFormat {
    /// Returns a remedy, as a sentence for an operator.
    pub fn hint(self) -> &'static str {
        match self {
            Self::CpioFormat => "make the archive with `cpio -o -H newc`",
            Self::Position => {
                "fill each part up with zeros to a multiple of four bytes before you join them"
            }
            Self::LeadingZeros => "compress the archive without the zeros before it",
            Self::EmptyPart => "leave the empty part out",
            Self::SplitArchive => {
                "compress the whole archive in one piece, with `gzip`, `bzip2`, `xz` or `zstd` \
                 instead of a program that compresses pieces in parallel"
            }
            Self::GzipHeader => "compress it with `gzip -n`",
            Self::Lz4Frame => "compress it with `lz4 -l`",
            Self::BehindLz4 => {
                "put the lz4 part last, or put eight zero bytes behind it, and then zeros up to a \
                 multiple of four"
            }
            Self::Lzop => "compress it with `lzop` without further options",
            Self::LzmaDictionary => "compress it with `xz --format=lzma`",
            Self::XzCheck | Self::XzFilters => "compress it with `xz --check=crc32`",
            Self::ZstdWindow => "compress it with `zstd`, without `--long` or with `--long=27`",
            Self::ZstdDictionary => "compress it with `zstd`, without a dictionary",
            Self::ZstdSkippable => "compress it with `zstd` instead of `pzstd`",
            Self::Foreign(_) => {
                "make an initrd: a cpio archive by `cpio -o -H newc`, plain or compressed with \
                 `zstd`, `gzip` or `xz --check=crc32`"
            }
        }
    }

    /// Recognises files of other programs by their first bytes.
    pub(super) fn foreign(bytes: &[u8]) -> Option<Self> {
        // `magic` of a header of POSIX's `ustar`.
        if bytes.get(257..).is_some_and(|bytes| bytes.starts_with(b"ustar")) {
            return Some(Self::Foreign("a tar archive"));
        }
        // RFC 8878, section 3.1.2.
        if bytes.first().is_some_and(|byte| byte & 0xf0 == 0x50)
            && bytes.get(1..).is_some_and(|bytes| bytes.starts_with(b"\x2a\x4d\x18"))
        {
            return Some(Self::ZstdSkippable);
        }
        let known: [(&[u8], Self); 10] = [
            (b"\x04\x22\x4d\x18", Self::Lz4Frame),
            (b"070707", Self::CpioFormat),
            (b"\xc7\x71", Self::CpioFormat),
            (b"\x71\xc7", Self::CpioFormat),
            (b"LZIP", Self::Foreign("an lzip file")),
            (b"PK\x03\x04", Self::Foreign("a zip file")),
            (b"7z\xbc\xaf\x27\x1c", Self::Foreign("a 7z file")),
            (b"hsqs", Self::Foreign("a squashfs image")),
            (b"\x1f\x9d", Self::Foreign("a file of compress")),
            (b"\x7fELF", Self::Foreign("an ELF file")),
        ];
        known.into_iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, format)| format)
    }
}
