//! The environment of Nix programs: an allow-list and the caller's variables.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use netboot_process::is_inherited;

use crate::user_directories::repair;

/// The variables that Nix programs inherit besides those of every child. They locate stores and
/// configuration, and the agent that has the keys for ssh.
const OF_NIX: [&str; 8] = [
    "NIX_REMOTE",
    "NIX_STORE_DIR",
    "NIX_STATE_DIR",
    "NIX_LOG_DIR",
    "NIX_CONF_DIR",
    "NIX_CONFIG",
    "NIX_SSHOPTS",
    "SSH_AUTH_SOCK",
];

/// Stops git and ssh from asking for credentials at the terminal. Nix runs in the background, where
/// a program that asks is stopped forever (git's `GIT_TERMINAL_PROMPT`; `SSH_ASKPASS_REQUIRE` in
/// ssh(1)). A caller may set other values.
const UNATTENDED: [(&str, &str); 3] =
    [("GIT_TERMINAL_PROMPT", "0"), ("SSH_ASKPASS", "false"), ("SSH_ASKPASS_REQUIRE", "force")];

/// The variables of every Nix program.
#[derive(Clone, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<OsString, OsString>,
}

impl Environment {
    /// The allowed variables of this process, overridden by `additional`. Netboot's own settings
    /// are appended to `NIX_CONFIG`, because the last setting counts. Directories of the user that
    /// cannot be used are replaced by ones below `state`.
    pub(crate) fn new(
        additional: &BTreeMap<OsString, OsString>,
        settings: &[String],
        state: &Path,
    ) -> Self {
        let mut environment = Self::of(std::env::vars_os(), additional, settings);
        repair(&mut environment.variables, state, std::env::home_dir());
        environment
    }

    /// Does the work of [`new`](Self::new), with `inherited` as the variables of this process.
    fn of(
        inherited: impl Iterator<Item = (OsString, OsString)>,
        additional: &BTreeMap<OsString, OsString>,
        settings: &[String],
    ) -> Self {
        let unattended = UNATTENDED.iter().map(|(name, value)| (name.into(), value.into()));
        let of_nix = |name: &OsStr| OF_NIX.iter().any(|inherited| name == *inherited);
        let mut variables: BTreeMap<OsString, OsString> = inherited
            .filter(|(name, _)| is_inherited(name) || of_nix(name))
            .chain(unattended)
            .collect();
        variables.extend(additional.clone());
        let configuration = variables.entry("NIX_CONFIG".into()).or_default();
        for setting in settings {
            configuration.push("\n");
            configuration.push(setting);
        }
        Self { variables }
    }

    /// The problem with a variable that a program cannot get, or `None` if it is valid.
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
        // A value may be secret, such as a token in NIX_CONFIG.
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(inherited: &[(&str, &str)], additional: &[(&str, &str)]) -> Environment {
        let inherited = inherited.iter().map(|(name, value)| (name.into(), value.into()));
        let additional =
            additional.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let settings = ["ours = 1".to_owned()];
        Environment::of(inherited, &additional, &settings)
    }

    fn value<'a>(environment: &'a Environment, name: &str) -> Option<&'a str> {
        environment.variables.get(OsStr::new(name)).and_then(|value| value.to_str())
    }

    #[test]
    fn proxies_are_passed_on_in_both_cases_and_secrets_are_not() {
        for name in ["http", "https", "ftp", "all", "no"].map(|name| format!("{name}_proxy")) {
            for name in [name.to_uppercase(), name] {
                let environment = environment(&[(&name, "x")], &[]);
                assert_eq!(value(&environment, &name), Some("x"), "{name}");
            }
        }
        let environment = environment(&[("AWS_SECRET_ACCESS_KEY", "x"), ("PATH", "/bin")], &[]);
        assert_eq!(value(&environment, "AWS_SECRET_ACCESS_KEY"), None);
        assert_eq!(environment.path(), "/bin");
    }

    #[test]
    fn a_caller_s_variable_goes_over_all_but_our_settings() {
        let inherited = [("PATH", "/bin"), ("NIX_CONFIG", "theirs = 1")];
        let additional =
            [("PATH", "/opt"), ("NIX_CONFIG", "ours = 0"), ("GIT_TERMINAL_PROMPT", "1")];
        let environment = environment(&inherited, &additional);
        assert_eq!(environment.path(), "/opt");
        assert_eq!(value(&environment, "NIX_CONFIG"), Some("ours = 0\nours = 1"));
        assert_eq!(value(&environment, "GIT_TERMINAL_PROMPT"), Some("1"));
        assert_eq!(value(&environment, "SSH_ASKPASS_REQUIRE"), Some("force"));
    }
}
