//! Levels of compression.

use crate::error::Error;

/// A level of zstd's compression, from 1 to 19.
///
/// A higher level makes smaller blobs and takes longer. It does not change how long unpacking
/// takes.
///
/// ```
/// use netboot_closure::CompressionLevel;
///
/// assert_eq!(CompressionLevel::default(), CompressionLevel::new(10)?);
/// assert!(CompressionLevel::new(20).is_err());
/// # Ok::<(), netboot_closure::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CompressionLevel(u8);

impl CompressionLevel {
    /// The level for trying changes: 3.
    pub const FAST: Self = Self(3);

    /// The level for releases that many machines fetch: 19.
    pub const SMALL: Self = Self(19);

    /// Makes a level. Levels above 19 are left out: they need much more memory for unpacking.
    ///
    /// # Errors
    /// [`Error::CompressionLevel`].
    pub fn new(level: u8) -> Result<Self, Error> {
        if (1..=Self::SMALL.0).contains(&level) {
            Ok(Self(level))
        } else {
            Err(Error::CompressionLevel { level })
        }
    }

    /// The number of the level.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl Default for CompressionLevel {
    /// Level 10.
    fn default() -> Self {
        Self(10)
    }
}
