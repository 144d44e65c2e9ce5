//! A receipt for people, with a sentence for each feature that the target lacks.

use netboot_publish::Receipt;

/// The lines for people: the receipt, and a line for each feature that the target lacks.
pub(crate) fn lines(receipt: &Receipt) -> Vec<String> {
    let features =
        receipt.without.iter().map(|feature| format!("no {}: {feature}", feature.name()));
    [receipt.to_string()].into_iter().chain(features).collect()
}
