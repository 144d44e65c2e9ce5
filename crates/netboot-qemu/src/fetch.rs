//! The files that iPXE and UEFI firmware fetch, and the messages of iPXE about them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A file that iPXE or UEFI firmware fetched, or tried to fetch, as the console reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Fetch {
    /// The URL as iPXE or the firmware printed it. It is relative if the script has a relative URL.
    pub url: String,
    /// The outcome of the fetch.
    pub outcome: FetchOutcome,
}

impl Fetch {
    /// Returns true if the whole file arrived.
    pub fn succeeded(&self) -> bool {
        self.outcome == FetchOutcome::Complete
    }
}

impl fmt::Display for Fetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.url, self.outcome)
    }
}

/// The outcome of a [`Fetch`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FetchOutcome {
    /// The whole file arrived.
    Complete,
    /// iPXE gave up.
    Failed {
        /// The message of iPXE, such as `No such file or directory`.
        message: String,
        /// The page that explains the error, such as `http://ipxe.org/2d0c613b`.
        page: String,
    },
    /// UEFI firmware gave up.
    FirmwareFailed {
        /// The message of the firmware, such as `Client Error: 404 Not Found`.
        message: String,
    },
    /// The boot ended before the fetch did.
    Unfinished,
}

impl fmt::Display for FetchOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete => f.write_str("ok"),
            Self::Failed { message, page } => write!(f, "{message} ({page})"),
            Self::FirmwareFailed { message } => f.write_str(message),
            Self::Unfinished => f.write_str("not finished"),
        }
    }
}

/// Reads a console line such as `http://10.0.2.2/x.ipxe... ok` or
/// `blobs/ab... No such file or directory (http://ipxe.org/2d0c613b)` (iPXE's
/// `src/usr/imgmgmt.c` and `src/core/monojob.c`).
pub(crate) fn parse(line: &str) -> Option<Fetch> {
    let (url, rest) = line.split_once(' ')?;
    let url = begun(url)?;
    let rest = rest.trim();
    if rest == "ok" {
        return Some(Fetch { url, outcome: FetchOutcome::Complete });
    }
    let (message, page) = rest.strip_suffix(')')?.rsplit_once(" (")?;
    let code = page.strip_prefix("http://").or_else(|| page.strip_prefix("https://"))?;
    let code = code.strip_prefix("ipxe.org/")?;
    if code.len() != 8 || !code.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let (message, page) = (message.to_owned(), page.to_owned());
    Some(Fetch { url, outcome: FetchOutcome::Failed { message, page } })
}

/// Reads a console line of an unfinished fetch, such as `http://10.0.2.2/kernel... 42%`.
pub(crate) fn parse_unfinished(line: &str) -> Option<Fetch> {
    let (url, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.trim();
    let percent = rest.strip_suffix('%').is_some_and(|number| number.trim().parse::<u8>().is_ok());
    let url = begun(url).filter(|_| rest.is_empty() || percent)?;
    Some(Fetch { url, outcome: FetchOutcome::Unfinished })
}

/// Returns the URL of `URL...`. iPXE adds a dot each second while nothing arrives.
fn begun(token: &str) -> Option<String> {
    let url = token.strip_suffix("...")?.trim_end_matches('.');
    (!url.is_empty()).then(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_real_ipxe_are_read() {
        let complete = parse("http://10.0.2.2:8099/hi.ipxe... ok").unwrap();
        assert_eq!(complete.url, "http://10.0.2.2:8099/hi.ipxe");
        assert!(complete.succeeded());

        let waited = parse("../../../blobs/aaaa....... ok").unwrap();
        assert_eq!(waited.url, "../../../blobs/aaaa");

        let failed = "nothing-there.ipxe... No such file or directory (http://ipxe.org/2d0c613b)";
        let failed = parse(failed).unwrap();
        assert_eq!(failed.url, "nothing-there.ipxe");
        let expected = FetchOutcome::Failed {
            message: "No such file or directory".to_owned(),
            page: "http://ipxe.org/2d0c613b".to_owned(),
        };
        assert_eq!(failed.outcome, expected);
        let text = "nothing-there.ipxe: No such file or directory (http://ipxe.org/2d0c613b)";
        assert_eq!(failed.to_string(), text);

        for going_on in ["blobs/x...", "blobs/x....", "blobs/x... 42%", "blobs/x...   7%"] {
            assert!(parse(going_on).is_none());
            let fetch = parse_unfinished(going_on).unwrap();
            assert_eq!((fetch.url.as_str(), fetch.outcome), ("blobs/x", FetchOutcome::Unfinished));
        }
    }

    #[test]
    fn other_lines_of_firmware_are_no_fetches() {
        for line in [
            "",
            "...",
            "... ok",
            "Configuring (net0 52:54:00:12:34:56)...... ok",
            "iPXE (PCI 00:02.0) starting execution...ok",
            "iPXE initialising devices...ok",
            "Booting from Hard Disk...",
            "hi.ipxe : 297 bytes [script]",
            "Probing EDD (edd=off to disable)... ok",
            "x... Something else (http://example.org/2d0c613b)",
            "x... broken (http://ipxe.org/nothex__)",
        ] {
            assert_eq!(parse(line), None, "{line}");
            assert_eq!(parse_unfinished(line), None, "{line}");
        }
    }
}
