//! Reading the SBOM of an image.

use std::collections::{BTreeMap, BTreeSet};

use cyclonedx_bom::models::bom::Bom;
use cyclonedx_bom::models::component::{Classification, Component};
use cyclonedx_bom::models::hash::HashAlgorithm;
use cyclonedx_bom::models::license::{LicenseChoice, LicenseIdentifier};
use foreign_text::is_printable;
use netboot_core::{Content, FileName, Sha256Digest};
use serde::Serialize;

use crate::drv_name::DrvName;
use crate::error::Error;
use crate::sbom::{SIZE, STORE_PATH};

/// The maximum size of an SBOM in bytes. The largest systems have about 10 MiB. Hostile JSON takes
/// many times its size in memory.
const SIZE_LIMIT: usize = 32 << 20;

/// The content of an image by its SBOM.
///
/// Whoever writes to a target may have written the SBOM, unless trusted keys signed the release.
/// Each text of a bill is printable, and each size is a number of bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bill {
    /// The files that a boot loader fetches.
    pub files: BTreeMap<FileName, Content>,
    /// The store paths of the image's system, by their paths.
    pub store_paths: BTreeMap<String, StoreItem>,
}

/// A store path in a [`Bill`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StoreItem {
    /// The package that the path's name tells.
    pub name: String,
    /// The version that the path's name tells, or an empty text.
    pub version: String,
    /// The size of the Nix archive in bytes.
    pub size: u64,
    /// The licences that the SBOM tells.
    pub licences: BTreeSet<String>,
}

impl Bill {
    /// Reads the SBOM of an image, in the JSON that [`sbom`](crate::sbom()) writes.
    ///
    /// # Errors
    /// [`Error::UnreadableSbom`] for other texts and larger ones than 32 MiB, for a component
    /// without a size, and for a path or a name that no image has.
    pub fn parse(json: &[u8]) -> Result<Self, Error> {
        if json.len() > SIZE_LIMIT {
            return Err(Error::unreadable("it has more than 32 MiB"));
        }
        let bom =
            Bom::parse_from_json(json).map_err(|error| Error::unreadable(error.to_string()))?;
        let components = bom.components.map(|components| components.0).unwrap_or_default();
        let mut bill = Self::default();
        for component in &components {
            let of = |problem: &str| {
                Error::unreadable(format!("the component `{}` {problem}", &*component.name))
            };
            let size = property(component, SIZE).and_then(|size| size.parse::<u64>().ok());
            let size = size.ok_or_else(|| of("has no size in bytes"))?;
            let is_new = match property(component, STORE_PATH) {
                Some(path) => {
                    let item = store_item(path, size, component);
                    let item = item.ok_or_else(|| of("is not a store path"))?;
                    bill.store_paths.insert(path.to_owned(), item).is_none()
                }
                None if component.component_type == Classification::File => {
                    let name = FileName::new(&*component.name);
                    let name = name.map_err(|_| of("has no file name"))?;
                    let sha256 = sha256(component).ok_or_else(|| of("has no SHA-256 digest"))?;
                    bill.files.insert(name, Content { size, sha256 }).is_none()
                }
                None => return Err(of("is neither a file nor a store path")),
            };
            if !is_new {
                return Err(of("is there twice"));
            }
        }
        Ok(bill)
    }

    /// Returns the size of all store paths in bytes, without compression.
    pub fn size(&self) -> u64 {
        self.store_paths.values().fold(0, |sum, item| sum.saturating_add(item.size))
    }
}

fn property<'a>(component: &'a Component, name: &str) -> Option<&'a str> {
    let mut properties = component.properties.iter().flat_map(|properties| &properties.0);
    properties.find(|property| property.name == name).map(|property| &*property.value)
}

fn sha256(component: &Component) -> Option<Sha256Digest> {
    let mut hashes = component.hashes.iter().flat_map(|hashes| &hashes.0);
    hashes.find(|hash| hash.alg == HashAlgorithm::SHA_256)?.content.0.parse().ok()
}

fn store_item(path: &str, size: u64, component: &Component) -> Option<StoreItem> {
    let base = path.rsplit('/').next()?;
    let (hash, rest) = base.split_once('-')?;
    // The characters of store paths (Nix manual, "Store path"). The store itself may lie anywhere.
    let is_name = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-._?=".contains(&byte))
    };
    let is_path = path.starts_with('/') && path.len() <= 4096 && path.chars().all(is_printable);
    if !is_path || !is_name(hash) || !is_name(rest) || rest.is_empty() {
        return None;
    }
    let DrvName { name, version } = DrvName::parse(rest);
    let licences = component.licenses.iter().flat_map(|licences| &licences.0);
    let licences = licences.map(|licence| match licence {
        LicenseChoice::License(licence) => match &licence.license_identifier {
            LicenseIdentifier::SpdxId(id) => id.to_string(),
            LicenseIdentifier::Name(name) => name.to_string(),
        },
        LicenseChoice::Expression(expression) => expression.to_string(),
    });
    let licences =
        licences.filter(|text| text.len() <= 200 && text.chars().all(is_printable)).collect();
    Some(StoreItem { name: name.to_owned(), version: version.to_owned(), size, licences })
}
