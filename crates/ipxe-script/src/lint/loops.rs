//! Checks loops. A loop without a pause and an end keeps a machine and its server busy forever.

use std::collections::HashSet;

use crate::lint::finding_kind::LintFindingKind;
use crate::lint::graph::Graph;
use crate::lint::images::BOOTS;
use crate::lint::reader::Reader;
use crate::lint::step::Step;
use crate::script::expansion::SettingReference;
use crate::script::position::Span;
use crate::script::token::Token;

/// Commands that wait for a person or for some time. Those that configure a network card wait for
/// its link and for answers before they fail (iPXE's `src/usr/ifmgmt.c`).
const WAITING: [&str; 16] = [
    "sleep",
    "prompt",
    "choose",
    "present",
    "form",
    "shell",
    "login",
    "read",
    "config",
    "reboot",
    "poweroff",
    "dhcp",
    "ifconf",
    "iflinkwait",
    "ping",
    "autoboot",
];

pub(crate) fn check(reader: &mut Reader<'_>) {
    let graph = &reader.graph;
    let mut found = Vec::new();
    for component in components(graph) {
        let steps = || component.iter().filter_map(|node| Some((*node, graph.step(*node)?)));
        if is_bounded(graph, &component) {
            continue;
        }
        // The last jump is the one back.
        let last = steps().filter(|(_, step)| step.is(&["goto"])).max_by_key(|(node, _)| *node);
        if let Some((_, step)) = last.or_else(|| steps().next()) {
            let span: Span = step.span();
            found.push((span, LintFindingKind::EndlessRetry));
        }
    }
    reader.find_all(found);
}

/// Returns true if the loop changes a setting, and a test of it leads out of the loop. `pciscan`
/// and `usbscan` fail after the last device.
fn is_bounded(graph: &Graph<'_>, component: &[usize]) -> bool {
    let steps = || component.iter().filter_map(|node| Some((*node, graph.step(*node)?)));
    let counted: HashSet<Box<[u8]>> = steps()
        .filter(|(_, step)| step.is(&["inc", "set", "clear", "pciscan", "usbscan"]))
        .filter_map(|(_, step)| Some(SettingReference::parse(step.argument(0)?.as_bytes()).name))
        .collect();
    !counted.is_empty()
        && steps().any(|(node, step)| {
            let tests = step.is(&["iseq", "isset"]) && compares(step, &counted);
            (tests || step.is(&["pciscan", "usbscan"]))
                && graph.successors(node).any(|next| component.binary_search(&next).is_err())
        })
}

fn compares(step: &Step<'_>, counted: &HashSet<Box<[u8]>>) -> bool {
    let expansions = step.arguments.iter().flat_map(Token::expansions);
    let mut settings = expansions.filter_map(|expansion| expansion.setting());
    settings.any(|setting| counted.contains(&setting.name))
}

/// Returns true if a loop through this node keeps the machine busy.
fn is_busy(graph: &Graph<'_>, node: usize) -> bool {
    match graph.step(node) {
        Some(step) => {
            let idle = step.is(&["sleep"]) && step.argument(0).as_deref() == Some("0");
            (idle || !step.is(&WAITING)) && !graph.unresolved.contains(&node)
        }
        None => true,
    }
}

/// The sets of busy nodes that all lead to each other, sorted (Tarjan's algorithm, without
/// recursion because scripts can be long).
fn components(graph: &Graph<'_>) -> Vec<Vec<usize>> {
    const NEW: usize = usize::MAX;
    let count = graph.len();
    let next_of = |node: usize| -> Vec<usize> {
        // A kernel that was started does not come back.
        let is_start = graph.step(node).is_some_and(|it| it.is(&BOOTS) && it.arguments.is_empty());
        let success = graph.edges(node).success.filter(|_| is_start);
        let next = graph.successors(node).filter(|next| Some(*next) != success);
        next.filter(|next| is_busy(graph, *next)).collect()
    };
    let mut order = vec![NEW; count];
    let mut low = vec![0; count];
    let mut on_stack = vec![false; count];
    let mut stack = Vec::new();
    let mut found = Vec::new();
    let mut clock = 0;
    for root in (0..count).filter(|node| is_busy(graph, *node)) {
        if order[root] != NEW {
            continue;
        }
        let mut calls = vec![(root, next_of(root), 0)];
        (order[root], low[root], on_stack[root]) = (clock, clock, true);
        clock += 1;
        stack.push(root);
        while let Some((node, successors, position)) = calls.last_mut() {
            let node = *node;
            if let Some(next) = successors.get(*position).copied() {
                *position += 1;
                if order[next] == NEW {
                    (order[next], low[next], on_stack[next]) = (clock, clock, true);
                    clock += 1;
                    stack.push(next);
                    calls.push((next, next_of(next), 0));
                } else if on_stack[next] {
                    low[node] = low[node].min(order[next]);
                }
                continue;
            }
            let loops_alone = successors.contains(&node);
            calls.pop();
            if let Some((caller, ..)) = calls.last() {
                low[*caller] = low[*caller].min(low[node]);
            }
            if low[node] != order[node] {
                continue;
            }
            let start = stack.iter().rposition(|member| *member == node).unwrap_or(0);
            let mut component = stack.split_off(start);
            for member in &component {
                on_stack[*member] = false;
            }
            if component.len() > 1 || loops_alone {
                component.sort_unstable();
                found.push(component);
            }
        }
    }
    found
}
