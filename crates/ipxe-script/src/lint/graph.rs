//! The order of commands: which one follows after a success, and which one after a failure.

use std::collections::{BTreeSet, HashMap};

use crate::lint::step::Step;
use crate::lint::values::Values;
use crate::script::Script;
use crate::script::command::Separator;
use crate::script::token::Token;

/// The commands of a script and the edges between them.
pub(crate) struct Graph<'a> {
    pub(crate) steps: Vec<Step<'a>>,
    /// The first line of each label.
    pub(crate) labels: HashMap<&'a [u8], usize>,
    /// The values that the script gives its settings.
    pub(crate) values: Values,
    edges: Vec<Edges>,
    /// Further nodes, after those of the commands and the two ends: jumps to one of several labels.
    fans: Vec<Vec<usize>>,
    /// The node of the first command of each line.
    line_starts: Vec<usize>,
    predecessors: Vec<Vec<usize>>,
    /// The jumps to labels that the text does not tell.
    pub(crate) unresolved: BTreeSet<usize>,
    /// Labels that settings may name and that are not defined, with the jump.
    pub(crate) missing: Vec<(usize, String)>,
}

/// The nodes that follow a node.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Edges {
    pub(crate) success: Option<usize>,
    pub(crate) failure: Option<usize>,
}

/// The largest number of fan entries per command, so that time and memory grow linearly with the
/// script.
const FAN_ENTRIES: usize = 16;

impl<'a> Graph<'a> {
    pub(crate) fn new(script: &'a Script) -> Self {
        let mut steps = Vec::new();
        let mut line_starts = Vec::with_capacity(script.lines().len());
        for line in script.lines() {
            line_starts.push(steps.len());
            steps.extend(line.commands().iter().map(Step::new));
        }
        let mut labels = HashMap::new();
        for (label, index) in script.labels() {
            if !script.lines()[index].is_open() {
                labels.entry(label.name()).or_insert(index);
            }
        }
        let values = Values::new(&steps);
        let mut graph = Self {
            steps,
            labels,
            values,
            edges: Vec::new(),
            fans: Vec::new(),
            line_starts,
            predecessors: Vec::new(),
            unresolved: BTreeSet::new(),
            missing: Vec::new(),
        };
        graph.connect(script);
        graph.find_predecessors();
        graph
    }

    /// The number of nodes.
    pub(crate) fn len(&self) -> usize {
        self.steps.len() + 2 + self.fans.len()
    }

    /// The node of the end after a success.
    pub(crate) fn succeeded(&self) -> usize {
        self.steps.len()
    }

    /// The node of the end after a failure.
    pub(crate) fn failed(&self) -> usize {
        self.steps.len() + 1
    }

    /// The node of the first command.
    pub(crate) fn entry(&self) -> usize {
        if self.steps.is_empty() { self.succeeded() } else { 0 }
    }

    pub(crate) fn step(&self, node: usize) -> Option<&Step<'a>> {
        self.steps.get(node)
    }

    /// The commands of these names, with their nodes.
    pub(crate) fn named(
        &self,
        names: &'static [&'static str],
    ) -> impl Iterator<Item = (usize, &Step<'a>)> {
        self.steps.iter().enumerate().filter(move |(_, step)| step.is(names))
    }

    pub(crate) fn edges(&self, node: usize) -> Edges {
        self.edges.get(node).copied().unwrap_or_default()
    }

    /// The nodes that follow a node, after a success or a failure.
    pub(crate) fn successors(&self, node: usize) -> impl Iterator<Item = usize> {
        let Edges { success, failure } = self.edges(node);
        let fan = node.checked_sub(self.steps.len() + 2).and_then(|index| self.fans.get(index));
        success.into_iter().chain(failure).chain(fan.into_iter().flatten().copied())
    }

    pub(crate) fn predecessors(&self, node: usize) -> impl Iterator<Item = usize> {
        self.predecessors.get(node).into_iter().flatten().copied()
    }

    /// The node of the first command behind a label.
    pub(crate) fn start_of(&self, label: &[u8]) -> Option<usize> {
        self.labels.get(label).map(|line| self.line_starts[*line])
    }

    /// Returns true if the script ends when the command fails.
    pub(crate) fn fails_script(&self, node: usize) -> bool {
        self.edges(node).failure == Some(self.failed())
    }

    /// Returns true if two commands are meant as alternatives. Either both may fail without any
    /// effect, or they run only if one setting has two different values: each line compares it
    /// first, as in `iseq ${platform} efi && …`.
    pub(crate) fn are_alternatives(&self, one: usize, other: usize) -> bool {
        let is_empty = |node| self.step(node).is_some_and(|it| it.command.tokens().is_empty());
        let may_fail = |node: usize| self.edges(node).failure.is_some_and(is_empty);
        if may_fail(one) && may_fail(other) {
            return true;
        }
        let (one, other) = (self.condition(one), self.condition(other));
        one.zip(other)
            .is_some_and(|((setting, value), (same, another))| setting == same && value != another)
    }

    /// The setting and the value that the command before this one compares on the same line.
    fn condition(&self, node: usize) -> Option<(&[u8], &[u8])> {
        let mut node = node;
        while self.step(node)?.command.separator() == Some(Separator::And) {
            node = node.checked_sub(1)?;
            let step = self.step(node)?;
            if let ("iseq", [left, right]) = (step.name?, step.arguments) {
                let (left, right) = if left.is_literal() { (right, left) } else { (left, right) };
                return right.is_literal().then_some((left.bytes(), right.bytes()));
            }
        }
        None
    }

    fn connect(&mut self, script: &Script) {
        let (succeeded, failed) = (self.succeeded(), self.failed());
        self.edges = vec![Edges::default(); self.steps.len() + 2];
        for (index, line) in script.lines().iter().enumerate() {
            let start = self.line_starts[index];
            let count = line.commands().len();
            // The next node if the line has succeeded or failed so far.
            let mut after = Edges {
                success: Some(self.line_starts.get(index + 1).copied().unwrap_or(succeeded)),
                failure: Some(failed),
            };
            for (offset, command) in line.commands().iter().enumerate().take(count).rev() {
                let node = start + offset;
                self.edges[node] = after;
                let runs = |success| {
                    command.separator().is_none_or(|it: Separator| it.continues_after(success))
                };
                after.success = if runs(true) { Some(node) } else { after.success };
                after.failure = if runs(false) { Some(node) } else { after.failure };
            }
            if line.is_open() {
                self.edges[start] = Edges { success: None, failure: Some(failed) };
            }
        }
        self.redirect();
    }

    /// Corrects the edges of commands that jump, end the script, or cannot fail.
    fn redirect(&mut self) {
        let (succeeded, failed) = (self.succeeded(), self.failed());
        let mut fans: HashMap<&'a [u8], (Option<usize>, bool)> = HashMap::new();
        let mut entries = self.steps.len() * FAN_ENTRIES + 1000;
        for node in 0..self.steps.len() {
            let step = &self.steps[node];
            let Some(name) = step.name else {
                if step.command.tokens().is_empty() {
                    self.edges[node].failure = None;
                }
                continue;
            };
            if step.problem.is_some() {
                continue;
            }
            match name {
                "exit" => {
                    let status = step.argument(0);
                    let fails = !step.arguments.is_empty() && status.as_deref() != Some("0");
                    let end = if fails { failed } else { succeeded };
                    self.edges[node] = Edges { success: Some(end), failure: None };
                }
                "echo" => self.edges[node].failure = None,
                "imgfree" if step.arguments.is_empty() => self.edges[node].failure = None,
                "reboot" | "poweroff" => self.edges[node].success = Some(succeeded),
                "goto" => {
                    let Some(word) = step.arguments.first() else { continue };
                    if word.is_literal() {
                        let line = self.labels.get(word.bytes());
                        let start = line.map(|line| self.line_starts[*line]);
                        self.edges[node].success = start;
                        if start.is_some() {
                            self.edges[node].failure = None;
                        }
                        continue;
                    }
                    if !fans.contains_key(word.bytes()) {
                        let fan = self.fan(node, word, &mut entries);
                        fans.insert(word.bytes(), fan);
                    }
                    let (fan, is_whole) = fans.get(word.bytes()).copied().unwrap_or_default();
                    self.edges[node].success = fan;
                    // A command for the case of failure is care, even if the case cannot happen.
                    if is_whole && self.edges[node].failure == Some(failed) {
                        self.edges[node].failure = None;
                    }
                    if fan.is_none() {
                        self.unresolved.insert(node);
                    }
                }
                _ => {}
            }
        }
        self.connect_unresolved();
    }

    /// Creates a node that leads to each label that the word may name. Returns `None` if the text
    /// does not tell them, and true if all of them are defined.
    fn fan(&mut self, node: usize, word: &Token, entries: &mut usize) -> (Option<usize>, bool) {
        let Some(names) = self.values.of_word(word, *entries) else {
            return (None, false);
        };
        *entries -= names.len();
        let mut fan = BTreeSet::new();
        let mut is_whole = true;
        for name in names {
            if let Some(line) = self.labels.get(name.as_bytes()) {
                fan.insert(self.line_starts[*line]);
            } else {
                is_whole = false;
                self.missing.push((node, name));
            }
        }
        self.fans.push(fan.into_iter().collect());
        (Some(self.steps.len() + 1 + self.fans.len()), is_whole)
    }

    /// Connects each jump to an unknown label with every label that no other path leads to.
    ///
    /// At first, those are the labels that no other jump names. Some of the rest may be named only
    /// by commands that nothing else leads to, so they are added afterwards.
    fn connect_unresolved(&mut self) {
        if self.unresolved.is_empty() {
            return;
        }
        let mut others: BTreeSet<usize> = self.fans.iter().flatten().copied().collect();
        for step in &self.steps {
            let word = step.arguments.first().filter(|word| word.is_literal());
            if step.is(&["goto"])
                && let Some(line) = word.and_then(|word| self.labels.get(word.bytes()))
            {
                others.insert(self.line_starts[*line]);
            }
        }
        let starts = self.labels.values().map(|line| self.line_starts[*line]);
        let (later, fan): (BTreeSet<usize>, BTreeSet<usize>) =
            starts.partition(|start| others.contains(start));
        self.fans.push(fan.into_iter().collect());
        let node = self.steps.len() + 1 + self.fans.len();
        for jump in &self.unresolved {
            self.edges[*jump].success = Some(node);
        }
        let reached = self.reached();
        if let Some(fan) = self.fans.last_mut() {
            fan.extend(later.into_iter().filter(|start| reached.get(*start) == Some(&false)));
            fan.sort_unstable();
        }
    }

    /// The nodes that some path leads to.
    pub(crate) fn reached(&self) -> Vec<bool> {
        self.reached_by(|node, next| next.extend(self.successors(node)))
    }

    /// The nodes that some path leads to, where `onward` adds the nodes that may follow a node.
    pub(crate) fn reached_by(&self, onward: impl Fn(usize, &mut Vec<usize>)) -> Vec<bool> {
        let mut reached = vec![false; self.len()];
        let mut waiting = vec![self.entry()];
        while let Some(node) = waiting.pop() {
            if let Some(seen) = reached.get_mut(node).filter(|seen| !**seen) {
                *seen = true;
                onward(node, &mut waiting);
            }
        }
        reached
    }

    fn find_predecessors(&mut self) {
        let mut predecessors = vec![Vec::new(); self.len()];
        for node in 0..self.len() {
            for next in self.successors(node) {
                predecessors[next].push(node);
            }
        }
        self.predecessors = predecessors;
    }
}
