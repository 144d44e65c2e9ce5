//! Lines of the console as reports to a service.

use std::fmt::Write;

use crate::boot_parameter::{CardAddress, HttpUrl};
use crate::console::line::ConsoleLine;

impl ConsoleLine {
    /// Returns the URL of a `GET` request that reports this line to the URL of `netboot.report`.
    ///
    /// To the query it adds `stage=store`, `mac=` with each network card, and `line=` with this
    /// line.
    ///
    /// ```
    /// use netboot_closure::console::{ConsoleLine, ConsoleText};
    ///
    /// let line = ConsoleLine::Started { version: ConsoleText::new("0.1.0") };
    /// let report = "http://deployer.example/report?nonce=ab".parse()?;
    /// assert_eq!(
    ///     line.report_url(&report, &["52:54:00:12:34:56".parse()?]),
    ///     "http://deployer.example/report?nonce=ab&stage=store&mac=52:54:00:12:34:56\
    ///      &line=netboot%20%7C%20stage%201%20of%20Netboot%20%220.1.0%22%20starts%20%23fd6877",
    /// );
    /// # Ok::<(), netboot_closure::Error>(())
    /// ```
    pub fn report_url(&self, report: &HttpUrl, cards: &[CardAddress]) -> String {
        let separator = if report.path().contains('?') { '&' } else { '?' };
        let mut url = format!("{report}{separator}stage=store");
        for card in cards {
            // Writing to a string does not fail.
            let _ = write!(url, "&mac={card}");
        }
        url.push_str("&line=");
        for byte in self.to_string().bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~/:,;()".contains(&byte) {
                url.push(char::from(byte));
            } else {
                let _ = write!(url, "%{byte:02X}");
            }
        }
        url
    }
}
