//! Compares texts with files. `UPDATE_GOLDEN=1` writes the files.

use std::path::Path;

pub(crate) fn assert_golden(name: &str, text: &str) {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    netboot_testbed::assert_golden(&files.join(name), text);
}
