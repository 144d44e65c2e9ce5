//! The answers of the API that Pixiecore asks.
//!
//! The fields are those of `README.api.md` in Pixiecore's repository (`danderson/netboot`), and of
//! the struct in its `booters.go`.

use std::collections::BTreeMap;

use netboot_closure::boot_parameter::{BootParameter, CardAddress};
use netboot_core::MacAddress;
use netboot_core::Manifest;
use serde::{Deserialize, Serialize};

use crate::dispatch::assignment::Assignment;
use crate::dispatch::fleet::{Fleet, UnknownMachine};
use crate::dispatch::key::MachineKey;
use crate::error::Error;
use crate::interchange::payload::Payload;
use crate::interchange::payload_base::PayloadBase;
use crate::interchange::problem::InterchangeProblem;
use crate::interchange::server::PIXIECORE;
use crate::interchange::server::json;
use crate::script_argument::ScriptArgument;

/// The name that Pixiecore gives a kernel in iPXE (`ipxeScript` in its `http.go`).
const KERNEL_NAME: &str = "kernel";

/// The image that one machine boots: the body of `<api>/v1/boot/<mac>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Answer {
    /// The URL of the kernel. A relative URL is relative to the URL of the API.
    pub kernel: String,
    /// The URLs of the initrds, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub initrd: Vec<String>,
    /// The command line of the kernel, which is a Go template. Pixiecore itself adds `initrd=`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cmdline: String,
    /// The message that the machine shows before it boots.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// The image that each machine of a fleet boots. Pixiecore ignores machines without an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answers(BTreeMap<MacAddress, Answer>);

impl Answers {
    /// Exports the answers for the machines of `fleet`, which boot images of the release that
    /// `manifest` describes.
    ///
    /// # Errors
    /// [`Error::NotInterchangeable`] for
    /// - a machine with other keys than its MAC address, because Pixiecore tells nothing else,
    /// - a fleet that does not refuse unknown machines,
    /// - tokens, and parameters with `{{`,
    /// - payloads that are matchbox's assets,
    /// - an image with a closure and payloads without an `http://` URL.
    ///
    /// Also [`Error::UnknownProfile`], [`Error::Unprintable`], [`Error::TooManyArguments`] and
    /// [`Error::CommandLineTooLong`].
    pub fn export(manifest: &Manifest, fleet: &Fleet, base: &PayloadBase) -> Result<Self, Error> {
        base.check(PIXIECORE)?;
        let wanted = match fleet.unknown() {
            UnknownMachine::Refuse => None,
            UnknownMachine::Menu => Some("menu"),
            UnknownMachine::Profile(_) => Some("profile"),
            UnknownMachine::LocalDisk => Some("local disk"),
        };
        if let Some(wanted) = wanted {
            let subject = "the fleet".to_owned();
            let problem = InterchangeProblem::Unknown { wanted };
            return Err(Error::NotInterchangeable { server: PIXIECORE, subject, problem });
        }
        let mut answers = BTreeMap::new();
        for assignment in fleet.assignments() {
            for selector in assignment.selectors() {
                match selector.keys() {
                    [MachineKey::Mac(mac)] => {
                        answers.insert(*mac, answer(manifest, assignment, *mac, base)?)
                    }
                    keys => {
                        let other = |key: &&MachineKey| !matches!(key, MachineKey::Mac(_));
                        let key = keys.iter().find(other).map(ToString::to_string);
                        let key = key.unwrap_or_default();
                        return Err(refuse(assignment, InterchangeProblem::Key { key }));
                    }
                };
            }
        }
        Ok(Self(answers))
    }

    /// The answers by machine.
    pub fn by_machine(&self) -> &BTreeMap<MacAddress, Answer> {
        &self.0
    }

    /// The answers as files, by their path below the URL of the API. Any web server can serve them.
    ///
    /// # Errors
    /// [`Error::Json`], which does not happen in practice because every key is a string.
    pub fn files(&self) -> Result<BTreeMap<String, String>, Error> {
        self.0.iter().map(|(mac, answer)| Ok((format!("v1/boot/{mac}"), json(answer)?))).collect()
    }
}

fn answer(
    manifest: &Manifest,
    assignment: &Assignment,
    mac: MacAddress,
    base: &PayloadBase,
) -> Result<Answer, Error> {
    let payload = Payload::new(PIXIECORE, manifest, assignment.profile(), Some(assignment))?;
    // Pixiecore adds `initrd=initrd0` and so on before the command line, so they count.
    let initrds = payload.initrds();
    let added = (0..initrds.len()).map(|number| format!("initrd=initrd{number}"));
    let card = BootParameter::BootInterface(CardAddress::from_bytes(mac.octets()));
    let card = ScriptArgument::boot_parameter(&card);
    payload.parameters(KERNEL_NAME, added, card.clone(), base)?;
    let parameters = payload.parameters(KERNEL_NAME, [], card, base)?;
    if let Some(parameter) = parameters.iter().find(|parameter| parameter.contains("{{")) {
        let parameter = parameter.clone();
        return Err(refuse(assignment, InterchangeProblem::Template { parameter }));
    }
    Ok(Answer {
        kernel: base.blob(&payload.image.kernel.sha256),
        initrd: initrds.iter().map(|digest| base.blob(digest)).collect(),
        cmdline: parameters.join(" "),
        message: format!("{}: {}", assignment.name(), payload.image.title),
    })
}

fn refuse(assignment: &Assignment, problem: InterchangeProblem) -> Error {
    let subject = format!("the machine {}", assignment.name());
    Error::NotInterchangeable { server: PIXIECORE, subject, problem }
}
