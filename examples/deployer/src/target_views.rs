//! `GET /targets/<name>/…`: targets of any kind, as machines read them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use netboot_cli::Target;
use netboot_core::{Report, SiteName};
use netboot_serve::StoreView;
use tokio::sync::OnceCell;

use crate::app::App;
use crate::health::Health;

/// The name of this part in [`Health`].
const PART: &str = "the served targets";
/// The time in seconds after which a machine may ask again for a target that cannot be opened.
const RETRY_SECONDS: u64 = 2;

/// The views of the targets that the configuration names. Each is opened at the first request, so
/// that the service starts even if a bucket cannot be reached.
#[derive(Debug)]
pub(crate) struct TargetViews {
    views: BTreeMap<SiteName, (Target, OnceCell<StoreView>)>,
    health: Health,
}

impl TargetViews {
    pub(crate) fn new(targets: &BTreeMap<SiteName, Target>, health: &Health) -> Self {
        let views =
            targets.iter().map(|(name, target)| (name.clone(), (target.clone(), OnceCell::new())));
        Self { views: views.collect(), health: health.clone() }
    }

    async fn view(&self, name: &SiteName) -> Option<Result<&StoreView, Report>> {
        let (target, view) = self.views.get(name)?;
        let open = Box::pin(async {
            let publisher = target.reader().await?;
            let (health, name) = (self.health.clone(), name.clone());
            let view = StoreView::new(publisher.store().clone());
            Ok(view.on_failure(move |path, error| {
                health.degrade(PART, &format!("`{path}` of `{name}`: {error}"));
            }))
        });
        Some(view.get_or_try_init(|| open).await)
    }
}

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/targets/{name}/{*path}", any(object))
}

async fn object(
    State(app): State<Arc<App>>,
    Path((name, _)): Path<(String, String)>,
    request: Request,
) -> Response {
    let missing = || StatusCode::NOT_FOUND.into_response();
    let Ok(name) = name.parse::<SiteName>() else { return missing() };
    let view = match app.target_views.view(&name).await {
        None => return missing(),
        Some(Ok(view)) => view,
        Some(Err(report)) => {
            app.target_views.health.degrade(PART, &format!("`{name}`: {report}"));
            let retry = [(header::RETRY_AFTER, RETRY_SECONDS.to_string())];
            return (StatusCode::SERVICE_UNAVAILABLE, retry).into_response();
        }
    };
    // The path below the target, as the client encoded it.
    let below = request.uri().path().splitn(4, '/').nth(3).unwrap_or_default();
    let Ok(uri) = format!("/{below}").parse() else { return missing() };
    let (mut head, _) = request.into_parts();
    head.uri = uri;
    let request = axum::http::Request::from_parts(head, ());
    let answer = view.answer(&request).await;
    if answer.status().is_success() {
        app.target_views.health.restore(PART);
    }
    answer.map(Body::new)
}
