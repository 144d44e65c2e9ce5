//! Walks over the graph. A single walk may be long, but all walks together take time that grows
//! linearly with the script.

use crate::lint::graph::Graph;

/// The largest number of visits of all walks together, per node of the graph.
const VISITS: usize = 8;

/// Remembers the nodes that a walk has visited.
pub(crate) struct Walker {
    stamps: Vec<u32>,
    stamp: u32,
    budget: usize,
}

/// The way a walk continues from a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Onward {
    Everywhere,
    AfterSuccess,
    AfterFailure,
    Nowhere,
}

/// The budget is used up because there are too many long walks. Their findings are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exhausted;

impl Walker {
    pub(crate) fn new(nodes: usize) -> Self {
        Self { stamps: vec![0; nodes], stamp: 0, budget: VISITS * nodes + 10_000 }
    }

    /// Visits `starts` and every node that can follow them.
    pub(crate) fn forward(
        &mut self,
        graph: &Graph<'_>,
        starts: impl IntoIterator<Item = usize>,
        mut visit: impl FnMut(usize) -> Onward,
    ) -> Result<(), Exhausted> {
        self.walk(starts, |node, next| match visit(node) {
            Onward::Everywhere => next.extend(graph.successors(node)),
            Onward::AfterSuccess => next.extend(graph.edges(node).success),
            Onward::AfterFailure => next.extend(graph.edges(node).failure),
            Onward::Nowhere => {}
        })
    }

    /// Visits every node that can come before `start`, but not `start` itself.
    pub(crate) fn backward(
        &mut self,
        graph: &Graph<'_>,
        start: usize,
        mut visit: impl FnMut(usize) -> Onward,
    ) -> Result<(), Exhausted> {
        let starts: Vec<usize> = graph.predecessors(start).collect();
        self.walk(starts, |node, next| {
            if visit(node) != Onward::Nowhere {
                next.extend(graph.predecessors(node));
            }
        })
    }

    fn walk(
        &mut self,
        starts: impl IntoIterator<Item = usize>,
        mut visit: impl FnMut(usize, &mut Vec<usize>),
    ) -> Result<(), Exhausted> {
        self.stamp += 1;
        let mut waiting: Vec<usize> = starts.into_iter().collect();
        while let Some(node) = waiting.pop() {
            let Some(stamp) = self.stamps.get_mut(node).filter(|stamp| **stamp != self.stamp)
            else {
                continue;
            };
            *stamp = self.stamp;
            self.budget = self.budget.checked_sub(1).ok_or(Exhausted)?;
            visit(node, &mut waiting);
        }
        Ok(())
    }
}
