//! The permission bits of a target directory, and those who have to read it.

use netboot_core::Event;

/// The bits that let the group, and all users, read a directory and what is in it.
const READ: [u32; 2] = [0o050, 0o005];

/// Warns that no other user can read a target directory, such as the user of a web server.
pub(crate) fn unreadable_root(directory: &str, mode: u32) -> Option<Event> {
    if READ.iter().any(|read| mode & read == *read) {
        return None;
    }
    let mode = mode & 0o7777;
    Some(Event::Warning {
        profile: None,
        message: format!("no other user can read `{directory}` (mode {mode:04o}), so no web server can"),
        hint: Some(
            "let the user of the web server read the directory (`chmod o+rx`), or a group that the \
             user is in"
                .to_owned(),
        ),
    })
}
