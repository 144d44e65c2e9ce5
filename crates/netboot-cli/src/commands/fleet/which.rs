//! `netboot fleet which`: what a machine boots.

use clap::Args;
use netboot_core::{Architecture, MacAddress, Report};
use netboot_ipxe::{AssetTag, Assignment, Fleet, MachineKey, MachineUuid, Selector, SerialNumber};
use serde_json::json;

use super::unknown_boots;
use crate::answer::Answer;
use crate::machine_list::MachineList;
use crate::session::Session;

const JSON: &str = "\
Standard output has the name of the profile; nothing if the machine boots none.

With --json:
  machine      the name of the machine, or null if it is not listed
  boots        what it boots: profile, menu, local-disk, or refuse for nothing
  profile      the profile that it boots, or null
  matched_by   the keys by which it was recognised, or null
  also         other machines of the list that its keys match as closely";

#[derive(Debug, Args)]
#[command(
    after_long_help = JSON,
    override_usage = "netboot fleet which [OPTIONS] --mac <ADDRESS> | --uuid <UUID> | ..."
)]
pub(super) struct Arguments {
    #[command(flatten)]
    list: MachineList,

    #[command(flatten)]
    keys: Keys,
}

/// The properties of a machine, as iPXE sees them.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Keys {
    /// The address of a network card. Can be repeated.
    #[arg(long, value_name = "ADDRESS")]
    mac: Vec<MacAddress>,

    /// The UUID in the firmware.
    #[arg(long, value_name = "UUID")]
    uuid: Option<MachineUuid>,

    /// The serial number in the firmware.
    #[arg(long, value_name = "TEXT")]
    serial: Option<SerialNumber>,

    /// The asset tag in the firmware.
    #[arg(long, value_name = "TEXT")]
    asset_tag: Option<AssetTag>,

    /// The architecture: `x86_64` or `aarch64`.
    #[arg(long, value_name = "NAME")]
    architecture: Option<Architecture>,

    /// A setting of iPXE, such as `manufacturer=Example Inc.`. Can be repeated.
    #[arg(long = "setting", value_name = "NAME=VALUE", value_parser = setting)]
    settings: Vec<MachineKey>,
}

fn setting(text: &str) -> Result<MachineKey, String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    MachineKey::setting(name, value).map_err(|error| error.to_string())
}

impl Keys {
    fn all(self) -> Vec<MachineKey> {
        let macs = self.mac.into_iter().map(MachineKey::Mac);
        let one = [
            self.uuid.map(MachineKey::Uuid),
            self.serial.map(MachineKey::Serial),
            self.asset_tag.map(MachineKey::AssetTag),
            self.architecture.map(MachineKey::Architecture),
        ];
        macs.chain(one.into_iter().flatten()).chain(self.settings).collect()
    }
}

impl Arguments {
    /// Finds the assignment that the scripts of a release would choose.
    pub(super) fn run(self, session: &Session) -> Result<Answer, Report> {
        let fleet = self.list.read(session)?;
        let keys = self.keys.all();
        let closest = fleet.closest_assignments(&keys);
        let Some((machine, also)) = closest.split_first() else {
            return Ok(not_listed(&fleet, session));
        };
        let (name, profile) = (machine.name(), machine.profile());
        let matched = matched_by(machine, &keys);
        session.progress.line(&format!("{name} boots {profile}, by its {matched}"));
        let others: Vec<&str> = also.iter().map(|other| other.name().as_str()).collect();
        if !others.is_empty() {
            session.progress.line(&format!(
                "warning: its keys are also those of {}: it boots by the card that asks first",
                others.join(", ")
            ));
        }
        let object = json!({
            "machine": name.as_str(),
            "boots": "profile",
            "profile": profile,
            "matched_by": matched,
            "also": others,
        });
        Ok(Answer::new(profile, object))
    }
}

/// The answer for a machine that is not in the list.
fn not_listed(fleet: &Fleet, session: &Session) -> Answer {
    let (boots, profile) = unknown_boots(fleet);
    let shown = match (boots, profile) {
        (_, Some(profile)) => format!("boots {profile}"),
        ("menu", _) => "shows the menu".to_owned(),
        ("local-disk", _) => "boots its local disk".to_owned(),
        _ => "boots nothing".to_owned(),
    };
    session.progress.line(&format!("The machine is not listed, and {shown}"));
    let object = json!({
        "machine": null,
        "boots": boots,
        "profile": profile,
        "matched_by": null,
        "also": [],
    });
    let text = profile.map(ToString::to_string).unwrap_or_default();
    Answer::new(text, object)
}

/// The keys of the selector that recognises the machine.
fn matched_by(machine: &Assignment, keys: &[MachineKey]) -> String {
    let matching = machine
        .selectors()
        .iter()
        .filter(|selector| selector.keys().iter().all(|key| keys.contains(key)));
    let closest =
        matching.reduce(|one, other| if other.is_more_specific_than(one) { other } else { one });
    let keys = closest.map(Selector::keys).unwrap_or_default();
    keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}
