//! Compresses the manifests in summaries.

use std::io::{Read, Result};

/// The level of compression: zstd's default.
const LEVEL: i32 = 3;

pub(super) fn compressed(bytes: &[u8]) -> Result<Vec<u8>> {
    zstd::bulk::compress(bytes, LEVEL)
}

/// Decompresses at most `limit` bytes. `None` if they are damaged or more.
pub(super) fn decompressed(bytes: &[u8], limit: u64) -> Option<Vec<u8>> {
    let mut read = Vec::new();
    let decoder = zstd::stream::read::Decoder::new(bytes).ok()?;
    decoder.take(limit + 1).read_to_end(&mut read).ok()?;
    (read.len() as u64 <= limit).then_some(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_limit_is_decompressed() {
        let bytes = compressed(&[7; 1000]).unwrap();
        assert_eq!(decompressed(&bytes, 1000), Some(vec![7; 1000]));
        assert_eq!(decompressed(&bytes, 999), None);
        assert_eq!(decompressed(&bytes[..bytes.len() - 1], 1000), None);
        assert_eq!(decompressed(b"no zstd", 1000), None);
    }
}
