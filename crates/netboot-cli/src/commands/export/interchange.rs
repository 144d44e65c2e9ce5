//! `netboot export matchbox` and `netboot export pixiecore`: the files of these servers.

use std::error::Error as StdError;
use std::path::{Path, PathBuf};

use netboot_core::{MacAddress, Manifest, ProfileName, Report};
use netboot_ipxe::interchange::PayloadBase;
use netboot_ipxe::interchange::matchbox::DataDirectory;
use netboot_ipxe::interchange::pixiecore::Answers;
use netboot_ipxe::{Assignment, Fleet, MachineKey, UnknownMachine};
use serde_json::json;
use url::Url;

use super::exported_files::{Changes, ExportedFiles, ReplaceForeign};
use super::live_release::live_release;
use crate::answer::Answer;
use crate::machine_list::MachineList;
use crate::misuse::{Misuse, OfCommandLine};
use crate::places::is_one_directory;
use crate::published_target::{PublishedTarget, until_cancelled};
use crate::publisher_options::ReaderOptions;
use crate::session::Session;

/// The description of the answer.
const ANSWER: &str = "\
Without --machine and --default, the machines are those of netboot.toml.

Prints the paths of the files. Deletes the files of the export before that are no longer wanted, and
keeps a list of the files in DIR/.netboot-export-SERVER.json for that.

With --json:
  release  the id of the live release, which the files boot
  files    the paths of the files
  deleted  the paths of the files that were deleted";

#[derive(Debug, clap::Args)]
#[command(after_long_help = ANSWER)]
pub(super) struct Matchbox {
    /// A machine and the profile that it boots. Can be repeated.
    #[arg(long = "machine", value_name = "MAC=PROFILE", value_parser = parse_assignment)]
    #[arg(conflicts_with = "machines")]
    assignments: Vec<Assignment>,

    /// The profile of all other machines. Without it, machines that --machine does not name boot
    /// nothing.
    #[arg(long, value_name = "NAME", conflicts_with = "machines")]
    default: Option<ProfileName>,

    #[command(flatten)]
    list: MachineList,

    /// The data directory to write. Give it to matchbox as -data-path, and the published directory
    /// as -assets-path.
    #[arg(long, value_name = "DIR")]
    output: PathBuf,

    // Its heading in the help is that of all options after it.
    #[command(flatten)]
    source: Source,
}

#[derive(Debug, clap::Args)]
#[command(after_long_help = ANSWER)]
pub(super) struct Pixiecore {
    /// A machine and the profile that it boots. Can be repeated.
    #[arg(long = "machine", value_name = "MAC=PROFILE", value_parser = parse_assignment)]
    #[arg(conflicts_with = "machines")]
    assignments: Vec<Assignment>,

    #[command(flatten)]
    list: MachineList,

    /// The directory to write, which a web server has to serve. The default is the target, if it is
    /// a directory of this machine. Another one needs --payload-url. Start Pixiecore with its URL:
    /// pixiecore api URL.
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,

    // Its heading in the help is that of all options after it.
    #[command(flatten)]
    source: Source,
}

#[derive(Debug, clap::Args)]
struct Source {
    #[command(flatten)]
    target: PublishedTarget,

    /// The http or https URL of the published files, if the server itself does not serve them.
    #[arg(long, value_name = "URL")]
    payload_url: Option<Url>,

    #[command(flatten)]
    foreign: ReplaceForeign,

    #[command(flatten)]
    options: ReaderOptions,
}

impl Matchbox {
    /// Writes the data directory.
    pub(super) async fn export(self, session: &Session) -> Result<Answer, Report> {
        let base = self.source.base(PayloadBase::matchbox_assets())?;
        let fleet = fleet(self.assignments, self.default, &self.list, session)?;
        let manifest = self.source.read(session).await?;
        let files = DataDirectory::export(&manifest, &fleet, &base)?.files()?;
        let files = ExportedFiles::new("matchbox", &self.output, &files);
        write(&manifest, &files, self.source.foreign)
    }
}

impl Pixiecore {
    /// Writes the answers.
    pub(super) async fn export(self, session: &Session) -> Result<Answer, Report> {
        let target = session.target(self.source.target.as_str())?;
        let Some(output) = self.output.as_deref().or(target.directory()) else {
            return Err(Misuse::report(
                format!("`{target}` is not a directory of this machine"),
                "name a directory for the answers with --output",
            ));
        };
        let fleet = fleet(self.assignments, None, &self.list, session)?;
        if self.source.payload_url.is_none() && !is_same(output, target.directory()) {
            return Err(Report::message(
                format!("answers in `{}` cannot lead to the target's files", output.display()),
                "name the URL that serves the target with --payload-url",
            ));
        }
        let base = self.source.base(PayloadBase::beside_answers())?;
        let manifest = self.source.read(session).await?;
        let files = Answers::export(&manifest, &fleet, &base)?.files()?;
        let files = ExportedFiles::new("pixiecore", output, &files);
        write(&manifest, &files, self.source.foreign)
    }
}

impl Source {
    fn base(&self, own: PayloadBase) -> Result<PayloadBase, Report> {
        Ok(match &self.payload_url {
            Some(url) => PayloadBase::url(url).of_command_line()?,
            None => own,
        })
    }

    /// The manifest of the live release.
    async fn read(&self, session: &Session) -> Result<Manifest, Report> {
        let settings = self.options.read(session)?;
        let publisher = self.target.read(&settings, session).await?;
        let live = live_release(&self.target, &publisher, session).await?;
        until_cancelled(session, publisher.manifest(&live)).await
    }
}

/// Returns true if both are one directory. The answers then are beside the files that their
/// relative URLs name.
fn is_same(output: &Path, target: Option<&Path>) -> bool {
    target.is_some_and(|target| output == target || is_one_directory(output, target))
}

/// The machine gets its MAC address as its name.
fn parse_assignment(text: &str) -> Result<Assignment, Box<dyn StdError + Send + Sync>> {
    let (mac, profile) = text.split_once('=').ok_or("give MAC=PROFILE")?;
    let mac: MacAddress = mac.parse()?;
    Ok(Assignment::new(mac.separated_by("-"), profile)?.with_key(MachineKey::Mac(mac)))
}

/// The machines of the command line, or else those of a file.
fn fleet(
    assignments: Vec<Assignment>,
    default: Option<ProfileName>,
    list: &MachineList,
    session: &Session,
) -> Result<Fleet, Report> {
    if assignments.is_empty() && default.is_none() {
        return if list.is_listed(session)? {
            list.read(session)
        } else {
            Err(Misuse::report(
                "no machine is named",
                "name one with --machine MAC=PROFILE, or write `[machines]` in netboot.toml",
            ))
        };
    }
    let unknown = default.map_or(UnknownMachine::Refuse, UnknownMachine::Profile);
    Fleet::builder(unknown).assignments(assignments).build().of_command_line()
}

/// Writes files, and lists them.
fn write(
    manifest: &Manifest,
    files: &ExportedFiles<'_>,
    foreign: ReplaceForeign,
) -> Result<Answer, Report> {
    let Changes { written, deleted } = files.write(foreign)?;
    let shown = written.join("\n");
    let release = manifest.release();
    Ok(Answer::new(shown, json!({ "release": release, "files": written, "deleted": deleted })))
}
