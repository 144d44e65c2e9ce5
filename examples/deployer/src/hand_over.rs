//! `GET /api/machines/{name}/install-plan`: handing a booted machine over to nixos-anywhere.
//!
//! This service does not run it: it takes a quarter of an hour, asks for keys that a service should
//! not have, and formats disks. The plan has all that somebody, or a program, needs to.

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

/// What nixos-anywhere is to do. The machine runs NixOS already, from memory, so its first phase,
/// `kexec`, which would boot another installer, is left out.
const PHASES: [&str; 3] = ["disko", "install", "reboot"];

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/api/machines/{name}/install-plan", get(install_plan))
}

/// How a machine is installed.
#[derive(Debug, Serialize)]
struct InstallPlan {
    machine: String,
    /// What it has booted.
    profile: Option<ProfileName>,
    labels: BTreeMap<String, String>,
    /// Whether it has come to `init`, so that it can be logged in to.
    ready: bool,
    /// What it was last heard of, or that it was not.
    state: String,
    /// What is installed: `nixosConfigurations.<node>` of this flake.
    flake: String,
    /// Where disko's configuration is, by reference: what it partitions is seen by
    /// `nix eval --json`.
    disko: String,
    /// Who is logged in as, and where.
    target_host: String,
    /// How this service knows where.
    address_from: AddressFrom,
    /// What to look at before disks are formatted and secrets are sent there.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
    /// The file with the private key.
    #[serde(skip_serializing_if = "Option::is_none")]
    ssh_key: Option<PathBuf>,
    /// The directory whose files the installed system gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_files: Option<PathBuf>,
    phases: [&'static str; 3],
    /// The program and its arguments.
    arguments: Vec<String>,
    /// The same as a line for a shell.
    command: String,
}

/// How it is known where a machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum AddressFrom {
    /// The operator wrote it down.
    Configuration,
    /// Somebody who said to be this machine spoke from there.
    Report,
}

impl AddressFrom {
    fn warning(self) -> Option<&'static str> {
        (self == Self::Report).then_some(
            "the address is that of a report, and whoever reaches this service can send one: \
             compare it with the machine's console, or write it into the configuration",
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
        let error = "this service hands no machines over";
        return Err(ApiError::new(StatusCode::NOT_FOUND, error, hint));
    };
    let place = place_of(&app, &machine)?;
    plan(machine, hand_over, &place).map(Json)
}

/// Where a machine is. Its `init` told from two places is somebody else's at one of them, unless it
/// has another address than at an earlier boot: only an operator can tell.
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
            let error = format!("`{name}` told its init from {}", several.join(" and from "));
            let hint = "one of them may be somebody else: see on the machine's console where it \
                        is, and give it that address in the configuration";
            Err(ApiError::new(StatusCode::CONFLICT, error, hint))
        }
        (false, _) => {
            let error = format!("nobody knows where `{name}` is");
            let hint = "wait until it reports the stage init, or give it an address in the \
                        configuration";
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
    // Not every node has files of its own.
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
        let hint = "take the control characters out of the configuration";
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string(), hint)
    })?;
    let state = match &machine.last {
        Some(last) => format!("{} at {}", last.stage.as_str(), last.at),
        None => "never heard of".to_owned(),
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
