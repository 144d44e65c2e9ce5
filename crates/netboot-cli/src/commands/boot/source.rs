//! The image to boot, and the web server that has it.

use std::collections::BTreeSet;
use std::path::Path;

use netboot_core::{
    Architecture, Image, PrebuiltImage, ProfileName, ReleaseId, ReleasePath, Report, counted,
    layout,
};
use netboot_publish::Publisher;
use netboot_qemu::{DirectoryServer, StoreServer};
use url::Url;

use crate::error::Error;
use crate::misuse::Misuse;
use crate::published_target::until_cancelled;
use crate::release_prefix::ReleasePrefix;
use crate::session::Session;
use crate::target::Target;

/// The image that the command line names.
pub(super) struct Wanted<'a> {
    /// The target, the directory or the URL.
    pub(super) source: &'a str,
    pub(super) profile: Option<&'a ProfileName>,
    pub(super) release: Option<&'a ReleasePrefix>,
    /// True if the firmware fetches the image's UKI, and not iPXE its script.
    pub(super) is_uki: bool,
}

/// The script or UKI to boot, and the web server that has it.
pub(super) struct Source {
    pub(super) url: Url,
    /// The architecture of the image, if it is known.
    pub(super) architecture: Option<Architecture>,
    /// The server runs for as long as this exists.
    _server: Option<Server>,
}

enum Server {
    Directory(#[expect(dead_code, reason = "it serves until it is dropped")] DirectoryServer),
    Store(#[expect(dead_code, reason = "it serves until it is dropped")] StoreServer),
}

impl Wanted<'_> {
    /// Finds the image, and starts to serve it.
    ///
    /// # Errors
    /// If there is no such image, or it cannot be read.
    pub(super) async fn find(&self, session: &Session) -> Result<Source, Report> {
        if let Some(url) = script_url(self.source) {
            if self.profile.is_some() || self.release.is_some() {
                return Err(Misuse::report(
                    format!("`{}` is a URL, which decides by itself what boots", self.source),
                    "leave out --profile and --release, or give the target instead of its URL",
                ));
            }
            return Ok(Source { url, architecture: None, _server: None });
        }
        let target = session.target(self.source)?;
        if let Some(path) = target.directory()
            && !path.is_dir()
        {
            return Err(Error::no_directory(path).into());
        }
        let publisher = target.reader().await?;
        if self.is_uki {
            return self.find_uki(&target, &publisher, session).await;
        }
        let (scripts, images) = if let Some(release) = self.release {
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
        Ok(match self.profile {
            Some(profile) => vec![layout::profile_script(profile)],
            None => vec![ReleasePath::new("netboot.ipxe")?, layout::boot_script()],
        })
    }

    /// The script of a profile in a release that may be only staged.
    fn script_of(&self, release: &ReleaseId, images: &[Image]) -> Result<ReleasePath, Report> {
        let profile = self.image_of(release, images)?.profile();
        Ok(layout::in_release(release, &layout::profile_script(profile)))
    }

    /// The image of the profile, or the only one of a release.
    fn image_of<'i>(&self, release: &ReleaseId, images: &'i [Image]) -> Result<&'i Image, Report> {
        let found = match self.profile {
            Some(profile) => images.iter().find(|image| image.profile() == profile),
            None => images.first().filter(|_| images.len() == 1),
        };
        found.ok_or_else(|| {
            let names: Vec<&str> = images.iter().map(|image| image.profile().as_str()).collect();
            let count = counted(images.len(), "profile");
            Report::message(
                format!("release {} has {count}: {}", release.short(), names.join(", ")),
                "name one of them with --profile",
            )
        })
    }

    /// Finds the UKI of an image.
    async fn find_uki(
        &self,
        target: &Target,
        publisher: &Publisher,
        session: &Session,
    ) -> Result<Source, Report> {
        let release = match self.release {
            Some(release) => Some(release.find(publisher, session).await?),
            None => until_cancelled(session, publisher.live()).await?,
        };
        let Some(release) = release else { return self.uki_of_directory(target).await };
        let images = until_cancelled(session, publisher.images(&release)).await?;
        let image = self.image_of(&release, &images)?;
        let missing = || netboot_qemu::Error::UkiMissing { profile: image.profile().clone() };
        let manifest = image.manifest();
        let uki = manifest.uki.as_ref().ok_or_else(missing)?;
        let store = publisher.store().clone();
        let server = StoreServer::with_uki(store, image.profile(), uki).await?;
        let url = server.uki_url(image.profile());
        let architecture = Some(image.boot().architecture());
        Ok(Source { url, architecture, _server: Some(Server::Store(server)) })
    }

    /// Finds the UKI in a directory that is no target: `<profile>/<profile>.efi`, or
    /// `<profile>.efi` in the folder of an image.
    async fn uki_of_directory(&self, target: &Target) -> Result<Source, Report> {
        let folder = target.directory().unwrap_or(Path::new(""));
        let own = folder.canonicalize().unwrap_or_default();
        let own = own.file_name().and_then(|name| name.to_str());
        let name = self.profile.map_or(own.unwrap_or_default(), ProfileName::as_str);
        let candidates = [format!("{name}/{name}.efi"), format!("{name}.efi")];
        let found = candidates.iter().find(|path| folder.join(path).is_file());
        let found = found.ok_or_else(|| {
            Report::message(
                format!("`{target}` has no live release, and no {}", candidates.join(" or ")),
                "give a place that images with a UKI were built in or published to, and name one \
                 of its profiles with --profile",
            )
        })?;
        let image = folder.join(found);
        let image = PrebuiltImage::directory(image.parent().unwrap_or(folder));
        let architecture = image.find_architecture().await;
        let server = DirectoryServer::start(folder).await?;
        let url = server.url(found);
        Ok(Source { url, architecture, _server: Some(Server::Directory(server)) })
    }

    /// The architecture of the images that the machine may boot, if it is only one.
    fn architecture_of(&self, images: &[Image]) -> Option<Architecture> {
        let is_meant =
            |image: &&Image| self.profile.is_none_or(|profile| profile == image.profile());
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
