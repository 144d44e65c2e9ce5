//! The frame of each line: a prefix, and a checksum at the end.

/// The beginning of each line. No text in a line has its `|`.
pub(super) const PREFIX: &str = "netboot | ";

/// The mark between the text of a line and its checksum. No text in a line has its `#`.
const BEFORE_CHECKSUM: &str = " #";

/// The longest line that is read, in bytes. The lines of this crate are shorter.
const LONGEST: usize = 8 * 1024;

/// Makes the end of a line with this text.
pub(super) fn end(text: &str) -> String {
    format!("{BEFORE_CHECKSUM}{:06x}", checksum(text))
}

/// Returns the texts of the lines in a part of a console.
pub(super) fn texts(console: &str) -> Vec<String> {
    if console.len() > LONGEST {
        return Vec::new();
    }
    let plain = without_escapes(console);
    plain.split(['\r', '\n']).filter_map(text).map(str::to_owned).collect()
}

/// Returns the text in one row of a console.
fn text(row: &str) -> Option<&str> {
    let (before, row) = row.split_once(PREFIX)?;
    let (text, sum) = row.trim_end().rsplit_once(BEFORE_CHECKSUM)?;
    (is_stamp(before) && sum == format!("{:06x}", checksum(text))).then_some(text)
}

/// Removes the control sequences of ECMA-48, which set colours and erase the rest of a row.
fn without_escapes(console: &str) -> String {
    let mut plain = String::new();
    let mut characters = console.chars();
    while let Some(character) = characters.next() {
        if character != '\u{1b}' {
            plain.push(character);
        } else if characters.next() == Some('[') {
            // The sequence ends with its first character from this range.
            characters.find(|character| ('@'..='~').contains(character));
        }
    }
    plain
}

/// Returns true for the text that loggers put before a line: times, the level of a message, and the
/// name of the process that printed it. All other text could be from anywhere.
fn is_stamp(before: &str) -> bool {
    let mut words = before.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let time = word.trim_matches(['[', ']', '<', '>', '(', ')', ':']);
        let is_time = time.is_empty()
            || DATE_WORDS.contains(&time)
            || (time.starts_with(|first: char| first.is_ascii_digit())
                && time.chars().all(|c| c.is_ascii_digit() || "-:.,+/TZ".contains(c)));
        let is_last = words.peek().is_none();
        if !(is_time || is_last && is_process(word)) {
            return false;
        }
    }
    true
}

/// Returns true for a process as systemd's journal writes it: `netboot-stage1[88]:`.
fn is_process(word: &str) -> bool {
    let process = word.strip_suffix("]:").and_then(|word| word.split_once('['));
    process.is_some_and(|(name, id)| {
        name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
            && id.bytes().all(|digit| digit.is_ascii_digit())
    })
}

const DATE_WORDS: [&str; 20] = [
    "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Jan", "Feb", "Mar", "Apr", "May", "Jun",
    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "UTC",
];

/// Computes CRC-24 (RFC 9580, section 6.1). It finds lines that were cut, or that another program
/// wrote into. It is no protection from attackers.
fn checksum(text: &str) -> u32 {
    const START: u32 = 0x00b7_04ce;
    const GENERATOR: u32 = 0x0186_4cfb;
    text.bytes().fold(START, |sum, byte| {
        (0..8).fold(sum ^ (u32::from(byte) << 16), |sum, _| {
            let shifted = sum << 1;
            if shifted & 0x0100_0000 == 0 { shifted } else { shifted ^ GENERATOR }
        })
    })
}
