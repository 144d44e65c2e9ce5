//! The commands on a target, from a first list to pruning, at a place of each kind.

use netboot_core::ReleaseId;

use crate::place::Place;

async fn runs_through(place: Place) {
    let target = place.target();
    let [first, second, third] = place.publish(["one", "two", "three"]).await;
    let listed = place.succeeds(&["list", &target]).stdout;
    // Each id works as the list prints it.
    let row = |release: ReleaseId| {
        let is_row = |line: &&str| line.starts_with(&release.short());
        listed.lines().find(is_row).unwrap().to_owned()
    };
    assert!(row(third).contains(" live ") && row(first).contains("was live"), "{listed}");
    let shown = row(first).split(' ').next().unwrap().to_owned();
    let said = place.succeeds(&["rollback", &target, &shown]);
    assert_eq!(said.stdout, format!("{first}\n"));
    assert_eq!(place.live().await, Some(first));
    let said = place.succeeds(&["activate", &target, &third.to_string()]);
    assert_eq!(said.stdout, format!("{third}\n"));
    assert_eq!(place.succeeds(&["rollback", &target]).stdout, format!("{first}\n"));
    let object = place.succeeds(&["list", &target, "--json"]).json();
    assert_eq!(object["live"], first.to_string());

    let said = place.succeeds(&["verify", &target]);
    assert!(said.stdout.contains("3 releases with ") && said.stdout.contains(": nothing wrong"));
    // The grace time protects all of them.
    let said = place.succeeds(&["prune", &target, "--keep", "1"]);
    assert_eq!(said.stdout, "", "{said:#?}");
    let prune = ["prune", &target, "--keep", "1", "--grace", "0"];
    let dry = place.would_prune(&prune, 2);
    let said = place.succeeds(&prune);
    assert_eq!(said.stdout, dry.stdout);
    let mut deleted: Vec<&str> = said.stdout.lines().collect();
    let mut expected = [second.to_string(), third.to_string()];
    deleted.sort_unstable();
    expected.sort_unstable();
    assert_eq!(deleted, expected, "{said:#?}");
    let said = place.succeeds(&["verify", &target, "--quick"]);
    assert!(said.stdout.contains("1 release with ") && said.stdout.contains(": nothing wrong"));
    assert_eq!(place.live().await, Some(first));
}

#[tokio::test]
async fn the_commands_work_on_a_directory() {
    runs_through(Place::directory()).await;
}

#[tokio::test]
async fn the_commands_work_on_a_bucket_that_compares_and_swaps() {
    runs_through(Place::ministack()).await;
}

#[tokio::test]
async fn the_commands_work_on_a_bucket_that_checks_signatures() {
    runs_through(Place::nanio()).await;
}

#[tokio::test]
async fn the_commands_work_on_a_repository_of_a_registry() {
    runs_through(Place::repository()).await;
}

#[tokio::test]
async fn the_commands_work_on_an_rsync_daemon() {
    runs_through(Place::daemon()).await;
}

#[tokio::test]
async fn the_commands_work_behind_ssh() {
    runs_through(Place::ssh()).await;
}
