//! The function of the fuzz target in `fuzz/`. It exists in fuzz builds and in tests alone, and
//! returns true if the bytes were accepted.
#![expect(
    clippy::missing_panics_doc,
    reason = "a panic is how a fuzz target reports a broken rule"
)]

use foreign_text::is_printable;

use crate::bill::Bill;
use crate::comparison::Comparison;

/// A bill is printable, and does not differ from itself.
pub fn sbom(data: &[u8]) -> bool {
    let Ok(bill) = Bill::parse(data) else { return false };
    for (path, item) in &bill.store_paths {
        let texts = item.licences.iter().chain([path, &item.name, &item.version]);
        assert!(texts.flat_map(|text| text.chars()).all(is_printable), "{item:?}");
    }
    assert!(Comparison::of(&bill, &bill).is_empty());
    let nothing = Comparison::of(&Bill::default(), &bill);
    assert_eq!(nothing.size_after, bill.size());
    true
}

#[cfg(test)]
mod tests {
    use netboot_testbed::each_fuzz_seed;

    #[test]
    fn the_fuzz_target_takes_its_seeds() {
        each_fuzz_seed("sbom", super::sbom);
    }
}
