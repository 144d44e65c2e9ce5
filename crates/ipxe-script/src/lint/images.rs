//! Checks images: whether one is selected, left over, or misnamed.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::lint::finding_kind::LintFindingKind;
use crate::lint::reader::Reader;
use crate::lint::states;
use crate::lint::states::{After, States};
use crate::lint::step::{Step, Value};
use crate::script::position::Span;
use crate::script::token::Token;

/// No image is selected.
const NONE: States = 1;
/// An image is selected.
const SELECTED: States = 2;
/// A kernel of this script was fetched before, so its images may be left.
const KERNEL: States = 4;
/// A kernel was fetched, and then a kernel or a program failed to start.
const FAILED: States = 8;

/// Commands that fetch an image and select it for booting.
pub(crate) const KERNELS: [&str; 3] = ["kernel", "imgselect", "imgload"];
/// Commands that fetch an image for a kernel as its initrd.
pub(crate) const INITRDS: [&str; 2] = ["initrd", "module"];
/// Commands that start the selected image if they have no arguments.
pub(crate) const BOOTS: [&str; 3] = ["boot", "imgexec", "chain"];
/// Commands that fetch an image and keep it.
pub(crate) const FETCHING: [&str; 6] =
    ["kernel", "imgselect", "imgload", "initrd", "module", "imgfetch"];

pub(crate) fn check(reader: &mut Reader<'_>) {
    let graph = &reader.graph;
    let names = |commands| graph.named(commands).map(|(_, step)| image_name(step)).collect();
    let (kernels, all) = (names(&KERNELS), names(&FETCHING));
    let names = Names { kernels, all };
    let before = states::solve(graph, NONE, |node, states| match graph.step(node) {
        Some(step) => after(step, states, &names),
        None => After::unchanged(states),
    });
    let has_initrds = graph.named(&INITRDS).next().is_some();
    let mut found = Vec::new();
    for (node, step) in graph.steps.iter().enumerate() {
        let Some(command) = step.name.filter(|_| step.problem.is_none()) else { continue };
        let states = before.get(node).copied().unwrap_or(0);
        let command = || command.to_owned();
        if step.is(&BOOTS) && step.arguments.is_empty() && states & NONE != 0 {
            found.push((step.span(), LintFindingKind::NothingSelected { command: command() }));
        }
        let strays = if step.is(&INITRDS) { FAILED } else { KERNEL | FAILED };
        if has_initrds && is_fetch(step) && states & strays != 0 {
            found.push((step.span(), LintFindingKind::StrayImages { command: command() }));
        }
    }
    found.extend(unknown_images(reader));
    reader.find_all(found);
}

/// Returns true if the command fetches a kernel. A name without a URL selects an image that was
/// fetched before.
fn is_fetch(step: &Step<'_>) -> bool {
    step.is(&INITRDS) || (step.is(&["kernel", "imgload"]))
}

/// The names of the images of a script, if the text tells them.
struct Names<'s> {
    /// Those that the script selects.
    kernels: Option<HashSet<Cow<'s, str>>>,
    /// Those that it fetches.
    all: Option<HashSet<Cow<'s, str>>>,
}

fn after(step: &Step<'_>, states: States, names: &Names<'_>) -> After {
    if step.is(&["imgfree"]) {
        let freed: Option<HashSet<Cow<'_, str>>> =
            step.arguments.iter().map(|word| word.is_literal().then(|| word.text())).collect();
        let frees_all = step.arguments.is_empty()
            || freed
                .as_ref()
                .zip(names.all.as_ref())
                .is_some_and(|(freed, all)| all.is_subset(freed));
        if frees_all {
            return After { success: NONE, failure: states };
        }
        let keeps_kernels =
            |(freed, kernels): (&HashSet<_>, &HashSet<_>)| kernels.is_disjoint(freed);
        if freed.as_ref().zip(names.kernels.as_ref()).is_some_and(keeps_kernels) {
            return After::unchanged(states);
        }
        return After { success: states | NONE, failure: states };
    }
    if step.is(&KERNELS) && states != 0 {
        // A finding at this command already reports the images that were left.
        return After { success: SELECTED | KERNEL, failure: states };
    }
    if step.is(&BOOTS) && states & KERNEL != 0 {
        // A kernel that was started does not come back. Without one, `boot` succeeds.
        let success = if step.arguments.is_empty() { states & NONE } else { states };
        return After { success, failure: states | FAILED };
    }
    After::unchanged(states)
}

/// The name of an image: the value of its option, or the last part of its URL. `None` if it depends
/// on settings.
pub(crate) fn image_name<'s>(step: &'s Step<'_>) -> Option<Cow<'s, str>> {
    match step.option("name") {
        Some(Value::Text(name)) => Some(Cow::Borrowed(name)),
        Some(_) => None,
        None => base_name(step.arguments.first()?),
    }
}

/// The last part of the path of a URL, if it needs no decoding.
fn base_name(url: &Token) -> Option<Cow<'_, str>> {
    let path = url.bytes().split(|byte| matches!(byte, b'?' | b'#')).next()?;
    let name = path.rsplit(|byte| *byte == b'/').next()?;
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-+,@~".contains(byte);
    (!name.is_empty() && name.iter().all(is_plain)).then(|| String::from_utf8_lossy(name))
}

/// Finds commands that start a download because no image has the name that they are given.
fn unknown_images(reader: &Reader<'_>) -> Vec<(Span, LintFindingKind)> {
    const FETCHES: [&str; 10] = [
        "kernel",
        "imgselect",
        "imgload",
        "initrd",
        "module",
        "imgfetch",
        "chain",
        "boot",
        "imgexec",
        "shim",
    ];
    const NAMING: &[&str] = &[
        "imgargs",
        "imgverify",
        "imgfree",
        "imgstat",
        "md5sum",
        "sha1sum",
        "sha224sum",
        "sha256sum",
        "sha384sum",
        "sha512sum",
    ];
    let graph = &reader.graph;
    let mut names = HashSet::new();
    for step in graph.steps.iter().filter(|step| step.is(&FETCHES) && !step.arguments.is_empty()) {
        match image_name(step) {
            Some(name) => names.insert(name.into_owned()),
            // The image may have any name.
            None => return Vec::new(),
        };
    }
    for step in &graph.steps {
        match step.option("name").filter(|_| step.is(&["imgextract", "imgmem", "imgdecrypt"])) {
            Some(Value::Text(name)) => names.insert(name.clone()),
            Some(_) => return Vec::new(),
            None => continue,
        };
    }
    let mut found = Vec::new();
    for (_, step) in graph.named(NAMING) {
        let Some((command, image)) = step.name.zip(step.argument(0)) else { continue };
        // A name with a path is a URL, and the script means to fetch it.
        let is_url = step.is(&["imgargs", "imgverify"]) && image.contains(['/', ':', '?']);
        if !names.contains(image.as_ref()) && !is_url {
            let (command, image) = (command.to_owned(), image.into_owned());
            found.push((step.span(), LintFindingKind::UnknownImage { command, image }));
        }
    }
    found
}
