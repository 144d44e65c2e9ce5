//! Checks a configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;

use netboot_core::{KernelParameter, Profile, ServiceName, read_regular_text};
use serde::Deserialize;

use crate::overrides::authorized_key::public_key;
use crate::policy::Policy;
use crate::policy::finding::{PolicyFinding, PolicyProblem};
use netboot_core::secret_scan::Severity;

/// The maximum size in bytes of a file of authorised keys.
const KEY_FILE_LIMIT: u64 = 1024 * 1024;

/// The facts that `policy.nix` reads from a configuration.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct PolicyFacts {
    authorized_keys: BTreeMap<String, Keys>,
    root_passwords: BTreeMap<String, Password>,
    openssh: Option<bool>,
    services: BTreeMap<String, Option<bool>>,
    packages: Option<Vec<String>>,
    etc: Vec<String>,
}

/// The keys of a user.
#[derive(Debug, Clone, Default, Deserialize)]
struct Keys {
    keys: Vec<String>,
    /// Files with one key on each line.
    files: Vec<PathBuf>,
}

/// The state of an option for a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Password {
    Unset,
    /// The option is a hash that no password has.
    Locked,
    Empty,
    Set,
}

impl Policy {
    /// Checks the configuration of `profile`, with the kernel parameters `parameters`.
    pub(crate) fn check(
        &self,
        profile: &dyn Profile,
        facts: &PolicyFacts,
        parameters: &[KernelParameter],
    ) -> Vec<PolicyFinding> {
        let mut problems = self.of_keys(facts);
        problems.extend(of_passwords(facts));
        if !parameters.iter().chain(profile.kernel_parameters()).any(is_serial_console) {
            problems.push(PolicyProblem::NoSerialConsole);
        }
        problems.extend(of_services(facts));
        problems.extend(self.of_packages(profile, facts));
        problems.extend(of_files(facts));
        problems
            .into_iter()
            .map(|problem| PolicyFinding { severity: self.severity_of(problem.check()), problem })
            .filter(|finding| finding.severity != Severity::Ignore)
            .collect()
    }

    fn of_keys(&self, facts: &PolicyFacts) -> Vec<PolicyProblem> {
        let mut problems = Vec::new();
        if facts.openssh == Some(false) {
            problems.push(PolicyProblem::SshDisabled);
        }
        let users = &facts.authorized_keys;
        if users.values().all(|keys| keys.keys.is_empty() && keys.files.is_empty()) {
            problems.push(PolicyProblem::NoAuthorizedKey);
        }
        for (user, keys) in users {
            let lines = lines(keys);
            problems.extend(lines.iter().filter_map(|line| self.of_key(user, line)));
        }
        problems
    }

    fn of_key(&self, user: &str, line: &str) -> Option<PolicyProblem> {
        let (user, key) = (user.to_owned(), line.to_owned());
        let lower = line.to_lowercase();
        if let Some(mark) = self.placeholders.iter().find(|mark| lower.contains(mark.as_str())) {
            return Some(PolicyProblem::PlaceholderKey { user, key, mark: mark.clone() });
        }
        let reason = public_key(line).err()?.to_string();
        Some(PolicyProblem::UnreadableKey { user, key, reason })
    }

    fn of_packages(&self, profile: &dyn Profile, facts: &PolicyFacts) -> Vec<PolicyProblem> {
        let Some(packages) = &facts.packages else { return Vec::new() };
        let brings = |service: &str| {
            packages.iter().any(|package| {
                package
                    .strip_prefix(service)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
            })
        };
        let services = profile.services().iter().map(ServiceName::as_str);
        let of_services = services.filter(|service| !brings(service));
        let required = self.packages.iter().map(String::as_str);
        let of_required = required.filter(|name| !packages.iter().any(|package| package == name));
        let missing = |package: &str| PolicyProblem::PackageMissing { package: package.to_owned() };
        of_services.chain(of_required).map(missing).collect()
    }
}

/// The lines with keys, without comments. A file that exists only on another machine, which
/// evaluated the configuration, has no lines here.
fn lines(keys: &Keys) -> Vec<String> {
    let of_files = keys.files.iter();
    let of_files = of_files.filter_map(|file| read_regular_text(file, KEY_FILE_LIMIT).ok());
    let texts = keys.keys.iter().cloned().chain(of_files);
    let lines = texts
        .flat_map(|text| text.lines().map(|line| line.trim().to_owned()).collect::<Vec<String>>());
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

fn of_passwords(facts: &PolicyFacts) -> impl Iterator<Item = PolicyProblem> {
    facts.root_passwords.iter().filter_map(|(option, password)| match password {
        Password::Unset | Password::Locked => None,
        Password::Empty | Password::Set => Some(PolicyProblem::RootPassword {
            option: option.clone(),
            empty: *password == Password::Empty,
        }),
    })
}

fn of_services(facts: &PolicyFacts) -> impl Iterator<Item = PolicyProblem> {
    let enabled = facts.services.iter().filter(|(_, enabled)| **enabled == Some(true));
    enabled.map(|(service, _)| PolicyProblem::ServiceEnabled { service: service.clone() })
}

fn of_files(facts: &PolicyFacts) -> impl Iterator<Item = PolicyProblem> {
    let secret = facts.etc.iter().filter(|path| looks_secret(path));
    secret.map(|path| PolicyProblem::SecretFile { path: format!("/etc/{path}") })
}

/// Returns true for a serial console. `tty0` and similar names are screens (Linux,
/// `Documentation/admin-guide/serial-console.rst`).
fn is_serial_console(parameter: &KernelParameter) -> bool {
    let Some(device) = parameter.as_str().strip_prefix("console=") else { return false };
    let device = device.split(',').next().unwrap_or(device);
    let is_screen = device
        .strip_prefix("tty")
        .is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    !is_screen && !device.is_empty() && device != "null"
}

fn looks_secret(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    ["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "shadow"].contains(&name)
        || (name.starts_with("ssh_host_") && name.ends_with("_key"))
        || extension.is_some_and(|extension| ["key", "p12", "pfx", "keytab"].contains(&extension))
        || (extension == Some("pem") && name.contains("key"))
        || path.split('/').any(|part| part == "secrets")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn screens_are_no_serial_consoles() {
        let serial = |text: &str| is_serial_console(&KernelParameter::new(text).unwrap());
        for text in ["console=ttyS0", "console=ttyS1,115200n8", "console=ttyAMA0", "console=hvc0"] {
            assert!(serial(text), "{text}");
        }
        for text in ["console=tty0", "console=tty", "console=null", "quiet", "xconsole=ttyS0"] {
            assert!(!serial(text), "{text}");
        }
    }

    #[test]
    fn private_keys_are_told_by_their_names() {
        for path in [
            "ssh/ssh_host_rsa_key",
            "id_ed25519",
            "tls/server.key",
            "tls/key.pem",
            "nixos/secrets/iam",
        ] {
            assert!(looks_secret(path), "{path}");
        }
        for path in ["ssh/ssh_host_rsa_key.pub", "ssl/certs/ca.pem", "passwd", "keys.txt"] {
            assert!(!looks_secret(path), "{path}");
        }
    }
}
