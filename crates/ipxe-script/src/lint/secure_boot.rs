//! Checks what machines with Secure Boot start: the firmware refuses every program that no known
//! key signed, and systemd's stub takes nothing from outside of a UKI.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

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
/// An image is there that a kernel gets as its initrd.
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
        if programs.is_initrd(step) && states & UKI != 0 {
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
        if (step.is(&KERNELS) || step.is(&BOOTS)) && states & INITRD != 0 {
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
    let is_of_uki = step.arguments.first().map(|word| programs.is_uki(word));
    let success = match is_of_uki {
        None if step.is(&["imgfree"]) => NONE,
        Some(true) if step.is(&["imgfree"]) => states & !UKI,
        Some(true) if step.is(&KERNELS) => states | UKI,
        Some(false) if step.is(&KERNELS) => states & !UKI,
        _ if programs.is_initrd(step) => states | INITRD,
        _ => states,
    };
    After { success, failure: states }
}

/// The programs of a script.
struct Programs<'a> {
    signed: &'a SignedPrograms,
    /// The URLs from which images of each name are fetched.
    sources: HashMap<Cow<'a, str>, Vec<&'a Token>>,
    /// The names by which commands start images. An image with another name is an initrd.
    started: HashSet<Cow<'a, str>>,
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
        let starting = steps.iter().filter(|step| starts(step) || step.is(&["shim"]));
        let started = starting.filter_map(|step| Some(step.arguments.first()?.text())).collect();
        Self { signed, sources, started }
    }

    /// The URLs of the program that a word names: the word itself, or the places from which an
    /// image of this name was fetched.
    fn urls(&self, word: &'a Token) -> Vec<&'a Token> {
        self.sources.get(&word.text()).cloned().unwrap_or_else(|| vec![word])
    }

    fn is_uki(&self, word: &'a Token) -> bool {
        self.urls(word).iter().any(|url| self.signed.has_uki(url.bytes()))
    }

    /// Returns true if a kernel gets the image that a command fetches. A kernel gets every image
    /// but itself, whatever command fetched it (iPXE's `src/hci/commands/image_cmd.c`).
    fn is_initrd(&self, step: &Step<'_>) -> bool {
        let is_started = || image_name(step).is_none_or(|name| self.started.contains(&name));
        step.is(&INITRDS) || step.is(&["imgfetch"]) && !is_started()
    }

    /// Returns true if the firmware refuses the program that a command starts. A file name that
    /// depends on settings may be that of a signed program.
    fn is_refused(&self, step: &Step<'_>, word: &'a Token) -> bool {
        let ends_with = |url: &Token, suffix: &[u8]| {
            let name = last_part(url.bytes()).unwrap_or_default();
            let end = name.len().checked_sub(suffix.len()).and_then(|start| name.get(start..));
            end.is_some_and(|end| end.eq_ignore_ascii_case(suffix))
        };
        self.urls(word).into_iter().any(|url| {
            let is_program = if step.is(&["chain"]) && step.arguments.len() == 1 {
                // It also runs scripts, which have any name and take no arguments.
                ends_with(url, b".efi")
            } else {
                step.is(&["shim"])
                    || (step.is(&KERNELS) || step.is(&BOOTS)) && !ends_with(url, b".ipxe")
            };
            is_program && !self.signed.may_have(url)
        })
    }
}
