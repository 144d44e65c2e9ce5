//! Asks git what Nix does not tell of a repository.

use std::ffi::OsString;
use std::path::Path;

use netboot_core::Context;

use crate::error::Error;
use crate::error::problem::EvaluationProblem;
use crate::flake_reference::FlakeReference;
use crate::runner::Runner;
use crate::stop::Stop;

/// An error of a flake in a local repository, with what git knows of its cause: a file that is
/// there, and git only does not track it (Nix before 2.28 does not tell), or a repository that git
/// does not trust (2.8 says only that git failed).
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
            let said = ask(&repository, &question, runner, context).await?;
            // Nothing where git tracks it, or is not there to ask.
            Ok(said.map_or(error, |_| Error::FileNotTracked { path: place }))
        }
        EvaluationProblem::Thrown if message.starts_with("program 'git' failed") => {
            let said = ask(&repository, &["rev-parse", "--git-dir"], runner, context).await?;
            let is_distrusted = said.is_some_and(|said| said.contains("dubious ownership"));
            let repository = repository.display().to_string();
            Ok(if is_distrusted { Error::RepositoryOwner { repository } } else { error })
        }
        _ => Ok(error),
    }
}

/// What git said when it answered a question by failing.
async fn ask(
    repository: &Path,
    question: &[&str],
    runner: &Runner,
    context: &Context,
) -> Result<Option<String>, Stop> {
    let mut arguments: Vec<OsString> = vec!["-C".into(), repository.into()];
    arguments.extend(question.iter().map(OsString::from));
    let mut said = String::new();
    match runner.run("git", &arguments, context, |line| said.push_str(line)).await {
        Ok(finished) if !finished.status.success() => Ok(Some(said)),
        Err(Stop::Cancelled) => Err(Stop::Cancelled),
        _ => Ok(None),
    }
}
