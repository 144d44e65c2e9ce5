//! Keys as a serial terminal sends them, for [`MachineBuilder::press`].
//!
//! Printable characters are their own keys. These sequences are understood by iPXE's menus under
//! BIOS and UEFI, and by Linux.
//!
//! [`MachineBuilder::press`]: crate::MachineBuilder::press

/// The Enter key.
pub const ENTER: &str = "\r";
/// The Escape key.
pub const ESCAPE: &str = "\x1b";
/// The arrow up.
pub const UP: &str = "\x1b[A";
/// The arrow down.
pub const DOWN: &str = "\x1b[B";
/// Ctrl-B, which leads into iPXE's command line.
pub const CTRL_B: &str = "\x02";
/// Ctrl-C, which breaks off a download or a menu.
pub const CTRL_C: &str = "\x03";

/// The single keys of a text: an arrow's sequence is one, since a machine takes what stands alone
/// for Escape.
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
