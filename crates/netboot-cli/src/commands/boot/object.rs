//! The report of a boot as an object for programs.

use std::time::Duration;

use netboot_qemu::{BootReport, Fetch, FetchOutcome, StoreStatus};
use serde_json::{Value, json};

/// The description of the answer.
pub(super) const AFTER: &str = "\
The exit code is 3 if the machine did not come up. The console of the machine is
shown with --verbose.

With --json:
  came_up       true if the machine came up
  hint          what to do if it did not, or null
  url           the URL of the script or the UKI, as the machine saw it
  architecture  the architecture of the machine, such as x86_64
  firmware      bios, uefi or uefi-secure-boot
  accelerator   kvm or tcg
  outcome       succeeded, panicked, failure-seen, system-failed, store-failed,
                firmware-gave-up, machine-stopped or timed-out
  line          the line of the console that decided the outcome, or null
  seconds       the seconds of the boot
  reached       the last stage that the machine reached
  stages        the stages that it reached, in order. Each has:
    stage    its name
    seconds  the seconds from the start to its first sign
  missing       the texts of --expect that the console did not show
  fetched       the files that iPXE or the firmware fetched, in order. Each has:
    url      its URL, as it was printed
    outcome  complete, failed or unfinished
    message  the message of iPXE or of the firmware, or null
    page     the page that explains the message, or null
  refusals      what was refused because no trusted key signed it, in order.
                Each has:
    by       the part that refused: firmware, stub or kernel
    line     the line of the console that says so
  locked_down   true if Linux said that Secure Boot locked it down
  store         what the first program said about the store of a closure, or
                null. It has:
    index            the first digits of the digest of the index, or null
    form             the form of the store, or null
    paths            the number of store paths that are there
    all_paths        the number of store paths of the closure
    blobs_bytes      the size of the blobs of the store paths that are there
    all_blobs_bytes  the size of all blobs
    network_bytes    the size of what came from the network
    disk_bytes       the size of what came from the disk cache
    retries          the number of further tries
    last_problem     the problem before the last further try, or null
    mirrors          the sources that took over
    warnings         the warnings
    seconds          the seconds until the whole closure was there, or null
    failure          the last word, with message and hint, or null
  command_line  QEMU and its arguments
  console       the text on the console";

/// The report without what only the command knows.
pub(super) fn object(report: &BootReport) -> Value {
    // An outcome has its line beside its name.
    let outcome = json!(report.outcome);
    let stages = report.stages.iter();
    let stages = stages.map(|(stage, time)| json!({ "stage": stage, "seconds": seconds(*time) }));
    json!({
        "url": report.url,
        "architecture": report.architecture,
        "firmware": report.firmware,
        "accelerator": report.accelerator,
        "outcome": outcome["outcome"],
        "line": outcome["line"],
        "seconds": seconds(report.duration),
        "reached": report.reached,
        "stages": stages.collect::<Vec<_>>(),
        "missing": report.missing,
        "fetched": report.fetched.iter().map(fetch).collect::<Vec<_>>(),
        "refusals": report.refusals,
        "locked_down": report.locked_down,
        "store": report.store.as_ref().map(store),
        "command_line": report.command_line,
        "console": report.console,
    })
}

fn fetch(fetch: &Fetch) -> Value {
    let (outcome, failure) = match &fetch.outcome {
        FetchOutcome::Complete => ("complete", None),
        FetchOutcome::Failed { message, page } => ("failed", Some((message, Some(page)))),
        FetchOutcome::FirmwareFailed { message } => ("failed", Some((message, None))),
        // Also an outcome that a later version of the library adds.
        _ => ("unfinished", None),
    };
    json!({
        "url": fetch.url,
        "outcome": outcome,
        "message": failure.map(|(message, _)| message),
        "page": failure.and_then(|(_, page)| page),
    })
}

fn store(store: &StoreStatus) -> Value {
    // Most values have a form for people, which is their serialised form.
    let shown = json!(store);
    let (progress, summary) = (&store.progress, store.summary.as_ref());
    let time = summary.map(|summary| Duration::from_millis(summary.milliseconds));
    json!({
        "index": shown["index"],
        "form": shown["form"],
        "paths": progress.paths,
        "all_paths": progress.all_paths,
        "blobs_bytes": progress.bytes,
        "all_blobs_bytes": progress.all_bytes,
        "network_bytes": progress.from_network,
        "disk_bytes": progress.from_disk,
        "retries": store.retries,
        "last_problem": shown["last_problem"],
        "mirrors": shown["mirrors"],
        "warnings": shown["warnings"],
        "seconds": time.map(seconds),
        "failure": shown["failure"],
    })
}

/// A time in seconds, to the millisecond.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).floor() / 1000.0
}

#[cfg(test)]
mod tests {
    use netboot_qemu::StoreStatus;

    use super::*;

    /// A boot without a closure has no store.
    #[test]
    fn the_help_describes_the_store_of_a_closure() {
        let object = store(&StoreStatus::default());
        for (name, _) in object.as_object().unwrap() {
            assert!(AFTER.contains(&format!("\n    {name} ")), "{name}");
        }
    }
}
