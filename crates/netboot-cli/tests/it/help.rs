//! The help of every command, against the texts in `tests/golden/help`. With `UPDATE_GOLDEN=1` the
//! test writes the texts.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The commands with the words that name them: `netboot`, `netboot export`, `netboot export dhcp`.
fn commands() -> Vec<(Vec<String>, clap::Command)> {
    let mut program = netboot_cli::command();
    program.build();
    let (mut found, mut to_visit) = (Vec::new(), vec![(Vec::new(), program)]);
    while let Some((words, command)) = to_visit.pop() {
        for part in command.get_subcommands().filter(|part| part.get_name() != "help") {
            let words = [&words[..], &[part.get_name().to_owned()]].concat();
            to_visit.push((words, part.clone()));
        }
        found.push((words, command));
    }
    found
}

fn help(words: &[String], option: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netboot"));
    let output = command.args(words).arg(option).env("COLUMNS", "80").output().unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn help_is_as_it_was_reviewed() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/help");
    let updates = netboot_testbed::updates_golden();
    let mut differing = BTreeSet::new();
    let mut known = BTreeSet::new();
    for (words, _) in commands() {
        let name = [&["netboot".to_owned()], &words[..]].concat().join("-");
        let text = format!("{}\n{}", help(&words, "-h"), help(&words, "--help"));
        for line in text.lines() {
            // clap does not break the usage.
            let fits = line.chars().count() <= 80 || line.starts_with("Usage: ");
            assert!(fits, "{name}: {line}");
            assert!(!line.ends_with(' ') || line.trim().is_empty(), "{name}: {line:?}");
        }
        let path = golden.join(format!("{name}.txt"));
        if updates {
            fs::write(&path, &text).unwrap();
        } else if fs::read_to_string(&path).ok().as_ref() != Some(&text) {
            differing.insert(name.clone());
        }
        known.insert(format!("{name}.txt"));
    }
    let present = fs::read_dir(&golden).unwrap().map(|entry| entry.unwrap());
    for other in present.filter(|entry| !known.contains(&*entry.file_name().to_string_lossy())) {
        if updates {
            fs::remove_file(other.path()).unwrap();
        } else {
            differing.insert(other.file_name().to_string_lossy().into_owned());
        }
    }
    assert!(
        differing.is_empty(),
        "read the new help of {differing:?}, and accept it with UPDATE_GOLDEN=1"
    );
}

/// The first letter is a capital one, and a full stop ends the text.
#[test]
fn every_option_has_a_help_text_of_sentences() {
    let mut problems = Vec::new();
    for (words, command) in commands() {
        let name = words.join(" ");
        match command.get_about() {
            Some(about) => problems.extend(problem(&format!("netboot {name}"), &about.to_string())),
            None => problems.push(format!("netboot {name} has no description")),
        }
        for argument in command.get_arguments().filter(|argument| !is_of_clap(argument)) {
            let place = format!("netboot {name} {}", argument.get_id());
            let short = argument.get_help().map(ToString::to_string);
            let long = argument.get_long_help().map(ToString::to_string);
            match long.or(short) {
                Some(text) => problems.extend(problem(&place, &(text + "."))),
                None => problems.push(format!("{place} has no help")),
            }
            for value in argument.get_possible_values() {
                let about = value.get_help().map(ToString::to_string);
                problems.extend(about.and_then(|text| problem(&place, &(text + "."))));
            }
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

fn is_of_clap(argument: &clap::Arg) -> bool {
    ["help", "version"].contains(&argument.get_id().as_str())
}

/// clap removes the full stop of a text that is one sentence, so the caller adds it.
fn problem(place: &str, text: &str) -> Option<String> {
    let begins = text.chars().next().is_some_and(char::is_uppercase);
    let ends = text.trim_end_matches('.').chars().last().is_some_and(char::is_alphanumeric)
        || text.trim_end_matches('.').ends_with([')', '`', '}', '>', '*']);
    let is_sentence = begins && ends && text.split_whitespace().count() > 1;
    (!is_sentence).then(|| format!("{place}: {text:?} is no sentence"))
}

/// Every command takes `--json`.
#[test]
fn every_command_that_runs_describes_its_object() {
    for (words, command) in commands() {
        if command.get_subcommands().all(|part| part.get_name() == "help") {
            assert!(help(&words, "--help").contains("With --json:\n"), "{words:?}");
        }
    }
}
