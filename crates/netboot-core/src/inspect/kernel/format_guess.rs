//! A guess at the format of a file that is not a kernel.

use super::file_start::FileStart;

/// Returns a clause that names the format.
pub(super) fn guess(start: &FileStart) -> String {
    let known: [(&[u8], &str); 7] = [
        (b"\x1f\x8b", "a gzip file"),
        (b"\x28\xb5\x2f\xfd", "a zstd file"),
        (b"\xfd7zXZ", "an xz file"),
        (b"070701", "a cpio archive, as initrds are"),
        (b"\x7fELF", "an ELF file"),
        (b"MZ", "an EFI program"),
        (b"#!", "a script"),
    ];
    let begin = start.bytes().get(..1024).unwrap_or(start.bytes());
    let text = String::from_utf8_lossy(begin).trim_start().to_ascii_lowercase();
    if text.starts_with("<!doctype") || text.starts_with("<html") {
        return "it is an HTML page".to_owned();
    }
    match known.into_iter().find(|(magic, _)| start.has(0, magic)) {
        Some((_, name)) => format!("it is {name}"),
        None => "its header is not a kernel's".to_owned(),
    }
}
