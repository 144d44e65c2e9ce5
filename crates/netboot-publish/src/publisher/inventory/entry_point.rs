//! The entry point of all machines, as it is at a target.

use netboot_core::layout;

use crate::error::Error;
use crate::pointer::{Pointer, PointerContent};
use crate::store::Store;

/// Reads the script from which all machines of a target boot. Returns `None` if there is none, or
/// if netboot did not write it.
pub(crate) async fn read_boot_script(store: &dyn Store) -> Result<Option<String>, Error> {
    let document = store.read(&layout::boot_script()).await?;
    let own = document.filter(|it| Pointer::parse(&it.bytes) != PointerContent::Foreign);
    Ok(own.map(|document| String::from_utf8_lossy(&document.bytes).into_owned()))
}
