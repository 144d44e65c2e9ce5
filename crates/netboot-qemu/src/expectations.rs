//! The texts that the caller of a boot expects, and the keys that it presses.

/// The texts that a boot waits for, and the keys to press.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expectations {
    /// The texts that the console must show, in any order.
    pub(crate) markers: Vec<String>,
    /// True if stage 1 must fetch the whole store of a closure.
    pub(crate) store: bool,
    /// The texts that end the boot as failed.
    pub(crate) failures: Vec<String>,
    /// The caller's text that shows that `init` runs, instead of Linux's own messages.
    pub(crate) init_marker: Option<String>,
    /// The keys to press, in order, each after a text.
    pub(crate) presses: Vec<(String, String)>,
}

impl Expectations {
    /// Returns the first text that cannot be in a line of the console, with its name.
    pub(crate) fn unusable(&self) -> Option<(&'static str, &str)> {
        let markers = self.markers.iter().map(|text| ("expected text", text));
        let failures = self.failures.iter().map(|text| ("failure text", text));
        let init_marker = self.init_marker.iter().map(|text| ("init text", text));
        let presses = self.presses.iter().map(|(after, _)| ("text before keys", after));
        markers
            .chain(failures)
            .chain(init_marker)
            .chain(presses)
            .map(|(setting, text)| (setting, text.as_str()))
            .find(|(_, text)| text.trim().is_empty() || text.chars().any(char::is_control))
    }
}
