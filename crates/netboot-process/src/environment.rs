//! The variables that a child inherits from its caller.

use std::ffi::OsStr;

/// The variables that every child inherits: they locate programs and the user's files, choose
/// language and time zone, and tell how to reach the network. A variable that may hold a token, a
/// password or a key of the caller has no place here, except the password of a proxy.
const INHERITED: [&str; 32] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "TMPDIR",
    "LANG",
    "LANGUAGE",
    "LOCALE_ARCHIVE",
    "TZ",
    "TZDIR",
    "LD_LIBRARY_PATH",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_CONFIG_DIRS",
    "XDG_DATA_HOME",
    "XDG_DATA_DIRS",
    "XDG_STATE_HOME",
    "XDG_RUNTIME_DIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NIX_SSL_CERT_FILE",
    "http_proxy",
    "https_proxy",
    "ftp_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "FTP_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
];

/// Returns true if every child inherits the variable `name`.
///
/// ```
/// use netboot_process::is_inherited;
///
/// assert!(is_inherited("PATH".as_ref()) && is_inherited("LC_ALL".as_ref()));
/// assert!(!is_inherited("AWS_SECRET_ACCESS_KEY".as_ref()));
/// ```
pub fn is_inherited(name: &OsStr) -> bool {
    INHERITED.iter().any(|inherited| name == *inherited)
        || name.as_encoded_bytes().starts_with(b"LC_")
}
