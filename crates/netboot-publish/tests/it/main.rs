//! The tests of netboot-publish.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test whose set-up fails has failed, and long runs print how far they came"
)]

mod base;
mod binary_cache;
mod callers_texts;
mod callers_values;
mod child_environment;
mod concurrency;
mod contract;
mod contract_sentences;
mod disk;
mod documents;
mod durability;
mod faults;
mod faults_disk;
mod faults_kill;
mod faults_rsync;
mod faults_s3;
mod faulty;
mod followed_hints;
mod growth;
mod hostile_directory;
mod hung_directory;
mod kill;
mod logs;
mod lost_lock;
mod many_blobs;
mod meeting;
mod missing_features;
mod nix_copy;
mod oci;
mod oci_contract;
mod oci_credentials;
mod oci_hostile;
mod oci_races;
mod oci_referrers;
mod oci_store;
mod oci_summaries;
mod patience;
mod pointers;
mod proof_text;
mod prune_caution;
mod prune_lies;
mod public_url;
mod races;
mod races_prune;
mod recent_history;
mod rehearsals;
mod repair;
mod retention_under_load;
mod round_trips;
mod rsync;
mod rsync_connection;
mod rsync_contract;
mod rsync_failures;
mod rsync_runs;
mod rsync_ssh;
mod rsync_staging;
mod rsync_transfer;
mod s3;
mod s3_batches;
mod s3_contract;
mod s3_credentials;
mod s3_dialects;
mod s3_endpoints;
mod s3_failures;
mod s3_floods;
mod s3_liar;
mod s3_listings;
mod s3_lock;
mod s3_outages;
mod s3_reads;
mod s3_redirects;
mod s3_server_memory;
mod s3_spans;
mod s3_store;
mod s3_uploads;
mod shared_directory;
mod signatures;
mod site;
mod site_outcomes;
mod sites;
mod sites_steps;
mod unchanged;
mod verify_errors;
mod web;
