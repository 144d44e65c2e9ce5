//! The firmware's code, and the machine's own copy of its variables.

use std::path::Path;

use tempfile::TempDir;

use crate::error::Error;
use crate::firmware::Firmware;
use crate::firmware_keys::FirmwareKeys;
use crate::machine::boot_source::write;
use crate::uefi_files::UefiFiles;
use crate::uri_boot;
use crate::variable_store::{VariableProblem, VariableStore};

/// The machine's own copy of the firmware's variables.
const VARIABLES: &str = "variables.fd";

/// Copies the variables of UEFI firmware, because the firmware changes them. `keys` are enrolled in
/// the copy. With a `program`, the firmware boots the program at this URL first.
///
/// Fails if Secure Boot is wanted, but off in these variables: the boot would prove nothing.
pub(super) async fn prepare(
    firmware: Firmware,
    files: UefiFiles,
    keys: Option<&FirmwareKeys>,
    program: Option<&str>,
    scratch: &TempDir,
) -> Result<UefiFiles, Error> {
    let read = tokio::fs::read(&files.variables).await;
    let mut content =
        read.map_err(|source| Error::Io { action: "read", path: files.variables.clone(), source })?;
    let unusable = |problem| unusable(&files.variables, problem);
    if firmware == Firmware::UefiSecureBoot || program.is_some() {
        let mut store = VariableStore::new(content).map_err(unusable)?;
        if let Some(keys) = keys {
            keys.enrol(&mut store).map_err(unusable)?;
        }
        if firmware == Firmware::UefiSecureBoot {
            store.ensure_secure_boot().map_err(unusable)?;
            store.forget_switch();
        }
        if let Some(url) = program {
            uri_boot::set(&mut store, url).map_err(unusable)?;
        }
        content = store.into_bytes();
    }
    let copy = scratch.path().join(VARIABLES);
    write(&copy, &content).await?;
    Ok(UefiFiles { variables: copy, ..files })
}

/// Fails unless the firmware of a machine that has run wrote into its variables that Secure Boot is
/// on. A build without System Management Mode cannot write to the protected variables. It goes on
/// with variables in the machine's memory, which need not have the keys.
pub(super) async fn ensure_secure_boot(files: &UefiFiles) -> Result<(), Error> {
    let path = &files.variables;
    let read = tokio::fs::read(path).await;
    let content =
        read.map_err(|source| Error::Io { action: "read", path: path.clone(), source })?;
    match VariableStore::new(content) {
        Ok(store) if store.is_switched_on() => Ok(()),
        _ => Err(Error::SecureBootUnproven { code: files.code.clone() }),
    }
}

fn unusable(path: &Path, problem: VariableProblem) -> Error {
    Error::UnusableVariables { path: path.to_owned(), problem }
}
