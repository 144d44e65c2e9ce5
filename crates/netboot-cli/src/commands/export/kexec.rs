//! `netboot export kexec`: the files with which a running Linux starts an image in its own place.

use std::path::PathBuf;

use netboot_core::{ArtifactKind, FileArtifact, Image, ProfileName, ReleaseId, Report};
use netboot_ipxe::Error;
use netboot_ipxe::kexec::{KexecFile, KexecForm, KexecTree};
use netboot_publish::Publisher;
use serde_json::json;
use url::Url;

use super::live_release::live_release;
use super::release_image::release_image;
use super::whole_archive::{Member, WholeArchive};
use super::whole_directory::WholeDirectory;
use super::written_files::write_files;
use crate::answer::Answer;
use crate::misuse::{Misuse, OfCommandLine};
use crate::published_target::{PublishedTarget, until_cancelled};
use crate::publisher_options::ReaderOptions;
use crate::release_prefix::ReleasePrefix;
use crate::session::Session;
use crate::web_url::web_url;

/// The directory in an archive, as nixos-anywhere expects it (`kexecLaunchPath` in its
/// `src/nixos-anywhere.sh`).
const ROOT: &str = "kexec";

/// The description of the answer.
const ANSWER: &str = "\
Copy the directory to the machine, and run its script kexec-boot there as
root. It checks the files by their digests, loads the kernel, and starts it
after 3 seconds in place of the running system. The script needs the program
kexec (on Debian, the package kexec-tools) and has the options --load-only,
--card and --kexec-extra-flags. The archive of --tarball has the script as
kexec/run.

Prints the paths of the files.

With --json:
  release       the id of the release
  profile       the name of the profile
  command_line  the kernel command line
  files         the paths of the files";

#[derive(Debug, clap::Args)]
#[command(after_long_help = ANSWER)]
#[group(id = "place", required = true, multiple = false, args = ["output", "tarball"])]
pub(super) struct Arguments {
    #[command(flatten)]
    target: PublishedTarget,

    /// The profile whose image is written.
    #[arg(value_name = "PROFILE")]
    profile: ProfileName,

    /// The directory to write. A directory of an earlier export is replaced as a whole.
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,

    /// Write an archive instead, which `nixos-anywhere --kexec` takes. Its name ends with
    /// `.tar.gz`.
    #[arg(long, value_name = "FILE", value_parser = archive_name)]
    tarball: Option<PathBuf>,

    /// The release, by the first digits of its id. It need not have been live. The default is the
    /// live release.
    #[arg(long, value_name = "RELEASE")]
    release: Option<ReleasePrefix>,

    /// The `http://` URL from which machines fetch the closure of the image, if it has one. It
    /// serves the target. Machines then try the mirrors of netboot.toml.
    #[arg(long, value_name = "URL", value_parser = web_url)]
    closure_url: Option<Url>,

    /// A program `kexec` to write beside the kernel, for machines that have none. It must run on
    /// any of them, so it is a static program.
    #[arg(long, value_name = "FILE")]
    kexec_program: Option<PathBuf>,

    // Its heading in the help is that of all options after it.
    #[command(flatten)]
    options: ReaderOptions,
}

/// The place of the files.
enum Place {
    Directory(WholeDirectory),
    Archive(WholeArchive),
}

impl Arguments {
    /// Writes the files.
    pub(super) async fn export(self, session: &Session) -> Result<Answer, Report> {
        let place = match (&self.output, &self.tarball) {
            (Some(directory), _) => {
                let directory = WholeDirectory::new("kexec", directory)?;
                until_cancelled(session, directory.check()).await?;
                Place::Directory(directory)
            }
            (None, file) => {
                let archive = WholeArchive::new(file.as_deref().unwrap_or("".as_ref()));
                archive.check()?;
                Place::Archive(archive)
            }
        };
        let settings = self.options.read(session)?;
        let publisher = self.target.read(&settings, session).await?;
        let release = match &self.release {
            Some(release) => release.find(&publisher, session).await?,
            None => live_release(&self.target, &publisher, session).await?,
        };
        let tree = self.tree(&publisher, release, session).await?;
        let files = until_cancelled(session, write(&tree, &place, session)).await?;
        let object = json!({
            "release": release,
            "profile": tree.profile(),
            "command_line": tree.command_line(),
            "files": files,
        });
        Ok(Answer::new(files.join("\n"), object))
    }

    async fn tree(
        &self,
        publisher: &Publisher,
        release: ReleaseId,
        session: &Session,
    ) -> Result<KexecTree, Report> {
        let image = &release_image(publisher, release, &self.profile, session).await?;
        let sources = self.sources(image, session)?;
        let tree = async {
            KexecTree::new(image, &sources, &session.context).await.or_else(|error| match error {
                error @ Error::UnusableClosureSource { .. } => Err(error).of_command_line(),
                error => Err(error.into()),
            })
        };
        let tree = until_cancelled(session, tree).await?;
        let Some(path) = &self.kexec_program else { return Ok(tree) };
        let program = FileArtifact::open(ArtifactKind::Document, "kexec", path, &session.context);
        Ok(tree.with_program(until_cancelled(session, program).await?))
    }

    /// The URLs from which machines fetch the closure of an image.
    fn sources(&self, image: &Image, session: &Session) -> Result<Vec<Url>, Report> {
        if image.closure().is_none() {
            if self.closure_url.is_some() {
                let profile = image.profile();
                return Err(Misuse::report(
                    format!(
                        "`--closure-url` has no effect: the image of `{profile}` has no closure"
                    ),
                    "leave out `--closure-url`",
                ));
            }
            return Ok(Vec::new());
        }
        let closure_boot = session.configuration()?.closure_boot.iter();
        let mirrors = closure_boot.flat_map(|section| &section.mirrors);
        Ok(self.closure_url.iter().chain(mirrors).cloned().collect())
    }
}

/// Parses the name of an archive. nixos-anywhere decides by the name how to unpack it.
fn archive_name(text: &str) -> Result<PathBuf, Report> {
    if text.ends_with(".tar.gz") {
        return Ok(text.into());
    }
    Err(Report::message("it does not end with `.tar.gz`", "write a name such as `worker.tar.gz`"))
}

/// Writes the files of a tree, and returns the paths of what is there now.
async fn write(tree: &KexecTree, place: &Place, session: &Session) -> Result<Vec<String>, Report> {
    let context = &session.context;
    match place {
        Place::Directory(directory) => {
            let files = tree.files(KexecForm::Tree)?;
            let new = directory.begin()?;
            let written = write_files(&files, new.path(), context).await?;
            directory.finish(new, &written).await?;
            let shown = |file: &KexecFile| directory.path(file.name).display().to_string();
            Ok(files.iter().map(shown).collect())
        }
        Place::Archive(archive) => {
            let files = tree.files(KexecForm::Installer)?;
            let new = archive.begin()?;
            write_files(&files, new.path(), context).await?;
            let members =
                files.iter().map(|file| Member { name: file.name, is_program: file.is_program });
            archive.finish(new, ROOT, members.collect(), context).await?;
            Ok(vec![archive.path().display().to_string()])
        }
    }
}
