//! Checks labels and the jumps to them.

use std::collections::{HashMap, HashSet};

use crate::lint::finding_kind::LintFindingKind;
use crate::lint::graph::Graph;
use crate::lint::reader::Reader;
use crate::script::token::Token;

pub(crate) fn check(reader: &mut Reader<'_>) {
    definitions(reader);
    let graph = &reader.graph;
    let mut found = Vec::new();
    for (node, step) in graph.named(&["goto"]) {
        let Some(word) = step.arguments.first() else { continue };
        if word.is_literal() {
            if !graph.labels.contains_key(word.bytes()) {
                let label = word.text().into_owned();
                found.push((word.span(), LintFindingKind::UndefinedLabel { label }));
            }
        } else if graph.unresolved.contains(&node) && graph.fails_script(node) {
            let label = word.text().into_owned();
            found.push((word.span(), LintFindingKind::DynamicLabel { label }));
        }
    }
    let compared = compared(graph);
    for (node, label) in &graph.missing {
        let Some(step) = graph.step(*node).filter(|_| graph.fails_script(*node)) else { continue };
        // The script does something else for this value.
        let jump = step.arguments.first().map(Token::bytes).unwrap_or_default();
        if compared.contains(&(jump, label.as_bytes())) {
            continue;
        }
        let label = label.clone();
        found.push((step.span(), LintFindingKind::UndefinedLabel { label }));
    }
    reader.find_all(found);
}

/// The words with settings and the texts that the script compares with them.
fn compared<'g>(graph: &'g Graph<'_>) -> HashSet<(&'g [u8], &'g [u8])> {
    let pairs = graph.named(&["iseq"]).filter_map(|(_, step)| {
        let [left, right] = step.arguments else { return None };
        match (left.is_literal(), right.is_literal()) {
            (false, true) => Some((left.bytes(), right.bytes())),
            (true, false) => Some((right.bytes(), left.bytes())),
            _ => None,
        }
    });
    pairs.collect()
}

fn definitions(reader: &mut Reader<'_>) {
    let script = reader.script;
    let mut first: HashMap<&[u8], usize> = HashMap::new();
    for (label, index) in script.labels() {
        let name = label.name();
        let text = label.text().into_owned();
        if name.windows(2).any(|pair| pair == b"${") {
            reader.find(label.span(), LintFindingKind::ExpansionInLabel { label: text.clone() });
        }
        match first.get(name) {
            None => {
                first.insert(name, index);
            }
            Some(other) => {
                let start = script.lines().get(*other).and_then(|line| line.label());
                let line = start.map_or(0, |label| script.position(label.span().start).line);
                let kind = LintFindingKind::DuplicateLabel { label: text, first: line };
                reader.find(label.span(), kind);
            }
        }
    }
}
