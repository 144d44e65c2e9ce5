//! Reading a description strictly.

use std::str::FromStr;

use crate::error::Error;
use crate::nar_info::{NarInfo, NarSignature};
use crate::sha256::Sha256;
use crate::store_path::StorePath;

impl FromStr for NarInfo {
    type Err = Error;

    /// Reads a description that this crate wrote. A description of another binary cache, even a
    /// valid one, is an error.
    ///
    /// # Errors
    /// [`Error::NarInfo`].
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut fields = Fields { rest: text, line: 0 };
        let path = fields.required("StorePath: ", |text| text.parse().ok())?;
        let blob = fields.required("URL: blobs/", |text| Sha256::from_hex(text).ok())?;
        fields.required("Compression: ", |text| (text == "zstd").then_some(()))?;
        let digest = |text: &str| Sha256::from_base32(text).ok();
        fields.required("FileHash: sha256:", |text| digest(text).filter(|hash| *hash == blob))?;
        let blob_size = fields.required("FileSize: ", |text| text.parse().ok())?;
        let nar_hash = fields.required("NarHash: sha256:", digest)?;
        let nar_size = fields.required("NarSize: ", |text| text.parse().ok())?;
        let references = fields.required("References: ", |text| {
            let names = text.split(' ').filter(|_| !text.is_empty());
            names.map(StorePath::from_base_name).collect::<Result<Vec<_>, _>>().ok()
        })?;
        let deriver = fields.optional("Deriver: ", |text| StorePath::from_base_name(text).ok())?;
        let signature = fields.optional("Sig: ", NarSignature::read)?;
        let info =
            Self { path, blob, blob_size, nar_hash, nar_size, references, deriver, signature };
        // Another form of a number, or another order of the references, is another text.
        if info.to_string() == text { Ok(info) } else { Err(fields.error()) }
    }
}

/// The lines that are not read yet.
struct Fields<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Fields<'a> {
    fn required<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, Error> {
        let value = self.optional(name, read)?;
        value.ok_or_else(|| self.error())
    }

    /// Reads a line if it has this name.
    fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some(rest) = self.rest.strip_prefix(name) else { return Ok(None) };
        let (value, rest) = rest.split_once('\n').ok_or_else(|| self.error())?;
        let value = read(value).ok_or_else(|| self.error())?;
        self.rest = rest;
        self.line += 1;
        Ok(Some(value))
    }

    fn error(&self) -> Error {
        Error::NarInfo { line: self.line + 1 }
    }
}
