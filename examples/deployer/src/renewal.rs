//! Renewing the best-before dates of pointers.

use std::sync::Arc;

use netboot_core::{CancellationToken, Context, Report};

use crate::app::App;
use crate::causes::with_causes;
use crate::config::Signing;

/// The part of the service that fails if a pointer cannot be renewed.
const PART: &str = "renewal of signed pointers";

/// Signs the pointers of all targets with a new date, now and then, until `stop` is cancelled.
pub(crate) async fn renew_pointers(app: Arc<App>, stop: CancellationToken) {
    let config = &app.deployment.config;
    let Some(interval) = config.signing.as_ref().and_then(Signing::renewal) else { return };
    let context = Context::new().with_cancellation(stop.clone());
    while !stop.is_cancelled() {
        let mut problems = Vec::new();
        for (name, _) in &config.targets {
            let renewed = async {
                let publisher = app.deployment.publisher(name).await?;
                Ok::<_, Report>(publisher.refresh(&context).await?)
            };
            match renewed.await {
                Ok(_) => {}
                Err(_) if stop.is_cancelled() => {}
                Err(error) => problems.push(format!("{name}: {}", with_causes(&error))),
            }
        }
        match &problems[..] {
            [] => app.health.restore(PART),
            _ => app.health.degrade(PART, &problems.join("; ")),
        }
        // A problem is looked at again soon, since machines stop to get images at the date.
        let pause = if problems.is_empty() { interval } else { interval / 10 };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}
