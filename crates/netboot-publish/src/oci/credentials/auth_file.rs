//! The files in which docker and podman keep the logins of a user.
//!
//! The format is docker's (`cli/config/configfile` in github.com/docker/cli), and the order of the
//! files is podman's (containers-auth.json(5)). The crate `docker_credential` reads the first
//! format, but runs helpers without a time limit and knows no logins for a part of a registry.

use std::collections::BTreeMap;
use std::env;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::error::Error;
use crate::oci::login::Login;
use crate::oci::reference::Reference;

/// The most bytes of such a file that are read.
const LIMIT: u64 = 1024 * 1024;

/// An entry of the files for a registry.
#[derive(Debug)]
pub(super) enum Found {
    Login(Login),
    /// The name of a helper: the end of `docker-credential-…`.
    Helper(String),
    Nothing,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct AuthFile {
    auths: BTreeMap<String, Auth>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Auth {
    auth: Option<String>,
    identitytoken: Option<String>,
}

/// Looks for the login of a repository in the files of this user.
pub(super) async fn find(reference: &Reference) -> Result<Found, Error> {
    find_in_first(paths(), reference).await
}

/// Looks for the login of a repository in a file, which has to be there.
pub(super) async fn find_in_file(path: &Path, reference: &Reference) -> Result<Found, Error> {
    if let Err(error) = std::fs::metadata(path) {
        return Err(Error::io("read", path, error));
    }
    find_in_first(vec![path.to_owned()], reference).await
}

async fn find_in_first(paths: Vec<PathBuf>, reference: &Reference) -> Result<Found, Error> {
    let reference = reference.clone();
    let look = move || {
        for path in paths {
            match find_in(&path, &reference)? {
                Found::Nothing => {}
                found => return Ok(found),
            }
        }
        Ok(Found::Nothing)
    };
    tokio::task::spawn_blocking(look).await.unwrap_or(Ok(Found::Nothing))
}

fn paths() -> Vec<PathBuf> {
    let directory = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let below = |name: &str, path: &str| directory(name).map(|it| PathBuf::from(it).join(path));
    let home = |path: &str| below("HOME", path);
    let containers = "containers/auth.json";
    [
        directory("REGISTRY_AUTH_FILE").map(PathBuf::from),
        below("XDG_RUNTIME_DIR", containers),
        below("XDG_CONFIG_HOME", containers).or_else(|| home(".config/containers/auth.json")),
        below("DOCKER_CONFIG", "config.json").or_else(|| home(".docker/config.json")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn find_in(path: &Path, reference: &Reference) -> Result<Found, Error> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| {
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is not a file"));
        }
        file.take(LIMIT).read_to_end(&mut bytes)
    });
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(Error::io("read", path, error)),
        Ok(_) => {}
    }
    let file: AuthFile = serde_json::from_slice(&bytes).map_err(|error| {
        // The error has the place and the kind of what is wrong, and none of the file's texts.
        let kind = error.classify();
        let (line, column) = (error.line(), error.column());
        Error::InvalidSetting {
            setting: "login of the registry",
            problem: format!("`{}`, line {line}, column {column}: {kind:?}", path.display()),
        }
    })?;
    file.find(reference)
}

impl AuthFile {
    fn find(self, reference: &Reference) -> Result<Found, Error> {
        for key in keys(reference) {
            let is_key = |name: &str| normal(name) == key;
            if let Some((_, helper)) = self.cred_helpers.iter().find(|(name, _)| is_key(name)) {
                return Ok(Found::Helper(helper.clone()));
            }
            let auth = self.auths.iter().find(|(name, _)| is_key(name)).map(|(_, auth)| auth);
            if let Some(token) = auth.and_then(|auth| auth.identitytoken.clone()) {
                return Ok(Found::Login(Login::IdentityToken(token)));
            }
            let text = auth.and_then(|auth| auth.auth.as_deref()).filter(|text| !text.is_empty());
            if let Some(text) = text {
                return login(text).map(Found::Login);
            }
        }
        Ok(self.creds_store.map_or(Found::Nothing, Found::Helper))
    }
}

/// The names under which a file may have the login, the most special first: podman keeps logins for
/// parts of a registry.
fn keys(reference: &Reference) -> Vec<String> {
    let whole = format!("{}/{}", reference.registry, reference.name);
    let parts = whole.match_indices('/').map(|(at, _)| whole[..at].to_owned());
    let mut keys: Vec<String> = parts.chain([whole.clone()]).collect();
    keys.reverse();
    if reference.registry == "docker.io" {
        keys.push("index.docker.io".to_owned());
    }
    keys
}

/// A key without its scheme and the version of docker's first API.
fn normal(key: &str) -> &str {
    let key = key.split_once("://").map_or(key, |(_, rest)| rest);
    let key = key.trim_end_matches('/');
    key.strip_suffix("/v1").or_else(|| key.strip_suffix("/v2")).unwrap_or(key)
}

/// Reads `user:password` in Base64.
fn login(text: &str) -> Result<Login, Error> {
    let decoded = STANDARD.decode(text.trim()).ok();
    let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = decoded.as_deref().and_then(|text| text.split_once(':'));
    let Some((user, password)) = pair else {
        return Err(Error::InvalidSetting {
            setting: "login of the registry",
            problem: "it is not `user:password` in Base64".to_owned(),
        });
    };
    // Docker pads what it writes with zero bytes.
    let password = password.trim_end_matches('\0').to_owned();
    Ok(Login::Password { user: user.to_owned(), password })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(file: &str, repository: &str) -> String {
        let file: AuthFile = serde_json::from_str(file).unwrap();
        match file.find(&Reference::parse(repository).unwrap()) {
            Ok(Found::Login(Login::Password { user, password })) => format!("{user}:{password}"),
            Ok(Found::Login(Login::IdentityToken(token))) => format!("token {token}"),
            Ok(Found::Helper(name)) => format!("helper {name}"),
            Ok(Found::Nothing) => "nothing".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_most_special_login_is_found() {
        let file = r#"{"auths": {
            "registry.example.org": {"auth": "YW5uOnNlY3JldA=="},
            "registry.example.org/boot": {"auth": "Ym9vdDpvdGhlcg=="},
            "https://index.docker.io/v1/": {"auth": "aHViOng="},
            "token.example.org": {"auth": "eDo=", "identitytoken": "abc"},
            "broken.example.org": {"auth": "%%%"},
            "helped.example.org": {}
        }, "credHelpers": {"ecr.example.org": "ecr-login"}, "credsStore": "secretservice"}"#;
        for (repository, expected) in [
            ("registry.example.org/other", "ann:secret"),
            ("registry.example.org/boot/nixos", "boot:other"),
            ("registry.example.org/bootx", "ann:secret"),
            ("docker.io/someone/boot", "hub:x"),
            ("token.example.org/boot", "token abc"),
            ("ecr.example.org/boot", "helper ecr-login"),
            ("helped.example.org/boot", "helper secretservice"),
        ] {
            assert_eq!(found(file, repository), expected, "{repository}");
        }
        let broken = found(file, "broken.example.org/boot");
        assert!(broken.contains("user:password") && !broken.contains("%%%"), "{broken}");
        assert_eq!(found("{}", "registry.example.org/boot"), "nothing");
    }
}
