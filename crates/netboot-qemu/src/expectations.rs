//! The texts that the caller of a boot expects, and the keys that it presses.

/// The texts that a boot waits for, and the keys to press.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expectations {
    /// The texts that the console must show, in any order.
    pub(crate) markers: Vec<String>,
    /// True if stage 1 must fetch the whole store of a closure.
    pub(crate) store: bool,
    /// True if the firmware boots a disk after the network.
    pub(crate) boots_disk: bool,
    /// True if a system that waits for a person has not failed.
    pub(crate) allows_emergency_mode: bool,
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

/// Returns true if a line has a text, and the text is not a part of a longer word there. The word
/// at the end of a line that is not finished may go on.
pub(crate) fn has_words(line: &str, text: &str, is_finished: bool) -> bool {
    let joins = |one: Option<char>, other: Option<char>| {
        [one, other].iter().all(|letter| letter.is_some_and(char::is_alphanumeric))
    };
    line.match_indices(text).any(|(start, _)| {
        let (before, after) = (&line[..start], &line[start + text.len()..]);
        !joins(before.chars().next_back(), text.chars().next())
            && !joins(text.chars().next_back(), after.chars().next())
            && (is_finished || !after.is_empty() || !text.ends_with(char::is_alphanumeric))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_inside_a_longer_word_is_not_seen() {
        for (line, text, expected) in [
            ("nixos login:", "login:", true),
            ("/usr/sbin/sulogin: cannot open password database", "login:", false),
            ("ExecStart=/usr/sbin/sulogin", "login", false),
            ("a sulogin: and then a login: of its own", "login:", true),
            ("[  OK  ] Started sshd.service", "sshd", true),
            ("node-10 is up", "node-1", false),
            ("(worker)", "worker", true),
            ("x=ready", "=ready", true),
            ("größe", "gr", false),
        ] {
            assert_eq!(has_words(line, text, true), expected, "{line}");
        }
        assert!(!has_words("node-1", "node-1", false) && has_words("node-1 ", "node-1", false));
        assert!(has_words("nixos login:", "login:", false));
    }
}
