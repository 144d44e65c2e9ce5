//! The documents that `[documents]` of the configuration asks for.

use netboot_core::{DocumentKind, ReleaseId};
use serde_json::json;

use crate::service::{Place, SITES};

#[tokio::test]
async fn a_release_has_the_documents_that_the_configuration_asks_for() {
    let place = Place::new("one");
    place.configure("[documents]\nsbom = true\n");
    let service = place.start();
    let deploy = service.succeeds(json!({"kind": "deploy", "profiles": ["worker"]})).await;
    let first: ReleaseId = deploy["result"].as_str().unwrap().parse().unwrap();
    drop(service);

    // The next release keeps the documents of the images that it takes over.
    place.write_flake("two");
    place.configure("[documents]\nsbom = true\nprovenance = true\n");
    let service = place.start();
    let deploy = service.succeeds(json!({"kind": "deploy", "profiles": ["control-plane"]})).await;
    let second: ReleaseId = deploy["result"].as_str().unwrap().parse().unwrap();
    for site in SITES {
        let publisher = place.publisher(site);
        for (release, profile, kind, is_there) in [
            (&first, "worker", DocumentKind::Sbom, true),
            (&first, "worker", DocumentKind::Provenance, false),
            (&second, "worker", DocumentKind::Sbom, true),
            (&second, "control-plane", DocumentKind::Sbom, true),
            (&second, "control-plane", DocumentKind::Provenance, true),
        ] {
            let profile = profile.parse().unwrap();
            let document = publisher.document(release, &profile, kind).await.unwrap();
            assert_eq!(document.is_some(), is_there, "{release} {profile} {kind} at {site}");
        }
    }
}
