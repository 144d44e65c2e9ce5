//! `netboot fleet list`.

use clap::Args;
use netboot_core::{KernelParameter, Report};
use netboot_ipxe::{Assignment, Selector};
use serde_json::{Value, json};

use super::unknown_boots;
use crate::answer::Answer;
use crate::machine_list::MachineList;
use crate::session::Session;

const JSON: &str = "\
With --json:
  unknown          what a machine boots that is not listed: refuse, menu, local-disk or profile
  unknown_profile  the profile that it boots, or null
  machines         the machines, by name. Each has:
    name               its name
    profile            the profile that it boots
    keys               the keys by which it is recognised, as texts: lists of which one list has to
                       match as a whole
    kernel_parameters  its own kernel parameters";

#[derive(Debug, Args)]
#[command(after_long_help = JSON)]
pub(super) struct Arguments {
    #[command(flatten)]
    list: MachineList,
}

impl Arguments {
    /// Lists each machine with its profile and its keys.
    pub(super) fn run(self, session: &Session) -> Result<Answer, Report> {
        let fleet = self.list.read(session)?;
        let machines = fleet.assignments();
        let width = |text: fn(&Assignment) -> usize| machines.iter().map(text).max().unwrap_or(0);
        let names = width(|machine| machine.name().as_str().len());
        let profiles = width(|machine| machine.profile().as_str().len());
        let line = |machine: &Assignment| {
            let keys: Vec<String> = machine.selectors().iter().map(shown).collect();
            let (name, profile) = (machine.name(), machine.profile());
            format!("{name:names$}  {profile:profiles$}  {}", keys.join(" or "))
        };
        let lines: Vec<String> = machines.iter().map(line).collect();
        let (unknown, profile) = unknown_boots(&fleet);
        let objects: Vec<Value> = machines.iter().map(object).collect();
        let object = json!({
            "unknown": unknown,
            "unknown_profile": profile,
            "machines": objects,
        });
        Ok(Answer::new(lines.join("\n"), object))
    }
}

/// The keys of a selector.
fn shown(selector: &Selector) -> String {
    let keys: Vec<String> = selector.keys().iter().map(ToString::to_string).collect();
    keys.join(" and ")
}

fn object(machine: &Assignment) -> Value {
    let keys = |selector: &Selector| -> Vec<String> {
        selector.keys().iter().map(ToString::to_string).collect()
    };
    let parameters = machine.parameters().iter();
    json!({
        "name": machine.name().as_str(),
        "profile": machine.profile(),
        "keys": machine.selectors().iter().map(keys).collect::<Vec<_>>(),
        "kernel_parameters": parameters.map(KernelParameter::as_str).collect::<Vec<_>>(),
    })
}
