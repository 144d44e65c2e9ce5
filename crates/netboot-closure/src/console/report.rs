//! Lines of the console as reports to a service.

use std::fmt::Write;

use crate::boot_parameter::{CardAddress, HttpUrl};
use crate::console::line::ConsoleLine;

impl ConsoleLine {
    /// Returns the target of a `GET` request that reports this line to the URL of `netboot.report`.
    ///
    /// To the URL's own query it adds `stage=store`, `line=` with this line, and `mac=` with the
    /// network card.
    ///
    /// ```
    /// use netboot_closure::console::{ConsoleLine, ConsoleText};
    ///
    /// let line = ConsoleLine::Started { version: ConsoleText::new("0.1.0") };
    /// let report = "http://deployer.example/report?nonce=ab".parse()?;
    /// assert_eq!(
    ///     line.report_target(&report, Some("52:54:00:12:34:56".parse()?)),
    ///     "/report?nonce=ab&stage=store&mac=52:54:00:12:34:56&line=netboot%20%7C%20stage%201%20of\
    ///      %20Netboot%20%220.1.0%22%20starts%20%23fd6877",
    /// );
    /// # Ok::<(), netboot_closure::Error>(())
    /// ```
    pub fn report_target(&self, report: &HttpUrl, card: Option<CardAddress>) -> String {
        let separator = if report.path().contains('?') { '&' } else { '?' };
        let mut target = format!("{}{separator}stage=store", report.path());
        if let Some(card) = card {
            // Writing to a string does not fail.
            let _ = write!(target, "&mac={card}");
        }
        target.push_str("&line=");
        for byte in self.to_string().bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~/:,;()".contains(&byte) {
                target.push(char::from(byte));
            } else {
                let _ = write!(target, "%{byte:02X}");
            }
        }
        target
    }
}
