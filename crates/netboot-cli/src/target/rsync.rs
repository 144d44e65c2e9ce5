//! A directory of another machine, with its settings.

use netboot_publish::{RsyncStore, RsyncStoreBuilder, RsyncTarget};

use super::location::{Refusal, misplaced_hint};
use crate::configuration::target_entry::TargetTable;

/// Reads the location.
pub(super) fn parse(location: &str) -> Result<RsyncStoreBuilder, Refusal> {
    with_settings(&TargetTable { location: location.to_owned(), ..TargetTable::default() })
}

/// Reads the location and gives it the settings. This does not connect to anything.
pub(super) fn with_settings(table: &TargetTable) -> Result<RsyncStoreBuilder, Refusal> {
    let refused =
        |error: netboot_publish::Error| Refusal { problem: error.to_string(), hint: error.hint() };
    let mut target: RsyncTarget = table.location.parse().map_err(refused)?;
    let is_ssh = target.is_ssh();
    if let Some(port) = table.port {
        target = target.with_port(port);
    }
    let ssh = [
        ("identity-file", table.identity_file.is_some()),
        ("known-hosts-file", table.known_hosts_file.is_some()),
        ("host-key", table.host_key.is_some()),
    ];
    if let Some((key, _)) = ssh.iter().find(|(_, is_set)| *is_set && !is_ssh) {
        let problem = format!("`{key}` is for ssh, and this is an rsync daemon");
        return Err(Refusal::new(problem, misplaced_hint(key)));
    }
    if table.password_file.is_some() && is_ssh {
        let problem = "`password-file` is for an rsync daemon, and this is ssh";
        return Err(Refusal::new(problem, misplaced_hint("password-file")));
    }
    let mut store = RsyncStore::builder(target);
    if let Some(path) = &table.identity_file {
        store = store.identity_file(path);
    }
    if let Some(path) = &table.known_hosts_file {
        store = store.known_hosts_file(path);
    }
    if let Some(key) = &table.host_key {
        store = store.host_key(key);
    }
    if let Some(path) = &table.password_file {
        store = store.password_file(path);
    }
    store.clone().build().map_err(refused)?;
    Ok(store)
}
