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
/// Images of an earlier attempt may be left.
const STRAY: States = 4;
/// The only images are initrds of this attempt.
const CLEAN: States = 8;
/// There is a kernel of this attempt.
const KERNEL: States = 16;

/// Commands that fetch an image and select it for booting.
pub(crate) const KERNELS: [&str; 3] = ["kernel", "imgselect", "imgload"];
/// Commands that fetch an image for a kernel as its initrd.
pub(crate) const INITRDS: [&str; 2] = ["initrd", "module"];
/// Commands that start the selected image if they have no arguments.
pub(crate) const BOOTS: [&str; 3] = ["boot", "imgexec", "chain"];

pub(crate) fn check(reader: &mut Reader<'_>) {
    let graph = &reader.graph;
    let kernels: Option<HashSet<Cow<'_, str>>> =
        graph.named(&KERNELS).map(|(_, step)| image_name(step)).collect();
    let before = states::solve(graph, NONE | STRAY, |node, states| match graph.step(node) {
        Some(step) => after(step, states, kernels.as_ref()),
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
        let strays = if step.is(&KERNELS) { STRAY | KERNEL } else { STRAY };
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

/// `kernels` has the names of all images that the script selects anywhere, if the text tells them.
fn after(step: &Step<'_>, states: States, kernels: Option<&HashSet<Cow<'_, str>>>) -> After {
    if step.is(&["imgfree"]) {
        let whole = step.arguments.is_empty();
        let frees_others = |word: &Token| {
            word.is_literal() && kernels.is_some_and(|kernels| !kernels.contains(&word.text()))
        };
        if !whole && step.arguments.iter().all(frees_others) {
            return After::unchanged(states);
        }
        let freed = if whole { NONE | CLEAN } else { states | NONE };
        return After { success: freed, failure: states };
    }
    if step.is(&KERNELS) && states != 0 {
        // A finding at this command already reports the images that were left.
        return After { success: SELECTED | KERNEL, failure: states };
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
    const FETCHES: [&str; 9] = [
        "kernel",
        "imgselect",
        "imgload",
        "initrd",
        "module",
        "imgfetch",
        "chain",
        "boot",
        "imgexec",
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
