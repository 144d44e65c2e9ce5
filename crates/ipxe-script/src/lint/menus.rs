//! Checks menus and their items.

use std::collections::HashSet;

use crate::lint::finding_kind::LintFindingKind;
use crate::lint::reader::Reader;
use crate::lint::step::{Step, Value};
use crate::lint::walk::Onward;
use crate::script::position::Span;

pub(crate) fn check(reader: &mut Reader<'_>) {
    let mut found = Vec::new();
    let nodes: Vec<usize> =
        reader.graph.named(&["item", "choose", "present"]).map(|(node, _)| node).collect();
    let mut first_item = true;
    for node in nodes {
        let Some(step) = reader.graph.step(node) else { continue };
        // If there is a menu before an item, the items after it have that menu too.
        if step.name == Some("item") && !std::mem::replace(&mut first_item, false) {
            continue;
        }
        let menu = || Menu { name: step.option("menu").or(step.option("form")).cloned() };
        let before = before(reader, node, &menu());
        let Some(step) = reader.graph.step(node) else { continue };
        let Some(before) = before else { continue };
        if !before.has_menu {
            let command = step.name.unwrap_or_default().to_owned();
            found.push((step.span(), LintFindingKind::ItemWithoutMenu { command }));
        } else if step.name == Some("choose") {
            found.extend(of_choice(step, &before));
        }
    }
    reader.find_all(found);
}

/// The menu of a command: one with a name, or the one without a name.
struct Menu {
    name: Option<Value>,
}

/// The commands between the menu of a command and that command, on all paths.
#[derive(Default)]
struct Before {
    has_menu: bool,
    /// The names of the items. An empty name stands for a name that depends on settings.
    items: HashSet<String>,
}

/// Returns `None` if no path leads to the command, or too many paths do.
fn before(reader: &mut Reader<'_>, node: usize, menu: &Menu) -> Option<Before> {
    let mut before = Before::default();
    let graph = &reader.graph;
    if node != graph.entry() && graph.predecessors(node).next().is_none() {
        return None;
    }
    let complete = reader.walker.backward(graph, node, |node| {
        let Some(step) = graph.step(node) else { return Onward::Everywhere };
        match step.name {
            Some("menu" | "form") if menu.is_of(step.option("name")) => {
                before.has_menu |= step.option("delete").is_none();
                return Onward::Nowhere;
            }
            Some("item")
                if step.option("gap").is_none()
                    && menu.is_of(step.option("menu").or(step.option("form"))) =>
            {
                before.add(step);
            }
            _ => {}
        }
        Onward::Everywhere
    });
    complete.ok().map(|()| before)
}

impl Menu {
    fn is_of(&self, name: Option<&Value>) -> bool {
        match (&self.name, name) {
            (Some(Value::Unknown), _) | (_, Some(Value::Unknown)) => true,
            (mine, other) => mine.as_ref() == other,
        }
    }
}

impl Before {
    fn add(&mut self, item: &Step<'_>) {
        let Some(name) = item.arguments.first() else { return };
        let name = if name.is_literal() { name.text().into_owned() } else { String::new() };
        self.items.insert(name);
    }
}

fn of_choice(step: &Step<'_>, before: &Before) -> Option<(Span, LintFindingKind)> {
    if before.items.is_empty() {
        return Some((step.span(), LintFindingKind::ChooseWithoutItems));
    }
    let Some(Value::Text(item)) = step.option("default") else { return None };
    let is_there = item.is_empty() || before.items.contains("") || before.items.contains(item);
    (!is_there).then(|| (step.span(), LintFindingKind::UnknownDefault { item: item.clone() }))
}
