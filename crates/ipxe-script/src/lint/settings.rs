//! Checks settings: which are read, which are set, and their types.

use std::collections::{HashMap, HashSet};

use crate::dialect::{Dialect, Version};
use crate::lint::exits::goes_back;
use crate::lint::finding_kind::LintFindingKind;
use crate::lint::graph::Graph;
use crate::lint::reader::Reader;
use crate::lint::step::{Step, Value};
use crate::script::Script;
use crate::script::expansion::SettingReference;
use crate::script::line::LogicalLine;
use crate::script::position::Span;
use crate::script::token::Token;
use crate::settings::predefined;
use crate::settings::setting_type::SettingType;
use crate::settings::{SettingProblem, Settings};

/// The use of settings in the whole script.
#[derive(Default)]
struct Usage {
    /// Names that the script sets, or that it tests because another script may set them.
    known: HashSet<Box<[u8]>>,
    /// Prefixes of the names of further settings.
    prefixes: Vec<Box<[u8]>>,
    /// The first place that reads each setting, and its node.
    reads: Vec<(Box<[u8]>, Span, usize)>,
    seen: HashSet<Box<[u8]>>,
}

/// The names of the settings that a script sets by name.
pub(crate) fn set_by(script: &Script) -> HashSet<Box<[u8]>> {
    let commands = script.lines().iter().flat_map(LogicalLine::commands).map(Step::new);
    let name = |step: Step<'_>| {
        let (name, _) = names(&step).filter(|(name, _)| name.is_literal())?;
        Some(SettingReference::parse(name.bytes()).name)
    };
    commands.filter_map(name).collect()
}

pub(crate) fn check(
    reader: &mut Reader<'_>,
    known_settings: &[Box<[u8]>],
    shared: &HashSet<Box<[u8]>>,
) {
    let mut usage = Usage::of(reader);
    reader.depends_on_another =
        usage.unknown(reader, &[]).iter().any(|(setting, ..)| !is_of_later_builds(setting));
    usage.known.extend(shared.iter().cloned());
    let mut found = unknown_types(reader);
    let unknown = usage.unknown(reader, known_settings);
    // The script before it may have set anything, and so may one that it chained.
    let alone = if unknown.is_empty() || goes_back(reader) {
        Vec::new()
    } else {
        before_other_scripts(&reader.graph)
    };
    for (setting, span, node) in unknown {
        if is_of_later_builds(&setting) {
            found.push((span, LintFindingKind::MissingSetting { setting }));
        } else if alone.get(node) == Some(&true) {
            found.push((span, LintFindingKind::NeverSet { setting }));
        }
    }
    found.extend(self_references(reader));
    found.extend(counted_texts(reader));
    reader.find_all(found);
}

/// The commands that run before any other script has run and come back. If nothing depends on the
/// failure of a `chain`, its script counts as run.
fn before_other_scripts(graph: &Graph<'_>) -> Vec<bool> {
    let is_empty = |node: usize| graph.step(node).is_some_and(|it| it.command.tokens().is_empty());
    graph.reached_by(|node, next| {
        let chains = |step: &Step<'_>| step.is(&["chain", "imgexec"]) && step.problem.is_none();
        if graph.step(node).is_some_and(chains) {
            next.extend(graph.edges(node).failure.filter(|failure| !is_empty(*failure)));
        } else {
            next.extend(graph.successors(node));
        }
    })
}

/// Finds types of settings that the build does not have.
fn unknown_types(reader: &Reader<'_>) -> Vec<(Span, LintFindingKind)> {
    let version = reader.build.version();
    let check = |reference: &SettingReference, span: Span| {
        let is_type = |name: &&[u8]| SettingType::find(name, version).is_some();
        let unknown = reference.setting_type.as_deref().filter(|name| !is_type(name))?;
        let setting_type = String::from_utf8_lossy(unknown).into_owned();
        let setting = reference.name_text().into_owned();
        Some((span, LintFindingKind::UnknownSettingType { setting, setting_type }))
    };
    let mut found = Vec::new();
    for step in &reader.graph.steps {
        for word in step.command.tokens().iter().filter(|word| !word.is_literal()) {
            let references = word.expansions().into_iter();
            let references = references.filter_map(|expansion| expansion.setting());
            found.extend(references.filter_map(|reference| check(&reference, word.span())));
        }
        if let Some((name, span)) = names(step).filter(|(name, _)| name.is_literal()) {
            found.extend(check(&SettingReference::parse(name.bytes()), span));
        }
    }
    found
}

/// The setting that a command changes or shows.
fn names<'s>(step: &'s Step<'_>) -> Option<(&'s Token, Span)> {
    const NAMING: [&str; 10] = [
        "set", "clear", "read", "inc", "choose", "show", "imgset", "nslookup", "pciscan", "usbscan",
    ];
    let name = step.arguments.first().filter(|_| step.is(&NAMING))?;
    Some((name, name.span()))
}

impl Usage {
    fn of(reader: &Reader<'_>) -> Self {
        let mut usage = Self::default();
        let forms = reader.graph.named(&["present"]).next().is_some();
        for (node, step) in reader.graph.steps.iter().enumerate() {
            for word in step.command.tokens().iter().filter(|word| !word.is_literal()) {
                for expansion in word.expansions() {
                    let Some(reference) = expansion.setting() else { continue };
                    usage.read(reference, (word.span(), node), step.is(&["isset"]));
                }
            }
            if let Some((name, _)) = names(step) {
                usage.set(name);
            }
            // `present` sets the text that a person types into each item of a form.
            if forms && step.is(&["item"]) && step.option("menu").is_none() {
                step.arguments.first().into_iter().for_each(|name| usage.set(name));
            }
            if let Some(Value::Text(name)) = step.option("set") {
                usage.known.insert(SettingReference::parse(name.as_bytes()).name);
            }
        }
        usage
    }

    fn set(&mut self, name: &Token) {
        if name.is_literal() {
            self.known.insert(SettingReference::parse(name.bytes()).name);
        } else {
            self.set_dynamically(name);
        }
    }

    fn read(&mut self, reference: SettingReference, (span, node): (Span, usize), is_asked: bool) {
        let SettingReference { scope, name, .. } = reference;
        if is_asked {
            self.known.insert(name);
            return;
        }
        // Settings of a network card depend on the machine, and numbers are DHCP options.
        let is_tag = name.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
        if scope.is_none() && !is_tag && self.seen.insert(name.clone()) {
            self.reads.push((name, span, node));
        }
    }

    /// Records a name with an expansion: all settings that start with the text before it count as
    /// set.
    fn set_dynamically(&mut self, name: &Token) {
        let bytes = name.bytes();
        let end = bytes.windows(2).position(|pair| pair == b"${").unwrap_or(bytes.len());
        self.prefixes.push(bytes.get(..end).unwrap_or_default().into());
    }

    fn unknown(
        &self,
        reader: &Reader<'_>,
        known_settings: &[Box<[u8]>],
    ) -> Vec<(String, Span, usize)> {
        let is_known = |name: &[u8]| {
            let text = String::from_utf8_lossy(name);
            self.known.contains(name)
                || known_settings.iter().any(|prefix| name.starts_with(prefix))
                || reader.build.has_setting(&text)
                || self.prefixes.iter().take(100).any(|prefix| name.starts_with(prefix))
        };
        let reads = self.reads.iter().filter(|(name, ..)| !is_known(name));
        let text = |name| String::from_utf8_lossy(name).into_owned();
        reads.map(|(name, span, node)| (text(name), *span, *node)).collect()
    }
}

/// Returns true for a setting that some version of iPXE knows by itself.
pub(crate) fn is_of_later_builds(setting: &str) -> bool {
    predefined::find(setting.as_bytes(), 0, Version::V2_0).is_some()
}

/// Finds settings with an encoded value that is `${name:…}` of the setting itself.
fn self_references(reader: &Reader<'_>) -> Vec<(Span, LintFindingKind)> {
    let build = Dialect::bios(reader.build.version());
    let mut found = Vec::new();
    for (_, step) in reader.graph.named(&["set"]) {
        let Some((name, value)) = step.argument(0).zip(step.joined(1)) else { continue };
        let reference = SettingReference::parse(name.as_bytes());
        if reference.setting_type.is_none() {
            continue;
        }
        let mut settings = Settings::new(build);
        if settings.set(name.as_bytes(), &value).is_err() {
            continue;
        }
        let setting = reference.name_text().into_owned();
        let text = settings.get(format!("{setting}:string"));
        let own = format!("${{{setting}:string}}");
        if text.windows(own.len()).any(|window| window == own.as_bytes()) {
            found.push((step.span(), LintFindingKind::SelfReference { setting }));
        }
    }
    found
}

/// Finds settings that `inc` counts, although each `set` of them stores text.
fn counted_texts(reader: &Reader<'_>) -> Vec<(Span, LintFindingKind)> {
    let build = Dialect::bios(reader.build.version());
    // True if some `set` stores a number, and true if some `set` stores a text.
    let mut stored: HashMap<String, (bool, bool)> = HashMap::new();
    for (_, step) in reader.graph.named(&["set", "read", "choose"]) {
        let Some(name) = step.argument(0) else { continue };
        let reference = SettingReference::parse(name.as_bytes());
        let entry = stored.entry(reference.name_text().into_owned()).or_default();
        let mut settings = Settings::new(build);
        let is_text = settings.set(name.as_bytes(), "1").is_ok()
            && settings.increment(reference.name_text().as_bytes(), 1)
                == Err(SettingProblem::NotNumeric);
        // `set` without a value clears the setting.
        if step.name != Some("set") || step.arguments.len() > 1 {
            *entry = (entry.0 || !is_text, entry.1 || is_text);
        }
    }
    let mut found = Vec::new();
    for (_, step) in reader.graph.named(&["inc"]) {
        let Some(name) = step.argument(0) else { continue };
        let reference = SettingReference::parse(name.as_bytes());
        let setting = reference.name_text().into_owned();
        let only_text = stored.get(&setting) == Some(&(false, true));
        if reference.setting_type.is_none() && only_text {
            found.push((step.span(), LintFindingKind::NotANumber { setting }));
        }
    }
    found
}
