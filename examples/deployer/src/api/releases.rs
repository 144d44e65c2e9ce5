//! `GET /api/releases`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use futures::future::join_all;
use netboot_core::{ProfileName, ReleaseId, Report, SiteName};
use netboot_publish::{ActivationKind, Error};
use serde::Serialize;

use crate::api_error::ApiError;
use crate::app::App;
use crate::causes::with_causes;
use crate::timestamp::Timestamp;

/// The time within which a target has to say what is live there.
const PATIENCE: Duration = Duration::from_secs(5);

/// The releases that machines can boot.
#[derive(Debug, Serialize)]
pub(super) struct Releases {
    /// The release that machines boot.
    live: Option<ReleaseId>,
    /// The release that a rollback to `previous` would make live.
    previous: Option<ReleaseId>,
    /// The releases that were live, newest first.
    history: Vec<Activation>,
    /// All releases in the directory that machines boot from, live or not.
    staged: Vec<StagedRelease>,
    /// The release that is live at each target. All have the same one unless something went
    /// wrong.
    targets: Vec<AtTarget>,
}

#[derive(Debug, Serialize)]
struct Activation {
    release: ReleaseId,
    at: Timestamp,
    kind: ActivationKind,
    /// True if a rollback to it is possible.
    whole: bool,
}

#[derive(Debug, Serialize)]
struct StagedRelease {
    release: ReleaseId,
    profiles: BTreeSet<ProfileName>,
}

#[derive(Debug, Serialize)]
struct AtTarget {
    name: SiteName,
    live: Option<ReleaseId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// Lists the releases.
pub(super) async fn list(State(app): State<Arc<App>>) -> Result<Json<Releases>, ApiError> {
    let served = app.deployment.served();
    let (overview, previous, live) =
        tokio::try_join!(served.overview(), served.previous(), served.live())?;
    if let Some(problem) = overview.problem {
        return Err(problem.into());
    }
    let history = overview.history.into_iter().map(|entry| Activation {
        release: entry.release,
        at: entry.activated_at.into(),
        kind: entry.kind,
        whole: entry.whole,
    });
    let mut staged = Vec::new();
    for (release, found) in overview.releases {
        let profiles = match found.summary {
            // It is not staged completely, or it has just been pruned.
            Err(Error::NotStaged { .. }) => continue,
            summary => summary?.profiles.into_iter().collect(),
        };
        staged.push(StagedRelease { release, profiles });
    }
    let names = app.deployment.config.targets.iter().map(|(name, _)| name);
    Ok(Json(Releases {
        live,
        previous,
        history: history.collect(),
        staged,
        targets: join_all(names.map(|name| at_target(&app, name))).await,
    }))
}

async fn at_target(app: &App, name: &SiteName) -> AtTarget {
    let live = async { Ok::<_, Report>(app.deployment.publisher(name).await?.live().await?) };
    let (live, error, hint) = match tokio::time::timeout(PATIENCE, live).await {
        Ok(Ok(live)) => (live, None, None),
        Ok(Err(error)) => (None, Some(with_causes(&error)), error.hint().map(str::to_owned)),
        Err(_) => {
            let error = format!("no answer in {} seconds", PATIENCE.as_secs());
            (None, Some(error), Some("check that this service can reach it".to_owned()))
        }
    };
    AtTarget { name: name.clone(), live, error, hint }
}
