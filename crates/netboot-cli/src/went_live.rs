//! The answer of commands that make a release live.

use netboot_publish::Receipt;
use serde_json::json;

use crate::answer::Answer;

/// The description of the object that `--json` prints.
pub(crate) const JSON: &str = "\
Prints the whole id of the release that is live now. With --json:
  target         the target, as it was written
  pointer        the pointer that makes the release live
  release        the id of the release that is live now
  previous       the id of the release that was live before, or null
  outcome        activated, rolled-back or unchanged
  order_guarded  false if the target cannot tell whether another publisher was faster";

/// The whole id of the release, for scripts, and the receipt as an object.
pub(crate) fn answer(target: &str, receipt: &Receipt) -> Answer {
    let object = json!({
        "target": target,
        "pointer": receipt.pointer,
        "release": receipt.release,
        "previous": receipt.previous,
        "outcome": receipt.outcome,
        "order_guarded": receipt.order_guarded,
    });
    Answer::new(receipt.release, object)
}
