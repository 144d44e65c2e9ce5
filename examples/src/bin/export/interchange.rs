//! The files of matchbox and Pixiecore.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

use netboot_core::{MacAddress, Manifest, ProfileName, Report};
use netboot_ipxe::interchange::PayloadBase;
use netboot_ipxe::interchange::matchbox::DataDirectory;
use netboot_ipxe::interchange::pixiecore::Answers;
use netboot_ipxe::{Assignment, Fleet, MachineKey, UnknownMachine};
use netboot_publish::{LocalStore, Publisher};
use url::Url;

#[derive(Debug, clap::Args)]
pub(crate) struct Matchbox {
    #[command(flatten)]
    source: Source,

    /// The profile of all other machines. Without it, they boot nothing.
    #[arg(long, value_name = "NAME")]
    default: Option<ProfileName>,

    /// The data directory to write. Give it to matchbox as -data-path, and the published directory
    /// as -assets-path.
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Pixiecore {
    #[command(flatten)]
    source: Source,

    /// The directory to write, which a web server has to serve. The default is the published
    /// directory. Start Pixiecore with its URL: pixiecore api URL.
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Source {
    /// The directory to which releases were published.
    #[arg(long, value_name = "DIR")]
    published: PathBuf,

    /// A machine and the profile that it boots. Can be repeated.
    #[arg(long = "machine", value_name = "MAC=PROFILE", value_parser = parse_assignment)]
    machines: Vec<Assignment>,

    /// The URL of the published directory, if the server itself does not serve it.
    #[arg(long, value_name = "URL")]
    payload_url: Option<Url>,
}

impl Matchbox {
    pub(crate) async fn export(self) -> Result<String, Report> {
        let unknown = self.default.map_or(UnknownMachine::Refuse, UnknownMachine::Profile);
        let base = self.source.base(PayloadBase::matchbox_assets())?;
        let (manifest, fleet) = self.source.read(unknown).await?;
        let files = DataDirectory::export(&manifest, &fleet, &base)?.files()?;
        write(&self.output, &files)
    }
}

impl Pixiecore {
    pub(crate) async fn export(self) -> Result<String, Report> {
        let base = self.source.base(PayloadBase::beside_answers())?;
        let (manifest, fleet) = self.source.read(UnknownMachine::Refuse).await?;
        let files = Answers::export(&manifest, &fleet, &base)?.files()?;
        write(self.output.as_ref().unwrap_or(&self.source.published), &files)
    }
}

impl Source {
    fn base(&self, own: PayloadBase) -> Result<PayloadBase, Report> {
        Ok(match &self.payload_url {
            Some(url) => PayloadBase::url(url)?,
            None => own,
        })
    }

    /// The manifest of the live release, and the machines.
    async fn read(&self, unknown: UnknownMachine) -> Result<(Manifest, Fleet), Report> {
        let publisher = Publisher::new(LocalStore::new(&self.published));
        let Some(live) = publisher.live().await? else {
            return Err(Report::message(
                format!("nothing is published in `{}`", self.published.display()),
                "give the directory to which build-images published",
            ));
        };
        let assignments = self.machines.iter().cloned();
        let fleet = Fleet::builder(unknown).assignments(assignments).build()?;
        Ok((publisher.manifest(&live).await?, fleet))
    }
}

/// The machine gets its MAC address as its name.
fn parse_assignment(text: &str) -> Result<Assignment, Box<dyn Error + Send + Sync>> {
    let (mac, profile) = text.split_once('=').ok_or("give MAC=PROFILE")?;
    let mac: MacAddress = mac.parse()?;
    Ok(Assignment::new(mac.separated_by("-"), profile)?.with_key(MachineKey::Mac(mac)))
}

/// Writes files below a directory, and lists them.
fn write(directory: &Path, files: &BTreeMap<String, String>) -> Result<String, Report> {
    let mut written = String::new();
    for (file, text) in files {
        let path = directory.join(file);
        let failed = |source| netboot_core::Error::io("write", &path, source);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        std::fs::write(&path, text).map_err(failed)?;
        written = written + &path.display().to_string() + "\n";
    }
    Ok(written)
}
