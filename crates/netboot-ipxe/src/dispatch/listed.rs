//! The machines that a script lists.

use std::collections::BTreeSet;

use crate::dispatch::key_text::MachineName;

/// The start of the line by which a script tells a machine its name.
const LINE: &str = "set netboot-machine ";

/// Returns the machines that a script of a release lists: its `boot.ipxe`, a table that this one
/// chains, or a file below `machines/`. So a caller that publishes over a release knows its
/// machines.
///
/// ```
/// use netboot_ipxe::listed_machines;
///
/// let script = "#!ipxe\n:mac-52-54-00-12-34-56\nset netboot-machine node-1\n";
/// let machines: Vec<String> = listed_machines(script).iter().map(ToString::to_string).collect();
/// assert_eq!(machines, ["node-1"]);
/// ```
pub fn listed_machines(script: &str) -> BTreeSet<MachineName> {
    let names = script.lines().filter_map(|line| line.strip_prefix(LINE));
    names.filter_map(|name| MachineName::new(name.trim_end()).ok()).collect()
}
