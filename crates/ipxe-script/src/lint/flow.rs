//! Checks the paths through a script: commands that none reaches, and ends without a message.

use crate::lint::finding_kind::LintFindingKind;
use crate::lint::reader::Reader;
use crate::script::position::Span;

/// Commands that can fail in practice because they fetch, verify or start something.
const FALLIBLE: [&str; 18] = [
    "autoboot",
    "boot",
    "chain",
    "dhcp",
    "ifconf",
    "imgexec",
    "imgextract",
    "imgfetch",
    "imgload",
    "imgselect",
    "imgtrust",
    "imgverify",
    "initrd",
    "kernel",
    "module",
    "ntp",
    "sanboot",
    "sanhook",
];

pub(crate) fn check(reader: &mut Reader<'_>) {
    let reached = reader.graph.reached();
    let mut found = Vec::new();
    let mut unhandled = Vec::new();
    let mut handles_some = false;
    let mut before_is_dead = false;
    for (node, step) in reader.graph.steps.iter().enumerate() {
        let is_reached = reached.get(node).copied().unwrap_or(true);
        if step.command.tokens().is_empty() {
            continue;
        }
        if !is_reached && !before_is_dead {
            let end = last_dead(reader, &reached, node);
            let span = Span::new(step.span().start, end);
            found.push((span, LintFindingKind::Unreachable));
        }
        before_is_dead = !is_reached;
        let is_fallible = is_reached && step.problem.is_none();
        if let Some(command) = step.name.filter(|name| is_fallible && FALLIBLE.contains(name)) {
            if !reader.graph.fails_script(node) {
                handles_some = true;
            } else if reader.build.has_command(command) {
                let kind = LintFindingKind::UnhandledFailure { command: command.to_owned() };
                unhandled.push((step.span(), kind));
            }
        }
    }
    // The author of a script that handles no failure at all needs to hear it only once.
    unhandled.truncate(if handles_some { usize::MAX } else { 1 });
    found.extend(unhandled);
    reader.find_all(found);
}

/// The end of the unreachable commands.
fn last_dead(reader: &Reader<'_>, reached: &[bool], start: usize) -> usize {
    let steps = reader.graph.steps.iter().enumerate().skip(start);
    let dead = steps.take_while(|(node, step)| {
        step.command.tokens().is_empty() || !reached.get(*node).copied().unwrap_or(true)
    });
    let last = dead.filter(|(_, step)| !step.command.tokens().is_empty()).last();
    last.map_or(0, |(_, step)| step.span().end)
}
