//! Checks what machines with Secure Boot start: the firmware refuses every program that no known
//! key signed, and systemd's stub takes nothing from outside of a UKI.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::lint::finding_kind::LintFindingKind;
use crate::lint::images::{BOOTS, FETCHING, INITRDS, KERNELS, image_name};
use crate::lint::reader::Reader;
use crate::lint::signed_programs::{SignedPrograms, last_part};
use crate::lint::states;
use crate::lint::states::{After, States};
use crate::lint::step::Step;
use crate::script::token::Token;

/// The script begins, or it has freed all images.
const NONE: States = 1;
/// A UKI is selected.
const UKI: States = 2;
/// An initrd is there.
const INITRD: States = 4;

pub(crate) fn check(reader: &mut Reader<'_>, signed: &SignedPrograms) {
    let graph = &reader.graph;
    let programs = Programs::new(&graph.steps, signed);
    let before = states::solve(graph, NONE, |node, states| match graph.step(node) {
        Some(step) => after(step, states, &programs),
        None => After::unchanged(states),
    });
    let mut found = Vec::new();
    for (node, step) in graph.steps.iter().enumerate() {
        let Some(command) = step.name.filter(|_| step.problem.is_none()) else { continue };
        let states = before.get(node).copied().unwrap_or(0);
        if step.is(&INITRDS) && states & UKI != 0 {
            found.push((step.span(), LintFindingKind::InitrdOfUki));
        }
        let Some(word) = step.arguments.first() else { continue };
        if programs.is_refused(step, word) {
            let (command, program) = (command.to_owned(), word.text().into_owned());
            found.push((step.span(), LintFindingKind::UnsignedProgram { command, program }));
        }
        if !starts(step) || !programs.is_uki(word) {
            continue;
        }
        if step.arguments.len() > 1 {
            let program = word.text().into_owned();
            found.push((step.span(), LintFindingKind::ArgumentsOfUki { program }));
        }
        if step.is(&KERNELS) && states & INITRD != 0 {
            found.push((step.span(), LintFindingKind::InitrdOfUki));
        }
    }
    reader.find_all(found);
}

/// Returns true if the command names a program with its arguments.
fn starts(step: &Step<'_>) -> bool {
    step.is(&KERNELS) || step.is(&BOOTS) || step.is(&["imgargs"])
}

fn after(step: &Step<'_>, states: States, programs: &Programs<'_>) -> After {
    let success = if step.is(&["imgfree"]) && step.arguments.is_empty() {
        NONE
    } else if step.is(&INITRDS) {
        states | INITRD
    } else if step.is(&KERNELS) && step.arguments.first().is_some_and(|it| programs.is_uki(it)) {
        states | UKI
    } else {
        states
    };
    After { success, failure: states }
}

/// The programs of a script.
struct Programs<'a> {
    signed: &'a SignedPrograms,
    /// The URLs from which images of each name are fetched.
    sources: HashMap<Cow<'a, str>, Vec<&'a Token>>,
}

impl<'a> Programs<'a> {
    fn new(steps: &'a [Step<'_>], signed: &'a SignedPrograms) -> Self {
        let mut sources: HashMap<Cow<'_, str>, Vec<&Token>> = HashMap::new();
        for step in steps.iter().filter(|step| step.is(&FETCHING)) {
            if let Some((name, url)) = image_name(step).zip(step.arguments.first())
                && name != url.text()
            {
                sources.entry(name).or_default().push(url);
            }
        }
        Self { signed, sources }
    }

    /// The URLs of the program that a word names: the word itself, or the places from which an
    /// image of this name was fetched.
    fn urls(&self, word: &'a Token) -> Vec<&'a Token> {
        self.sources.get(&word.text()).cloned().unwrap_or_else(|| vec![word])
    }

    fn is_uki(&self, word: &'a Token) -> bool {
        self.urls(word).iter().any(|url| self.signed.has_uki(url.bytes()))
    }

    /// Returns true if the firmware refuses the program that a command starts. A URL that depends
    /// on settings may be that of a signed program.
    fn is_refused(&self, step: &Step<'_>, word: &'a Token) -> bool {
        let ends_with = |url: &Token, suffix: &[u8]| {
            let name = last_part(url.bytes()).unwrap_or_default();
            let end = name.len().checked_sub(suffix.len()).and_then(|start| name.get(start..));
            end.is_some_and(|end| end.eq_ignore_ascii_case(suffix))
        };
        self.urls(word).into_iter().any(|url| {
            let is_program = if step.is(&BOOTS) {
                // These commands also run scripts, which have any name.
                ends_with(url, b".efi")
            } else {
                step.is(&["shim"]) || step.is(&KERNELS) && !ends_with(url, b".ipxe")
            };
            is_program && url.is_literal() && !self.signed.has(url.bytes())
        })
    }
}
