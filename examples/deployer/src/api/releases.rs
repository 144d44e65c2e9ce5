//! `GET /api/releases`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use futures::future::join_all;
use netboot_core::{ProfileName, ReleaseId, SiteName};
use netboot_publish::{ActivationKind, Error};
use serde::Serialize;

use crate::api_error::ApiError;
use crate::app::App;
use crate::causes::with_causes;
use crate::timestamp::Timestamp;

/// How long a publisher may take to say what is live there.
const PATIENCE: Duration = Duration::from_secs(5);

/// What there is to boot.
#[derive(Debug, Serialize)]
pub(super) struct Releases {
    /// What machines boot.
    live: Option<ReleaseId>,
    /// What a rollback to `previous` would make live.
    previous: Option<ReleaseId>,
    /// What was live, newest first.
    history: Vec<Activation>,
    /// All releases at the directory that machines boot from, live or not.
    staged: Vec<StagedRelease>,
    /// What is live at each publisher: the same, unless something went wrong.
    publishers: Vec<AtPublisher>,
}

#[derive(Debug, Serialize)]
struct Activation {
    release: ReleaseId,
    at: Timestamp,
    kind: ActivationKind,
    /// Whether one can roll back to it.
    whole: bool,
}

#[derive(Debug, Serialize)]
struct StagedRelease {
    release: ReleaseId,
    profiles: BTreeSet<ProfileName>,
}

#[derive(Debug, Serialize)]
struct AtPublisher {
    name: SiteName,
    live: Option<ReleaseId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// Lists them.
pub(super) async fn list(State(app): State<Arc<App>>) -> Result<Json<Releases>, ApiError> {
    let served = app.deployment.served();
    let history = served.history().await?.into_iter().map(|entry| Activation {
        release: entry.release,
        at: entry.activated_at.into(),
        kind: entry.kind,
        whole: entry.whole,
    });
    let mut staged = Vec::new();
    for release in served.releases().await? {
        let images = match served.images(&release).await {
            // It was pruned at this moment.
            Err(Error::NotStaged { .. }) => continue,
            images => images?,
        };
        let profiles = images.iter().map(|image| image.profile().clone()).collect();
        staged.push(StagedRelease { release, profiles });
    }
    let names = app.deployment.config.targets.iter().map(|(name, _)| name);
    Ok(Json(Releases {
        live: served.live().await?,
        previous: served.previous().await?,
        history: history.collect(),
        staged,
        publishers: join_all(names.map(|name| at_publisher(&app, name))).await,
    }))
}

async fn at_publisher(app: &App, name: &SiteName) -> AtPublisher {
    let live = async { app.deployment.publisher(name).await?.live().await };
    let (live, error, hint) = match tokio::time::timeout(PATIENCE, live).await {
        Ok(Ok(live)) => (live, None, None),
        Ok(Err(error)) => (None, Some(with_causes(&error)), error.hint()),
        Err(_) => {
            let error = format!("no answer in {} seconds", PATIENCE.as_secs());
            (None, Some(error), Some("see whether it can be reached".to_owned()))
        }
    };
    AtPublisher { name: name.clone(), live, error, hint }
}
