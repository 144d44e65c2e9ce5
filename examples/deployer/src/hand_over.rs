//! `GET /api/machines/{name}/install-plan`: how to install a booted machine with nixos-anywhere.
//! `DELETE /api/machines/{name}/claim` forgets where the machine booted.
//!
//! This service does not run nixos-anywhere, which takes a quarter of an hour, needs keys that a
//! service should not have, and formats disks. The plan has all that a person or a program needs.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get};
use axum::{Json, Router};
use netboot_core::ProfileName;
use serde::Serialize;

use crate::api_error::ApiError;
use crate::app::App;
use crate::claims::{Place, Refusal, is_own_address};
use crate::config::{HandOver, Machine};
use crate::machines::{MachineView, known, no_such_machine};

/// The phases that nixos-anywhere runs. The first phase, `kexec`, would boot another installer. It
/// is left out, because the machine already runs NixOS from memory.
const PHASES: [&str; 3] = ["disko", "install", "reboot"];

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/machines/{name}/install-plan", get(install_plan))
        .route("/api/machines/{name}/claim", delete(forget))
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
    /// The origin of the address.
    address_from: AddressFrom,
    /// The things to check before disks are formatted and secrets are sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
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
    /// The machine booted, and its system reported from there with the nonce of its script.
    Boot,
}

async fn install_plan(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<InstallPlan>, ApiError> {
    let machine = known(&app, &name).ok_or_else(|| no_such_machine(&name))?;
    let Some(hand_over) = &app.deployment.config.hand_over else {
        let hint = "add the section [deployer.hand-over] to the configuration";
        let error = "this service does not install machines";
        return Err(ApiError::new(StatusCode::NOT_FOUND, error, hint));
    };
    let place = place_of(&app, &name, hand_over)
        .map_err(|refusal| ApiError::of(StatusCode::CONFLICT, &refusal, Some(refusal.hint())))?;
    plan(machine, hand_over, &place).map(Json)
}

/// Forgets where a machine booted, for an operator who has looked into a conflict.
async fn forget(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    if !app.deployment.config.machines.contains_key(&name) {
        return Err(no_such_machine(&name));
    }
    app.claims.forget(&name);
    Ok(StatusCode::NO_CONTENT)
}

/// The address of a machine, where it comes from, and what to check.
#[derive(Debug)]
struct PlaceOfMachine {
    address: String,
    from: AddressFrom,
    /// True if the machine has reached `init`.
    is_up: bool,
    warning: Option<String>,
}

/// The address in the configuration; or else the one at which the machine's newest boot came up. A
/// plan never names an address at which another machine may be.
fn place_of(app: &App, name: &str, hand_over: &HandOver) -> Result<PlaceOfMachine, Refusal> {
    let machines = &app.deployment.config.machines;
    let booted = app.claims.place(name);
    let machine = name.to_owned();
    if let Some(address) = machines.get(name).and_then(|known| known.address.clone()) {
        if let Ok(address) = address.parse::<IpAddr>()
            && let Some(other) = app.claims.other_at(name, address.to_canonical())
        {
            return Err(Refusal::AddressTaken { machine, address, other });
        }
        let from = AddressFrom::Configuration;
        return Ok(PlaceOfMachine { address, from, is_up: booted.is_ok(), warning: None });
    }
    let Place { address, asked_from } = booted?;
    let is_there = |other: &&Machine| {
        let configured = other.address.as_ref().and_then(|one| one.parse::<IpAddr>().ok());
        configured.is_some_and(|configured| configured.to_canonical() == address)
    };
    if let Some(other) = machines.values().find(is_there) {
        let other = other.name.to_string();
        return Err(Refusal::ConfiguredForAnother { machine, address, other });
    }
    if !hand_over.own_addresses && is_own_address(address) {
        return Err(Refusal::OwnAddress { machine, address });
    }
    let warning = "everybody in the network of the machines can boot in the name of a machine: \
                   compare the address with the machine's console, or set it in the configuration";
    let differs = format!(
        "; the machine asked for its script from {asked_from}, and its system reported from \
         {address}"
    );
    let differs = if asked_from == address { "" } else { &differs };
    let warning = format!("{warning}{differs}");
    let (address, from) = (address.to_string(), AddressFrom::Boot);
    Ok(PlaceOfMachine { address, from, is_up: true, warning: Some(warning) })
}

fn plan(
    machine: MachineView,
    of: &HandOver,
    place: &PlaceOfMachine,
) -> Result<InstallPlan, ApiError> {
    let name = machine.name;
    let flake = format!("{}#{name}", of.flake);
    let disko = format!("{}#nixosConfigurations.\"{name}\".{}", of.flake, of.disko);
    let target_host = format!("{}@{}", of.ssh_user, place.address);
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
        None => "not seen yet".to_owned(),
    };
    Ok(InstallPlan {
        ready: place.is_up,
        machine: name,
        profile: machine.profile,
        labels: machine.labels,
        state,
        flake,
        disko,
        target_host,
        address_from: place.from,
        warning: place.warning.clone(),
        ssh_key: of.ssh_key.clone(),
        extra_files,
        phases: PHASES,
        arguments,
        command,
    })
}
