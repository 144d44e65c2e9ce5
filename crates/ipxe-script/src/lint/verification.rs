//! Checks that a script verifies each image that it boots.

use crate::lint::finding_kind::LintFindingKind;
use crate::lint::graph::{Edges, Graph};
use crate::lint::images::BOOTS;
use crate::lint::images::INITRDS;
use crate::lint::images::KERNELS;
use crate::lint::images::image_name;
use crate::lint::reader::Reader;
use crate::lint::states;
use crate::lint::states::{After, States};
use crate::lint::step::{Step, Value};
use crate::lint::walk::Onward;

/// iPXE executes unverified images.
const TRUSTING: States = 1;
/// iPXE refuses unverified images.
const STRICT: States = 2;

pub(crate) fn check(reader: &mut Reader<'_>) {
    if reader.graph.named(&["imgverify"]).next().is_none() {
        return;
    }
    let graph = &reader.graph;
    let before = states::solve(graph, TRUSTING, |node, states| match graph.step(node) {
        Some(step) if step.is(&["imgtrust"]) && step.problem.is_none() => {
            let success = if step.option("allow").is_some() { TRUSTING } else { STRICT };
            After { success, failure: states }
        }
        _ => After::unchanged(states),
    });
    let untrusted: Vec<usize> = graph
        .named(&["imgverify"])
        .filter(|(node, _)| before.get(*node).is_some_and(|states| states & TRUSTING != 0))
        .map(|(node, _)| node)
        .collect();
    let mut found = Vec::new();
    for node in untrusted {
        if !is_started_after_failure(reader, node) {
            continue;
        }
        let step = reader.graph.step(node);
        found.extend(step.map(|step| (step.span(), LintFindingKind::VerifyWithoutTrust)));
    }
    let is_fetch =
        |step: &Step<'_>| (is_loaded(step) || is_started(step)) && step.problem.is_none();
    let fetches = reader.graph.steps.iter().enumerate().filter(|(_, step)| is_fetch(step));
    let fetches: Vec<usize> = fetches.map(|(node, _)| node).collect();
    for node in fetches {
        let Some(image) = unverified(reader, node) else { continue };
        let Some(step) = reader.graph.step(node) else { continue };
        found.push((step.span(), LintFindingKind::UnverifiedImage { image }));
    }
    reader.find_all(found);
}

/// Returns true if the command fetches an image that stays until something is booted. `imgfetch`
/// does what `initrd` does: a kernel gets every image (iPXE's `src/hci/commands/image_cmd.c`).
fn is_loaded(step: &Step<'_>) -> bool {
    step.is(&KERNELS) || step.is(&INITRDS) || step.is(&["imgfetch"])
}

/// Returns true if the command fetches and starts a binary. Other scripts come from the same server
/// as this one and verify what they boot.
fn is_started(step: &Step<'_>) -> bool {
    step.is(&["boot", "imgexec"]) && !step.arguments.is_empty()
}

/// The name of the image, if a path from here to its start does not verify it.
fn unverified(reader: &mut Reader<'_>, fetch: usize) -> Option<String> {
    let graph = &reader.graph;
    let step = graph.step(fetch)?;
    let name = image_name(step);
    let shown = || match &name {
        Some(name) => name.clone().into_owned(),
        None => step.arguments.first().map(|url| url.text().into_owned()).unwrap_or_default(),
    };
    if is_started(step) {
        return Some(shown());
    }
    let mut is_booted = false;
    let verifies = |other: &Step<'_>| match (other.argument(0), &name) {
        (Some(verified), Some(name)) => verified == *name,
        // One of the two names depends on settings.
        _ => true,
    };
    let walked = reader.walker.forward(graph, graph.edges(fetch).success, |node| {
        let Some(other) = graph.step(node) else { return Onward::Everywhere };
        if let Some(branch) = chooses_verification(graph, node) {
            return branch;
        }
        if other.is(&["imgverify"]) && other.problem.is_none() && verifies(other) {
            return Onward::AfterFailure;
        }
        if other.is(&BOOTS) && other.arguments.is_empty() {
            is_booted = true;
            return Onward::Nowhere;
        }
        let same = || matches!((image_name(other), &name), (Some(a), Some(b)) if a == *b);
        let is_freed = other.is(&["imgfree"])
            && (other.arguments.is_empty() || other.argument(0).as_deref() == name.as_deref());
        let is_fetched_again = is_loaded(other) && same();
        if is_freed || is_fetched_again { Onward::Nowhere } else { Onward::Everywhere }
    });
    let keeps = matches!(step.option("keep"), Some(Value::None));
    (walked.is_ok() && is_booted && !keeps).then(shown)
}

/// The branch of a test that leads to a verification, if there is one. The other branch is the
/// choice of the person who turned verification off.
fn chooses_verification(graph: &Graph<'_>, test: usize) -> Option<Onward> {
    const NEAR: usize = 8;
    const BETWEEN: [&str; 5] = ["goto", "echo", "imgtrust", "set", "imgstat"];
    graph.step(test).filter(|step| step.is(&["iseq", "isset"]))?;
    let verifies = |start: Option<usize>| {
        let mut node = start;
        for _ in 0..NEAR {
            let Some(step) = node.and_then(|node| graph.step(node)) else { return false };
            if step.is(&["imgverify"]) {
                return true;
            }
            if !step.command.tokens().is_empty() && !step.is(&BETWEEN) {
                return false;
            }
            node = node.and_then(|node| graph.edges(node).success);
        }
        false
    };
    let Edges { success, failure } = graph.edges(test);
    match (verifies(success), verifies(failure)) {
        (true, false) => Some(Onward::AfterSuccess),
        (false, true) => Some(Onward::AfterFailure),
        _ => None,
    }
}

/// Returns true if the image may be started although its verification has failed. A failure that
/// leads to the end of the script, or to the next download, needs no trust settings.
fn is_started_after_failure(reader: &mut Reader<'_>, verification: usize) -> bool {
    let graph = &reader.graph;
    let image = |step: &Step<'_>| step.arguments.first().map(|word| word.bytes().to_vec());
    let verified = graph.step(verification).and_then(image);
    let mut is_started = false;
    let walked = reader.walker.forward(graph, graph.edges(verification).failure, |node| {
        let Some(step) = graph.step(node) else { return Onward::Everywhere };
        if step.is(&["imgverify"]) && image(step) == verified {
            return Onward::AfterFailure;
        }
        if step.is(&BOOTS) {
            is_started |= step.arguments.is_empty() || image(step) == verified;
            return Onward::Nowhere;
        }
        let is_over = is_loaded(step) || step.is(&["imgfree", "sanboot"]);
        if is_over { Onward::Nowhere } else { Onward::Everywhere }
    });
    walked.is_ok() && is_started
}
