//! The target of an rsync store, and how it is written.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use crate::error::Error;

/// The port of an rsync daemon.
const DAEMON_PORT: u16 = 873;
/// The port of sshd.
pub(super) const SSH_PORT: u16 = 22;

/// The target of an rsync store: a directory in a module of a daemon, or a directory of an ssh
/// account.
///
/// No part of a target can become an option of `rsync` or of ssh, or a command of the far side's
/// shell. A text that could is refused.
///
/// ```
/// use netboot_publish::RsyncTarget;
///
/// let daemon: RsyncTarget = "rsync://publisher@boot.example.org/pxe/nixos".parse()?;
/// assert_eq!(daemon, RsyncTarget::daemon("boot.example.org", 873, "pxe", "nixos")?
///     .with_user("publisher")?);
///
/// let ssh: RsyncTarget = "publisher@boot.example.org:/srv/pxe/nixos".parse()?;
/// assert_eq!(ssh, RsyncTarget::ssh("publisher", "boot.example.org", 22, "/srv/pxe/nixos")?);
///
/// assert!("-oProxyCommand=reboot:/srv".parse::<RsyncTarget>().is_err());
/// assert!("boot.example.org:/srv/$(reboot)".parse::<RsyncTarget>().is_err());
/// # Ok::<(), netboot_publish::Error>(())
/// ```
///
/// # Allowed characters
/// - A host: a name of letters, digits, `.`, `-` and `_`, or an IPv6 address in brackets.
/// - A user: letters, digits, `.`, `-`, `_` and `+`. It starts with a letter, a digit or `_`.
/// - A module: the characters of a user, and spaces between them.
/// - A path: letters and digits of any script, spaces, and `/._-+@,:=%`. No part is `.` or `..` or
///   starts with `-` or `:` (a path that is only `.` is allowed). An ssh path starts at the root or
///   at the account's home directory. If the account may only run `rrsync`, the path starts at the
///   directory of `rrsync`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RsyncTarget {
    user: Option<String>,
    host: String,
    port: u16,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    Daemon { module: String, path: String },
    Ssh { path: String },
}

impl RsyncTarget {
    /// The directory `path` in a module of an rsync daemon. An empty path is the module itself. The
    /// connection to a daemon is not encrypted.
    ///
    /// # Errors
    /// [`Error::InvalidRsyncTarget`].
    pub fn daemon(host: &str, port: u16, module: &str, path: &str) -> Result<Self, Error> {
        let place = Place::Daemon { module: check_module(module)?, path: check_path(path)? };
        Ok(Self { user: None, host: check_host(host)?, port, place })
    }

    /// The directory `path` of the ssh account `user`.
    ///
    /// # Errors
    /// [`Error::InvalidRsyncTarget`].
    pub fn ssh(user: &str, host: &str, port: u16, path: &str) -> Result<Self, Error> {
        let place = Place::Ssh { path: check_ssh_path(path)? };
        let user = Some(check_user(user)?);
        Ok(Self { user, host: check_host(host)?, port, place })
    }

    /// Sets the user: one of the daemon's `auth users`, or the ssh account.
    ///
    /// # Errors
    /// [`Error::InvalidRsyncTarget`].
    pub fn with_user(mut self, user: &str) -> Result<Self, Error> {
        self.user = Some(check_user(user)?);
        Ok(self)
    }

    /// Sets the port. Defaults: 873 for a daemon, 22 for ssh.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The host's name or address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The user, if one is set.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Returns true if the target is reached by ssh, and false if by a daemon.
    pub fn is_ssh(&self) -> bool {
        matches!(self.place, Place::Ssh { .. })
    }

    /// Returns true if the far side's shell would split the path. `rsync` escapes it since 3.2.4.
    pub(super) fn needs_escaping(&self) -> bool {
        let (Place::Daemon { path, .. } | Place::Ssh { path }) = &self.place;
        path.contains(' ')
    }

    /// The directory as an operand of `rsync`, with a slash at the end.
    pub(super) fn operand(&self) -> String {
        let (root, path) = self.root();
        let slash = if path.is_empty() { "" } else { "/" };
        format!("{root}{path}{slash}")
    }

    /// The directory as an operand and the text before each name, for runs that fetch a list of
    /// names. A daemon of rsync 3.5.0 without chroot looks for such names in the root of its
    /// module, and would send another file, unless each name starts with the path from there. `/./`
    /// ends the part of a name that the fetched file does not get (rsync(1), `--relative`).
    pub(super) fn operand_for_names(&self) -> (String, String) {
        let (root, path) = self.root();
        let before = if path.is_empty() { String::new() } else { format!("{path}/./") };
        (root, before)
    }

    /// The root of the module, or the directory itself for ssh, and the path below it.
    fn root(&self) -> (String, &str) {
        let user = self.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match &self.place {
            Place::Daemon { module, path } => {
                (format!("rsync://{user}{host}:{}/{module}/", self.port), path)
            }
            Place::Ssh { path } if path == "/" => (format!("{user}{host}:/"), ""),
            Place::Ssh { path } => (format!("{user}{host}:{path}/"), ""),
        }
    }
}

impl fmt::Display for RsyncTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operand = self.operand();
        let operand = operand.strip_suffix('/').filter(|path| !path.ends_with(':'));
        let text = operand.map_or_else(|| self.operand(), str::to_owned);
        match self.place {
            Place::Ssh { .. } if self.port != SSH_PORT => {
                f.write_str(&text)?;
                write!(f, " (port {})", self.port)
            }
            _ => f.write_str(&text),
        }
    }
}

netboot_core::text_conversions!(RsyncTarget, Error);

impl FromStr for RsyncTarget {
    type Err = Error;

    /// Parses `rsync://[user@]host[:port]/module[/path]` or `[user@]host:path`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let malformed =
            || invalid("target", text, "expected `rsync://host/module/path` or `user@host:path`");
        if let Some(rest) = text.strip_prefix("rsync://") {
            let (authority, place) = rest.split_once('/').ok_or_else(malformed)?;
            let (user, address) = split_user(authority);
            let (host, rest) = split_host(address).ok_or_else(malformed)?;
            let port = match rest.strip_prefix(':') {
                Some(port) => parse_port(port)?,
                None if rest.is_empty() => DAEMON_PORT,
                None => return Err(malformed()),
            };
            let (module, path) = place.split_once('/').unwrap_or((place, ""));
            let target = Self::daemon(host, port, module, path)?;
            return user.map_or_else(|| Ok(target.clone()), |user| target.clone().with_user(user));
        }
        let colon = host_end(text).ok_or_else(malformed)?;
        let (authority, path) = (&text[..colon], &text[colon + 1..]);
        let (user, address) = split_user(authority);
        let (host, rest) = split_host(address).ok_or_else(malformed)?;
        if !rest.is_empty() || path.starts_with(':') {
            return Err(malformed());
        }
        let place = Place::Ssh { path: check_ssh_path(path)? };
        let user = user.map(check_user).transpose()?;
        Ok(Self { user, host: check_host(host)?, port: SSH_PORT, place })
    }
}

fn parse_port(port: &str) -> Result<u16, Error> {
    let number = port.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| invalid("port", port, "expected a number from 1 to 65535"))
}

fn split_user(authority: &str) -> (Option<&str>, &str) {
    match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    }
}

/// Splits a host, with or without brackets, from the rest.
fn split_host(address: &str) -> Option<(&str, &str)> {
    if let Some(rest) = address.strip_prefix('[') {
        return rest.split_once(']');
    }
    Some(address.split_at(address.find(':').unwrap_or(address.len())))
}

/// The position of the colon after the host in `[user@]host:path`.
fn host_end(text: &str) -> Option<usize> {
    let start = text.find('[').filter(|start| !text[..*start].contains([':', '/']));
    let after_bracket = start.and_then(|start| text[start..].find(']').map(|end| start + end));
    let from = after_bracket.unwrap_or(0);
    text[from..].find(':').map(|colon| from + colon)
}

fn invalid(part: &'static str, value: &str, problem: &'static str) -> Error {
    Error::InvalidRsyncTarget { part, value: value.chars().take(80).collect(), problem }
}

/// Checks that a text has only allowed characters and cannot be read as an option.
fn check_word(
    part: &'static str,
    text: &str,
    others: &str,
    characters: &'static str,
) -> Result<String, Error> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || others.contains(c);
    if text.is_empty() {
        return Err(invalid(part, text, "it is empty"));
    }
    if text.len() > 255 {
        return Err(invalid(part, text, "it is too long"));
    }
    if !text.chars().all(is_allowed) {
        return Err(invalid(part, text, characters));
    }
    if !text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
        return Err(invalid(part, text, "expected a letter, a digit or `_` at its start"));
    }
    Ok(text.to_owned())
}

fn check_host(host: &str) -> Result<String, Error> {
    match host.parse::<Ipv6Addr>() {
        Ok(address) => Ok(address.to_string()),
        Err(_) => check_word("host", host, ".-_", "expected letters, digits, `.`, `-` and `_`"),
    }
}

fn check_user(user: &str) -> Result<String, Error> {
    check_word("user", user, ".-_+", "expected letters, digits, `.`, `-`, `_` and `+`")
}

fn check_module(module: &str) -> Result<String, Error> {
    let characters = "expected letters, digits, spaces, `.`, `-`, `_` and `+`";
    let module = check_word("module", module, ".-_+ ", characters)?;
    if module.ends_with(' ') {
        return Err(invalid("module", &module, "it ends with a space"));
    }
    Ok(module)
}

fn check_ssh_path(path: &str) -> Result<String, Error> {
    match check_path(path)? {
        checked if checked.is_empty() && path.starts_with('/') => Ok("/".to_owned()),
        checked if checked.is_empty() => Err(invalid("path", path, "it is empty")),
        checked if path.starts_with('/') => Ok(format!("/{checked}")),
        checked => Ok(checked),
    }
}

/// Checks a path, and returns it without slashes at its ends.
fn check_path(path: &str) -> Result<String, Error> {
    let is_allowed = |c: char| {
        c.is_ascii_alphanumeric()
            || " /._-+@,:=%".contains(c)
            || (c > '\x7f' && c.is_alphanumeric())
    };
    if path.len() > 1024 {
        return Err(invalid("path", path, "it is too long"));
    }
    if !path.chars().all(is_allowed) {
        let characters = "expected letters, digits, spaces and `/._-+@,:=%`";
        return Err(invalid("path", path, characters));
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let is_odd =
        |part: &&str| *part == ".." || part.starts_with(['-', ':', ' ']) || part.ends_with(' ');
    if parts.iter().any(is_odd) {
        let problem = "a part is `..`, starts with `-` or `:`, or starts or ends with a space";
        return Err(invalid("path", path, problem));
    }
    // After a part `.`, rsync may create the rest of the path again on the other side.
    if parts.len() > 1 && parts.contains(&".") {
        return Err(invalid("path", path, "a part is `.`"));
    }
    Ok(parts.join("/"))
}
