//! `netboot export matchbox` and `netboot export pixiecore`: the files of these servers.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::path::{Path, PathBuf};

use netboot_core::{MacAddress, Manifest, ProfileName, Report};
use netboot_ipxe::interchange::PayloadBase;
use netboot_ipxe::interchange::matchbox::DataDirectory;
use netboot_ipxe::interchange::pixiecore::Answers;
use netboot_ipxe::{Assignment, Fleet, MachineKey, UnknownMachine};
use serde_json::json;
use url::Url;

use crate::answer::Answer;
use crate::misuse::{Misuse, OfCommandLine};
use crate::places::is_one_directory;
use crate::published_target::{PublishedTarget, until_cancelled};
use crate::publisher_options::ReaderOptions;
use crate::session::Session;

/// The description of the answer.
const ANSWER: &str = "\
Prints the paths of the files.

With --json:
  release  the id of the live release, which the files boot
  files    the paths of the files";

#[derive(Debug, clap::Args)]
#[command(after_long_help = ANSWER)]
pub(super) struct Matchbox {
    /// A machine and the profile that it boots. Can be repeated.
    #[arg(long = "machine", value_name = "MAC=PROFILE", value_parser = parse_assignment)]
    #[arg(required_unless_present = "default")]
    machines: Vec<Assignment>,

    /// The profile of all other machines. Without it, they boot nothing.
    #[arg(long, value_name = "NAME")]
    default: Option<ProfileName>,

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
    #[arg(required = true)]
    machines: Vec<Assignment>,

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
    options: ReaderOptions,
}

impl Matchbox {
    /// Writes the data directory.
    pub(super) async fn export(self, session: &Session) -> Result<Answer, Report> {
        let unknown = self.default.map_or(UnknownMachine::Refuse, UnknownMachine::Profile);
        let base = self.source.base(PayloadBase::matchbox_assets())?;
        let fleet = Fleet::builder(unknown).assignments(self.machines).build().of_command_line()?;
        let manifest = self.source.read(session).await?;
        let files = DataDirectory::export(&manifest, &fleet, &base)?.files()?;
        write(&manifest, &self.output, &files)
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
        if self.source.payload_url.is_none() && !is_same(output, target.directory()) {
            return Err(Report::message(
                format!("answers in `{}` cannot lead to the target's files", output.display()),
                "name the URL that serves the target with --payload-url",
            ));
        }
        let base = self.source.base(PayloadBase::beside_answers())?;
        let fleet = Fleet::builder(UnknownMachine::Refuse)
            .assignments(self.machines)
            .build()
            .of_command_line()?;
        let manifest = self.source.read(session).await?;
        let files = Answers::export(&manifest, &fleet, &base)?.files()?;
        write(&manifest, output, &files)
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
        let Some(live) = until_cancelled(session, publisher.live()).await? else {
            return Err(Report::message(
                format!("no release is live at `{}`", self.target.as_str()),
                "make one live first: `netboot activate`",
            ));
        };
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

/// Writes files below a directory, and lists them.
fn write(
    manifest: &Manifest,
    directory: &Path,
    files: &BTreeMap<String, String>,
) -> Result<Answer, Report> {
    let mut written = Vec::new();
    for (file, text) in files {
        let path = directory.join(file);
        let failed = |source| netboot_core::Error::io("write", &path, source);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        std::fs::write(&path, text).map_err(failed)?;
        written.push(path.display().to_string());
    }
    let object = json!({ "release": manifest.release(), "files": written });
    Ok(Answer::new(written.join("\n"), object))
}
