//! Reads the lines that `rsync` prints about files.

use std::time::UNIX_EPOCH;

use super::timestamp;
use crate::store::{Entry, Listed};

/// The format that [`parse`] reads: the change, the permissions, the size, the time, the name, and
/// a link's target.
/// The first word distinguishes such a line from other output, such as a greeting of the far side.
pub(super) const FORMAT: &str = "--out-format=netboot-item %i %B %l %M %n%L";

/// The directory for partial files after a broken transfer. It is beside the files, or in the root.
pub(super) const PARTIAL_DIRECTORY: &str = ".netboot-partial";

/// Reads a line. `None` if it is not in the format. The path of a directory ends with a slash.
pub(crate) fn parse(line: &str) -> Option<Listed> {
    let (change, rest) = change(line)?;
    let (_, rest) = rest.split_once(' ')?;
    let (size, rest) = rest.split_once(' ')?;
    let (time, name) = rest.split_once(' ')?;
    let kind = change.chars().nth(1)?;
    let size: u64 = size.parse().ok()?;
    let name = unescape(name);
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (path, entry) = match kind {
        'f' => {
            let modified = timestamp::parse(time).unwrap_or(UNIX_EPOCH);
            (lossy(&name), Entry::Object { size, modified })
        }
        'L' => {
            // The size of a link is the length of its target in bytes.
            let length = usize::try_from(size).ok()?;
            let start = name.len().checked_sub(length)?;
            let path = name[..start].strip_suffix(b" -> ")?;
            (lossy(path), Entry::Link { target: lossy(&name[start..]) })
        }
        _ => (lossy(&name), Entry::Other),
    };
    Some(Listed { path, entry })
}

/// Returns the permission bits in a line about the root of a target.
pub(crate) fn root_mode(line: &str) -> Option<u32> {
    let mut words = change(line)?.1.split(' ');
    let permissions = words.next()?;
    let is_root = words.nth(2).is_some_and(|name| [".", "./"].contains(&name));
    if !is_root || words.next().is_some() || permissions.len() != 9 {
        return None;
    }
    let bits = permissions.chars().enumerate().map(|(position, letter)| {
        let is_set = letter != '-' && !letter.is_ascii_uppercase();
        let of_set_group = position == 5 && letter.eq_ignore_ascii_case(&'s');
        (u32::from(is_set) << (8 - position)) | if of_set_group { 0o2000 } else { 0 }
    });
    Some(bits.fold(0, |mode, bit| mode | bit))
}

/// Splits a line into the change and the rest. The change has eleven characters, and may have
/// spaces. The second one is the type of the file.
fn change(line: &str) -> Option<(&str, &str)> {
    let (change, rest) = line.strip_prefix("netboot-item ")?.split_at_checked(11)?;
    Some((change, rest.strip_prefix(' ')?))
}

/// Returns true if the receiving side has nothing at the path of the line.
pub(crate) fn is_new(line: &str) -> bool {
    change(line).is_some_and(|(change, _)| change.ends_with("+++++++++"))
}

/// Replaces each `\#ooo` by the byte with that octal number.
fn unescape(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut unescaped = Vec::with_capacity(bytes.len());
    let mut position = 0;
    while position < bytes.len() {
        let byte = escaped(&bytes[position..]);
        unescaped.push(byte.unwrap_or(bytes[position]));
        position += if byte.is_some() { 5 } else { 1 };
    }
    unescaped
}

fn escaped(bytes: &[u8]) -> Option<u8> {
    let digits = bytes.strip_prefix(b"\\#")?.get(..3)?;
    digits.iter().all(|digit| (b'0'..=b'7').contains(digit)).then(|| {
        digits.iter().fold(0_u8, |byte, digit| byte.wrapping_mul(8).wrapping_add(digit - b'0'))
    })
}

/// Returns true if a path is an unfinished file of `rsync`, which it names `.<name>.<six letters>`.
/// A far side that is killed leaves such files behind.
pub(crate) fn is_unfinished(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let parts = name.strip_prefix('.').and_then(|name| name.rsplit_once('.'));
    parts.is_some_and(|(name, random)| {
        !name.is_empty()
            && random.len() == 6
            && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_of_every_kind_are_read() {
        let modified = UNIX_EPOCH + Duration::from_secs(1_795_521_103);
        let time = "2026/11/24-11:51:43";
        for (line, expected) in [
            (
                format!("netboot-item >f+++++++++ rw-r--r-- 12 {time} blobs/a b"),
                Some(("blobs/a b", Entry::Object { size: 12, modified })),
            ),
            (
                format!("netboot-item cL+++++++++ rw-r--r-- 5 {time} a -> b -> blobs"),
                Some(("a -> b", Entry::Link { target: "blobs".to_owned() })),
            ),
            (
                format!("netboot-item cL+++++++++ rw-r--r-- 2 {time} l -> \\#012\\#377"),
                Some(("l", Entry::Link { target: "\n\u{fffd}".to_owned() })),
            ),
            (
                format!("netboot-item cS+++++++++ rw-r--r-- 0 {time} fifo"),
                Some(("fifo", Entry::Other)),
            ),
            (
                format!("netboot-item cD+++++++++ rw-r--r-- 0 {time} null"),
                Some(("null", Entry::Other)),
            ),
            (
                format!("netboot-item >f+++++++++ rw-r--r-- 0 {time} odd\\#134#012 \\#9 \\#01"),
                Some(("odd\\#012 \\#9 \\#01", Entry::Object { size: 0, modified })),
            ),
            (
                format!("netboot-item cd+++++++++ rwxr-xr-x 4096 {time} blobs/"),
                Some(("blobs/", Entry::Other)),
            ),
            ("Welcome to this host!".to_owned(), None),
            (String::new(), None),
        ] {
            let expected = expected.map(|(path, entry)| Listed { path: path.to_owned(), entry });
            assert_eq!(parse(&line), expected, "{line}");
        }
    }

    #[test]
    fn the_mode_of_the_root_is_read() {
        let line = |permissions: &str, name: &str| {
            format!("netboot-item .d          {permissions} 0 2026/11/24-11:51:43 {name}")
        };
        for (permissions, mode) in
            [("rwxr-xr-x", 0o755), ("rwxrwsr-x", 0o2775), ("rwx--S---", 0o2700), ("---------", 0)]
        {
            assert_eq!(root_mode(&line(permissions, "./")), Some(mode), "{permissions}");
        }
        for line in [line("rwxr-xr-x", "blobs/"), line("rwxr-xr-x", "./ x"), line("rwx", "./")] {
            assert_eq!(root_mode(&line), None, "{line}");
        }
    }

    #[test]
    fn unfinished_files_are_told_from_others() {
        for path in [".current.ipxe.Ab3dEf", "blobs/.0a.AAAAAA"] {
            assert!(is_unfinished(path), "{path}");
        }
        for path in ["current.ipxe", ".hidden", ".hidden.txt", "blobs/0a", "a/b.AAAAAA", "..AAAAAA"]
        {
            assert!(!is_unfinished(path), "{path}");
        }
    }

    proptest! {
        #[test]
        fn every_name_is_unescaped(name in any::<Vec<u8>>()) {
            // rsync escapes unprintable bytes, and each backslash that could be misread.
            let mut text = String::new();
            for (position, byte) in name.iter().enumerate() {
                let next = &name[position + 1..];
                let is_misread = *byte == b'\\'
                    && next.first() == Some(&b'#')
                    && next.len() > 3
                    && next[1..4].iter().all(u8::is_ascii_digit);
                if is_misread || !(b' '..=b'~').contains(byte) {
                    write!(text, "\\#{byte:03o}").unwrap();
                } else {
                    text.push(char::from(*byte));
                }
            }
            prop_assert_eq!(unescape(&text), name);
        }

        #[test]
        fn no_line_panics(line in "netboot-item .{0,60}|\\PC{0,60}") {
            let _ = (parse(&line), root_mode(&line));
        }
    }
}
