//! Reads the usage that iPXE prints for its commands.

use std::collections::{BTreeMap, BTreeSet};

use ipxe_script::Version;
use ipxe_script::commands::{CommandSyntax, OptionValue};

/// Commands that join all remaining words into their last argument, so they take more arguments
/// than their usage shows.
const JOINED: [&str; 8] = ["echo", "form", "item", "menu", "param", "prompt", "sanboot", "sanhook"];

/// A script in which all these commands print their usage.
pub(crate) fn script(commands: &[&str]) -> String {
    let ask = |name: &&str| format!("echo\necho @@command {name}\n{name} --help ||\n");
    let all: String = commands.iter().map(ask).collect();
    format!("echo @@list\nhelp ||\necho @@listed\n{all}echo\necho @@asked\n")
}

/// The names that `help` lists.
pub(crate) fn listed(console: &str) -> BTreeSet<String> {
    let list = between(console, "@@list\n", "@@listed");
    let list = between(list, "Available commands:", "Type \"");
    list.split_whitespace().map(str::to_owned).collect()
}

/// The usage of each command that printed it, without the line breaks of the console.
pub(crate) fn usages(console: &str) -> BTreeMap<String, String> {
    let answers = console.split("@@command ").skip(1);
    let usage = |answer: &str| {
        let (name, text) = answer.split_once('\n')?;
        let usage = text.contains("Usage:").then(|| between(text, "Usage:", "\n\nSee "))?;
        Some((name.trim().to_owned(), usage.replace('\n', "").trim().to_owned()))
    };
    answers.filter_map(usage).collect()
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(begin).unwrap_or_else(|| panic!("no {begin:?} in {text}"));
    rest.split_once(end).unwrap_or_else(|| panic!("no {end:?} in {rest}")).0
}

/// Compares the syntax of a command with the usage that a version prints.
pub(crate) fn assert_same(usage: &str, version: Version) {
    let name = usage.split(' ').next().unwrap();
    if name == "shell" {
        return;
    }
    let syntax = CommandSyntax::find(name.as_bytes(), version);
    let syntax = syntax.unwrap_or_else(|| panic!("the model lacks `{usage}`"));
    let mut options = BTreeSet::new();
    let mut rest = usage.strip_prefix(name).unwrap().trim();
    while let Some(text) = rest.strip_prefix("[-") {
        let (option, behind) = text.split_once(']').unwrap();
        let (short, long) = option.split_once("|--").unwrap();
        let (long, value) = long.split_once(' ').map_or((long, None), |(l, v)| (l, Some(v)));
        options.insert((short.as_bytes()[0], long.to_owned(), value.is_some()));
        rest = behind.trim();
    }
    let modelled = syntax.options(version).map(|option| {
        let has_value = !matches!(option.value, OptionValue::None);
        (option.short, option.long.to_owned(), has_value)
    });
    assert_eq!(options, modelled.collect(), "the options of `{usage}`");

    let minimum = if rest.starts_with('[') {
        0
    } else {
        rest.split(" [").next().unwrap().matches('<').count()
    };
    let maximum = if rest.contains("...") { 255 } else { rest.matches('<').count() };
    match name {
        // The usage does not name the argument.
        "imgextract" => assert_eq!((syntax.minimum, syntax.maximum), (1, 1)),
        // This usage does not name the argument either, which has no effect.
        "shim" => assert_eq!((syntax.minimum, syntax.maximum), (0, 1)),
        // The rest is a command, and an empty value is allowed.
        "time" | "set" => assert_eq!((syntax.minimum, syntax.maximum), (1, 255)),
        _ if JOINED.contains(&name) => {
            assert_eq!((syntax.minimum, syntax.maximum), (minimum, 255), "`{usage}`");
        }
        _ => assert_eq!((syntax.minimum, syntax.maximum), (minimum, maximum), "`{usage}`"),
    }
}
