//! The messages of UEFI firmware that boots a program by HTTP, without iPXE.
//!
//! They are from EDK II's `NetworkPkg/HttpBootDxe` and `MdeModulePkg/Library/UefiBootManagerLib`.

use crate::fetch::{Fetch, FetchOutcome};

/// The last words of the firmware about a fetch that failed (`HttpBootDxeLoadFile`).
const FAILED: [&str; 3] = [
    "Error: Unexpected network error.",
    "Error: Server response timeout.",
    "Error: Operation aborted.",
];

/// The sign of progress in a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The firmware has an address.
    Address,
    /// The firmware fetched the program, or could not.
    Fetched(Fetch),
    /// The firmware started the program.
    Started,
}

/// Follows the firmware's own boot by HTTP.
#[derive(Debug, Default)]
pub(crate) struct FirmwareWatch {
    is_http: bool,
    url: Option<String>,
    /// The answer of the server that says what went wrong.
    problem: Option<String>,
}

impl FirmwareWatch {
    /// Processes a whole line of the console.
    pub(crate) fn take(&mut self, line: &str) -> Option<Heard> {
        if let Some((_, method)) = line.split_once(">>Start ") {
            *self = Self { is_http: method.starts_with("HTTP Boot over "), ..Self::default() };
        }
        if !self.is_http {
            return None;
        }
        let words = line.trim();
        if words.starts_with("Station IP") {
            return Some(Heard::Address);
        }
        if let Some(url) = words.strip_prefix("URI: ") {
            self.url = Some(url.to_owned());
        } else if words.starts_with("Client Error: ") || words.starts_with("Server Error: ") {
            self.problem = Some(words.to_owned());
        } else if FAILED.contains(&words) {
            let message = self.problem.take().unwrap_or_else(|| words.to_owned());
            return self.fetched(FetchOutcome::FirmwareFailed { message });
        // The progress of the fetch is in the same line before these words.
        } else if line.contains("BdsDxe: loading Boot") {
            return self.fetched(FetchOutcome::Complete);
        } else if line.contains("BdsDxe: starting Boot") {
            self.is_http = false;
            return Some(Heard::Started);
        }
        None
    }

    /// Returns the fetch that did not end before the machine did.
    pub(crate) fn take_unfinished(&mut self) -> Option<Fetch> {
        let url = self.url.take()?;
        Some(Fetch { url, outcome: FetchOutcome::Unfinished })
    }

    fn fetched(&mut self, outcome: FetchOutcome) -> Option<Heard> {
        let url = self.url.take()?;
        Some(Heard::Fetched(Fetch { url, outcome }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(lines: &[&str]) -> Vec<Heard> {
        let mut watch = FirmwareWatch::default();
        lines.iter().filter_map(|line| watch.take(line)).collect()
    }

    fn fetched(outcome: FetchOutcome) -> Heard {
        Heard::Fetched(Fetch { url: "http://10.0.2.2:8099/x.efi".to_owned(), outcome })
    }

    #[test]
    fn the_lines_of_real_firmware_are_read() {
        let begin = [
            ">>Start HTTP Boot over IPv4....",
            "  Station IP address is 10.0.2.15",
            "  URI: http://10.0.2.2:8099/x.efi",
            "  File Size: 16269480 Bytes",
        ];
        let option = "Boot00F0 \"Netboot\" from Uri(http://10.0.2.2:8099/x.efi)";
        let loading = format!("  Downloading...100%BdsDxe: loading {option}");
        let starting = format!("BdsDxe: starting {option}");
        let lines: Vec<&str> = begin.into_iter().chain([&*loading, &*starting]).collect();
        let complete = fetched(FetchOutcome::Complete);
        assert_eq!(hear(&lines), [Heard::Address, complete, Heard::Started]);
    }

    #[test]
    fn the_answer_of_the_server_is_the_reason() {
        let lines = [
            ">>Start HTTP Boot over IPv4....",
            "  Client Error: 404 Not Found",
            "  URI: http://10.0.2.2:8099/x.efi",
            "  Client Error: 404 Not Found",
            "  Error: Could not retrieve NBP file size from HTTP server.",
            "  Error: Unexpected network error.",
        ];
        let message = "Client Error: 404 Not Found".to_owned();
        assert_eq!(hear(&lines), [fetched(FetchOutcome::FirmwareFailed { message })]);
        let message = "Error: Server response timeout.".to_owned();
        let lines = [lines[0], lines[2], "  Error: Server response timeout."];
        assert_eq!(hear(&lines), [fetched(FetchOutcome::FirmwareFailed { message })]);
    }

    #[test]
    fn the_firmwares_pxe_is_no_boot_by_http() {
        let starting = "BdsDxe: starting Boot0001 \"UEFI PXEv4 (MAC:525400770005)\" from x";
        let lines = [">>Start PXE over IPv4.", "  Station IP address is 10.77.0.100", starting];
        assert_eq!(hear(&lines), []);
    }
}
