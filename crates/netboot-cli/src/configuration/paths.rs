//! Relative paths of the file start at its directory, and `~/` is the home directory.

use std::env;
use std::path::{Path, PathBuf};

use super::Configuration;
use super::target_entry::TargetEntry;

impl Configuration {
    /// Makes the relative paths absolute.
    pub(super) fn resolve(&mut self, directory: &Path) {
        self.change_paths(|path| directory.join(path));
        let hand_over = self.deployer.iter_mut().filter_map(|it| it.hand_over.as_mut());
        let references = hand_over.map(|it| &mut it.flake).chain([&mut self.flake.reference]);
        references.for_each(|reference| resolve_reference(reference, directory));
    }

    /// Replaces the `~` at the beginning of a path, because a file has no shell that would do so.
    pub(super) fn expand_home(&mut self) {
        let Some(home) = env::home_dir() else { return };
        self.change_paths(|path| match path.strip_prefix("~") {
            Ok(rest) => home.join(rest),
            Err(_) => path.to_owned(),
        });
    }

    /// Changes each path of a file or a directory.
    fn change_paths(&mut self, change: impl Fn(&Path) -> PathBuf) {
        let Self { targets, signing, proof, closure_boot, secure_boot, deployer, .. } = self;
        let mut paths: Vec<&mut Option<PathBuf>> = Vec::new();
        for target in targets.values_mut() {
            let location = match target {
                TargetEntry::Location(location) => location,
                TargetEntry::Table(table) => {
                    paths.extend([
                        &mut table.ca_certificate_file,
                        &mut table.credentials_file,
                        &mut table.identity_file,
                        &mut table.known_hosts_file,
                        &mut table.password_file,
                    ]);
                    &mut table.location
                }
            };
            if location.starts_with("~/") || crate::target::is_directory(location) {
                *location = change(Path::new(location)).display().to_string();
            }
        }
        if let Some(signing) = signing {
            paths.extend([&mut signing.key_file, &mut signing.password_file]);
        }
        paths.extend([&mut proof.ipxe_aarch64, &mut proof.secure_boot_keys]);
        if let Some(closure_boot) = closure_boot {
            paths.extend([&mut closure_boot.program, &mut closure_boot.source]);
        }
        if let Some(secure_boot) = secure_boot {
            paths.extend([&mut secure_boot.key, &mut secure_boot.certificate]);
            secure_boot.stubs.iter_mut().for_each(|stub| *stub = change(stub));
        }
        if let Some(deployer) = deployer {
            paths.push(&mut deployer.state_directory);
            if let Some(hand_over) = &mut deployer.hand_over {
                paths.extend([&mut hand_over.ssh_key, &mut hand_over.extra_files]);
            }
        }
        for path in paths.into_iter().flatten() {
            *path = change(path);
        }
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
