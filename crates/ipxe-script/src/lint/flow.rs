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
        if is_reached
            && reader.graph.fails_script(node)
            && step.problem.is_none()
            && let Some(command) = step.name.filter(|name| FALLIBLE.contains(name))
            && reader.build.has_command(command)
        {
            let kind = LintFindingKind::UnhandledFailure { command: command.to_owned() };
            found.push((step.span(), kind));
        }
    }
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
