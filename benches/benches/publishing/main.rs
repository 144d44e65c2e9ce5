//! Publishing to every kind of place, against the programs that others send files with. Prints one
//! table.
//!
//! `cargo bench -p netboot-benches --bench publishing -- rsync s3` measures only places with one
//! of these words in their names. A program that is not installed is left out, and a line says so
//! and how to get it.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "the figures are what the benchmark is for; one that cannot be set up has nothing to say"
)]

mod growth;
mod local;
mod oci;
mod peers;
mod registry_files;
mod rsync;
mod s3;

use netboot_benches::{Row, is_publisher, is_test, table};

/// The name of a place, and the function that measures it.
type Place = (&'static str, fn() -> Vec<Row>);

const PLACES: [Place; 12] = [
    ("local", local::rows),
    ("s3-large", s3::rows),
    ("s3-many", s3::many_rows),
    ("oci", oci::rows),
    ("rsync-daemon", rsync::daemon_rows),
    ("rsync-far-daemon", rsync::far_daemon_rows),
    ("rsync-ssh", rsync::ssh_rows),
    ("rsync-far-ssh", rsync::far_ssh_rows),
    ("growth-in-a-directory", growth::local_rows),
    ("growth-in-a-bucket", growth::s3_rows),
    ("growth-by-rsync", growth::rsync_rows),
    ("growth-in-a-registry", growth::oci_rows),
];

fn main() {
    if is_publisher() {
        return;
    }
    let filter: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let mut rows = Vec::new();
    for (place, measure) in PLACES {
        if filter.is_empty() || filter.iter().any(|word| place.contains(word.as_str())) {
            eprintln!("measuring {place}");
            rows.extend(measure());
        }
    }
    if is_test() {
        assert!(!rows.is_empty() || !filter.is_empty(), "nothing was measured");
        return;
    }
    println!("\n{}", table(&rows));
}
