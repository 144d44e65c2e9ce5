//! Special keys as a serial terminal sends them, for [`MachineBuilder::press`].
//!
//! A printable character is sent as itself. iPXE's menus under BIOS and UEFI understand the
//! sequences here, and so does Linux.
//!
//! [`MachineBuilder::press`]: crate::MachineBuilder::press

/// The Enter key.
pub const ENTER: &str = "\r";
/// The Escape key.
pub const ESCAPE: &str = "\x1b";
/// The up arrow key.
pub const UP: &str = "\x1b[A";
/// The down arrow key.
pub const DOWN: &str = "\x1b[B";
/// Ctrl-B, which opens iPXE's command line.
pub const CTRL_B: &str = "\x02";
/// Ctrl-C, which cancels a download or a menu.
pub const CTRL_C: &str = "\x03";

/// Splits a text into single keys. The sequence of an arrow key stays whole, because a machine
/// takes its first byte alone for the Escape key.
pub(crate) fn strokes(keys: &str) -> impl Iterator<Item = &str> {
    let mut rest = keys;
    std::iter::from_fn(move || {
        let arrow = rest.strip_prefix("\x1b[").and_then(|last| last.chars().next());
        let first = rest.chars().next()?;
        let length = arrow.map_or(first.len_utf8(), |last| 2 + last.len_utf8());
        let (stroke, others) = rest.split_at(length);
        rest = others;
        Some(stroke)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_one_stroke() {
        let keys = format!("ab{UP}{ESCAPE}{DOWN}\u{e4}{ENTER}\x1b[");
        let expected = ["a", "b", UP, ESCAPE, DOWN, "\u{e4}", ENTER, "\x1b", "["];
        assert_eq!(strokes(&keys).collect::<Vec<_>>(), expected);
        assert_eq!(strokes("").count(), 0);
    }
}
