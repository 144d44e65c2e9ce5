//! SHA-256 digests, in the two notations that Nix and blobs use.

use std::fmt;

use crate::error::Error;

/// The digits of Nix's base 32. It leaves out `e`, `o`, `t` and `u` (`src/libutil/hash.cc`).
pub(crate) const BASE32_DIGITS: &[u8; 32] = b"0123456789abcdfghijklmnpqrsvwxyz";

/// The length of a digest in Nix's base 32.
const BASE32_LENGTH: usize = 52;

/// The two notations, for hints.
const HEX: &str = "64 digits of base 16, in lower case";
const BASE32: &str =
    "52 digits of Nix's base 32, as `nix-hash --type sha256 --to-base32` writes it";

/// A SHA-256 digest.
///
/// A blob is named by its digest in base 16. Nix writes the digest of an archive in a base 32 of
/// its own.
///
/// ```
/// use netboot_closure::Sha256;
///
/// let empty = Sha256::from_hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")?;
/// assert_eq!(empty.to_base32(), "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73");
/// assert_eq!(Sha256::from_base32(&empty.to_base32())?, empty);
/// # Ok::<(), netboot_closure::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// Makes a digest of its bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes of the digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 digits of base 16, in lower case.
    ///
    /// # Errors
    /// [`Error::Digest`].
    pub fn from_hex(text: &str) -> Result<Self, Error> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let bytes: Option<Vec<u8>> =
            pairs.iter().map(|[high, low]| Some((digit(*high)? << 4) | digit(*low)?)).collect();
        bytes
            .filter(|_| rest.is_empty())
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| Error::digest(text, HEX))
    }

    /// Reads 52 digits of Nix's base 32.
    ///
    /// # Errors
    /// [`Error::Digest`].
    pub fn from_base32(text: &str) -> Result<Self, Error> {
        if text.len() != BASE32_LENGTH {
            return Err(Error::digest(text, BASE32));
        }
        let mut bytes = [0; 32];
        for (position, byte) in text.bytes().rev().enumerate() {
            let digit = (0..).zip(BASE32_DIGITS).find(|(_, digit)| **digit == byte);
            let (digit, _): (u16, _) = digit.ok_or_else(|| Error::digest(text, BASE32))?;
            let (index, shift) = (position * 5 / 8, position * 5 % 8);
            let [low, high] = (digit << shift).to_le_bytes();
            bytes[index] |= low;
            match bytes.get_mut(index + 1) {
                Some(next) => *next |= high,
                // Only 256 of the 260 bits are the digest's.
                None if high != 0 => return Err(Error::digest(text, BASE32)),
                None => {}
            }
        }
        Ok(Self(bytes))
    }

    /// Writes the digest in Nix's base 32: the last digit has the lowest bits.
    pub fn to_base32(self) -> String {
        let digit = |position: usize| {
            let (index, shift) = (position * 5 / 8, position * 5 % 8);
            let low = u16::from(self.0[index]);
            let high = self.0.get(index + 1).map_or(0, |byte| u16::from(*byte));
            char::from(BASE32_DIGITS[usize::from(((high << 8) | low) >> shift & 31)])
        };
        (0..BASE32_LENGTH).rev().map(digit).collect()
    }
}

/// Writes the digest in base 16.
impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({self})")
    }
}
