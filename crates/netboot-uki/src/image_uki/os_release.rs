//! The text that names the system of an image.

use std::fmt::Write as _;

use netboot_core::Image;

/// Returns the `os-release` of an image (os-release(5)). systemd-boot and `bootctl` show the
/// `PRETTY_NAME`.
pub(super) fn os_release(image: &Image) -> String {
    let profile = image.profile();
    let mut text = format!("NAME=\"{profile}\"\nID={profile}\nPRETTY_NAME=\"");
    for character in image.title().as_str().chars() {
        // The characters that a shell treats specially between double quotes.
        if matches!(character, '"' | '$' | '\\' | '`') {
            text.push('\\');
        }
        text.push(character);
    }
    let _ = writeln!(text, "\"");
    text
}
