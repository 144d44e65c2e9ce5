//! The compressions that a kernel recognises (`lib/decompress.c` of Linux).

/// The memory that a decompressor may use, in bytes.
pub(super) const MEMORY_LIMIT: u64 = 1 << 31;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Bzip2,
    Lzma,
    Xz,
    Lzo,
    Lz4,
    Zstd,
}

impl Compression {
    const MAGICS: [(&'static [u8], Self); 7] = [
        (&[0x1f, 0x8b], Self::Gzip),
        (b"BZh", Self::Bzip2),
        (&[0x5d, 0, 0], Self::Lzma),
        (&[0xfd, b'7', b'z', b'X', b'Z', 0], Self::Xz),
        (&[0x89, b'L', b'Z', b'O', 0, 0x0d, 0x0a, 0x1a, 0x0a], Self::Lzo),
        (&[0x02, 0x21, 0x4c, 0x18], Self::Lz4),
        (&[0x28, 0xb5, 0x2f, 0xfd], Self::Zstd),
    ];

    /// Recognises a compression by the first bytes.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let mut known = Self::MAGICS.into_iter();
        known.find(|(magic, _)| bytes.starts_with(magic)).map(|(_, compression)| compression)
    }
}
