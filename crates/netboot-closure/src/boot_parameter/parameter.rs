//! One kernel parameter of closure boot.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use crate::boot_parameter::cache_label::{CacheLabel, LABEL_RULE};
use crate::boot_parameter::card_address::CardAddress;
use crate::boot_parameter::http_url::HttpUrl;
use crate::boot_parameter::store_choice::StoreChoice;
use crate::error::Error;
use crate::sha256::Sha256;

/// The parameter with the digest of the index's blob.
pub const INDEX: &str = "netboot.index";
/// The parameter with the root of a target. It may stand several times: the others are mirrors.
pub const FROM: &str = "netboot.from";
/// The parameter with the form of the store.
pub const STORE: &str = "netboot.store";
/// The parameter with the label of the disk cache's file system.
pub const CACHE: &str = "netboot.cache";
/// The parameter with the greatest size of the disk cache.
pub const CACHE_BUDGET: &str = "netboot.cache-budget";
/// The parameter with the URL that machines report their stages to.
pub const REPORT: &str = "netboot.report";
/// The parameter with the network card that the machine booted from.
pub const BOOTIF: &str = "BOOTIF";

/// A kernel parameter of closure boot. `Display` writes `<name>=<value>`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BootParameter {
    /// `netboot.index`: the digest of the index's blob, in base 16.
    Index(Sha256),
    /// `netboot.from`: the root of a target, below which `blobs/` lies.
    From(HttpUrl),
    /// `netboot.store`: the form of the store.
    Store(StoreChoice),
    /// `netboot.cache`: the label of the disk cache's file system.
    Cache(CacheLabel),
    /// `netboot.cache-budget`: the greatest size of the disk cache in MiB.
    CacheBudget(NonZeroU32),
    /// `netboot.report`: the URL that the machine reports its stages to.
    Report(HttpUrl),
    /// `BOOTIF`: the network card that the machine booted from.
    BootInterface(CardAddress),
}

impl BootParameter {
    /// The name of the parameter.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Index(_) => INDEX,
            Self::From(_) => FROM,
            Self::Store(_) => STORE,
            Self::Cache(_) => CACHE,
            Self::CacheBudget(_) => CACHE_BUDGET,
            Self::Report(_) => REPORT,
            Self::BootInterface(_) => BOOTIF,
        }
    }
}

impl fmt::Display for BootParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=", self.name())?;
        match self {
            Self::Index(digest) => write!(f, "{digest}"),
            Self::From(url) | Self::Report(url) => write!(f, "{url}"),
            Self::Store(choice) => write!(f, "{choice}"),
            Self::Cache(label) => write!(f, "{label}"),
            Self::CacheBudget(mebibytes) => write!(f, "{mebibytes}"),
            Self::BootInterface(address) => f.write_str(&address.to_bootif()),
        }
    }
}

impl FromStr for BootParameter {
    type Err = Error;

    /// Reads a parameter of closure boot.
    ///
    /// # Errors
    /// [`Error::BootParameter`].
    fn from_str(text: &str) -> Result<Self, Error> {
        let malformed = |expected| Error::boot_parameter(text, expected);
        let (name, value) =
            text.split_once('=').ok_or_else(|| malformed("a name, `=` and a value"))?;
        match name {
            INDEX => Sha256::from_hex(value)
                .map(Self::Index)
                .or(Err("64 digits of base 16, in lower case")),
            FROM => source(value)
                .map(Self::From)
                .ok_or("an absolute http:// URL of a directory, without a query"),
            STORE => value.parse().map(Self::Store).or(Err("auto, tmpfs, zram or disk")),
            CACHE => value.parse().map(Self::Cache).or(Err(LABEL_RULE)),
            CACHE_BUDGET => {
                value.parse().map(Self::CacheBudget).or(Err("a number of MiB, 1 or more"))
            }
            REPORT => value.parse().map(Self::Report).or(Err("an absolute http:// URL")),
            BOOTIF => CardAddress::from_bootif(value)
                .map(Self::BootInterface)
                .ok_or("01- and the address of a network card, with hyphens"),
            _ => Err("a parameter of closure boot"),
        }
        .map_err(malformed)
    }
}

/// Reads the root of a target. `blobs/…` is appended to it, so it has no query.
fn source(value: &str) -> Option<HttpUrl> {
    value.parse().ok().filter(|url: &HttpUrl| !url.path().contains('?'))
}
