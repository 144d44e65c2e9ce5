//! `netboot export uki`: the UKI of an image in a release.

use std::path::{Path, PathBuf};

use netboot_core::{Error, ProfileName, Report, blocking};
use netboot_uki::UkiFile;
use serde_json::json;
use tempfile::TempDir;

use super::live_release::live_release;
use super::release_image::release_image;
use super::written_files::write;
use crate::answer::Answer;
use crate::misuse::Misuse;
use crate::published_target::{PublishedTarget, until_cancelled};
use crate::publisher_options::ReaderOptions;
use crate::release_prefix::ReleasePrefix;
use crate::session::Session;

/// The description of the answer.
const ANSWER: &str = "\
Takes the file from the release, and checks it by its digest. Prints its path.

With --json:
  release       the id of the release
  profile       the name of the profile
  file          the path of the file
  sha256        the digest of the file
  authenticode  the digest that its signatures cover
  signatures    the number of its signatures
  command_line  the kernel command line";

#[derive(Debug, clap::Args)]
#[command(after_long_help = ANSWER)]
pub(super) struct Arguments {
    #[command(flatten)]
    target: PublishedTarget,

    /// The profile whose UKI is written.
    #[arg(value_name = "PROFILE")]
    profile: ProfileName,

    /// The file to write, which must not exist.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,

    /// The release, by the first digits of its id. It need not have been live. The default is the
    /// live release.
    #[arg(long, value_name = "RELEASE")]
    release: Option<ReleasePrefix>,

    // Its heading in the help is that of all options after it.
    #[command(flatten)]
    options: ReaderOptions,
}

impl Arguments {
    /// Writes the file.
    pub(super) async fn export(self, session: &Session) -> Result<Answer, Report> {
        if self.output.symlink_metadata().is_ok() {
            return Err(Misuse::report(
                format!("`{}` is there already", self.output.display()),
                "name a file that does not exist yet",
            ));
        }
        let settings = self.options.read(session)?;
        let publisher = self.target.read(&settings, session).await?;
        let release = match &self.release {
            Some(release) => release.find(&publisher, session).await?,
            None => live_release(&self.target, &publisher, session).await?,
        };
        let image = release_image(&publisher, release, &self.profile, session).await?;
        let Some(uki) = image.uki() else {
            return Err(Report::message(
                format!(
                    "the image of `{}` in release {} has no UKI",
                    self.profile,
                    release.short()
                ),
                "publish the image with a UKI: `netboot build --uki`, or `netboot publish --uki`",
            ));
        };
        let parent = self.output.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        let failed = |source| Error::io("create a file in", parent, source);
        let new = TempDir::with_prefix_in(".netboot-", parent).map_err(failed)?;
        let file = new.path().join(uki.file_name().as_str());
        until_cancelled(session, write(uki.as_ref(), &file, 0o644, &session.context)).await?;
        let path = file.clone();
        let read = until_cancelled(session, blocking(move || UkiFile::open(path))).await?;
        // A link fails if something is in the place by now.
        let create = |source| Error::io("create", &self.output, source);
        std::fs::hard_link(&file, &self.output).map_err(create)?;
        let object = json!({
            "release": release,
            "profile": self.profile,
            "file": self.output,
            "sha256": uki.sha256(),
            "authenticode": read.program().sha256(),
            "signatures": read.program().signature_count(),
            "command_line": read.command_line(),
        });
        Ok(Answer::new(self.output.display(), object))
    }
}
