//! The environment of Nix programs: an allow-list, and what the caller adds.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// What is passed on of this process's environment: where programs, stores and configuration are,
/// and how to reach the network. Everything else, secrets included, stays here.
const PASSED_ON: [&str; 32] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "LANG",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_CONFIG_DIRS",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "NIX_REMOTE",
    "NIX_STORE_DIR",
    "NIX_STATE_DIR",
    "NIX_LOG_DIR",
    "NIX_CONF_DIR",
    "NIX_CONFIG",
    "NIX_SSL_CERT_FILE",
    "NIX_SSHOPTS",
    "SSL_CERT_FILE",
    "SSH_AUTH_SOCK",
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
    "SSL_CERT_DIR",
];

/// The variables that every Nix program gets.
#[derive(Clone, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<OsString, OsString>,
}

impl Environment {
    /// The allowed variables of this process, under `additional` ones, with Netboot's own settings
    /// behind those of `NIX_CONFIG`, where the last one counts.
    pub(crate) fn new(additional: &BTreeMap<OsString, OsString>, settings: &[String]) -> Self {
        let mut variables: BTreeMap<OsString, OsString> = PASSED_ON
            .iter()
            .filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?)))
            .collect();
        variables.extend(additional.clone());
        let configuration = variables.entry("NIX_CONFIG".into()).or_default();
        for setting in settings {
            configuration.push("\n");
            configuration.push(setting);
        }
        Self { variables }
    }

    /// What is wrong with a variable that a caller adds; it could not be given to a program.
    pub(crate) fn problem(name: &OsStr, value: &OsStr) -> Option<&'static str> {
        if name.is_empty() {
            Some("its name is empty")
        } else if name.as_bytes().contains(&b'=') {
            Some("its name has a `=`")
        } else if name.as_bytes().contains(&0) || value.as_bytes().contains(&0) {
            Some("it has a NUL character")
        } else {
            None
        }
    }

    /// All variables.
    pub(crate) fn variables(&self) -> &BTreeMap<OsString, OsString> {
        &self.variables
    }

    /// The search path.
    pub(crate) fn path(&self) -> &OsStr {
        self.variables.get(OsStr::new("PATH")).map_or(OsStr::new(""), OsString::as_os_str)
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values can be secrets, such as a token in NIX_CONFIG.
        f.debug_set().entries(self.variables.keys()).finish()
    }
}
