//! Texts in a number of columns of a terminal.

use std::time::Duration;

use unicode_width::UnicodeWidthChar;

/// The columns that a character takes. A variation selector makes some symbols wider, so it counts.
fn width_of(character: char) -> usize {
    if character == '\u{fe0f}' { 1 } else { character.width().unwrap_or(0) }
}

/// The most columns that a text takes on a terminal. Some terminals draw several characters as one
/// that is narrower.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(width_of).sum()
}

/// Takes characters while they fit into `columns`.
fn fitting(characters: impl Iterator<Item = char>, columns: usize) -> Vec<char> {
    let mut used = 0;
    let fits = |character: &char| {
        used += width_of(*character);
        used <= columns
    };
    characters.take_while(fits).collect()
}

/// Cuts the middle out of a text that takes more than `columns`.
pub(super) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let Some(room) = columns.checked_sub(1) else { return String::new() };
    let end = room / 2;
    let mut cut: String = fitting(text.chars(), room - end).into_iter().collect();
    cut.push('…');
    let end = fitting(text.chars().rev(), end);
    // An accent belongs to the letter before it, which is cut out.
    cut.extend(end.into_iter().rev().skip_while(|character| width_of(*character) == 0));
    cut
}

/// Fills a text with spaces, or cuts its middle out, so that it takes `columns`.
pub(super) fn fill(text: &str, columns: usize) -> String {
    let mut filled = cut(text, columns);
    filled.push_str(&" ".repeat(columns.saturating_sub(width(&filled))));
    filled
}

/// Breaks the lines of a text between words, so that none takes more than `columns`, unless a word
/// is longer. The rest of a line gets a margin.
pub(super) fn wrap(text: &str, columns: usize) -> String {
    let lines: Vec<String> = text.lines().map(|line| wrap_line(line, columns)).collect();
    lines.join("\n")
}

fn wrap_line(line: &str, columns: usize) -> String {
    if width(line) <= columns {
        return line.to_owned();
    }
    let margin = " ".repeat(line.chars().take_while(|first| *first == ' ').count() + 2);
    let (mut wrapped, mut used) = (String::new(), 0);
    for word in line.split_inclusive(' ') {
        let needed = width(word.trim_end_matches(' '));
        if used + needed > columns && used > margin.len() {
            wrapped.truncate(wrapped.trim_end_matches(' ').len());
            wrapped.push('\n');
            wrapped.push_str(&margin);
            used = margin.len();
        }
        wrapped.push_str(word);
        used += width(word);
    }
    wrapped
}

/// A duration as `1:05` or `2:00:05`.
pub(super) fn clock(duration: Duration) -> String {
    let (minutes, seconds) = (duration.as_secs() / 60, duration.as_secs() % 60);
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes}:{seconds:02}"),
        (hours, minutes) => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// Some bytes, and all of them, in one unit: `3.2/40.0 MiB`.
pub(super) fn bytes_of(done: u64, total: Option<u64>) -> String {
    let total_or_done = total.unwrap_or(done);
    let (unit, name) = unit_of(total_or_done);
    let number = |bytes: u64| in_unit(bytes, unit);
    match total {
        Some(total) => format!("{}/{} {name}", number(done), number(total)),
        None => format!("{} {name}", number(done)),
    }
}

/// The largest unit below an amount, and its name.
fn unit_of(bytes: u64) -> (u64, &'static str) {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let powers = bytes.checked_ilog2().unwrap_or(0) / 10;
    let name = usize::try_from(powers).ok().and_then(|powers| UNITS.get(powers));
    (1 << (10 * powers), name.copied().unwrap_or("EiB"))
}

/// An amount in a unit, with one decimal unless the unit is a byte.
fn in_unit(bytes: u64, unit: u64) -> String {
    if unit == 1 {
        return bytes.to_string();
    }
    let tenths = (u128::from(bytes) * 10 + u128::from(unit) / 2) / u128::from(unit);
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_loses_its_middle() {
        assert_eq!(cut("linux-6.12.30", 13), "linux-6.12.30");
        assert_eq!(cut("linux-6.12.30", 12), "linux-…12.30");
        assert_eq!(cut("linux-6.12.30", 2), "l…");
        assert_eq!(cut("linux-6.12.30", 1), "…");
        assert_eq!(cut("linux-6.12.30", 0), "");
        assert_eq!(fill("linux", 7), "linux  ");
    }

    #[test]
    fn wide_and_combining_characters_count_as_terminals_draw_them() {
        // Each of these takes two columns.
        assert_eq!(cut("名古屋の計算機", 14), "名古屋の計算機");
        assert_eq!(cut("名古屋の計算機", 13), "名古屋…計算機");
        assert_eq!(cut("名古屋の計算機", 12), "名古屋…算機");
        assert_eq!(fill("名古屋", 8), "名古屋  ");
        // An `e` with an accent of its own takes one.
        let accented = "e\u{301}".repeat(5);
        assert_eq!(width(&accented), 5);
        assert_eq!(cut(&accented, 5), accented);
        assert_eq!(cut(&accented, 4), format!("{}…e\u{301}", "e\u{301}".repeat(2)));
        assert_eq!(width("❤\u{fe0f}"), 2);
    }

    #[test]
    fn no_text_is_wider_than_asked() {
        for text in
            ["linux-6.12.30", "名古屋の計算機", "e\u{301}e\u{301}名❤\u{fe0f}x", "👩\u{200d}🔬 lab"]
        {
            for columns in 0..=width(text) + 1 {
                assert!(width(&cut(text, columns)) <= columns, "{text} in {columns}");
                assert_eq!(width(&fill(text, columns)), columns, "{text} in {columns}");
            }
        }
    }

    #[test]
    fn messages_break_between_words() {
        let text = "worker: warning: no user has a key\n  what to do: set `users.users.root.keys`";
        assert_eq!(wrap(text, 80), text);
        let expected =
            "worker: warning: no\n  user has a key\n  what to do: set\n    `users.users.root.keys`";
        assert_eq!(wrap(text, 20), expected);
        for columns in 0..80 {
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(words(&wrap(text, columns)), words(text), "{columns}");
        }
    }

    #[test]
    fn amounts_have_one_unit_and_right_decimals() {
        assert_eq!(bytes_of(5, Some(10)), "5/10 B");
        assert_eq!(bytes_of(1023, Some(1024)), "1.0/1.0 KiB");
        assert_eq!(bytes_of(12 << 20, Some(40 << 20)), "12.0/40.0 MiB");
        assert_eq!(bytes_of((1 << 30) - 1, None), "1024.0 MiB");
        assert_eq!(bytes_of(1536, None), "1.5 KiB");
        assert_eq!(bytes_of(0, None), "0 B");
        assert_eq!(bytes_of(u64::MAX, Some(u64::MAX)), "16.0/16.0 EiB");
    }

    #[test]
    fn durations_are_clocks() {
        let shown = |seconds| clock(Duration::from_secs(seconds));
        assert_eq!([0, 65, 3599, 7205].map(shown), ["0:00", "1:05", "59:59", "2:00:05"]);
    }
}
