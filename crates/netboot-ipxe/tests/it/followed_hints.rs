//! The hints of refused values are followed, and the values are taken.

mod exports;
mod machines;
mod scripts;

use std::fmt::Debug;

use netboot_ipxe::Error;

/// Asserts that `refused` has this hint, and returns what `followed` made, which does as the hint
/// says.
pub(crate) fn follow<T: Debug, U: Debug>(
    refused: Result<T, Error>,
    hint: &str,
    followed: Result<U, Error>,
) -> U {
    let error = refused.unwrap_err();
    let given = error.hint().unwrap_or_else(|| panic!("{error:?} has no hint"));
    assert!(given.contains(hint), "{error}: {given}");
    followed.unwrap()
}
