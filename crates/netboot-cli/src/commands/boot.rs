//! `netboot boot`: boots an image in QEMU, and reports how far it came.

mod object;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use netboot_core::{
    Architecture, Image, PrebuiltImage, ProfileName, ReleaseId, ReleasePath, Report, counted,
    layout,
};
use netboot_publish::Publisher;
use netboot_qemu::{BootReport, DirectoryServer, Firmware, Machine, NetworkAccess, StoreServer};
use serde_json::json;
use url::Url;

use self::object::{AFTER, object};
use crate::answer::{Answer, FOUND};
use crate::error::Error;
use crate::failure::Cancelled;
use crate::misuse::{Misuse, OfCommandLine};
use crate::published_target::until_cancelled;
use crate::release_prefix::ReleasePrefix;
use crate::session::Session;
use crate::target::Target;

#[derive(Debug, Args)]
#[command(after_long_help = AFTER)]
pub(crate) struct Arguments {
    /// The image: a TARGET, a directory that `netboot build` wrote, or the URL of an iPXE script.
    #[arg(value_name = "TARGET|URL|DIR")]
    source: String,

    /// The profile to boot. The default is what a machine without a profile boots: a menu, if there
    /// are several.
    #[arg(long, value_name = "NAME")]
    profile: Option<ProfileName>,

    /// The release to boot, by the first digits of its id. It need not have been live. The default
    /// is the live release.
    #[arg(long, value_name = "RELEASE")]
    release: Option<ReleasePrefix>,

    /// The architecture of the virtual machine: `x86_64` or `aarch64`. The default is that of the
    /// image, or `x86_64` if images for several are there, or for a URL.
    #[arg(long, value_name = "NAME")]
    architecture: Option<Architecture>,

    /// The firmware of the virtual machine. The default is `bios` for `x86_64`, and otherwise
    /// `uefi`.
    #[arg(long, value_enum)]
    firmware: Option<FirmwareChoice>,

    /// The file of an iPXE that boots the virtual machine instead of the network card's. The
    /// default for `aarch64`, where network cards have none, is `[proof]` of netboot.toml, or that
    /// of the distribution.
    #[arg(long, value_name = "FILE")]
    ipxe: Option<PathBuf>,

    /// A text that the console must show. Can be repeated.
    #[arg(long = "expect", value_name = "TEXT")]
    expected: Vec<String>,

    /// The memory of the virtual machine, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    memory: u32,

    /// The maximum time of the boot, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    timeout: u64,

    /// Let the machine reach everything that this computer reaches, instead of only the web server
    /// of its URL. The image may then report to a production service, or join a cluster.
    #[arg(long)]
    network: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FirmwareChoice {
    /// A BIOS.
    Bios,
    /// A UEFI.
    Uefi,
}

/// The script to boot, and the web server that has it.
struct Source {
    url: Url,
    /// The architecture of the image, if it is known.
    architecture: Option<Architecture>,
    /// The server runs for as long as this exists.
    _server: Option<Server>,
}

enum Server {
    Directory(#[expect(dead_code, reason = "it serves until it is dropped")] DirectoryServer),
    Store(#[expect(dead_code, reason = "it serves until it is dropped")] StoreServer),
}

impl Arguments {
    /// Boots the image.
    pub(crate) async fn run(self, session: &Session) -> Result<Answer, Report> {
        // A wrong option is found before anything is read.
        self.machine(self.architecture, session)?;
        let source = self.source(session).await?;
        let machine = self.machine(self.architecture.or(source.architecture), session)?;
        let report = match machine.boot(&source.url, &session.context).await {
            Err(netboot_qemu::Error::Cancelled) => {
                return Err(Cancelled::report("the machine was stopped"));
            }
            report => report?,
        };
        Ok(answer(&report, session))
    }

    fn machine(
        &self,
        architecture: Option<Architecture>,
        session: &Session,
    ) -> Result<Machine, Report> {
        let architecture = architecture.unwrap_or(Architecture::X86_64);
        let mut machine = Machine::builder()
            .architecture(architecture)
            .memory_mib(self.memory)
            .timeout(Duration::from_secs(self.timeout));
        if let Some(firmware) = self.firmware {
            machine = machine.firmware(match firmware {
                FirmwareChoice::Bios => Firmware::Bios,
                FirmwareChoice::Uefi => Firmware::Uefi,
            });
        }
        let configured = session.configuration()?.proof.ipxe(architecture);
        if let Some(ipxe) = self.ipxe.as_deref().or(configured) {
            machine = machine.ipxe(ipxe);
        }
        if self.network {
            machine = machine.network_access(NetworkAccess::Unrestricted);
        }
        for text in &self.expected {
            machine = machine.expect(text);
        }
        machine.build().of_command_line()
    }

    async fn source(&self, session: &Session) -> Result<Source, Report> {
        if let Some(url) = script_url(&self.source) {
            if self.profile.is_some() || self.release.is_some() {
                return Err(Misuse::report(
                    format!("`{}` is the URL of a script, which decides what boots", self.source),
                    "leave out --profile and --release, or give the target instead of its URL",
                ));
            }
            return Ok(Source { url, architecture: None, _server: None });
        }
        let target = session.target(&self.source)?;
        if let Some(path) = target.directory()
            && !path.is_dir()
        {
            return Err(Error::no_directory(path).into());
        }
        let publisher = target.reader().await?;
        let (scripts, images) = if let Some(release) = &self.release {
            let release = release.find(&publisher, session).await?;
            let images = until_cancelled(session, publisher.images(&release)).await?;
            (vec![self.script_of(&release, &images)?], images)
        } else {
            // A release that cannot be read may still boot, and the report then tells more.
            let images = live_images(&publisher, session).await.unwrap_or_default();
            (self.live_scripts()?, images)
        };
        let mut architecture = self.architecture_of(&images);
        if let Some(path) = target.directory() {
            let script = scripts.iter().find(|script| path.join(script.as_str()).is_file());
            let script = script.ok_or_else(|| not_there(&target, &scripts))?;
            if let (true, Some(folder)) = (images.is_empty(), path.join(script.as_str()).parent()) {
                architecture = PrebuiltImage::directory(folder).find_architecture().await;
            }
            let server = DirectoryServer::start(path).await?;
            let url = server.url(script.as_str());
            return Ok(Source { url, architecture, _server: Some(Server::Directory(server)) });
        }
        let there = until_cancelled(session, publisher.store().stat(&scripts)).await?;
        let script = scripts.iter().find(|script| there.contains_key(*script));
        let script = script.ok_or_else(|| not_there(&target, &scripts))?;
        let server = StoreServer::start(publisher.store().clone()).await?;
        let url = server.url(script);
        Ok(Source { url, architecture, _server: Some(Server::Store(server)) })
    }

    /// The scripts of the live release, and of a directory that `netboot build` wrote. The first
    /// one that is there is booted.
    fn live_scripts(&self) -> Result<Vec<ReleasePath>, Report> {
        Ok(match &self.profile {
            Some(profile) => vec![layout::profile_script(profile)],
            None => vec![ReleasePath::new("netboot.ipxe")?, layout::boot_script()],
        })
    }

    /// The script of a profile in a release that may be only staged.
    fn script_of(&self, release: &ReleaseId, images: &[Image]) -> Result<ReleasePath, Report> {
        let profiles: Vec<&ProfileName> = images.iter().map(Image::profile).collect();
        let profile = match (&self.profile, &profiles[..]) {
            (Some(profile), _) if profiles.contains(&profile) => profile,
            (None, [only]) => only,
            _ => {
                let names: Vec<&str> = profiles.iter().map(|name| name.as_str()).collect();
                let count = counted(profiles.len(), "profile");
                return Err(Report::message(
                    format!("release {} has {count}: {}", release.short(), names.join(", ")),
                    "name one of them with --profile",
                ));
            }
        };
        Ok(layout::in_release(release, &layout::profile_script(profile)))
    }

    /// The architecture of the images that the machine may boot, if it is only one.
    fn architecture_of(&self, images: &[Image]) -> Option<Architecture> {
        let is_meant =
            |image: &&Image| self.profile.as_ref().is_none_or(|profile| profile == image.profile());
        let meant = images.iter().filter(is_meant).map(|image| image.boot().architecture());
        let found: BTreeSet<Architecture> = meant.collect();
        found.first().copied().filter(|_| found.len() == 1)
    }
}

/// The images of the live release. There are none in a directory that `netboot build` wrote.
async fn live_images(publisher: &Publisher, session: &Session) -> Result<Vec<Image>, Report> {
    match until_cancelled(session, publisher.live()).await? {
        Some(release) => until_cancelled(session, publisher.images(&release)).await,
        None => Ok(Vec::new()),
    }
}

/// The URL of a script, unless the text is a target.
fn script_url(text: &str) -> Option<Url> {
    let (scheme, _) = text.split_once("://")?;
    let is_script = ["http", "https", "tftp", "ftp"].contains(&scheme);
    Url::parse(text).ok().filter(|_| is_script)
}

fn not_there(target: &Target, scripts: &[ReleasePath]) -> Report {
    let names: Vec<&str> = scripts.iter().map(ReleasePath::as_str).collect();
    Report::message(
        format!("`{target}` has no {}", names.join(" or ")),
        "give a place that images were built in or published to, and name one of its profiles with \
         --profile",
    )
}

fn answer(report: &BootReport, session: &Session) -> Answer {
    let failure = report.ensure_success().err();
    let mut object = object(report);
    object["came_up"] = failure.is_none().into();
    object["hint"] = json!(failure.as_ref().and_then(netboot_qemu::Error::hint));
    let answer = Answer::new(report, object);
    match failure {
        None => answer,
        Some(failure) => {
            session.progress.line(&Report::from(failure).in_full());
            answer.with_exit_code(FOUND)
        }
    }
}
