//! No process that the service starts can read the service's secrets.

use std::fs;
use std::time::{Duration, Instant};

use netboot_testbed::Descendant;
use serde_json::json;

use crate::service::{PATIENCE, Place, Service, TOKEN};

const AMAZON: (&str, &str) = ("AWS_SECRET_ACCESS_KEY", "secret-of-a-store");
const OTHER: (&str, &str) = ("MY_SECRET", "secret-of-something-else");

#[tokio::test]
async fn no_process_of_a_build_has_a_secret_of_the_service() {
    let place = Place::new("one");
    let gate = place.write_gated_flake("gated");
    let mut command = place.command();
    command.envs([AMAZON, OTHER]);
    let service = Service::start(command);
    // The service itself has them.
    let own = fs::read(format!("/proc/{}/environ", service.process_id())).unwrap();
    let own = String::from_utf8_lossy(&own);
    let secrets = ["DEPLOYER_TOKEN", AMAZON.0, OTHER.0, TOKEN, AMAZON.1, OTHER.1];
    assert!(secrets.iter().all(|secret| own.contains(secret)), "{own}");

    let id = service.submit(json!({"kind": "build", "profiles": ["worker"]})).await;
    let begin = Instant::now();
    // All processes are looked at from the start of the job until the kernel is being built.
    let (mut has_nix, mut has_builder) = (false, false);
    while !(has_nix && has_builder) {
        assert!(begin.elapsed() < PATIENCE, "no kernel is being built");
        for process in Descendant::all_of(service.process_id()) {
            assert!(!process.shows(&secrets), "{process:#?}");
            has_nix |= process.program.file_name().is_some_and(|name| name == "nix");
            has_builder |= process.shows(&["NIX_BUILD_TOP="]);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    fs::write(gate, "").unwrap();
    assert_eq!(service.finished(&id).await["state"], "succeeded");
}
