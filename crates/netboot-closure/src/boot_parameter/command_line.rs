//! The parameters of closure boot on a kernel command line.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use crate::boot_parameter::cache_label::CacheLabel;
use crate::boot_parameter::card_address::CardAddress;
use crate::boot_parameter::http_url::HttpUrl;
use crate::boot_parameter::parameter::{
    BOOTIF, BootParameter, CACHE, CACHE_BUDGET, FROM, INDEX, REPORT, STORE,
};
use crate::boot_parameter::store_choice::StoreChoice;
use crate::error::{Error, without_password};
use crate::sha256::Sha256;

/// The parameters of closure boot on a kernel command line.
///
/// If a parameter stands several times, the last one counts, except for two of them. [`FROM`]
/// repeats: each one is a source. Two different digests of an index ([`INDEX`]) are refused: the
/// first one may stand on a signed command line, to which others can append (systemd-stub(7),
/// SMBIOS type 11).
/// A source that is malformed is left out if there is another one: a script may have come
/// over HTTPS, and name its own directory before a mirror. Other parameters are ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BootParameters {
    /// The digest of the index's blob.
    pub index: Option<Sha256>,
    /// The roots of targets with the closure, in the order in which to try them.
    pub from: Vec<HttpUrl>,
    /// The parameters [`FROM`] that are no sources, because they are no `http://` URLs.
    pub unusable_from: Vec<String>,
    /// The form of the store.
    pub store: StoreChoice,
    /// The label of the disk cache's file system.
    pub cache: CacheLabel,
    /// The greatest size of the disk cache in MiB.
    pub cache_budget: Option<NonZeroU32>,
    /// The network card that the machine booted from.
    pub boot_interface: Option<CardAddress>,
    /// The URL that the machine reports its stages to.
    pub report: Option<HttpUrl>,
    /// The parameter [`REPORT`] if stage 1 cannot report to it, for example because it is no
    /// `http://` URL. Reports are not needed for a boot.
    pub unusable_report: Option<String>,
}

impl BootParameters {
    /// Reads a kernel command line, such as `/proc/cmdline` has it.
    ///
    /// # Errors
    /// [`Error::BootParameter`].
    pub fn from_command_line(command_line: &str) -> Result<Self, Error> {
        let mut parameters = Self::default();
        let mut last = BTreeMap::new();
        for word in words(command_line) {
            let name = word.split_once('=').map_or("", |(name, _)| name);
            if name == FROM {
                match word.parse() {
                    Ok(parameter) => parameters.take(parameter),
                    Err(_) => parameters.unusable_from.push(without_password(&word)),
                }
            } else if let Some(name) = NAMES.iter().find(|known| **known == name) {
                let before = last.insert(*name, word.clone());
                if *name == INDEX && before.is_some_and(|before| before != word) {
                    return Err(Error::boot_parameter(&word, "the only digest of an index"));
                }
            }
        }
        if parameters.from.is_empty()
            && let Some(unusable) = parameters.unusable_from.first()
        {
            unusable.parse::<BootParameter>()?;
        }
        for (name, word) in last {
            match word.parse() {
                Ok(parameter) => parameters.take(parameter),
                Err(_) if name == REPORT => {
                    parameters.unusable_report = Some(without_password(&word));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(parameters)
    }

    fn take(&mut self, parameter: BootParameter) {
        match parameter {
            BootParameter::Index(digest) => self.index = Some(digest),
            BootParameter::From(url) => self.from.push(url),
            BootParameter::Store(choice) => self.store = choice,
            BootParameter::Cache(label) => self.cache = label,
            BootParameter::CacheBudget(mebibytes) => self.cache_budget = Some(mebibytes),
            BootParameter::Report(url) => self.report = Some(url),
            BootParameter::BootInterface(address) => self.boot_interface = Some(address),
        }
    }
}

const NAMES: [&str; 6] = [INDEX, STORE, CACHE, CACHE_BUDGET, REPORT, BOOTIF];

/// Splits a command line as the kernel does (`next_arg` in `lib/cmdline.c`): spaces in double
/// quotes do not split, and the quotes are not part of the word.
fn words(command_line: &str) -> impl Iterator<Item = String> {
    let mut is_quoted = false;
    let split = command_line.split(move |character: char| {
        is_quoted ^= character == '"';
        character.is_ascii_whitespace() && !is_quoted
    });
    split.map(|word| word.replace('"', "")).filter(|word| !word.is_empty())
}
