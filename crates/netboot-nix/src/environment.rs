//! The environment of Nix programs: an allow-list and the caller's variables.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use netboot_process::is_inherited;

use crate::error::proxy_variable::ProxyVariable;
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
/// ssh(1)). Git prints English words, which tell the cause of a failure; its translations follow
/// `LANGUAGE` even with `LC_ALL` (gettext manual, "Locale Environment Variables"). A caller may set
/// other values.
const UNATTENDED: [(&str, &str); 5] = [
    ("GIT_TERMINAL_PROMPT", "0"),
    ("SSH_ASKPASS", "false"),
    ("SSH_ASKPASS_REQUIRE", "force"),
    ("LC_ALL", "C.UTF-8"),
    ("LANGUAGE", ""),
];

/// The variables with a proxy for URLs of each scheme, in the order in which curl reads them
/// (curl(1), "ENVIRONMENT"). Nix and git use curl.
const PROXIES: [(&str, &[ProxyVariable]); 2] = [
    ("http://", &[ProxyVariable::HttpLower, ProxyVariable::AllLower, ProxyVariable::AllUpper]),
    (
        "https://",
        &[
            ProxyVariable::HttpsLower,
            ProxyVariable::HttpsUpper,
            ProxyVariable::AllLower,
            ProxyVariable::AllUpper,
        ],
    ),
];

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

    /// The variable with the proxy that programs take for a URL.
    pub(crate) fn proxy_of(&self, url: &str) -> Option<ProxyVariable> {
        let text = |name: &str| self.variables.get(OsStr::new(name)).filter(|it| !it.is_empty());
        let (scheme, names) = PROXIES.iter().find(|(scheme, _)| url.starts_with(scheme))?;
        let host = url[scheme.len()..].split(['/', '?']).next().unwrap_or_default();
        let host = host.rsplit('@').next().unwrap_or(host);
        let without_port = host.split(':').next().unwrap_or(host);
        let exempt = ["no_proxy", "NO_PROXY"].into_iter().find_map(text);
        let is_exempt = exempt.is_some_and(|exempt| {
            let exempt = exempt.to_string_lossy();
            exempt.split([',', ' ']).filter(|name| !name.is_empty()).any(|name| {
                let name = name.trim_start_matches('.');
                name == "*"
                    || name == host
                    || without_port == name
                    || without_port.ends_with(&format!(".{name}"))
            })
        });
        names.iter().find(|name| text(name.as_str()).is_some()).copied().filter(|_| !is_exempt)
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
    fn programs_speak_english_and_in_utf_8_unless_the_caller_says_otherwise() {
        let german = [("LANG", "de_DE.UTF-8"), ("LC_ALL", "de_DE.UTF-8"), ("LANGUAGE", "de")];
        let inherited = environment(&german, &[]);
        assert_eq!(value(&inherited, "LC_ALL"), Some("C.UTF-8"));
        assert_eq!(value(&inherited, "LANGUAGE"), Some(""));
        assert_eq!(value(&environment(&[], &german), "LC_ALL"), Some("de_DE.UTF-8"));
    }

    #[test]
    fn the_proxy_of_a_url_is_the_one_that_curl_takes() {
        let proxies = [("https_proxy", "http://p:1"), ("ALL_PROXY", "http://p:2")];
        let exempt = [&proxies[..], &[("no_proxy", "localhost, .example.org,a.test")]].concat();
        for (variables, url, name) in [
            (&proxies[..], "https://example.org/x", Some("https_proxy")),
            (&proxies, "http://example.org/x", Some("ALL_PROXY")),
            (&proxies, "ssh://example.org/x", None),
            (&exempt, "https://git.example.org/x", None),
            (&exempt, "https://example.org:8443/x", None),
            (&exempt, "https://u:p@a.test", None),
            (&exempt, "https://b.a.test/", None),
            (&exempt, "https://ba.test/", Some("https_proxy")),
            (&[("HTTP_PROXY", "x"), ("https_proxy", "")], "http://example.org", None),
            (&[("http_proxy", "x"), ("NO_PROXY", "*")], "http://example.org", None),
        ] {
            let found = environment(variables, &[]).proxy_of(url).map(ProxyVariable::as_str);
            assert_eq!(found, name, "{variables:?} {url}");
        }
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
