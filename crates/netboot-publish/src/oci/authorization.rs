//! Answers the challenges of a registry with a login or a token.
//!
//! The rules are those of <https://distribution.github.io/distribution/spec/auth/token/>: a
//! registry answers 401 and names its authorization server, which gives a token for a part of the
//! registry. A registry without one asks for the login itself.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http_auth::ChallengeRef;
use reqwest::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Method, Response};
use serde::Deserialize;
use url::{Host, Url};

use super::answer::{Answered, bounded};
use super::error::{answered, transport};
use super::failure::OciFailure;
use super::login::Login;
use crate::error::Error;

/// The most bytes of the answer of an authorization server.
const LIMIT: u64 = 1024 * 1024;
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// The permission that a request takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Access {
    Pull,
    Push,
    Delete,
}

impl Access {
    pub(super) fn of(method: &Method) -> Self {
        match *method {
            Method::GET | Method::HEAD => Self::Pull,
            Method::DELETE => Self::Delete,
            _ => Self::Push,
        }
    }

    fn actions(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "pull,push",
            Self::Delete => "pull,push,delete",
        }
    }
}

/// The answer to a challenge.
#[derive(Debug, Clone)]
pub(super) enum AnsweredWith {
    Login,
    /// A token, and what it means if the registry refuses it.
    Token(OciFailure),
}

/// The login, and the answers to the challenges so far.
#[derive(Debug)]
pub(super) struct Authorization {
    login: Option<Login>,
    /// The name of the repository.
    name: String,
    /// The host of another domain that may get the login.
    server: Option<String>,
    headers: Mutex<BTreeMap<Access, (HeaderValue, AnsweredWith)>>,
    /// Held while a challenge is answered: requests at the same moment need one token.
    answering: tokio::sync::Mutex<()>,
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl Authorization {
    pub(super) fn new(login: Option<Login>, name: &str, server: Option<String>) -> Self {
        Self {
            login,
            name: name.to_owned(),
            server,
            headers: Mutex::default(),
            answering: tokio::sync::Mutex::default(),
        }
    }

    /// Returns true if an authorization server may get the login.
    fn is_trusted(&self, realm: &Url, registry: &Url) -> bool {
        let (Some(realm), Some(registry)) = (realm.host(), registry.host()) else { return false };
        if realm == registry || self.server.as_ref().is_some_and(|it| realm.to_string() == *it) {
            return true;
        }
        match (realm, registry) {
            (Host::Domain(realm), Host::Domain(registry)) => is_same_domain(realm, registry),
            _ => false,
        }
    }

    /// The header for a request, if the registry has asked for one.
    pub(super) fn header(&self, access: Access) -> Option<HeaderValue> {
        self.known(access).map(|(header, _)| header)
    }

    fn known(&self, access: Access) -> Option<(HeaderValue, AnsweredWith)> {
        self.headers.lock().unwrap_or_else(PoisonError::into_inner).get(&access).cloned()
    }

    /// Answers the challenge of a response 401 to a request with the header `used`. The next
    /// [`header`](Self::header) has the answer.
    ///
    /// # Errors
    /// If there is no answer: the registry wants a login, or refuses it.
    pub(super) async fn answer(
        &self,
        client: &reqwest::Client,
        access: Access,
        used: Option<&HeaderValue>,
        response: Response,
    ) -> Result<AnsweredWith, Error> {
        let _alone = self.answering.lock().await;
        if let Some((_, answered)) = self.known(access).filter(|(header, _)| Some(header) != used) {
            return Ok(answered);
        }
        let url = response.url().clone();
        let values = response.headers().get_all(WWW_AUTHENTICATE);
        let values: Vec<String> =
            values.iter().filter_map(|value| value.to_str().ok().map(str::to_owned)).collect();
        let challenges: Vec<ChallengeRef<'_>> = values
            .iter()
            .filter_map(|value| http_auth::parse_challenges(value).ok())
            .flatten()
            .collect();
        let of = |scheme: &str| {
            challenges.iter().find(|challenge| challenge.scheme.eq_ignore_ascii_case(scheme))
        };
        let (bearer, basic) = (of("Bearer"), of("Basic"));
        let basic_login = self.login.as_ref().and_then(Login::basic);
        let (value, answered) = match (bearer, basic, basic_login) {
            (Some(challenge), _, _) => {
                let token = self.token(client, challenge, access, &url).await?;
                // The authorization server gives a token for what the account may do.
                let refused = match self.login {
                    Some(_) => OciFailure::AccessDenied,
                    None => OciFailure::NoCredentials,
                };
                (format!("Bearer {token}"), AnsweredWith::Token(refused))
            }
            (None, Some(_), Some(basic)) => (basic, AnsweredWith::Login),
            _ => {
                let answer = Answered::read(response).await;
                // A token is no answer to a registry that asks for a password.
                let failure = match (basic, &self.login) {
                    (None, Some(_)) => OciFailure::WrongCredentials,
                    _ => OciFailure::NoCredentials,
                };
                return Err(Error::oci("log in to", &url, failure, answer));
            }
        };
        let Ok(mut value) = HeaderValue::from_str(&value) else {
            let problem = "the login or the token has a character that no header can hold";
            let failure = OciFailure::WrongCredentials;
            return Err(Error::oci("log in to", &url, failure, problem));
        };
        value.set_sensitive(true);
        self.headers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(access, (value, answered.clone()));
        Ok(answered)
    }

    /// Gets a token from the authorization server that a challenge names.
    async fn token(
        &self,
        client: &reqwest::Client,
        challenge: &ChallengeRef<'_>,
        access: Access,
        registry: &Url,
    ) -> Result<String, Error> {
        let parameter = |name: &str| {
            let mut found = challenge.params.iter();
            let found = found.find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_unescaped())
        };
        let realm = parameter("realm").and_then(|realm| Url::parse(&realm).ok());
        // The login must not go to a server that others can listen to, unless the registry is one.
        let is_safe = |realm: &Url| realm.scheme() == "https" || registry.scheme() == "http";
        let Some(realm) = realm.filter(is_safe) else {
            let problem = "it names no authorization server with TLS";
            return Err(Error::oci("log in to", registry, OciFailure::NotARegistry, problem));
        };
        if self.login.is_some() && !self.is_trusted(&realm, registry) {
            let problem = format!(
                "it asks to send the login to {}, which belongs to another domain; the setting \
                 `authorization_server` allows it",
                realm.host_str().unwrap_or_default()
            );
            return Err(Error::oci("log in to", registry, OciFailure::NotARegistry, problem));
        }
        let scope = format!("repository:{}:{}", self.name, access.actions());
        let mut values = vec![("scope", scope)];
        values.extend(parameter("service").map(|service| ("service", service)));
        let request = match &self.login {
            Some(Login::IdentityToken(token)) => {
                values.push(("grant_type", "refresh_token".to_owned()));
                values.push(("refresh_token", token.clone()));
                values.push(("client_id", "netboot".to_owned()));
                let form = url::form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(&values)
                    .finish();
                let kind = "application/x-www-form-urlencoded";
                client.post(realm.clone()).header("content-type", kind).body(form)
            }
            login => {
                let mut url = realm.clone();
                url.query_pairs_mut().extend_pairs(&values);
                let request = client.get(url);
                match login.as_ref().and_then(Login::basic) {
                    Some(basic) => request.header(AUTHORIZATION, basic),
                    None => request,
                }
            }
        };
        let response = request.timeout(TIME_LIMIT).send().await;
        let response = response.map_err(|error| transport("log in to", &realm, error))?;
        if !response.status().is_success() {
            let mut error = answered("log in to", &realm, Answered::read(response).await);
            if let (Error::Oci(refused), None) = (&mut error, &self.login)
                && refused.failure == OciFailure::WrongCredentials
            {
                refused.failure = OciFailure::NoCredentials;
            }
            return Err(error);
        }
        let body = bounded(response, LIMIT).await;
        let body = body.map_err(|error| transport("log in to", &realm, error))?;
        let token = body.and_then(|body| serde_json::from_slice::<Token>(&body).ok());
        token.and_then(|token| token.token.or(token.access_token)).ok_or_else(|| {
            let problem = "the authorization server gave no token";
            Error::oci("log in to", &realm, OciFailure::NotARegistry, problem)
        })
    }
}

/// Returns true for hosts such as `auth.example.org` and `registry.example.org`, and for a host and
/// its parent. The parent of a registry has a dot.
fn is_same_domain(realm: &str, registry: &str) -> bool {
    let is_below =
        |host: &str, parent: &str| host.strip_suffix(parent).is_some_and(|it| it.ends_with('.'));
    let parent = registry.split_once('.').map(|(_, parent)| parent);
    let parent = parent.filter(|parent| parent.contains('.'));
    is_below(realm, registry)
        || parent.is_some_and(|parent| realm == parent || is_below(realm, parent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_stays_in_the_domain_of_the_registry() {
        for (realm, registry) in [
            ("auth.docker.io", "registry-1.docker.io"),
            ("auth.example.org", "registry.example.org"),
            ("example.org", "registry.example.org"),
            ("auth.registry.example.org", "registry.example.org"),
            ("auth.example.org", "example.org"),
        ] {
            assert!(is_same_domain(realm, registry), "{realm} {registry}");
        }
        for (realm, registry) in [
            ("example.net", "registry.example.org"),
            ("evil.org", "example.org"),
            ("evilexample.org", "registry.example.org"),
            ("evilregistry.example.org.evil.net", "registry.example.org"),
            ("org", "example.org"),
            ("other", "localhost"),
        ] {
            assert!(!is_same_domain(realm, registry), "{realm} {registry}");
        }
    }
}
