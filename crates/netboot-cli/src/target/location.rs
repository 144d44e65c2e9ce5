//! The form of a location, and the remedy for a text that is none.

use std::net::Ipv6Addr;

/// Stands for a password in a message.
const HIDDEN: &str = "***";

/// The kind of place that a location names.
pub(super) enum Kind {
    Directory,
    Bucket,
    Registry,
    Rsync,
}

/// The problem with a location or its settings, as a clause, and what to do about it.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) problem: String,
    /// `None` if no more can be said than which forms there are.
    pub(super) hint: Option<String>,
}

impl Refusal {
    pub(super) fn new(problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { problem: problem.into(), hint: Some(hint.into()) }
    }
}

/// A problem for which the list of forms is the remedy.
impl From<&str> for Refusal {
    fn from(problem: &str) -> Self {
        Self { problem: problem.to_owned(), hint: None }
    }
}

/// The remedy for a setting of another kind of place.
pub(super) fn misplaced_hint(key: &str) -> String {
    format!("remove `{key}`, or correct `location`")
}

/// The kind of place that a location names.
pub(super) fn kind(location: &str) -> Result<Kind, Refusal> {
    if shown(location).contains(HIDDEN) {
        return Err(credentials());
    }
    let trimmed = location.trim();
    if trimmed.is_empty() {
        return Err("it is empty".into());
    }
    if trimmed != location {
        let hint = format!("write `{}` without the space", shown(trimmed));
        return Err(Refusal::new("it begins or ends with a space", hint));
    }
    if let Some((scheme, rest)) = location.split_once("://") {
        return of_url(scheme, rest);
    }
    of_another_system(location)?;
    match location.split_once(':') {
        Some((host, path)) if !host.contains('/') => of_host(host, path),
        _ => of_directory(location),
    }
}

/// The refusal of a user's password or a key.
pub(super) fn credentials() -> Refusal {
    Refusal::new(
        "credentials do not belong into it",
        "take them out of it; netboot reads them from the variables AWS_ACCESS_KEY_ID and \
         AWS_SECRET_ACCESS_KEY, or RSYNC_PASSWORD, from the login of podman or docker, or from a \
         file that netboot.toml names",
    )
}

fn of_url(scheme: &str, rest: &str) -> Result<Kind, Refusal> {
    let lower = scheme.to_ascii_lowercase();
    let place = without_query(rest).trim_start_matches('/');
    match lower.as_str() {
        "s3" | "rsync" | "oci" if lower != scheme => {
            let hint = format!("write `{lower}://{place}`");
            Err(Refusal::new("its scheme has capital letters", hint))
        }
        "s3" if place.is_empty() => Err("it names no bucket".into()),
        "s3" if rest.starts_with('/') => {
            Err(Refusal::new("it names no bucket", format!("write `s3://{place}`")))
        }
        "s3" => Ok(Kind::Bucket),
        "rsync" if place.is_empty() => Err("it names no host".into()),
        "rsync" if !place.trim_end_matches('/').contains('/') => {
            let host = place.trim_end_matches('/');
            let hint = format!("write `rsync://{host}/MODULE` with a module of the daemon");
            Err(Refusal::new("it names no module", hint))
        }
        "rsync" => Ok(Kind::Rsync),
        "oci" if !place.trim_end_matches('/').contains('/') => {
            let host = if place.is_empty() { "HOST" } else { place.trim_end_matches('/') };
            let hint = format!("write `oci://{host}/REPOSITORY` with a repository of the registry");
            Err(Refusal::new("it names no repository", hint))
        }
        "oci" => Ok(Kind::Registry),
        "docker" => {
            let problem = "a repository of a registry begins with `oci:`";
            Err(Refusal::new(problem, format!("write `oci://{place}`")))
        }
        "ssh" | "scp" | "sftp" => Err(of_ssh(&lower, place)),
        "file" => {
            let path = rest.strip_prefix("localhost").unwrap_or(rest);
            let hint = format!("write the path alone: `{path}`");
            Err(Refusal::new("a directory of this machine is no URL", hint))
        }
        "http" | "https" => Err(Refusal::new(
            "machines read a target by such a URL, and nobody publishes to one",
            "write the place that the web server serves: its directory, or the bucket with \
             `s3://BUCKET/PREFIX?endpoint=URL`",
        )),
        _ => Err(Refusal {
            problem: format!("nothing is published to `{scheme}:` URLs"),
            hint: None,
        }),
    }
}

/// The refusal of a URL of ssh.
fn of_ssh(scheme: &str, place: &str) -> Refusal {
    let (authority, path) = place.split_once('/').unwrap_or((place, "PATH"));
    let problem = format!("a directory behind ssh has no `{scheme}:` URL");
    match authority.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => {
            Refusal::new(problem, port_hint(host, port, &format!("/{path}")))
        }
        _ => Refusal::new(problem, format!("write `{authority}:/{path}`")),
    }
}

fn port_hint(host: &str, port: &str, path: &str) -> String {
    format!(
        "describe the target in netboot.toml, with `location = \"{host}:{path}\"` and `port = {port}`"
    )
}

/// Refuses the paths of Windows, and a home directory that only a shell knows.
fn of_another_system(location: &str) -> Result<(), Refusal> {
    // `c:/x` is the directory of a host with a short name.
    let is_drive = match location.split_once(':') {
        Some((drive, path)) if drive.len() == 1 => {
            let is_capital = drive.chars().all(|c| c.is_ascii_uppercase());
            path.starts_with('\\') || (is_capital && (path.is_empty() || path.starts_with('/')))
        }
        _ => false,
    };
    if is_drive {
        let hint = "write the path that the directory has on this machine, such as `/mnt/c/pxe`";
        return Err(Refusal::new("a drive of Windows is no place here", hint));
    }
    if location.starts_with("//") || location.starts_with("\\\\") {
        let hint = "mount the share, and write the directory that it is mounted at; the path of a \
                    directory begins with one `/`";
        return Err(Refusal::new("a share of Windows is no place here", hint));
    }
    if location.starts_with('~') {
        let hint = "write the whole path, such as `/home/USER/pxe`, or `./~` for a directory of \
                    that name";
        return Err(Refusal::new("`~` stands for a home directory in shells only", hint));
    }
    Ok(())
}

/// Looks at `HOST:PATH`: as for rsync and scp, the colon comes before any slash.
fn of_host(host: &str, path: &str) -> Result<Kind, Refusal> {
    if host.contains('[') {
        return Ok(Kind::Rsync);
    }
    let lower = host.to_ascii_lowercase();
    let rest = without_query(path).trim_start_matches('/');
    match lower.as_str() {
        "s3" | "rsync" | "oci" => {
            let place = if rest.is_empty() { "…" } else { rest };
            return Err(Refusal::new(
                format!("two slashes follow `{lower}:`"),
                format!(
                    "write `{lower}://{place}`, or `USER@{host}:/PATH` for a host of the name `{host}`"
                ),
            ));
        }
        "file" => return of_url("file", path),
        "http" | "https" | "ssh" | "scp" | "sftp" => return of_url(host, rest),
        _ => {}
    }
    if let Some(module) = path.strip_prefix(':') {
        return Err(match brackets_hint(&format!("{host}:{path}")) {
            Some(hint) => Refusal::new("the address of its host has no brackets", hint),
            None => Refusal::new(
                "a directory of an rsync daemon is a URL",
                format!("write `rsync://{host}/{}`", module.trim_start_matches('/')),
            ),
        });
    }
    if path.is_empty() {
        return Err(Refusal::new("it has no path", format!("write `{host}:/PATH`")));
    }
    if let Some(below) = path.strip_prefix("~/") {
        let hint = format!("write `{host}:{below}`: such a path starts at the home directory");
        return Err(Refusal::new("`~` stands for a home directory in shells only", hint));
    }
    if let Some(hint) = brackets_hint(&format!("{host}:{path}")) {
        return Err(Refusal::new("the address of its host has no brackets", hint));
    }
    let (first, below) = path.split_once('/').unwrap_or((path, "PATH"));
    if first.parse::<u16>().is_ok() {
        let hint = port_hint(host, first, &format!("/{below}"));
        return Err(Refusal::new("a port does not belong into it", hint));
    }
    Ok(Kind::Rsync)
}

/// The remedy for an IPv6 address without brackets.
fn brackets_hint(location: &str) -> Option<String> {
    let (authority, path) = location.rsplit_once(":/")?;
    let (user, address) = match authority.rsplit_once('@') {
        Some((user, address)) => (format!("{user}@"), address),
        None => (String::new(), authority),
    };
    let address: Ipv6Addr = address.parse().ok()?;
    Some(format!("write `{user}[{address}]:/{path}`"))
}

/// Looks at a path, which may be a host without a colon.
fn of_directory(location: &str) -> Result<Kind, Refusal> {
    let first = location.split('/').next().unwrap_or_default();
    match first.split_once('@') {
        Some((user, host)) if !user.is_empty() && !host.is_empty() => {
            let path = location.strip_prefix(first).filter(|path| !path.is_empty());
            let hint = format!(
                "write `{first}:{}` for a directory of another machine, or `./{location}` for one \
                 of this machine",
                path.unwrap_or("/PATH")
            );
            Err(Refusal::new("no `:` follows the host", hint))
        }
        _ => Ok(Kind::Directory),
    }
}

/// The location for a message: without a password, and without the parameters of a bucket, which
/// may be secrets that do not belong there.
pub(super) fn shown(location: &str) -> String {
    let Some((scheme, rest)) = location.split_once("://") else { return location.to_owned() };
    let has_query = ["s3", "oci"].iter().any(|it| scheme.eq_ignore_ascii_case(it));
    let rest = if has_query { without_query(rest) } else { rest };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match authority.rsplit_once('@').map(|(user, host)| (user.split_once(':'), host)) {
        Some((Some((user, _)), host)) => format!("{scheme}://{user}:{HIDDEN}@{host}{path}"),
        _ => format!("{scheme}://{rest}"),
    }
}

fn without_query(text: &str) -> &str {
    text.split('?').next().unwrap_or_default()
}

/// True for a location, false for what can only be a name of `netboot.toml`. What looks like a
/// location of another program is one, so that it is refused as such.
pub(crate) fn is_location(text: &str) -> bool {
    text.contains(['/', ':', '@', '\\'])
        || text.starts_with(['.', '~'])
        || text.trim().is_empty()
        || text.trim() != text
}

/// True for a directory of this machine.
pub(crate) fn is_directory(location: &str) -> bool {
    matches!(kind(location), Ok(Kind::Directory))
}
