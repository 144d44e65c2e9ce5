//! The promises of [`Publisher`], over any store.

mod damage;
mod going_live;
mod proving;
mod pruning;
mod publishing;
mod repairing;
mod signing;

use std::sync::Arc;

use netboot_core::{Context, Release, ReleaseId, ReleasePath};

use crate::publisher::{Publisher, VerifyDepth, VerifyScope};
use crate::store::{Store, Swap};

type Make<'a> = &'a dyn Fn() -> Arc<dyn Store>;

/// What depends on the store most.
pub(super) async fn check_in_brief(make: Make<'_>) {
    publishing::publishing_makes_a_release_live(make).await;
    publishing::what_is_there_is_not_sent_again(make).await;
    damage::damage_is_found_and_repaired(make).await;
    going_live::a_lost_race_is_a_conflict(make).await;
    pruning::pruning_keeps_what_is_wanted(make).await;
    pruning::a_broken_off_pruning_is_completed(make).await;
    repairing::what_is_damaged_is_sent_again(make).await;
    publishing::cancelling_leaves_the_old_release_live(make).await;
}

pub(super) async fn check(make: Make<'_>) {
    check_in_brief(make).await;
    going_live::links_of_the_old_layout_follow_the_live_release(make).await;
    damage::files_of_others_stay(make).await;
    publishing::publishing_again_changes_nothing(make).await;
    publishing::staging_changes_nothing_that_machines_boot(make).await;
    publishing::explanations_of_a_release_stay(make).await;
    publishing::another_pointer_text_replaces_the_old_one(make).await;
    going_live::only_whole_releases_go_live(make).await;
    going_live::rollback_walks_back(make).await;
    damage::what_is_ours_is_not_to_be_written_over(make).await;
    damage::a_damaged_pointer_is_an_error(make).await;
    pruning::pruning_spares_other_pointers_and_young_releases(make).await;
    proving::what_came_up_goes_live(make).await;
    proving::what_did_not_come_up_leaves_the_live_release(make).await;
    proving::what_went_live_meanwhile_is_not_undone(make).await;
    repairing::what_no_source_has_is_told(make).await;
    repairing::a_manifest_is_mended_too(make).await;
    repairing::publishing_that_reads_all_mends_what_has_the_right_size(make).await;
    signing::a_signed_release_goes_live_and_is_signed_once(make).await;
    signing::only_what_a_trusted_key_signed_goes_live(make).await;
    signing::what_was_changed_after_signing_does_not_go_live(make).await;
}

fn path(text: &str) -> ReleasePath {
    ReleasePath::new(text).unwrap()
}

fn publisher(store: &Arc<dyn Store>) -> Publisher {
    Publisher::from(store.clone())
}

async fn text(store: &Arc<dyn Store>, path: &ReleasePath) -> Option<String> {
    let document = store.read(path).await.unwrap()?;
    Some(String::from_utf8(document.bytes.to_vec()).unwrap())
}

async fn put(store: &Arc<dyn Store>, place: &str, text: &'static str) {
    let there = store.read(&path(place)).await.unwrap().map(|document| document.version);
    let swap = store.swap(&path(place), there.as_ref(), text.into()).await.unwrap();
    assert_eq!(swap, Swap::Done);
}

/// Flips a bit of a small object.
async fn flip(store: &Arc<dyn Store>, path: &ReleasePath) {
    let there = store.read(path).await.unwrap().unwrap();
    let mut bytes = there.bytes.to_vec();
    bytes[0] ^= 1;
    let swap = store.swap(path, Some(&there.version), bytes.into()).await.unwrap();
    assert_eq!(swap, Swap::Done);
}

async fn delete(store: &Arc<dyn Store>, place: &ReleasePath) {
    store.delete(std::slice::from_ref(place), &Context::new()).await.unwrap();
}

async fn assert_clean(publisher: &Publisher) {
    let (scope, depth) = (VerifyScope::Everything, VerifyDepth::Content);
    let report = publisher.verify(scope, depth, &Context::new()).await.unwrap();
    assert!(report.is_clean(), "{report}");
}

async fn publish(publisher: &Publisher, release: &Release) {
    publisher.publish(release, &Context::new()).await.unwrap();
}

fn ids<'a>(releases: impl IntoIterator<Item = &'a Release>) -> Vec<ReleaseId> {
    releases.into_iter().map(|release| *release.id()).collect()
}
