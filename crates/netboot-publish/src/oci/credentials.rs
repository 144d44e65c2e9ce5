//! The credentials for a registry.

mod auth_file;
mod helper;

use std::fmt;
use std::path::PathBuf;

use self::auth_file::Found;
use crate::error::Error;
use crate::oci::login::Login;
use crate::oci::reference::Reference;

/// The source of the credentials for a registry.
///
/// ```
/// use netboot_publish::OciCredentials;
///
/// let login = OciCredentials::password("a user", "a secret");
/// assert!(!format!("{login:?}").contains("a secret"));
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum OciCredentials {
    /// The login of this user, as `docker login`, `podman login` and `oras login` keep it. The
    /// first of these files that has one for the registry is used: `$REGISTRY_AUTH_FILE`,
    /// `$XDG_RUNTIME_DIR/containers/auth.json`, `$XDG_CONFIG_HOME/containers/auth.json`, and
    /// `$DOCKER_CONFIG/config.json`, by default `~/.docker/config.json`. A file may name a
    /// [helper](https://docs.docker.com/reference/cli/docker/login/#credential-helpers), which has
    /// 30 s to answer. Without a login, requests are anonymous.
    #[default]
    Environment,
    /// The login in this file, which has the form of docker's `config.json`.
    File(PathBuf),
    /// This login.
    Login(OciLogin),
    /// No login, as a machine that boots.
    Anonymous,
}

impl OciCredentials {
    /// The name of a user and a password, or a token that the registry accepts in its place.
    pub fn password(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self::Login(OciLogin(Login::Password { user: user.into(), password: password.into() }))
    }

    /// An identity token, which the registry's authorization server exchanges for others.
    pub fn identity_token(token: impl Into<String>) -> Self {
        Self::Login(OciLogin(Login::IdentityToken(token.into())))
    }

    /// Finds the login for a registry.
    pub(super) async fn find(&self, reference: &Reference) -> Result<Option<Login>, Error> {
        let found = match self {
            Self::Environment => auth_file::find(reference).await?,
            Self::File(path) => auth_file::find_in_file(path, reference).await?,
            Self::Login(login) => return Ok(Some(login.0.clone())),
            Self::Anonymous => return Ok(None),
        };
        match found {
            Found::Login(login) => Ok(Some(login)),
            Found::Helper(name) => helper::ask(&name, reference).await,
            Found::Nothing => Ok(None),
        }
    }
}

/// A login, made by [`OciCredentials::password`] or [`OciCredentials::identity_token`]. `Debug`
/// does not show its secret.
#[derive(Clone)]
pub struct OciLogin(Login);

impl fmt::Debug for OciLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
