//! Asks git about a repository when Nix's message does not tell enough.

use std::ffi::OsString;
use std::path::Path;

use netboot_core::Context;

use crate::error::Error;
use crate::error::problem::EvaluationProblem;
use crate::flake_reference::FlakeReference;
use crate::runner::Runner;
use crate::stop::Stop;

/// Makes the error of a flake in a local repository more exact. Nix before 2.28 does not tell that
/// a file exists but git does not track it, and Nix 2.8 does not tell that git distrusts a
/// repository.
pub(crate) async fn diagnose_with_git(
    error: Error,
    flake: &FlakeReference,
    runner: &Runner,
    context: &Context,
) -> Result<Error, Stop> {
    let (Some(repository), Error::Evaluation { problem, message, .. }) =
        (flake.repository(), &error)
    else {
        return Ok(error);
    };
    match problem {
        EvaluationProblem::MissingFile { path } => {
            let place = repository.join(path);
            if Path::new(path).is_absolute() || !place.exists() {
                return Ok(error);
            }
            let question = ["ls-files", "--error-unmatch", "--", path];
            let answer = ask(&repository, &question, runner, context).await?;
            // `None` if git tracks the file or cannot be run.
            Ok(answer.map_or(error, |_| Error::FileNotTracked { path: place }))
        }
        EvaluationProblem::Thrown if message.starts_with("program 'git' failed") => {
            let answer = ask(&repository, &["rev-parse", "--git-dir"], runner, context).await?;
            let is_distrusted = answer.is_some_and(|answer| answer.contains("dubious ownership"));
            let repository = repository.display().to_string();
            Ok(if is_distrusted { Error::RepositoryOwner { repository } } else { error })
        }
        _ => Ok(error),
    }
}

/// The output of git if it fails, or `None` if it succeeds or cannot be run.
async fn ask(
    repository: &Path,
    question: &[&str],
    runner: &Runner,
    context: &Context,
) -> Result<Option<String>, Stop> {
    let mut arguments: Vec<OsString> = vec!["-C".into(), repository.into()];
    arguments.extend(question.iter().map(OsString::from));
    let mut answer = String::new();
    match runner.run("git", &arguments, context, |line| answer.push_str(line)).await {
        Ok(finished) if !finished.status.success() => Ok(Some(answer)),
        Err(Stop::Cancelled) => Err(Stop::Cancelled),
        _ => Ok(None),
    }
}
