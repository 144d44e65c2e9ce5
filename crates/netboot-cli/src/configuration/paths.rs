//! Relative paths of the file start at its directory, and `~/` is the home directory.

use std::env;
use std::path::{Path, PathBuf};

use super::Configuration;
use super::target_entry::TargetEntry;

impl Configuration {
    /// Makes the relative paths absolute.
    pub(super) fn resolve(&mut self, directory: &Path) {
        let Self { flake, targets, signing, closure_boot, deployer, .. } = self;
        resolve_reference(&mut flake.reference, directory);
        for target in targets.values_mut() {
            resolve_target(target, directory);
        }
        let mut paths: Vec<&mut Option<PathBuf>> = Vec::new();
        if let Some(signing) = signing {
            paths.extend([&mut signing.key_file, &mut signing.password_file]);
        }
        if let Some(closure_boot) = closure_boot {
            paths.extend([&mut closure_boot.program, &mut closure_boot.source]);
        }
        if let Some(deployer) = deployer {
            paths.push(&mut deployer.state_directory);
            if let Some(hand_over) = &mut deployer.hand_over {
                resolve_reference(&mut hand_over.flake, directory);
                paths.extend([&mut hand_over.ssh_key, &mut hand_over.extra_files]);
            }
        }
        for path in paths.into_iter().flatten() {
            *path = absolute(path, directory);
        }
    }
}

/// The path that a path of the file means. A file has no shell that would replace the `~`.
fn absolute(path: &Path, directory: &Path) -> PathBuf {
    match (path.strip_prefix("~"), env::home_dir()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => directory.join(path),
    }
}

fn resolve_target(target: &mut TargetEntry, directory: &Path) {
    let (location, table) = match target {
        TargetEntry::Location(location) => (location, None),
        TargetEntry::Table(table) => {
            let files = [
                &mut table.ca_certificate_file,
                &mut table.credentials_file,
                &mut table.identity_file,
                &mut table.known_hosts_file,
                &mut table.password_file,
            ];
            (&mut table.location, Some(files))
        }
    };
    if location.starts_with("~/") || crate::target::is_directory(location) {
        *location = absolute(Path::new(location), directory).display().to_string();
    }
    for path in table.into_iter().flatten().flatten() {
        *path = absolute(path, directory);
    }
}

/// A reference is a path if it begins with a dot, or with `path:` and a dot.
fn resolve_reference(reference: &mut Option<String>, directory: &Path) {
    let Some(reference) = reference else { return };
    let (scheme, path) = match reference.strip_prefix("path:") {
        Some(path) => ("path:", path),
        None => ("", reference.as_str()),
    };
    if path.starts_with('.') {
        *reference = format!("{scheme}{}/{path}", directory.display());
    }
}
