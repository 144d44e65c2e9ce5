//! A release as people name it: the first digits of its id.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use netboot_core::{ReleaseId, Report};
use netboot_publish::{HistoryEntry, Publisher};

use crate::error::Error;
use crate::published_target::until_cancelled;
use crate::session::Session;

/// The number of digits of a whole id.
const DIGITS: usize = 64;

/// The first digits of a release's id, or all of them. Messages print twelve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReleasePrefix(String);

impl ReleasePrefix {
    /// Finds the release among the staged releases of a target. A whole id of which nobody knows
    /// anything is a release, too.
    ///
    /// # Errors
    /// [`Error::NoSuchRelease`], [`Error::AmbiguousRelease`], [`Error::PrunedRelease`]; if the
    /// target cannot be read.
    pub(crate) async fn find(
        &self,
        publisher: &Publisher,
        session: &Session,
    ) -> Result<ReleaseId, Report> {
        let releases = until_cancelled(session, publisher.releases()).await?;
        let error = match self.of(&releases) {
            Err(error @ Error::NoSuchRelease { .. }) => error,
            found => return Ok(found?),
        };
        let were_live = were_live(publisher, session).await;
        match (self.of(&were_live), self.0.parse()) {
            (Ok(release), _) => {
                let releases = releases.into_iter().collect();
                Err(Error::PrunedRelease { release, releases }.into())
            }
            (Err(_), Ok(release)) => Ok(release),
            (Err(_), Err(_)) => Err(error.into()),
        }
    }

    /// Finds the release among `releases`.
    ///
    /// # Errors
    /// [`Error::NoSuchRelease`], [`Error::AmbiguousRelease`].
    pub(crate) fn of(&self, releases: &BTreeSet<ReleaseId>) -> Result<ReleaseId, Error> {
        let begins = |release: &&ReleaseId| release.to_string().starts_with(&self.0);
        let found: Vec<ReleaseId> = releases.iter().filter(begins).copied().collect();
        let prefix = self.0.clone();
        match found[..] {
            [release] => Ok(release),
            [] => {
                Err(Error::NoSuchRelease { prefix, releases: releases.iter().copied().collect() })
            }
            _ => Err(Error::AmbiguousRelease { prefix, candidates: found }),
        }
    }
}

/// The error of a release that is not at the target: pruning deleted it, if it was live.
pub(crate) async fn not_there(
    release: ReleaseId,
    publisher: &Publisher,
    session: &Session,
) -> Option<Error> {
    let was_live = were_live(publisher, session).await.contains(&release);
    let releases = publisher.releases().await.unwrap_or_default().into_iter().collect();
    was_live.then_some(Error::PrunedRelease { release, releases })
}

/// The releases that were live. A pointer that is damaged or not trusted has none.
async fn were_live(publisher: &Publisher, session: &Session) -> BTreeSet<ReleaseId> {
    let history: Vec<HistoryEntry> =
        until_cancelled(session, publisher.history()).await.unwrap_or_default();
    history.into_iter().map(|entry| entry.release).collect()
}

impl FromStr for ReleasePrefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.to_ascii_lowercase();
        if digits.is_empty() || digits.len() > DIGITS {
            return Err(format!("the id of a release has 1 to {DIGITS} digits"));
        }
        match digits.chars().find(|digit| !digit.is_ascii_hexdigit()) {
            None => Ok(Self(digits)),
            Some(other) => {
                Err(format!("the id of a release has the digits 0 to 9 and a to f, not {other:?}"))
            }
        }
    }
}

impl fmt::Display for ReleasePrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(begin: &str) -> ReleaseId {
        format!("{begin:0<DIGITS$}").parse().unwrap()
    }

    #[test]
    fn a_unique_prefix_is_enough() {
        let releases = BTreeSet::from([id("ab1"), id("ab2"), id("c")]);
        let find = |text: &str| text.parse::<ReleasePrefix>().unwrap().of(&releases);
        assert_eq!(find("ab1").unwrap(), id("ab1"));
        assert_eq!(find("C").unwrap(), id("c"));
        assert_eq!(find(&id("ab2").to_string()).unwrap(), id("ab2"));
        for release in &releases {
            assert_eq!(find(&release.short()).unwrap(), *release);
        }
        let error = find("ab").unwrap_err();
        assert!(error.to_string().contains("`ab` begins the ids of several releases"), "{error}");
        assert!(error.to_string().contains("ab1000000000, ab2000000000"), "{error}");
        let error = find("d").unwrap_err();
        let hint = error.hint().unwrap();
        assert!(hint.contains("ab1000000000, ab2000000000, c00000000000"), "{hint}");
    }

    #[test]
    fn ids_that_begin_alike_are_shown_until_they_differ() {
        let alike = [id("0123456789abcd1"), id("0123456789abcd2")];
        let releases = BTreeSet::from(alike);
        let prefix: ReleasePrefix = alike[0].short().parse().unwrap();
        let shown = prefix.of(&releases).unwrap_err().to_string();
        assert!(shown.contains("0123456789abcd1, 0123456789abcd2"), "{shown}");
    }

    #[test]
    fn a_long_list_is_cut() {
        let releases: BTreeSet<ReleaseId> =
            (0..30).map(|number| id(&format!("{number:02x}"))).collect();
        let error = "ff".parse::<ReleasePrefix>().unwrap().of(&releases).unwrap_err();
        let hint = error.hint().unwrap();
        assert!(hint.contains("and 20 more"), "{hint}");
        assert!(hint.len() < 300, "{hint}");
    }

    #[test]
    fn other_texts_are_no_prefix() {
        let long = "0".repeat(DIGITS + 1);
        for text in ["", "xyz", "ab cd", "ab\u{0}", &long, "é"] {
            text.parse::<ReleasePrefix>().unwrap_err();
        }
    }
}
