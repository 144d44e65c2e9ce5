//! The directory for what the program remembers from one run to the next.

use std::env;
use std::path::PathBuf;

/// `netboot` in the user's directory for state: `XDG_STATE_HOME`, or else `~/.local/state`. `None`
/// for a user without a home directory.
///
/// The files there only save work. Each run does without those that it cannot read or write.
pub(crate) fn state_directory() -> Option<PathBuf> {
    // A relative path is not valid there: see the XDG Base Directory Specification.
    let set = env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || env::home_dir().filter(|path| path.is_absolute());
    let directory = set.or_else(|| Some(home()?.join(".local/state")))?;
    Some(directory.join("netboot"))
}
