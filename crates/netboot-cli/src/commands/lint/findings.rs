//! The findings of scripts, for people and for programs.

use std::fmt::Write;

use ipxe_script::{LintFinding, LintFindingKind, Severity};
use netboot_core::counted;
use serde_json::{Value, json};

/// The number of findings of one script that are shown to people.
const SHOWN: usize = 50;

/// The description of the answer.
pub(super) const AFTER: &str = "\
Prints at most 50 findings of each file, errors before warnings. The exit code
is 3 if there are errors, or warnings with --deny-warnings, and 1 if a file
cannot be read. The other files are checked in any case.

With --json:
  errors    the number of errors
  warnings  the number of warnings
  unread    the files that cannot be read. Each has:
    path     the file, as it was written
    message  what failed
    causes   the causes, from the nearest to the first
    hint     what to do, or null
  findings  all findings. Each has:
    path      the file, as it was written
    line      the line, from 1
    column    the byte in the line, from 1
    start     the offset of the first byte of the place in the file
    end       the offset after its last byte
    severity  error or warning
    code      the kind of the finding
    message   the finding as a sentence
    hint      what to do
  A kind also has those of these fields that its message mentions:
    argument      an argument of the command
    arguments     the number of arguments
    byte          the number of a character
    command       the command
    comment       the comment
    digest        the value of netboot.index
    elsewhere     true if other builds have it
    escape        the percent-escape
    first         the line of the first definition
    image         the name of an image
    initrd        the name of an initrd
    item          the item of a menu
    label         the label
    length        the length of the kernel command line
    limit         the largest number or length that is possible
    maximum       the largest number of arguments
    minimum       the smallest number of arguments
    option        the option, as it is written
    problem       what is wrong with the start or the option
    program       the program that a command starts
    scheme        the scheme of a URL
    separator     the separator of commands
    setting       the setting
    setting_type  the type of the setting
    swallowed     the text that iPXE does not execute
    url           the URL
    word          the word
    words         the words, or the number of words";

pub(super) fn is_error(finding: &LintFinding) -> bool {
    finding.severity() == Severity::Error
}

/// If iPXE does not take the text for a script, keeps only the finding that says so. What follows
/// is about the text as a script, and a kernel or a picture has no end of that.
pub(super) fn without_followers(findings: Vec<LintFinding>) -> Vec<LintFinding> {
    let is_magic = |finding: &&LintFinding| matches!(finding.kind, LintFindingKind::Magic { .. });
    match findings.iter().find(is_magic) {
        Some(magic) => vec![magic.clone()],
        None => findings,
    }
}

/// Adds findings to a text, a line each with its remedy below it, and the number of those that are
/// left out.
pub(super) fn add_text(text: &mut String, path: &str, findings: &[LintFinding]) {
    let (errors, warnings): (Vec<_>, Vec<_>) = findings.iter().partition(|one| is_error(one));
    let mut shown: Vec<&LintFinding> = errors.into_iter().chain(warnings).take(SHOWN).collect();
    shown.sort_by_key(|finding| finding.start);
    for finding in &shown {
        let (code, hint) = (finding.kind.code(), finding.hint());
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{path}:{finding} [{code}]\n    {hint}");
    }
    let left = findings.len() - shown.len();
    if left > 0 {
        let left = counted(left, "more finding");
        let _ = writeln!(text, "{path}: {left}: `--json` prints all of them");
    }
}

/// Findings as objects.
pub(super) fn objects<'a>(
    path: &'a str,
    findings: &'a [LintFinding],
) -> impl Iterator<Item = Value> + use<'a> {
    findings.iter().map(move |finding| {
        let mut object = json!(finding);
        object["path"] = path.into();
        object["severity"] = json!(finding.severity());
        object["message"] = finding.kind.to_string().into();
        object["hint"] = finding.hint().into();
        object
    })
}
