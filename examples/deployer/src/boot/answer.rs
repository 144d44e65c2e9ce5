//! The answer to a machine, and what it shows on the console.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use netboot_core::{ProfileName, ReleaseId};
use netboot_ipxe::{MenuText, NextStep, ScriptUrl};

use crate::app::App;
use crate::causes::with_causes;
use crate::claims::{Granted, Nonce};
use crate::identity::Identity;

/// The number of seconds after which clients other than iPXE should ask again if something is
/// missing.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("60");

/// The answer to a machine.
///
/// # Statuses
/// iPXE runs the body of an answer with status 200. For any other status it shows only a number,
/// which does not help at the console. iPXE therefore always gets status 200 and a script, and the
/// script lets it try again. All other clients (`curl`, a monitor, a test) get the same body with
/// the status that fits:
///
/// | status | meaning |
/// |---|---|
/// | 200 | the entry, an image, the menu, the local disk |
/// | 400 | the query cannot be read |
/// | 403 | unknown machines are refused |
/// | 409 | two machines of the configuration match |
/// | 500 | the live release cannot be read or rendered |
/// | 503 | no release is live yet, or it lacks the machine's profile: ask again later |
/// | 503 | the pointer or the live release is not trusted |
#[derive(Debug)]
pub(super) enum Answer {
    Entry,
    Image { script: String, release: ReleaseId, profile: ProfileName, nonce: Option<Nonce> },
    Menu { path: String },
    LocalDisk,
    Unreadable { problem: String },
    Unidentified { doubts: Vec<String> },
    NotKnown { identity: Identity, doubts: Vec<String> },
    Tie { names: Vec<String> },
    NothingLive,
    ProfileMissing { release: ReleaseId, wanted: ProfileName, there: Vec<ProfileName> },
    Untrusted { problem: String },
    Failed { problem: String },
}

impl Answer {
    pub(super) fn failed(error: &(dyn std::error::Error + 'static)) -> Self {
        Self::Failed { problem: with_causes(error) }
    }

    /// The release and the profile, if it is an image.
    pub(super) fn image(&self) -> Option<(ReleaseId, ProfileName)> {
        match self {
            Self::Image { release, profile, .. } => Some((*release, profile.clone())),
            _ => None,
        }
    }

    /// The image and its nonce, if the answer has one.
    pub(super) fn granted(&self) -> Option<Granted> {
        match self {
            Self::Image { release, profile, nonce: Some(nonce), .. } => {
                Some(Granted { nonce: *nonce, release: *release, profile: profile.clone() })
            }
            _ => None,
        }
    }

    /// The reason why it is not an image, in one sentence.
    pub(super) fn reason(&self) -> Option<String> {
        Some(match self {
            Self::Entry | Self::Image { .. } => return None,
            Self::Menu { .. } => "it is not known and shows the menu".to_owned(),
            Self::LocalDisk => "it is not known and boots its local disk".to_owned(),
            Self::Unreadable { problem }
            | Self::Untrusted { problem }
            | Self::Failed { problem } => problem.clone(),
            Self::Unidentified { .. } => "the query does not identify the machine".to_owned(),
            Self::NotKnown { .. } => "it is not known, and unknown machines are refused".to_owned(),
            Self::Tie { names } => format!("it matches {}", names.join(" and ")),
            Self::NothingLive => "no release is live yet".to_owned(),
            Self::ProfileMissing { release, wanted, there } => {
                let there: Vec<&str> = there.iter().map(ProfileName::as_str).collect();
                let (release, there) = (release.short(), there.join(", "));
                format!("it boots {wanted}, but the live release {release} has only {there}")
            }
        })
    }

    /// Returns true if the machine gets what it should, and is not refused.
    pub(super) fn is_granted(&self) -> bool {
        self.status().is_success()
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Entry | Self::Image { .. } | Self::Menu { .. } | Self::LocalDisk => {
                StatusCode::OK
            }
            Self::Unreadable { .. } | Self::Unidentified { .. } => StatusCode::BAD_REQUEST,
            Self::NotKnown { .. } => StatusCode::FORBIDDEN,
            Self::Tie { .. } => StatusCode::CONFLICT,
            Self::NothingLive | Self::ProfileMissing { .. } | Self::Untrusted { .. } => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Failed { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The HTTP response to a request with these headers.
    pub(super) fn into_response(self, app: &App, headers: &HeaderMap) -> Response {
        let status = self.status();
        let script = self.script(app);
        // Every version of iPXE sends its name, a slash and its version (`src/net/tcp/httpcore.c`).
        let agent = headers.get(header::USER_AGENT).map(HeaderValue::as_bytes);
        let is_ipxe = agent.is_some_and(|agent| agent.starts_with(b"iPXE/"));
        let (status, script) = match script {
            Ok(script) if is_ipxe => (StatusCode::OK, script),
            Ok(script) => (status, script),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{}\n", with_causes(&error))),
        };
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (header::VARY, HeaderValue::from_static("User-Agent")),
        ];
        let mut response = (status, headers, script).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        response
    }

    /// The script that the machine runs.
    fn script(self, app: &App) -> Result<String, netboot_ipxe::Error> {
        match self {
            Self::Entry => {
                app.deployment.machine_scripts.render_service_entry(&app.deployment.url_of("boot"))
            }
            Self::Image { script, .. } => Ok(script),
            _ => self.notice(app),
        }
    }

    /// The script of a machine that gets no image.
    fn notice(self, app: &App) -> Result<String, netboot_ipxe::Error> {
        let next = match &self {
            Self::Menu { path } => NextStep::Chain(ScriptUrl::absolute(
                &app.deployment.url_of(&format!("published/{path}")),
            )?),
            Self::LocalDisk => NextStep::LocalDisk,
            _ => NextStep::TryAgain,
        };
        let reason = self.reason().unwrap_or_default();
        let more = match self {
            Self::Unreadable { .. } => how_to_ask(app),
            Self::Unidentified { doubts } => [doubts, how_to_ask(app)].concat(),
            Self::NotKnown { identity, doubts } => {
                let keys = identity.keys();
                keys.iter().map(|key| format!("its {key}")).chain(doubts).collect()
            }
            Self::Tie { .. } => vec!["remove one of them from the configuration".to_owned()],
            Self::NothingLive | Self::ProfileMissing { .. } => {
                vec!["stage and activate a release; this machine asks again".to_owned()]
            }
            Self::Untrusted { .. } => {
                vec!["ask the operator; this machine asks again".to_owned()]
            }
            _ => Vec::new(),
        };
        let lines = std::iter::once(format!("this machine gets no image: {reason}")).chain(more);
        // Lines that iPXE would change, such as a serial number with `#`, are left out.
        let lines = lines.filter_map(|line| MenuText::new(format!("Netboot: {line}")).ok());
        app.deployment.machine_scripts.render_notice(&lines.collect::<Vec<_>>(), &next)
    }
}

fn how_to_ask(app: &App) -> Vec<String> {
    let url = app.deployment.url_of("boot");
    vec![
        format!("ask {url} with mac= and the address of a network card"),
        format!("or chain {url} without a query"),
    ]
}
