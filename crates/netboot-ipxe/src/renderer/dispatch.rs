//! The script that sends each machine to its image.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use netboot_core::{Artifact, COMMAND_LINE_LIMIT, Image, ProfileName, ReleasePath, Sha256Digest};
use serde::Serialize;
use tera::Context;

use crate::closure_arguments;
use crate::dispatch::assignment::{Assignment, BootOnce, TokenPlace};
use crate::dispatch::fleet::{Fleet, UnknownMachine};
use crate::dispatch::key_text::MachineName;
use crate::error::Error;
use crate::menu::LocalDisk;
use crate::renderer::Renderer;
use crate::renderer::image::{added_length, command_line_length, machine_arguments};
use crate::renderer::machine_table::{Entry, Lookup};
use crate::script_argument::ScriptArgument;
use crate::script_url::ScriptUrl;
use crate::template::name::TemplateName;

/// The scripts of a fleet.
#[derive(Debug)]
pub(super) struct Dispatch {
    pub(super) script: String,
    /// The files, by their path below the release.
    pub(super) files: Vec<(ReleasePath, String)>,
    pub(super) tables: Vec<Arc<dyn Artifact>>,
}

/// An assignment for a template.
#[derive(Serialize)]
pub(super) struct AssignmentValues<'a> {
    name: &'a MachineName,
    labels: Vec<String>,
    profile: &'a ProfileName,
    parameters: Vec<ScriptArgument>,
    overlay: Option<Sha256Digest>,
    overlay_signature: Option<Sha256Digest>,
    token_url: Option<ScriptUrl>,
    consume_url: Option<&'a ScriptUrl>,
}

/// The image that an assignment leads to.
#[derive(Debug, Clone, Copy)]
struct Destination<'a> {
    /// The image, or the image of a family with the longest command line.
    image: &'a ProfileName,
    /// The length of its command line in bytes, including the kernel's name before it.
    length: usize,
    /// True if the image, or one of the family's, has a closure.
    has_closure: bool,
}

impl Renderer {
    /// Renders the scripts that send each machine to its image.
    pub(super) fn render_dispatch(
        &self,
        fleet: &Fleet,
        images: &[Image],
    ) -> Result<Dispatch, Error> {
        self.check_assignments(fleet, images)?;
        let (mut files, mut tables) = (Vec::new(), Vec::new());
        let mut lookups: Vec<Lookup> = Vec::new();
        let mut inline: Vec<Entry<'_>> = Vec::new();
        for group in self.groups(fleet, &mut files, &mut tables)? {
            lookups.push(group.lookup);
            inline.extend(group.inline);
        }
        let probe_url = if files.is_empty() {
            None
        } else {
            let path = ReleasePath::new("machines/known.ipxe")?;
            files.push((path.clone(), self.render_table(&[])?));
            Some(path)
        };
        let has_token = fleet.assignments().iter().any(|one| one.boot_once().is_some());
        let mut values = Context::new();
        values.insert("settings", &self.machine_settings(fleet));
        values.insert("lookups", &lookups);
        values.insert("assignments", &self.assignment_values(&inline)?);
        let (unknown, profile) = match fleet.unknown() {
            UnknownMachine::Menu => ("menu", None),
            UnknownMachine::Profile(profile) => ("profile", Some(profile)),
            UnknownMachine::LocalDisk => ("local-disk", None),
            UnknownMachine::Refuse => ("refuse", None),
        };
        values.insert("unknown", unknown);
        values.insert("unknown_profile", &profile);
        values.insert("menu_url", &self.menu_path()?);
        values.insert("probe_url", &probe_url);
        values.insert("tokens", &has_token);
        values.insert("first_disk", &(self.settings.local_disk == LocalDisk::FirstDisk));
        values.insert("refuse_seconds", &self.settings.retry_after.as_secs());
        let script = self.templates.render(TemplateName::Dispatch, values)?;
        Ok(Dispatch { script, files, tables })
    }

    /// Returns true if scripts of images use kernel parameters of assignments.
    pub(super) fn machine_parameters(&self) -> bool {
        self.any_assignment(|one| !one.parameters().is_empty() || one.overlay().is_some())
    }

    /// Returns true if scripts of images use an initrd of an assignment.
    pub(super) fn machine_overlays(&self) -> bool {
        self.any_assignment(|one| one.overlay().is_some())
    }

    fn any_assignment(&self, is_so: impl FnMut(&Assignment) -> bool) -> bool {
        let fleet = self.settings.fleet.as_deref();
        fleet.is_some_and(|fleet| fleet.assignments().iter().any(is_so))
    }

    /// The settings that assignments set.
    fn machine_settings(&self, fleet: &Fleet) -> Vec<&'static str> {
        let mut settings = vec!["netboot-machine", "netboot-profile"];
        let tokens = || fleet.assignments().iter().filter_map(Assignment::boot_once);
        let wanted = [
            ("netboot-parameters", self.machine_parameters()),
            ("netboot-overlay", self.machine_overlays()),
            (
                "netboot-overlay-signature",
                self.machine_overlays() && self.settings.signatures.is_some(),
            ),
            ("netboot-token", tokens().next().is_some()),
            ("netboot-consume", tokens().any(|token| token.consuming_url().is_some())),
        ];
        settings.extend(wanted.into_iter().filter(|(_, wanted)| *wanted).map(|(name, _)| name));
        settings
    }

    /// The settings of each assignment of these entries, with the labels that lead to it.
    pub(super) fn assignment_values<'a>(
        &self,
        entries: &[Entry<'a>],
    ) -> Result<Vec<AssignmentValues<'a>>, Error> {
        let mut labels: BTreeMap<&MachineName, (&Assignment, BTreeSet<String>)> = BTreeMap::new();
        for entry in entries {
            let (_, labels) = labels
                .entry(entry.assignment.name())
                .or_insert_with(|| (entry.assignment, BTreeSet::new()));
            labels.insert(entry.label());
        }
        let values = labels.into_values().map(|(assignment, labels)| {
            let overlay = assignment.overlay();
            let signature = match overlay {
                Some(overlay) => self.signature(overlay.as_ref())?,
                None => None,
            };
            Ok(AssignmentValues {
                name: assignment.name(),
                labels: labels.into_iter().collect(),
                profile: assignment.profile(),
                parameters: machine_arguments(assignment)?,
                overlay: overlay.map(Artifact::sha256),
                overlay_signature: signature.map(Artifact::sha256),
                token_url: assignment.boot_once().map(token_url),
                consume_url: assignment.boot_once().and_then(BootOnce::consuming_url),
            })
        });
        values.collect()
    }

    /// Checks that each assignment has an image, and a command line that the firmware does not
    /// truncate.
    fn check_assignments(&self, fleet: &Fleet, images: &[Image]) -> Result<(), Error> {
        let mut destinations: BTreeMap<&ProfileName, Destination<'_>> = BTreeMap::new();
        for image in images {
            let arguments = self.arguments(image, None, &self.payload_urls(3))?;
            let length = command_line_length(image, &arguments);
            let has_closure = image.closure().is_some();
            let destination = Destination { image: image.profile(), length, has_closure };
            destinations.insert(image.profile(), destination);
        }
        for (family, members) in &self.settings.families {
            let members = members.values().filter_map(|profile| destinations.get(profile));
            let any_closure = members.clone().any(|destination| destination.has_closure);
            if let Some(longest) = members.max_by_key(|destination| destination.length).copied() {
                destinations.insert(family, Destination { has_closure: any_closure, ..longest });
            }
        }
        let unknown = |wanted_by: String, profile: &ProfileName| Error::UnknownProfile {
            wanted_by,
            profile: profile.clone(),
            known: destinations.keys().map(|profile| (*profile).clone()).collect(),
        };
        for assignment in fleet.assignments() {
            let profile = assignment.profile();
            let Some(destination) = destinations.get(profile) else {
                return Err(unknown(format!("the machine {}", assignment.name()), profile));
            };
            self.require_no_additions(assignment)?;
            let arguments = machine_arguments(assignment)?;
            if destination.has_closure {
                closure_arguments::check(arguments.iter().map(ScriptArgument::as_str))?;
            }
            let length = destination.length + added_length(&arguments);
            let limit = COMMAND_LINE_LIMIT;
            if length > limit {
                let profile = destination.image.clone();
                return Err(Error::CommandLineTooLong { profile, length, limit });
            }
        }
        match fleet.unknown() {
            UnknownMachine::Profile(profile) if !destinations.contains_key(profile) => {
                Err(unknown("the policy for unknown machines".to_owned(), profile))
            }
            _ => Ok(()),
        }
    }
}

/// The URL of a token, from the script of a release that all machines run.
fn token_url(boot_once: &BootOnce) -> ScriptUrl {
    match boot_once.token() {
        TokenPlace::File(path) => ScriptUrl::from_below(2, path),
        TokenPlace::Url(url) => url.clone(),
    }
}
