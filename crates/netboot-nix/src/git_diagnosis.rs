//! Asks git about a repository when Nix's message does not tell enough.

use std::ffi::OsString;
use std::path::Path;

use foreign_text::ForeignText;
use netboot_core::Context;

use crate::error::Error;
use crate::error::git_problem::{GitProblem, GitRefusal};
use crate::error::problem::EvaluationProblem;
use crate::flake_reference::FlakeReference;
use crate::runner::Runner;
use crate::stop::Stop;

/// The beginning of a pointer that git-lfs keeps in the place of a file (the specification of
/// git-lfs, version 1). Nix reads its first word as the name of a variable.
const LFS_POINTER: &str = "version https://git-lfs.github.com/spec/v1";

/// Makes the error of a flake in a repository more exact. Nix before 2.28 does not tell that a file
/// exists but git does not track it, no Nix tells that git ignores it, and Nix 2.8 does not tell
/// that git distrusts a repository.
pub(crate) async fn diagnose_with_git(
    error: Error,
    flake: &FlakeReference,
    runner: &Runner,
    context: &Context,
) -> Result<Error, Stop> {
    if let Some(path) = lfs_pointer(&error, flake) {
        let message = format!("`{path}` is a pointer of git-lfs, not the file").into();
        return Ok(refused(GitProblem::LfsPointer, flake.to_string(), message));
    }
    let Some(repository) = flake.repository() else { return Ok(error) };
    let place = repository.display().to_string();
    let ask = async |question: &[&str]| ask(&repository, question, runner, context).await;
    let path = match &error {
        Error::Git { refusal: GitRefusal { problem: GitProblem::NotTracked { path, .. }, .. } } => {
            path.clone()
        }
        Error::Evaluation { problem: EvaluationProblem::MissingFile { path }, .. } => path.into(),
        Error::Git { refusal } if refusal.message.contains("program 'git' failed") => {
            let answer = ask(&["rev-parse", "--git-dir"]).await?;
            let is_distrusted = answer.is_some_and(|answer| {
                !answer.succeeded && answer.printed.contains("dubious ownership")
            });
            let message = refusal.message.clone();
            return Ok(if is_distrusted {
                refused(GitProblem::OtherOwner, place, message)
            } else {
                error
            });
        }
        _ => return Ok(error),
    };
    let Some(file) = path.to_str().filter(|_| path.is_relative()) else { return Ok(error) };
    if !repository.join(file).exists() {
        return Ok(error);
    }
    let tracked = ask(&["ls-files", "--error-unmatch", "--", file]).await?;
    if tracked.is_none_or(|answer| answer.succeeded) {
        return Ok(error);
    }
    let is_in_submodule = file.match_indices('/').any(|(end, _)| {
        // A submodule has a file or a directory of this name.
        repository.join(&file[..end]).join(".git").exists()
    });
    if is_in_submodule {
        let message = format!("`{file}` is in a submodule").into();
        return Ok(refused(GitProblem::Submodule, place, message));
    }
    // Lists what `git add` would take. Nix 2.8 names a directory where git tracks no file of it.
    let taken = ask(&["ls-files", "--others", "--exclude-standard", "--", file]).await?;
    let ignored = taken.is_some_and(|answer| answer.succeeded && answer.printed.is_empty());
    let message = format!("`{file}` is not tracked").into();
    Ok(refused(GitProblem::NotTracked { path, ignored }, place, message))
}

fn refused(problem: GitProblem, repository: String, message: ForeignText) -> Error {
    Error::Git { refusal: GitRefusal::new(problem, repository, message) }
}

/// The file that stopped an evaluation because it is a pointer of git-lfs.
fn lfs_pointer(error: &Error, flake: &FlakeReference) -> Option<String> {
    let Error::Evaluation {
        problem: EvaluationProblem::UndefinedVariable { name },
        position: Some(position),
        ..
    } = error
    else {
        return None;
    };
    let path = position.strip_suffix(":1:1").filter(|_| name == "version")?;
    let local = flake.repository().map(|repository| repository.join(path));
    // The file of a remote flake is out of reach; no other file is known to begin with this word.
    let text = local.and_then(|file| std::fs::read_to_string(file).ok());
    text.is_none_or(|text| text.starts_with(LFS_POINTER)).then(|| path.to_owned())
}

/// An answer of git.
struct Answer {
    succeeded: bool,
    /// Both outputs.
    printed: String,
}

/// Asks git, which answers `None` if it cannot be run.
async fn ask(
    repository: &Path,
    question: &[&str],
    runner: &Runner,
    context: &Context,
) -> Result<Option<Answer>, Stop> {
    let mut arguments: Vec<OsString> = vec!["-C".into(), repository.into()];
    arguments.extend(question.iter().map(OsString::from));
    let mut printed = String::new();
    match runner.run("git", &arguments, context, |line| printed.push_str(line)).await {
        Ok(finished) => {
            printed.push_str(&String::from_utf8_lossy(&finished.output));
            Ok(Some(Answer { succeeded: finished.status.success(), printed }))
        }
        Err(Stop::Cancelled) => Err(Stop::Cancelled),
        Err(_) => Ok(None),
    }
}
