//! Failures of git, and of the ssh that it runs, in their own words.

use crate::classify::any_phase::Failure;
use crate::classify::text::{is_about_git, quoted_after};
use crate::error::Error;
use crate::error::git_problem::{GitProblem, GitRefusal};
use crate::redaction::without_credentials;

/// The beginnings of lines in which git and ssh tell a failure.
const BEGINNINGS: [&str; 5] = ["fatal:", "error:", "ssh:", "No user exists for uid", "remote: "];

/// Texts in lines of ssh that tell a failure and have no fixed beginning.
const WITHIN: [&str; 3] = ["Host key verification failed", "Permission denied (", "IDENTIFICATION"];

/// The words of Nix and of git about a program that they do not find.
const MISSING: [(&str, &str); 4] = [
    ("git", "executing 'git': No such file or directory"),
    ("git", "executing \"git\": No such file or directory"),
    ("ssh", "cannot run ssh: No such file or directory"),
    ("ssh", "executing 'ssh': No such file or directory"),
];

impl Failure<'_> {
    /// The error for git, or the ssh that it runs, that is not installed.
    pub(super) fn program_missing(&self) -> Option<Error> {
        let (program, message) = MISSING.iter().find_map(|(program, text)| {
            let message = self.nix_output.find(&[text]);
            Some((*program, message.or_else(|| self.nix_output.line_with(&[text]))?))
        })?;
        let named = self.nix_output.texts().find_map(|message| {
            ["Git tree", "git repository"].iter().find_map(|before| quoted_after(message, before))
        });
        let repository = without_credentials(named.unwrap_or(self.subject.as_str()));
        let problem = GitProblem::ProgramMissing { program: program.to_owned() };
        Some(Error::Git { refusal: GitRefusal::new(problem, repository, message) })
    }

    /// The error for a repository that git does not give, unless the network is the cause.
    pub(super) fn git(&self) -> Option<Error> {
        let last = self.nix_output.last().map(|message| message.text.as_str());
        let message = last.filter(|message| is_about_git(message))?;
        let is_of_git = |line: &str| {
            BEGINNINGS.iter().any(|text| line.starts_with(text))
                || WITHIN.iter().any(|text| line.contains(text))
        };
        let mut words: Vec<&str> = Vec::new();
        for line in self.nix_output.lines.iter().filter(|line| is_of_git(line)) {
            // Git says some things once for each attempt.
            if !words.contains(&line) && !is_about_git(line.trim_start_matches("error: ")) {
                words.push(line);
            }
        }
        let problem = GitProblem::of(&[&words[..], &[message]].concat().join("\n"));
        // Nix's own words count where git had none, as with libgit2.
        if words.is_empty() {
            words.push(message);
        }
        let named = quoted_after(message, "repository").filter(|name| !name.is_empty());
        let repository = without_credentials(named.unwrap_or(self.subject.as_str()));
        let address = repository.split('?').next().unwrap_or(&repository);
        let address = address.strip_prefix("git+").unwrap_or(address);
        let is_gone = words.iter().any(|line| line.contains("does not appear to be a git repo"));
        if is_gone && address.starts_with("file:") {
            // The flake is not there.
            return None;
        }
        Some(Error::Git { refusal: GitRefusal::new(problem, address, words.join("\n")) })
    }
}
