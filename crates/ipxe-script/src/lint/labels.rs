//! Checks labels and the jumps to them.

use std::collections::HashMap;

use crate::lint::finding_kind::LintFindingKind;
use crate::lint::reader::Reader;

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
    for (node, label) in &graph.missing {
        let Some(step) = graph.step(*node).filter(|_| graph.fails_script(*node)) else { continue };
        let label = label.clone();
        found.push((step.span(), LintFindingKind::UndefinedLabel { label }));
    }
    reader.find_all(found);
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
