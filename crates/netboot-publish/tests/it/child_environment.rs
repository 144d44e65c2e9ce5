//! The `rsync` of a store cannot read the secrets of the process that publishes.

use netboot_core::Context;
use netboot_publish::{RsyncStore, RsyncTarget, Store};
use netboot_testbed::{Descendant, TestProcess};

use crate::patience::until;
use crate::rsync::{DaemonSite, upload};
use crate::rsync_transfer::noise;

/// The variables of the process that publishes.
const SECRETS: [(&str, &str); 3] = [
    ("AWS_SECRET_ACCESS_KEY", "secret-of-a-store"),
    ("RSYNC_PASSWORD", "secret-of-another-daemon"),
    ("MY_SECRET", "secret-of-something-else"),
];
/// The port of the daemon, in a variable of the process that publishes.
const PORT: &str = "NETBOOT_TEST_PORT";
const PASSWORD: &str = "secret-of-this-daemon";

#[tokio::test]
async fn rsync_has_no_secret_of_its_caller() {
    if let Ok(port) = std::env::var(PORT) {
        return publish_to(port.parse().unwrap()).await;
    }
    let site = DaemonSite::with(|module| module.with_user("publisher", PASSWORD));
    let test = "child_environment::rsync_has_no_secret_of_its_caller";
    TestProcess::new(test).env(PORT, site.daemon.port().to_string()).envs(SECRETS).passes();
}

/// Sends slowly, and looks at all processes until `rsync` sends.
async fn publish_to(port: u16) {
    let target = RsyncTarget::daemon("127.0.0.1", port, "pub", "").unwrap();
    let target = target.with_user("publisher").unwrap();
    let store = RsyncStore::builder(target).password(PASSWORD).bandwidth_limit(64 * 1024);
    let store = store.build().unwrap();
    let context = Context::new();
    tokio::select! {
        sent = store.send(vec![upload("blobs/large", noise())], &context) => panic!("{sent:?}"),
        () = look_at_rsync() => {}
    }
}

async fn look_at_rsync() {
    let mut secrets: Vec<&str> = SECRETS.iter().flat_map(|(name, value)| [*name, *value]).collect();
    secrets.push(PASSWORD);
    let runs = || {
        let processes = Descendant::all_of(std::process::id());
        for process in &processes {
            assert!(!process.shows(&secrets), "{process:#?}");
        }
        processes.iter().any(|process| process.shows(&["publisher@127.0.0.1"]))
    };
    until("a run of rsync", runs).await;
}
