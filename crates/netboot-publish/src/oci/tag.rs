//! The tags of a target.
//!
//! A tag is `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}` ("Pulling manifests" in the OCI distribution
//! specification).

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use netboot_core::layout::Location;
use netboot_core::{ReleaseId, ReleasePath, Sha256Digest};

/// The longest tag, in characters.
const LIMIT: usize = 128;

const FILE: &str = "file-";
const PART: &str = "part-";

/// Returns the tag of a file that changes: a pointer or an entry point. Other objects have none.
pub(super) fn of_file(path: &ReleasePath) -> Option<String> {
    match Location::parse(path.as_str())? {
        Location::Pointer(_)
        | Location::BootScript
        | Location::ProfileScript(_)
        | Location::BootProgram(_)
        | Location::ProfileBootProgram(..)
        | Location::AutoexecScript
        | Location::ProfileAutoexecScript(_) => {}
        _ => return None,
    }
    let mut tag = FILE.to_owned();
    for c in path.as_str().chars() {
        match c {
            c if c.is_ascii_alphanumeric() || ".-".contains(c) => tag.push(c),
            '/' => tag.push('_'),
            // Writing to a string does not fail.
            c => _ = write!(tag, "__{:x}_", u32::from(c)),
        }
    }
    if tag.len() <= LIMIT {
        return Some(tag);
    }
    Some(format!("{FILE}sha256-{}", Sha256Digest::of(path.as_str().as_bytes())))
}

/// Separates the files that change, each with its tag, from the other objects.
pub(super) fn split<T>(
    all: impl IntoIterator<Item = T>,
    path: impl Fn(&T) -> &ReleasePath,
) -> (Vec<(String, T)>, Vec<T>) {
    let (mut files, mut objects) = (Vec::new(), Vec::new());
    for one in all {
        match of_file(path(&one)) {
            Some(tag) => files.push((tag, one)),
            None => objects.push(one),
        }
    }
    (files, objects)
}

/// The tag under which people find a whole release.
pub(super) fn of_release(release: &ReleaseId) -> String {
    format!("release-{release}")
}

/// Makes the tag of a new part. No two parts have the same tag. A later part sorts after an earlier
/// one (by the publishers' clocks). The tag names the release whose files the part has, so that
/// nobody needs to read it for others.
pub(super) fn of_new_part(release: Option<&ReleaseId>) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let tag = format!("{PART}{:011x}-{:016x}", since.as_millis(), fastrand::u64(..));
    match release {
        Some(release) => format!("{tag}-{release}"),
        None => tag,
    }
}

/// The release in the tag of a part.
pub(super) fn release_of_part(tag: &str) -> Option<ReleaseId> {
    tag.strip_prefix(PART)?.splitn(3, '-').nth(2)?.parse().ok()
}

/// The time in the tag of a part, as it stands there. Later times sort behind earlier ones.
pub(super) fn time_of_part(tag: &str) -> Option<&str> {
    let time = tag.strip_prefix(PART)?.split('-').next()?;
    (time.len() == 11 && time.chars().all(|c| c.is_ascii_hexdigit())).then_some(time)
}

pub(super) fn is_file(tag: &str) -> bool {
    tag.starts_with(FILE)
}

pub(super) fn is_part(tag: &str) -> bool {
    tag.starts_with(PART)
}

/// Returns true for a tag that a request can name.
pub(super) fn is_valid(tag: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (1..=LIMIT).contains(&tag.len())
        && tag.starts_with(is_word)
        && tag.chars().all(|c| is_word(c) || ".-".contains(c))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_file_has_a_valid_tag_of_its_own() {
        let long = format!("{}a.ipxe", "a_".repeat(31));
        let paths = ["current.ipxe", "boot.ipxe", "a/netboot.ipxe", "a_b/netboot.ipxe", &long];
        let programs = ["boot-x86_64.efi", "a/boot-x86_64.efi", "a/autoexec.ipxe", "autoexec.ipxe"];
        let paths: Vec<&str> = paths.into_iter().chain(programs).collect();
        let tags: BTreeSet<String> =
            paths.iter().map(|path| of_file(&path.parse().unwrap()).unwrap()).collect();
        assert_eq!(tags.len(), paths.len());
        assert!(tags.iter().all(|tag| is_valid(tag) && is_file(tag)), "{tags:?}");
        assert!(tags.contains("file-a_netboot.ipxe"), "{tags:?}");
        for path in ["releases/clock", "nix-cache-info", "blobs/x", "other"] {
            assert_eq!(of_file(&path.parse().unwrap()), None, "{path}");
        }
    }

    #[test]
    fn a_later_part_sorts_behind() {
        let first = of_new_part(None);
        assert!(is_valid(&first) && is_part(&first) && !is_file(&first));
        let release = ReleaseId::from(Sha256Digest::of(b"a release"));
        let second = of_new_part(Some(&release));
        assert!(first[..PART.len() + 11] <= second[..PART.len() + 11]);
        assert!(is_valid(&second) && second.len() < LIMIT, "{second}");
        assert_eq!(release_of_part(&second), Some(release));
        assert_eq!(release_of_part(&first), None);
    }
}
