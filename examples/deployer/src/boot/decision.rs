//! The decision what a machine boots.

use netboot_core::{Image, ReleaseId, layout};
use netboot_ipxe::{Assignment, UnknownMachine};
use netboot_publish::Error;

use super::answer::Answer;
use crate::app::App;
use crate::causes::with_causes;
use crate::claims::Nonce;
use crate::identity::Identity;
use crate::reports::MachineId;

/// The part of the service that fails if the live release is not trusted.
const TRUST: &str = "trust in the live release";

/// Finds the machine and its image. There is no machine if the query does not identify one.
///
/// The most specific assignment wins: a MAC address, for example, is more specific than a serial
/// number (see [`netboot_ipxe::Selector`]). A configuration with two equally specific assignments
/// is refused. A tie is still possible if a machine tells two network cards that belong to two
/// machines of the configuration.
pub(super) async fn decide(app: &App, identity: &Identity) -> (Option<MachineId>, Answer) {
    let keys = identity.keys();
    if keys.is_empty() {
        return (None, Answer::Unidentified { doubts: doubts(app, identity) });
    }
    let own_name = || identity.own_name().unwrap_or_else(|| "unknown".to_owned());
    match app.deployment.config.fleet.closest_assignments(&keys)[..] {
        [] => (Some(MachineId::Unknown(own_name())), unknown(app, identity).await),
        [assignment] => {
            let machine = MachineId::Known(assignment.name().to_string());
            (Some(machine), image_of(app, assignment.clone()).await)
        }
        ref several => {
            let names = several.iter().map(|assignment| assignment.name().to_string());
            let answer = Answer::Tie { names: names.collect() };
            (Some(MachineId::Unknown(own_name())), answer)
        }
    }
}

/// The reasons why a machine may not be known that its operator expects: values that many machines
/// share, and the UUID of a known machine in the other order of its octets.
pub(super) fn doubts(app: &App, identity: &Identity) -> Vec<String> {
    let mut doubts = identity.shared.clone();
    if let Some(uuid) = identity.uuid {
        let swapped = Identity { uuid: Some(uuid.octets_swapped()), ..identity.clone() };
        let owners = app.deployment.config.fleet.closest_assignments(&swapped.keys());
        doubts.extend(owners.first().map(|owner| {
            format!(
                "{} has the UUID {uuid} in the other order of its octets: enter it as it stands here",
                owner.name()
            )
        }));
    }
    doubts
}

async fn unknown(app: &App, identity: &Identity) -> Answer {
    match app.deployment.config.fleet.unknown() {
        UnknownMachine::LocalDisk => Answer::LocalDisk,
        UnknownMachine::Menu => match live(app).await {
            Ok((release, _)) => menu(app, release).await,
            Err(answer) => answer,
        },
        UnknownMachine::Profile(profile) => {
            let name = identity.script_name().unwrap_or_else(|| "unknown".to_owned());
            match Assignment::new(name, profile.clone()) {
                Ok(assignment) => image_of(app, assignment).await,
                Err(error) => Answer::failed(&error),
            }
        }
        _ => Answer::NotKnown { identity: identity.clone(), doubts: doubts(app, identity) },
    }
}

/// The image of the live release that an assignment names.
async fn image_of(app: &App, assignment: Assignment) -> Answer {
    let (release, images) = match live(app).await {
        Ok(live) => live,
        Err(answer) => return answer,
    };
    match images.iter().find(|image| image.profile() == assignment.profile()) {
        Some(image) => {
            // Without random numbers, the machine boots, and its reports are unverified.
            let nonce = Nonce::random().ok();
            let profile = image.profile().clone();
            match app.deployment.render_machine(image, assignment, nonce) {
                Ok(script) => Answer::Image { script, release, profile, nonce },
                Err(error) => Answer::failed(&error),
            }
        }
        None => Answer::ProfileMissing {
            release,
            wanted: assignment.profile().clone(),
            there: images.iter().map(|image| image.profile().clone()).collect(),
        },
    }
}

async fn live(app: &App) -> Result<(ReleaseId, Vec<Image>), Answer> {
    let read = async {
        let Some(release) = app.deployment.served().live().await? else { return Ok(None) };
        Ok(Some((release, app.deployment.served().images(&release).await?)))
    };
    match read.await {
        Ok(live) => {
            app.health.restore(TRUST);
            live.ok_or(Answer::NothingLive)
        }
        Err(error @ (Error::UntrustedPointer { .. } | Error::Signature { .. })) => {
            let problem = with_causes(&error);
            app.health.degrade(TRUST, &problem);
            Err(Answer::Untrusted { problem })
        }
        Err(error) => {
            if matches!(error, Error::MalformedManifest { .. }) {
                app.health.degrade(TRUST, &with_causes(&error));
            }
            Err(Answer::failed(&error))
        }
    }
}

/// The menu of a release. It is a separate script if the release has a dispatch for known machines.
async fn menu(app: &App, release: ReleaseId) -> Answer {
    let with_dispatch = format!("releases/{release}/menu.ipxe");
    if app.deployment.served_files().has(&with_dispatch).await {
        return Answer::Menu { path: with_dispatch };
    }
    Answer::Menu { path: layout::in_release(&release, &layout::boot_script()).to_string() }
}
