//! The permission bits of a target directory, and those who have to read it.

use netboot_core::Event;

/// The bits that let the group, and all users, open a file in a directory by its name. A web server
/// needs no more: it reads no listing.
const SEARCH: [u32; 2] = [0o010, 0o001];

/// Warns that no other user can read a target directory, such as the user of a web server.
pub(crate) fn unreadable_root(directory: &str, mode: u32) -> Option<Event> {
    if SEARCH.iter().any(|search| mode & search == *search) {
        return None;
    }
    let mode = mode & 0o7777;
    Some(Event::Warning {
        profile: None,
        message: format!(
            "no other user can read what is in `{directory}` (mode {mode:04o}); a web server that \
             runs as another user cannot either"
        ),
        hint: Some(
            "let the user of the web server read the directory (`chmod o+rx`), or a group that the \
             user is in"
                .to_owned(),
        ),
    })
}
