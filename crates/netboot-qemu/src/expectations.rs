//! What the caller of a boot waits for, and what it does on the way.

/// The texts that a boot is watched for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expectations {
    /// Each has to be seen, in any order.
    pub(crate) markers: Vec<String>,
    /// Each ends the boot as failed.
    pub(crate) failures: Vec<String>,
    /// The caller's sign that `init` runs, instead of Linux's own.
    pub(crate) init_marker: Option<String>,
    /// Keys to press, each behind a text, in their order.
    pub(crate) presses: Vec<(String, String)>,
}

impl Expectations {
    /// The first text that no line of a console can have, with what it is.
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
