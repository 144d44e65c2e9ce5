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
use url::Url;

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

/// The login, and the answers to the challenges so far.
#[derive(Debug)]
pub(super) struct Authorization {
    login: Option<Login>,
    /// The name of the repository.
    name: String,
    headers: Mutex<BTreeMap<Access, HeaderValue>>,
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl Authorization {
    pub(super) fn new(login: Option<Login>, name: &str) -> Self {
        Self { login, name: name.to_owned(), headers: Mutex::default() }
    }

    /// The header for a request, if the registry has asked for one.
    pub(super) fn header(&self, access: Access) -> Option<HeaderValue> {
        self.headers.lock().unwrap_or_else(PoisonError::into_inner).get(&access).cloned()
    }

    /// Answers the challenge of a response 401. The next [`header`](Self::header) has the answer.
    ///
    /// # Errors
    /// If there is no answer: the registry wants a login, or refuses it.
    pub(super) async fn answer(
        &self,
        client: &reqwest::Client,
        access: Access,
        response: Response,
    ) -> Result<(), Error> {
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
        let value = match (bearer, basic, self.login.as_ref().and_then(Login::basic)) {
            (Some(challenge), _, _) => {
                format!("Bearer {}", self.token(client, challenge, access, &url).await?)
            }
            (None, Some(_), Some(basic)) => basic,
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
        self.headers.lock().unwrap_or_else(PoisonError::into_inner).insert(access, value);
        Ok(())
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
