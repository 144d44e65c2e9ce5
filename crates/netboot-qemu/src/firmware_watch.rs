//! The messages of UEFI firmware that boots a program by HTTP, without iPXE.
//!
//! They are from EDK II's `NetworkPkg/HttpBootDxe` and `MdeModulePkg/Library/UefiBootManagerLib`.

use crate::fetch::{Fetch, FetchOutcome};

/// The begin of the firmware's last words about a fetch that failed (`HttpBootDxeLoadFile`).
const FAILED: &str = "Error: ";

/// The begin of words about a failure that better ones follow (`HttpBootLoadFile`).
const NO_SIZE: &str = "Error: Could not retrieve NBP file size";

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
            let is_http = method.starts_with("HTTP Boot over ");
            let before = std::mem::replace(self, Self { is_http, ..Self::default() });
            // Whatever the last words were, the firmware tries something else now.
            let (url, message) = before.url.zip(before.problem)?;
            let outcome = FetchOutcome::FirmwareFailed { message };
            return Some(Heard::Fetched(Fetch { url, outcome }));
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
        } else if words.starts_with(NO_SIZE) {
            self.problem.get_or_insert_with(|| words.to_owned());
        } else if words.starts_with(FAILED) {
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
        for words in [
            "Error: Server response timeout.",
            "Error: Remote boot cancelled.",
            "Error: Network device error.",
        ] {
            let lines = [lines[0], lines[2], words];
            let message = words.to_owned();
            assert_eq!(hear(&lines), [fetched(FetchOutcome::FirmwareFailed { message })]);
        }
    }

    #[test]
    fn the_reason_is_kept_when_the_firmware_goes_on_with_another_method() {
        let begin = [">>Start HTTP Boot over IPv4....", "  URI: http://10.0.2.2:8099/x.efi"];
        let next = ">>Start HTTP Boot over IPv6....";
        // The answer 401, as OVMF prints it.
        let connection = "Error: Could not establish connection with HTTP server.";
        let size = "Error: Could not retrieve NBP file size from HTTP server.";
        for words in [connection, size, "Client Error: 401 Unauthorized"] {
            let lines = [begin[0], begin[1], words, next];
            let message = words.to_owned();
            assert_eq!(hear(&lines), [fetched(FetchOutcome::FirmwareFailed { message })]);
        }
        assert_eq!(hear(&[begin[0], begin[1], next]), []);
    }

    #[test]
    fn the_firmwares_pxe_is_no_boot_by_http() {
        let starting = "BdsDxe: starting Boot0001 \"UEFI PXEv4 (MAC:525400770005)\" from x";
        let lines = [">>Start PXE over IPv4.", "  Station IP address is 10.77.0.100", starting];
        assert_eq!(hear(&lines), []);
    }
}
