//! Checks the ends of scripts under UEFI. There, a program that ends with success sends the
//! firmware to its menu. The firmware starts the next boot device only after a failure (UEFI
//! specification 2.10, section 3.1.1, "Boot Manager Programming").

use crate::build::capability::Platform;
use crate::lint::finding_kind::LintFindingKind;
use crate::lint::graph::Graph;
use crate::lint::reader::Reader;
use crate::lint::step::Step;
use crate::number;
use crate::script::expansion::Part;
use crate::script::line::LabelDefinition;
use crate::script::token::Token;

/// Commands that start another program. If they succeed, that program has ended with success, and
/// the mistake is there.
const STARTS: [&str; 5] = ["autoboot", "boot", "chain", "imgexec", "sanboot"];

/// Commands that only prepare settings for the script that chained this one.
const OF_SETTINGS: [&str; 9] =
    ["set", "clear", "inc", "iseq", "isset", "goto", "exit", "cpuid", "read"];

pub(crate) fn check(reader: &mut Reader<'_>) {
    if !reader.build.runs_on(Platform::Efi)
        || only_prepares_settings(&reader.graph)
        || reader.depends_on_another
    {
        return;
    }
    let graph = &reader.graph;
    let reached = reached_under_uefi(graph);
    let labels: Vec<&LabelDefinition> = reader.script.labels().map(|(label, _)| label).collect();
    let ends = graph.named(&["exit"]).filter(|(node, step)| {
        reached.get(*node) == Some(&true) && succeeds(step) && !returns(&labels, graph, *node, step)
    });
    let found: Vec<_> =
        ends.map(|(_, step)| (step.span(), LintFindingKind::ExitToFirmwareMenu)).collect();
    reader.find_all(found);
}

/// Returns true if the script goes back to another one, which chained it.
pub(crate) fn goes_back(reader: &Reader<'_>) -> bool {
    let graph = &reader.graph;
    let labels: Vec<&LabelDefinition> = reader.script.labels().map(|(label, _)| label).collect();
    let mut ends = graph.named(&["exit"]);
    ends.any(|(node, step)| succeeds(step) && returns(&labels, graph, node, step))
}

fn only_prepares_settings(graph: &Graph<'_>) -> bool {
    let mut commands = graph.steps.iter().filter(|step| !step.command.tokens().is_empty());
    commands.all(|step| step.is(&OF_SETTINGS)) && graph.named(&["set"]).next().is_some()
}

/// Returns true if the firmware sees a success. It gets the lowest byte of the status (`EFIRC` in
/// iPXE's `src/include/ipxe/efi/efi.h`).
fn succeeds(step: &Step<'_>) -> bool {
    let status = step.argument(0).and_then(|text| number::integer(text.as_bytes(), true));
    step.problem.is_none()
        && (step.arguments.is_empty() || status.is_some_and(|status| status.trailing_zeros() >= 8))
}

/// Returns true if the script goes back to the one that chained it: it has just changed a setting
/// for it, or says so in the label.
fn returns(labels: &[&LabelDefinition], graph: &Graph<'_>, node: usize, exit: &Step<'_>) -> bool {
    let changes = |before: usize| graph.step(before).is_some_and(|it| it.is(&["set", "clear"]));
    let mut before = graph.predecessors(node).peekable();
    if before.peek().is_some() && before.all(changes) {
        return true;
    }
    let above = labels.partition_point(|label| label.span().start <= exit.span().start);
    above.checked_sub(1).and_then(|last| labels.get(last)).is_some_and(|label| {
        let name = label.text().to_ascii_lowercase();
        name.contains("back") || name.contains("return")
    })
}

/// The commands that a machine with UEFI can reach.
fn reached_under_uefi(graph: &Graph<'_>) -> Vec<bool> {
    graph.reached_by(|node, next| {
        let edges = graph.edges(node);
        let Some(step) = graph.step(node) else {
            return next.extend(graph.successors(node));
        };
        if step.is(&["goto"])
            && let Some(label) = step.arguments.first().and_then(under_uefi)
        {
            next.extend(graph.start_of(&label).or(edges.failure));
        } else if let Some(holds) = compares_platform(step) {
            next.extend(if holds { edges.success } else { edges.failure });
        } else if step.is(&STARTS) && step.problem.is_none() {
            next.extend(edges.failure);
        } else {
            next.extend(graph.successors(node));
        }
    })
}

/// The result of a comparison of the platform under UEFI. `None` for any other command.
fn compares_platform(step: &Step<'_>) -> Option<bool> {
    let [left, right] = step.arguments else { return None };
    let (platform, other) = match (under_uefi(left), under_uefi(right)) {
        (Some(platform), None) => (platform, right),
        (None, Some(platform)) => (platform, left),
        _ => return None,
    };
    (step.is(&["iseq"]) && other.is_literal()).then(|| platform == other.bytes())
}

/// The text of a word with `${platform}` in it and no other setting, under UEFI.
fn under_uefi(word: &Token) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    for part in word.parts() {
        match part {
            Part::Literal(literal) => text.extend_from_slice(literal),
            Part::Expansion(expansion) if expansion.name == b"platform" => {
                text.extend_from_slice(b"efi");
            }
            Part::Expansion(_) => return None,
        }
    }
    (!word.is_literal()).then_some(text)
}
