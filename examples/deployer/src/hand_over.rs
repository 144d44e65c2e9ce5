//! `GET /api/machines/{name}/install-plan`: how to install a booted machine with nixos-anywhere.
//!
//! This service does not run nixos-anywhere, which takes a quarter of an hour, needs keys that a
//! service should not have, and formats disks. The plan has all that a person or a program needs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use netboot_core::ProfileName;
use serde::Serialize;

use crate::api_error::ApiError;
use crate::app::App;
use crate::config::HandOver;
use crate::machines::{MachineView, known, no_such_machine};
use crate::reports::{MachineId, Stage};

/// The phases that nixos-anywhere runs. The first phase, `kexec`, would boot another installer. It
/// is left out, because the machine already runs NixOS from memory.
const PHASES: [&str; 3] = ["disko", "install", "reboot"];

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/api/machines/{name}/install-plan", get(install_plan))
}

/// The plan for installing a machine.
#[derive(Debug, Serialize)]
struct InstallPlan {
    machine: String,
    /// The profile that it has booted.
    profile: Option<ProfileName>,
    labels: BTreeMap<String, String>,
    /// True if it has reached `init`, so that a login is possible.
    ready: bool,
    /// Its last report, or that there is none.
    state: String,
    /// The flake whose `nixosConfigurations.<node>` is installed.
    flake: String,
    /// The flake reference of the disko configuration. `nix eval --json` shows what it partitions.
    disko: String,
    /// The user and the address for the login.
    target_host: String,
    /// Where the address comes from.
    address_from: AddressFrom,
    /// What to check before disks are formatted and secrets are sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
    /// The file with the private key for the login.
    #[serde(skip_serializing_if = "Option::is_none")]
    ssh_key: Option<PathBuf>,
    /// The directory with the files for the installed system.
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_files: Option<PathBuf>,
    phases: [&'static str; 3],
    /// The program and its arguments.
    arguments: Vec<String>,
    /// The program and its arguments, as a line for a shell.
    command: String,
}

/// The source of a machine's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum AddressFrom {
    /// The operator wrote it into the configuration.
    Configuration,
    /// A report that claimed to be from this machine came from there.
    Report,
}

impl AddressFrom {
    fn warning(self) -> Option<&'static str> {
        (self == Self::Report).then_some(
            "the address comes from a report, and everybody who reaches this service can send one: \
             compare it with the machine's console, or set it in the configuration",
        )
    }
}

async fn install_plan(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<InstallPlan>, ApiError> {
    let machine = known(&app, &name).ok_or_else(|| no_such_machine(&name))?;
    let Some(hand_over) = &app.deployment.config.hand_over else {
        let hint = "add the section [hand-over] to the configuration";
        let error = "this service does not install machines";
        return Err(ApiError::new(StatusCode::NOT_FOUND, error, hint));
    };
    let place = place_of(&app, &machine)?;
    plan(machine, hand_over, &place).map(Json)
}

/// The address of a machine. If reports of its `init` came from two addresses, either the machine
/// had another address at an earlier boot, or one report is from somebody else. Only an operator
/// can decide that.
fn place_of(app: &App, machine: &MachineView) -> Result<(String, AddressFrom), ApiError> {
    let name = &machine.name;
    if let Some(address) =
        app.deployment.config.machines.get(name).and_then(|known| known.address.clone())
    {
        return Ok((address, AddressFrom::Configuration));
    }
    let reports = app.reports.of(&MachineId::Known(name.clone()));
    let is_up = reports.last().is_some_and(|last| last.stage == Stage::Init);
    let told = reports.iter().filter(|report| report.stage == Stage::Init);
    let told: BTreeSet<String> = told.map(|report| report.address.to_string()).collect();
    match (is_up, Vec::from_iter(told).as_slice()) {
        (true, [address]) => Ok((address.clone(), AddressFrom::Report)),
        (true, several) => {
            let error = format!("`{name}` reported its init from {}", several.join(" and from "));
            let hint = "one of the reports may be from somebody else: read the address on the machine's \
                        console, and set it in the configuration";
            Err(ApiError::new(StatusCode::CONFLICT, error, hint))
        }
        (false, _) => {
            let error = format!("the address of `{name}` is not known");
            let hint =
                "wait until it reports the stage init, or set its address in the configuration";
            Err(ApiError::new(StatusCode::CONFLICT, error, hint))
        }
    }
}

fn plan(
    machine: MachineView,
    of: &HandOver,
    (address, address_from): &(String, AddressFrom),
) -> Result<InstallPlan, ApiError> {
    let name = machine.name;
    let flake = format!("{}#{name}", of.flake);
    let disko = format!("{}#nixosConfigurations.\"{name}\".{}", of.flake, of.disko);
    let target_host = format!("{}@{address}", of.ssh_user);
    // Not every node has extra files.
    let extra_files = of.extra_files.as_ref().map(|path| path.join(&name));
    let extra_files = extra_files.filter(|path| path.is_dir());

    let mut arguments: Vec<String> = ["nixos-anywhere", "--flake", &flake].map(Into::into).into();
    arguments.extend(["--target-host", &target_host].map(String::from));
    for (option, path) in [("-i", &of.ssh_key), ("--extra-files", &extra_files)] {
        if let Some(path) = path {
            arguments.extend([option.to_owned(), path.display().to_string()]);
        }
    }
    arguments.extend(["--phases".to_owned(), PHASES.join(",")]);
    let command = shlex::try_join(arguments.iter().map(String::as_str)).map_err(|error| {
        let hint = "remove the control characters from the configuration";
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string(), hint)
    })?;
    let state = match &machine.last {
        Some(last) => format!("{} at {}", last.stage.as_str(), last.at),
        None => "no report yet".to_owned(),
    };
    Ok(InstallPlan {
        ready: machine.last.is_some_and(|last| last.stage == Stage::Init),
        machine: name,
        profile: machine.profile,
        labels: machine.labels,
        state,
        flake,
        disko,
        target_host,
        address_from: *address_from,
        warning: address_from.warning(),
        ssh_key: of.ssh_key.clone(),
        extra_files,
        phases: PHASES,
        arguments,
        command,
    })
}
