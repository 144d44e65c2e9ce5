//! The certificates that a target names.

use std::path::Path;

use netboot_core::read_regular_file;

use crate::error::Error;

/// The maximum size of a file of certificates, in bytes.
const LIMIT: u64 = 4 * 1024 * 1024;

/// Reads a file of certificates.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    read_regular_file(path, LIMIT).map_err(|source| Error::ReadCertificates {
        path: path.to_owned(),
        source: Box::new(source),
    })
}
