//! The promises of [`Publisher`](crate::Publisher), over any store.

mod attacks;
mod closures;
mod damage;
mod fixture;
mod going_live;
mod key_rotation;
mod protection;
mod proving;
mod pruning;
mod publishing;
mod repairing;
mod signing;
mod trust;

use netboot_core::contract::check_sentences;

use crate::contract::publisher::fixture::Make;

/// Checks the promises that depend most on the store.
pub(crate) async fn check_in_brief(make: Make<'_>) {
    of(&[1, 3], Box::pin(publishing::publishing_makes_a_release_live(make))).await;
    of(&[2], Box::pin(publishing::what_is_there_is_not_sent_again(make))).await;
    of(&[3, 7], Box::pin(damage::damage_is_found_and_repaired(make))).await;
    of(&[4], Box::pin(going_live::a_lost_race_is_a_conflict(make))).await;
    of(&[1], Box::pin(pruning::pruning_keeps_what_is_wanted(make))).await;
    of(&[1], Box::pin(pruning::a_broken_off_pruning_is_completed(make))).await;
    of(&[3, 7], Box::pin(repairing::what_is_damaged_is_sent_again(make))).await;
    of(&[1], Box::pin(publishing::cancelling_leaves_the_old_release_live(make))).await;
    of(&[3], Box::pin(trust::an_altered_blob_does_not_go_live(make))).await;
    of(&[3, 7], Box::pin(closures::damage_of_a_closure_is_found_and_repaired(make))).await;
}

/// Checks that a publisher with keys refuses the pointers of an attacker.
pub(crate) async fn check_attacks(make: Make<'_>) {
    of(&[6], Box::pin(attacks::a_rollback_attack_is_refused(make))).await;
    of(&[6], Box::pin(attacks::a_freeze_attack_ends_at_the_best_before_date(make))).await;
    of(&[6], Box::pin(attacks::a_mix_and_match_attack_is_refused(make))).await;
    of(&[6], Box::pin(attacks::a_pointer_of_a_wrong_key_is_refused(make))).await;
}

pub(crate) async fn check(make: Make<'_>) {
    check_in_brief(make).await;
    of(&[1], Box::pin(going_live::links_of_the_old_layout_follow_the_live_release(make))).await;
    of(&[5], Box::pin(damage::files_of_others_stay(make))).await;
    of(&[5], Box::pin(damage::a_program_without_a_mark_is_known_by_its_blob(make))).await;
    of(&[2], Box::pin(publishing::publishing_again_changes_nothing(make))).await;
    of(&[1], Box::pin(publishing::staging_changes_nothing_that_machines_boot(make))).await;
    of(&[7], Box::pin(publishing::the_origin_of_a_release_stays(make))).await;
    of(&[3], Box::pin(going_live::only_whole_releases_go_live(make))).await;
    of(&[1], Box::pin(going_live::rollback_walks_back(make))).await;
    of(&[5], Box::pin(damage::what_is_ours_is_not_to_be_written_over(make))).await;
    of(&[5], Box::pin(damage::a_damaged_pointer_is_an_error(make))).await;
    of(&[1], Box::pin(pruning::pruning_spares_other_pointers_and_young_releases(make))).await;
    of(&[3], Box::pin(proving::what_came_up_goes_live(make))).await;
    of(&[3], Box::pin(proving::what_did_not_come_up_leaves_the_live_release(make))).await;
    of(&[4], Box::pin(proving::what_went_live_meanwhile_is_not_undone(make))).await;
    of(&[7], Box::pin(repairing::what_no_source_has_is_told(make))).await;
    of(&[7], Box::pin(repairing::a_manifest_is_mended_too(make))).await;
    of(&[3], Box::pin(repairing::publishing_that_reads_all_mends_what_has_the_right_size(make)))
        .await;
    of(&[3], Box::pin(trust::an_altered_manifest_is_nobodys_manifest(make))).await;
    of(&[6], Box::pin(trust::an_altered_image_is_not_carried_into_a_signed_release(make))).await;
    of(&[1], Box::pin(trust::an_altered_manifest_frees_no_blobs(make))).await;
    of(&[6], Box::pin(signing::a_signed_release_goes_live_and_is_signed_once(make))).await;
    of(&[6], Box::pin(signing::only_what_a_trusted_key_signed_goes_live(make))).await;
    of(&[6], Box::pin(signing::what_was_changed_after_signing_does_not_go_live(make))).await;
    of(&[1], Box::pin(closures::pruning_keeps_the_store_paths_of_kept_releases(make))).await;
    of(&[7], Box::pin(closures::an_image_is_carried_over_with_its_closure(make))).await;
    of(&[5], Box::pin(closures::a_manifest_of_a_newer_version_is_left_alone(make))).await;
    check_attacks(make).await;
    of(&[6], Box::pin(protection::a_pointer_keeps_its_signature_and_its_date(make))).await;
    of(&[6], Box::pin(key_rotation::a_lost_key_is_replaced_and_older_releases_stay_trusted(make)))
        .await;
}

/// Checks promises of a publisher.
async fn of(promises: &[u8], check: impl Future<Output = ()>) {
    check_sentences("Publisher", promises, check).await;
}
