//! Checks initrds against the command line of their kernel.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::build::capability::Quirk;
use crate::dialect::Version;
use crate::lint::finding_kind::LintFindingKind;
use crate::lint::graph::Graph;
use crate::lint::images::BOOTS;
use crate::lint::images::INITRDS;
use crate::lint::images::KERNELS;
use crate::lint::images::image_name;
use crate::lint::reader::Reader;
use crate::lint::step::Step;
use crate::lint::walk::{Exhausted, Onward, Walker};
use crate::script::position::Span;
use crate::script::token::Token;

/// The largest number of images of one name that a further one is compared with.
const PAIRS: usize = 4;

/// The largest number of names on command lines that the URL of an initrd is compared with.
const NAMES: usize = 16;

pub(crate) fn check(reader: &mut Reader<'_>) {
    let mut found = Vec::new();
    let starts_linux = reader.graph.named(&KERNELS).any(|(_, step)| !is_no_linux(step));
    let loads_named = starts_linux && reader.build.has_quirk(Quirk::LoadsNamedInitrdsOnly);
    let named_by_kernels: HashSet<&[u8]> = reader
        .graph
        .named(&KERNELS)
        .flat_map(|(_, step)| step.arguments)
        .filter_map(|word| word.bytes().strip_prefix(b"initrd="))
        .filter(|name| !name.is_empty())
        .collect();
    for (_, step) in reader.graph.named(&INITRDS).filter(|_| loads_named) {
        let is_unnamed = step.option("name").is_none() && image_name(step).is_none();
        let has_name = |url: &Token| {
            let is_end = |name: &&&[u8]| {
                let before = url.bytes().strip_suffix(**name);
                before.is_some_and(|before| before.is_empty() || before.ends_with(b"/"))
            };
            // Both words end with the same settings.
            named_by_kernels.iter().take(NAMES).any(|name| is_end(&name))
        };
        if step.problem.is_none() && is_unnamed && !step.arguments.first().is_some_and(has_name) {
            found.push((step.span(), LintFindingKind::UnnamedInitrd));
        }
    }
    let kernels: Vec<usize> = reader
        .graph
        .named(&KERNELS)
        .filter(|(_, step)| step.problem.is_none())
        .map(|(node, _)| node)
        .collect();
    let others = others(&reader.graph);
    let has_later_arguments = reader.graph.named(&["imgargs"]).next().is_some();
    for kernel in kernels {
        let Ok(initrds) = attempt(reader, kernel) else { break };
        let Some(step) = reader.graph.step(kernel) else { continue };
        if !has_later_arguments {
            found.extend(of_attempt(reader, step, &initrds, others.as_ref()));
        }
        let Ok(twice) = duplicates(reader, kernel, &initrds) else { break };
        found.extend(twice);
    }
    reader.find_all(found);
}

/// Finds the initrds of a kernel: those that are fetched before or after it, and before the script
/// boots or frees the images.
fn attempt(reader: &mut Reader<'_>, kernel: usize) -> Result<Vec<usize>, Exhausted> {
    let graph = &reader.graph;
    let mut initrds = HashSet::new();
    let mut visit = |node: usize| {
        let Some(step) = graph.step(node) else { return Onward::Everywhere };
        let ends = step.is(&KERNELS)
            || (step.is(&["imgfree"]) && step.arguments.is_empty())
            || (step.is(&BOOTS) && step.arguments.is_empty());
        if ends {
            return Onward::Nowhere;
        }
        if step.is(&INITRDS) && step.problem.is_none() {
            initrds.insert(node);
        }
        Onward::Everywhere
    };
    reader.walker.forward(graph, graph.edges(kernel).success, &mut visit)?;
    reader.walker.backward(graph, kernel, &mut visit)?;
    let mut initrds: Vec<usize> = initrds.into_iter().collect();
    initrds.sort_unstable();
    Ok(initrds)
}

fn of_attempt(
    reader: &Reader<'_>,
    kernel: &Step<'_>,
    initrds: &[usize],
    others: Option<&HashSet<String>>,
) -> Vec<(Span, LintFindingKind)> {
    let steps = || initrds.iter().filter_map(|node| reader.graph.step(*node));
    let mut found = Vec::new();
    if is_no_linux(kernel) {
        return found;
    }
    let parameters = kernel.arguments.get(1..).unwrap_or_default();
    let wanted: Vec<(&Token, &[u8])> = parameters
        .iter()
        .filter_map(|word| Some((word, word.bytes().strip_prefix(b"initrd=")?)))
        .collect();
    let mut parameters = parameters.iter();
    let is_open = parameters.any(|word| !word.is_literal() && !is_of_another_name(word));
    if !is_open && reader.build.has_quirk(Quirk::LoadsNamedInitrdsOnly) {
        for step in steps() {
            let Some(name) = image_name(step) else { continue };
            if !wanted.iter().any(|(_, other)| *other == name.as_bytes()) {
                let initrd = name.into_owned();
                found.push((step.span(), LintFindingKind::InitrdNotLoaded { initrd }));
            }
        }
    }
    let there: Option<HashSet<_>> = steps().map(image_name).collect();
    let Some((there, others)) = there.zip(others) else { return found };
    for (word, name) in wanted.iter().filter(|(word, _)| word.is_literal()) {
        let name = String::from_utf8_lossy(name);
        // Newer builds offer all initrds together under this name (iPXE's
        // `src/interface/efi/efi_file.c`).
        if name == "initrd.magic" && reader.build.version() >= Version::V1_21 {
            continue;
        }
        // A name with a path is a file of the firmware.
        let is_there = there.contains(&name) || others.contains(name.as_ref());
        if !is_there && !name.contains(['\\', '/', ',']) {
            let initrd = name.into_owned();
            found.push((word.span(), LintFindingKind::UnknownInitrd { initrd }));
        }
    }
    found
}

/// The names of the images that a kernel gets like those of `initrd`. `None` if a name depends on a
/// setting.
fn others(graph: &Graph<'_>) -> Option<HashSet<String>> {
    const OTHERS: &[&str] = &["imgfetch", "imgextract", "imgmem", "imgdecrypt"];
    let steps = graph.named(OTHERS).map(|(_, step)| step);
    let steps = steps.filter(|step| step.problem.is_none());
    steps.map(|step| image_name(step).map(Cow::into_owned)).collect()
}

/// Returns true if the word is a parameter with another name.
fn is_of_another_name(word: &Token) -> bool {
    let bytes = word.bytes();
    let end = bytes.iter().position(|byte| matches!(byte, b'=' | b'$')).unwrap_or(bytes.len());
    bytes.get(end) == Some(&b'=') && bytes.get(..end) != Some(b"initrd")
}

/// Returns true for a program that does not take images as Linux does.
fn is_no_linux(kernel: &Step<'_>) -> bool {
    let url = kernel.arguments.first().map(Token::text).unwrap_or_default().to_ascii_lowercase();
    // Only the name of the file counts: a server may be called `ipxe.example.org`.
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    ["wimboot", "memdisk", "mboot", "xen", ".efi", "ipxe", "tboot"]
        .iter()
        .any(|it| name.contains(it))
}

/// Finds images of an attempt that are fetched although one with the same name is there.
fn duplicates(
    reader: &mut Reader<'_>,
    kernel: usize,
    initrds: &[usize],
) -> Result<Vec<(Span, LintFindingKind)>, Exhausted> {
    let graph = &reader.graph;
    let name = |node: usize| graph.step(node).and_then(image_name);
    let mut first: HashMap<Cow<'_, str>, Vec<usize>> = HashMap::new();
    let mut found = Vec::new();
    for node in std::iter::once(kernel).chain(initrds.iter().copied()) {
        let Some(image) = name(node) else { continue };
        // Programs other than Linux may tell images of one name apart by their arguments.
        let arguments = |node: usize| {
            let words = graph.step(node).and_then(|step| step.arguments.get(1..));
            words.unwrap_or_default().iter().map(Token::bytes)
        };
        let others = first.entry(image.clone()).or_default();
        for other in others.iter().take(PAIRS) {
            let is_same = *other == kernel || arguments(*other).eq(arguments(node));
            if !is_same || graph.are_alternatives(*other, node) {
                continue;
            }
            let meets = meets(&mut reader.walker, graph, *other, node, &image)?
                || meets(&mut reader.walker, graph, node, *other, &image)?;
            if let Some(step) = graph.step(node).filter(|_| meets) {
                let image = image.into_owned();
                found.push((step.span(), LintFindingKind::DuplicateImage { image }));
                break;
            }
        }
        others.push(node);
    }
    Ok(found)
}

/// Returns true if a path leads from a successful fetch of an image to another fetch, and nothing
/// on it frees the image.
fn meets(
    walker: &mut Walker,
    graph: &Graph<'_>,
    fetch: usize,
    other: usize,
    image: &str,
) -> Result<bool, Exhausted> {
    let mut is_met = false;
    walker.forward(graph, graph.edges(fetch).success, |node| {
        if node == other {
            is_met = true;
            return Onward::Nowhere;
        }
        let Some(step) = graph.step(node) else { return Onward::Everywhere };
        let frees = |word: &Token| !word.is_literal() || word.text() == image;
        let is_freed = step.is(&["imgfree"])
            && (step.arguments.is_empty() || step.arguments.iter().any(frees));
        let is_booted = step.is(&BOOTS) && step.arguments.is_empty();
        if is_freed || is_booted || step.is(&KERNELS) {
            Onward::Nowhere
        } else {
            Onward::Everywhere
        }
    })?;
    Ok(is_met)
}
