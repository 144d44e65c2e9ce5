//! The permission that a user lacks, and the file or directory that withholds it.

use std::fmt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD};

/// The permission that this user lacks. `Display` says who has to let them do what, as a remedy.
///
/// ```
/// use netboot_core::RefusedAccess;
///
/// let refused = RefusedAccess::of("create", "/srv/pxe/boot.ipxe");
/// assert_eq!(refused.to_string(), "let this user write to the directory `/srv/pxe`");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusedAccess {
    /// The user may not use the names in a directory.
    Enter(PathBuf),
    /// The user may not list the names in a directory.
    List(PathBuf),
    /// The user may not create, replace or delete a name in a directory.
    Change(PathBuf),
    /// The user may not read a file.
    Read(PathBuf),
    /// The user may not write to a file.
    Write(PathBuf),
    /// The user does not own a file or directory, so that they may not change its permissions.
    Own(PathBuf),
}

impl RefusedAccess {
    /// Finds the permission that an action lacked, a verb as errors have it. This looks at the
    /// directories above the path, because one of them may refuse the user.
    pub fn of(action: &str, path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let mut above: Vec<&Path> = path.ancestors().skip(1).collect();
        above.reverse();
        if let Some(closed) = above.into_iter().find(|it| is_refused(it, Access::EXEC_OK)) {
            return Self::Enter(named(closed));
        }
        let directory = || named(path.parent().unwrap_or(path));
        match action {
            "create" | "write" | "rename" | "delete" | "link" | "lock" => {
                let is_file = path.is_file();
                let is_writable = !is_refused(path.parent().unwrap_or(path), Access::WRITE_OK);
                if is_file && is_writable {
                    Self::Write(path.to_owned())
                } else {
                    Self::Change(directory())
                }
            }
            _ if action.ends_with(" in") || action.ends_with(" into") => Self::Change(named(path)),
            "share" | "make readable" => Self::Own(path.to_owned()),
            "list" | "sync" => Self::List(named(path)),
            _ if path.is_dir() => Self::List(named(path)),
            _ => Self::Read(path.to_owned()),
        }
    }
}

impl RefusedAccess {
    fn hint(&self) -> String {
        match self {
            Self::Enter(path) => format!("let this user enter the directory `{}`", path.display()),
            Self::List(path) => {
                format!("let this user list and enter the directory `{}`", path.display())
            }
            Self::Change(path) => {
                format!("let this user write to the directory `{}`", path.display())
            }
            Self::Read(path) => format!("let this user read `{}`", path.display()),
            Self::Write(path) => format!("let this user write to `{}`", path.display()),
            Self::Own(path) => format!("make this user the owner of `{}`", path.display()),
        }
    }
}

/// True if the kernel refuses this user the access. A directory that is not there refuses nobody.
fn is_refused(path: &Path, access: Access) -> bool {
    let access = rustix::fs::accessat(CWD, named(path), access, AtFlags::EACCESS);
    access == Err(rustix::io::Errno::ACCESS)
}

/// The directory of a relative path without a slash.
fn named(path: &Path) -> PathBuf {
    if path.as_os_str().is_empty() { ".".into() } else { path.to_owned() }
}

impl fmt::Display for RefusedAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hint())
    }
}
