//! Spellings of references that people use and Nix does not.

use std::path::Path;

/// The schemes of references without `+` (Nix manual, "Flake references").
const SCHEMES: [&str; 11] = [
    "path",
    "github",
    "gitlab",
    "sourcehut",
    "flake",
    "git",
    "hg",
    "tarball",
    "file",
    "http",
    "https",
];

/// Hosts whose addresses of two parts are git repositories.
const FORGES: [&str; 4] = ["github.com", "gitlab.com", "codeberg.org", "bitbucket.org"];

/// A reference that can mean several things, or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unclear {
    /// The problem, as the rest of a sentence about the reference.
    pub(super) problem: &'static str,
    /// A reference that is clear.
    pub(super) suggestion: String,
}

/// The reference as Nix reads it. Only what has a single meaning is changed.
pub(super) fn as_nix_reads_it(reference: &str) -> Result<String, Unclear> {
    let reference = match reference.split_once('#') {
        Some((flake, "")) if !flake.is_empty() => flake,
        Some((flake, _)) => {
            let suggestion = if flake.is_empty() { "." } else { flake }.to_owned();
            let problem = "has a fragment, but the profiles choose the configurations";
            return Err(Unclear { problem, suggestion });
        }
        None => reference,
    };
    if reference.starts_with(['.', '/']) {
        return Ok(reference.to_owned());
    }
    if reference.starts_with('~') {
        return in_home(reference);
    }
    let remote = reference.strip_prefix("git+").unwrap_or(reference);
    if let Some(address) = of_scp(remote) {
        return address;
    }
    match reference.split_once(':') {
        None => by_name(reference),
        Some(("ssh" | "git+ssh", rest)) => Ok(format!("git+ssh:{}", with_slash(rest))),
        Some(("http" | "https", rest)) => of_web(reference, rest),
        Some((forge @ ("github" | "gitlab" | "sourcehut"), rest)) => of_forge(forge, rest),
        Some((scheme, _)) if scheme.contains('+') || SCHEMES.contains(&scheme) => {
            Ok(reference.to_owned())
        }
        Some((host, rest)) => Err(Unclear {
            problem: "has a scheme that Nix does not know",
            suggestion: format!("git+ssh://{host}/{}", rest.trim_start_matches('/')),
        }),
    }
}

/// A path in the home directory, which only a shell replaces.
fn in_home(reference: &str) -> Result<String, Unclear> {
    let rest = reference.strip_prefix('~').unwrap_or(reference);
    let home = std::env::home_dir().filter(|home| home.is_absolute());
    match home {
        Some(home) if rest.is_empty() || rest.starts_with(['/', '?']) => {
            Ok(format!("{}{rest}", home.display()))
        }
        _ => Err(Unclear {
            problem: "begins with a home directory, which only a shell knows",
            suggestion: format!("/home/{}", rest.trim_start_matches('/')),
        }),
    }
}

/// An address of scp, such as `git@example.org:infrastructure` (git-fetch(1), "Git URLs").
fn of_scp(address: &str) -> Option<Result<String, Unclear>> {
    let (login, path) = address.split_once(':')?;
    let (user, host) = login.split_once('@')?;
    if login.contains('/') || path.starts_with("//") || host.is_empty() || user.contains('[') {
        return None;
    }
    let first = path.split('/').next().unwrap_or(path);
    if !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Err(Unclear {
            problem: "can have a port or a directory after the host",
            suggestion: format!("git+ssh://{login}:{path}"),
        }));
    }
    // The path is relative to the home directory. Servers with the user `git` have repositories
    // only, and read both forms.
    let slash = if path.starts_with('/') {
        ""
    } else if user == "git" || path.starts_with('~') {
        "/"
    } else {
        "/~/"
    };
    Some(Ok(format!("git+ssh://{login}{slash}{path}")))
}

/// An address of ssh whose host ends with a slash, not with the colon of scp.
fn with_slash(rest: &str) -> String {
    let address = rest.strip_prefix("//").unwrap_or(rest);
    let end = address.find(['/', '?']).unwrap_or(address.len());
    let (authority, path) = address.split_at(end);
    let host = authority.rfind('@').map_or(0, |at| at + 1);
    match authority[host..].split_once(':') {
        Some((name, port)) if !name.contains('[') && port.bytes().any(|b| !b.is_ascii_digit()) => {
            format!("//{}{name}/{port}{path}", &authority[..host])
        }
        _ => format!("//{address}"),
    }
}

/// An address of a web server, which for Nix is one of a tarball.
fn of_web(reference: &str, rest: &str) -> Result<String, Unclear> {
    let (address, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
    let mut parts = address.trim_matches('/').split('/');
    let host = parts.next().unwrap_or_default().rsplit('@').next().unwrap_or_default();
    let parts: Vec<&str> = parts.collect();
    let repository = format!("git+{}", reference.trim_end_matches('/'));
    match &parts[..] {
        [.., name] if Path::new(name).extension().is_some_and(|it| it == "git") => Ok(repository),
        [_, name] if FORGES.contains(&host) && !is_archive(name) => Ok(repository),
        [owner, name, "tree" | "blob", branch @ ..]
        | [owner, name, "-", "tree" | "blob", branch @ ..]
            if FORGES.contains(&host) && !branch.is_empty() && query.is_empty() =>
        {
            Err(Unclear {
                problem: "is the address of a page about a branch",
                suggestion: format!("git+https://{host}/{owner}/{name}?ref={}", branch.join("/")),
            })
        }
        _ => Ok(reference.to_owned()),
    }
}

/// Returns true for the name of a file that Nix unpacks.
fn is_archive(name: &str) -> bool {
    ["zip", "tar", "tgz", "gz", "xz", "bz2", "zst"]
        .iter()
        .any(|ending| Path::new(name).extension().is_some_and(|it| it == *ending))
}

/// A repository of a forge, such as `github:owner/name`.
fn of_forge(forge: &str, rest: &str) -> Result<String, Unclear> {
    let (address, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
    let address = address.trim_end_matches('/');
    let unclear = |problem, suggestion: String| Err(Unclear { problem, suggestion });
    let parts: Vec<&str> = address.trim_start_matches('/').split('/').collect();
    let written = format!("{forge}:{}{query}", parts.join("/"));
    match &parts[..] {
        _ if address.starts_with('/') => unclear("has slashes before the owner", written),
        [] | [_] => unclear("names no repository", format!("{forge}:<owner>/<repository>")),
        [owner, name, rest @ ..] if name.strip_suffix(".git").is_some_and(|it| !it.is_empty()) => {
            let name = name.strip_suffix(".git").unwrap_or(name);
            let rest = [&[*owner, name], rest].concat().join("/");
            unclear(
                "has the ending `.git`, which is of no use here",
                format!("{forge}:{rest}{query}"),
            )
        }
        [owner, name, "tree" | "blob", branch] => unclear(
            "has parts of a page's address",
            format!("{forge}:{owner}/{name}/{branch}{query}"),
        ),
        [owner, name, rest @ ..] if rest.len() > 1 && query.is_empty() => {
            let rest = rest.join("/");
            unclear(
                "has more parts than owner, repository and revision",
                format!(
                    "{forge}:{owner}/{name}?dir={rest}` for a directory, or \
                     `{forge}:{owner}/{name}?ref={rest}"
                ),
            )
        }
        _ => Ok(written),
    }
}

/// A name that the registry of flakes knows, unless there is a directory of that name.
fn by_name(reference: &str) -> Result<String, Unclear> {
    let path = reference.split('?').next().unwrap_or(reference);
    if Path::new(path).is_dir() {
        return Err(Unclear {
            problem: "is a name in the registry of flakes, and there is a directory of this name",
            suggestion: format!("./{reference}"),
        });
    }
    Ok(reference.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_one_meaning_is_understood() {
        for (typed, read) in [
            ("git@example.org:org/repo", "git+ssh://git@example.org/org/repo"),
            ("git@example.org:org/repo?ref=a", "git+ssh://git@example.org/org/repo?ref=a"),
            ("git@example.org:/srv/repo", "git+ssh://git@example.org/srv/repo"),
            ("bob@example.org:repo", "git+ssh://bob@example.org/~/repo"),
            ("bob@example.org:~/repo", "git+ssh://bob@example.org/~/repo"),
            ("git+git@example.org:repo", "git+ssh://git@example.org/repo"),
            ("ssh://git@example.org/repo", "git+ssh://git@example.org/repo"),
            ("ssh://git@example.org:2222/repo", "git+ssh://git@example.org:2222/repo"),
            ("git+ssh://git@example.org:org/repo", "git+ssh://git@example.org/org/repo"),
            ("git+ssh://git@[::1]:22/repo", "git+ssh://git@[::1]:22/repo"),
            ("https://github.com/o/r", "git+https://github.com/o/r"),
            ("https://github.com/o/r/", "git+https://github.com/o/r"),
            ("https://example.org/a/b/c.git", "git+https://example.org/a/b/c.git"),
            ("https://example.org/a.tar.gz", "https://example.org/a.tar.gz"),
            ("https://github.com/o/r/archive/x.tar.gz", "https://github.com/o/r/archive/x.tar.gz"),
            ("github:o/r/", "github:o/r"),
            ("github:o/r/main?dir=x", "github:o/r/main?dir=x"),
            ("nixpkgs/nixos-unstable", "nixpkgs/nixos-unstable"),
            (".#", "."),
            ("git+file:///srv/x?ref=a", "git+file:///srv/x?ref=a"),
        ] {
            assert_eq!(as_nix_reads_it(typed).as_deref(), Ok(read), "{typed}");
        }
    }

    #[test]
    fn what_is_suggested_is_clear() {
        for (typed, suggested) in [
            (".#netboot-worker", "."),
            ("#x", "."),
            ("git@example.org:2222/repo", "git+ssh://git@example.org:2222/repo"),
            ("builder:srv/repo", "git+ssh://builder/srv/repo"),
            ("github:/o/r", "github:o/r"),
            ("github://o/r", "github:o/r"),
            ("github:o/r.git", "github:o/r"),
            ("github:o/r/tree/main", "github:o/r/main"),
            ("https://github.com/o/r/tree/main", "git+https://github.com/o/r?ref=main"),
            ("https://gitlab.com/o/r/-/tree/a", "git+https://gitlab.com/o/r?ref=a"),
            ("src", "./src"),
            ("src?dir=x", "./src?dir=x"),
            ("~bob/x", "/home/bob/x"),
        ] {
            let unclear = as_nix_reads_it(typed).unwrap_err();
            assert_eq!(unclear.suggestion, suggested, "{typed}");
            assert!(as_nix_reads_it(suggested).is_ok(), "{suggested}");
        }
        let unclear = as_nix_reads_it("github:o/r/a/b").unwrap_err();
        for suggested in unclear.suggestion.split('`').step_by(2) {
            assert!(as_nix_reads_it(suggested).is_ok(), "{suggested}");
        }
        assert!(as_nix_reads_it("github:nixpkgs").is_err());
    }
}
