//! The states that are possible when a command is executed, over all paths to it.

use crate::lint::graph::Graph;

/// A set of possible states. Each check gives the bits its own meaning.
pub(crate) type States = u8;

/// The states after a command: after its success, and after its failure.
pub(crate) struct After {
    pub(crate) success: States,
    pub(crate) failure: States,
}

impl After {
    /// The states after a command that changes nothing.
    pub(crate) fn unchanged(states: States) -> Self {
        Self { success: states, failure: states }
    }
}

/// Finds the states before each node. A node is visited again only if it has a new state, so at
/// most eight times.
pub(crate) fn solve(
    graph: &Graph<'_>,
    at_entry: States,
    transfer: impl Fn(usize, States) -> After,
) -> Vec<States> {
    let mut before = vec![0; graph.len()];
    let mut waiting = vec![graph.entry()];
    if let Some(entry) = before.get_mut(graph.entry()) {
        *entry = at_entry;
    }
    while let Some(node) = waiting.pop() {
        let states = before.get(node).copied().unwrap_or(0);
        let after = transfer(node, states);
        let edges = graph.edges(node);
        let mut flow = |next: usize, states: States| {
            if let Some(known) = before.get_mut(next)
                && states & !*known != 0
            {
                *known |= states;
                waiting.push(next);
            }
        };
        if graph.step(node).is_some() {
            edges.success.into_iter().for_each(|next| flow(next, after.success));
            edges.failure.into_iter().for_each(|next| flow(next, after.failure));
        } else {
            graph.successors(node).for_each(|next| flow(next, states));
        }
    }
    before
}
