//! Places that a command line names, of which several texts may name one.

use std::collections::BTreeMap;
use std::path::Path;

use netboot_core::Report;

use crate::misuse::Misuse;

/// The places of a command's targets, each with the text that named it.
#[derive(Debug, Default)]
pub(crate) struct Places<'a>(BTreeMap<String, &'a str>);

impl<'a> Places<'a> {
    /// Adds the place of a target, as [`Store::place`](netboot_publish::Store::place) has it.
    ///
    /// # Errors
    /// If another text named the place. `hint` is the remedy.
    pub(crate) fn add(&mut self, place: String, text: &'a str, hint: &str) -> Result<(), Report> {
        match self.0.insert(place, text) {
            None => Ok(()),
            Some(same) => {
                Err(Misuse::report(format!("`{same}` and `{text}` are the same target"), hint))
            }
        }
    }
}

/// Returns true if both paths lead to one directory, which exists.
pub(crate) fn is_one_directory(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| path.canonicalize().ok();
    place(one).is_some_and(|it| Some(it) == place(other))
}
