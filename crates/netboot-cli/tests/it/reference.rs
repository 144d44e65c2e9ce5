//! The chapter about commands has what the command line defines. `UPDATE_GOLDEN=1` writes it into
//! the chapter.

use std::env;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use clap::builder::StyledStr;
use clap::{Arg, Command};

const MARK: &str =
    "<!-- All that follows is generated from the definitions of the command line. -->\n";

#[test]
fn the_chapter_about_commands_has_all_of_them() {
    let mut netboot = netboot_cli::command();
    netboot.build();
    let mut commands = String::new();
    describe(&netboot, &mut commands);
    let commands = format!("{}\n", commands.trim());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/commands.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, _) = text.split_once(MARK).unwrap();
    netboot_testbed::assert_golden(&path, &format!("{before}{MARK}\n{commands}"));
}

/// Describes a command, and then the commands below it.
fn describe(command: &Command, text: &mut String) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let about = command.get_long_about().or(command.get_about());
    write!(text, "## {name}\n\n{}\n\n", sentence(about)).unwrap();
    let usage = command.clone().render_usage().to_string();
    write!(text, "```text\n{}\n```\n\n", usage.trim_start_matches("Usage: ")).unwrap();

    let is_root = !name.contains(' ');
    let shown = |arg: &&Arg| {
        let is_here = is_root || !arg.is_global_set();
        is_here && !arg.is_hide_set() && !["help", "version"].contains(&arg.get_id().as_str())
    };
    let arguments: Vec<&Arg> = command.get_arguments().filter(shown).collect();
    if !arguments.is_empty() {
        text.push_str("| argument | meaning |\n|---|---|\n");
        for argument in arguments {
            writeln!(text, "| `{}` | {} |", spelling(argument), meaning(argument)).unwrap();
        }
        text.push('\n');
    }
    if let Some(more) = command.get_after_long_help().or(command.get_after_help()) {
        write!(text, "```text\n{}\n```\n\n", more.to_string().trim()).unwrap();
    }
    for below in command.get_subcommands().filter(|it| !it.is_hide_set() && it.get_name() != "help")
    {
        describe(below, text);
    }
}

/// An option or an argument as a user writes it.
fn spelling(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    let values: Vec<&str> = names.iter().map(clap::builder::Str::as_str).collect();
    let is_flag = !argument.get_action().takes_values();
    let mut text = match (argument.get_short(), argument.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long}"),
        (None, Some(long)) => format!("--{long}"),
        (Some(short), None) => format!("-{short}"),
        (None, None) => return values.join(" "),
    };
    if !is_flag {
        write!(text, " {}", values.join(" ")).unwrap();
    }
    text
}

/// The help of an argument, with its values and its default.
fn meaning(argument: &Arg) -> String {
    let mut text = sentence(argument.get_long_help().or(argument.get_help()));
    let takes_values = argument.get_action().takes_values();
    let values: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|value| takes_values && !value.is_hide_set())
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if !values.is_empty() {
        write!(text, " One of {}.", values.join(", ")).unwrap();
    }
    let defaults: Vec<_> = argument.get_default_values().iter().collect();
    if takes_values && !defaults.is_empty() {
        let defaults = defaults.iter().map(|it| it.to_string_lossy()).collect::<Vec<_>>();
        write!(text, " Default: `{}`.", defaults.join(" ")).unwrap();
    }
    text
}

/// A text of the command line as Markdown in one line that ends with a full stop.
fn sentence(text: Option<&StyledStr>) -> String {
    let text = text.map(ToString::to_string).unwrap_or_default();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    // A name in angle brackets is no element of HTML.
    let parts = text.split('`').enumerate();
    let parts = parts.map(|(index, part)| match index % 2 {
        0 => part.replace('<', "\\<"),
        _ => part.to_owned(),
    });
    let text = parts.collect::<Vec<_>>().join("`");
    if text.is_empty() || text.ends_with(['.', ':', '!']) { text } else { text + "." }
}
