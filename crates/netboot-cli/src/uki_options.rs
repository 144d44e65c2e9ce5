//! The options for the UKIs of images.

use std::path::{Path, PathBuf};

use clap::Args;
use netboot_core::{
    Architecture, ArtifactKind, Context, FileArtifact, FileName, Image, ProfileName, Report,
};
use netboot_uki::{Certificate, Stub, UkiSettings, check_image_uki};
use tempfile::TempDir;
use url::Url;

use crate::db_options::DbOptions;
use crate::error::Error;
use crate::misuse::OfCommandLine;
use crate::session::Session;

/// The options of commands that make images or publish existing ones.
#[derive(Debug, Clone, Args)]
pub(crate) struct UkiOptions {
    /// Give each image a UKI: its kernel, its initrd and its command line as one EFI program, which
    /// machines with Secure Boot start if the key of `--db-key` signs it. `--db-key`, `--uki-stub`
    /// and `[secure-boot]` of netboot.toml choose this too. An image that has a UKI keeps it.
    #[arg(long)]
    uki: bool,

    /// The stub of systemd for UKIs, such as `linuxx64.efi.stub`. Can be repeated, once for each
    /// architecture. The default is `stubs` of `[secure-boot]` of netboot.toml, or else the stub of
    /// the systemd of each configuration that is built.
    #[arg(long = "uki-stub", value_name = "FILE")]
    stubs: Vec<PathBuf>,

    #[command(flatten)]
    db: DbOptions,
}

/// The UKIs of images, which are made in a directory for temporary files.
#[derive(Debug)]
pub(crate) struct Ukis {
    /// The settings and the directory, if images get UKIs.
    making: Option<(UkiSettings, TempDir)>,
    has_stubs: bool,
    /// The certificate of the key that signs.
    trusted: Vec<Certificate>,
}

impl UkiOptions {
    /// Reads the files of the stubs and of the key.
    ///
    /// # Errors
    /// If a file cannot be read, or cannot be used.
    pub(crate) fn read(&self, session: &Session) -> Result<Ukis, Report> {
        let section = session.configuration()?.secure_boot.as_ref();
        let is_wanted =
            self.uki || !self.stubs.is_empty() || self.db.is_given() || section.is_some();
        if !is_wanted {
            return Ok(Ukis { making: None, has_stubs: false, trusted: Vec::new() });
        }
        let mut settings = UkiSettings::new();
        let of_file = section.map(|section| section.stubs.as_slice()).unwrap_or_default();
        let stubs = if self.stubs.is_empty() { of_file } else { &self.stubs };
        for path in stubs {
            let stub = Stub::read(path).map_err(Error::of_option("--uki-stub"));
            settings = settings.stub(stub.of_command_line()?);
        }
        let mut trusted = Vec::new();
        if let Some(signer) = self.db.signer(session)? {
            trusted.push(signer.certificate().clone());
            settings = settings.signer(signer);
        }
        let directory = TempDir::new().map_err(|source| {
            netboot_core::Error::io("create a directory in", std::env::temp_dir(), source)
        })?;
        Ok(Ukis { making: Some((settings, directory)), has_stubs: !stubs.is_empty(), trusted })
    }
}

impl Ukis {
    /// True if the builder has to find the stubs.
    pub(crate) fn needs_stubs(&self) -> bool {
        self.making.is_some() && !self.has_stubs
    }

    /// Gives an image a UKI, if images get one and it has none. Machines fetch its closure, if it
    /// has one, from `closure_urls`. Checks that the UKI belongs to the image, and that the key
    /// signed it.
    ///
    /// # Errors
    /// If a UKI cannot be made, or does not belong to the image.
    pub(crate) async fn give(
        &self,
        mut image: Image,
        closure_urls: &[Url],
        context: &Context,
    ) -> Result<Image, Report> {
        if let (Some((settings, directory)), None) = (&self.making, image.uki()) {
            let mut settings = settings.clone();
            if image.closure().is_some() {
                for url in closure_urls {
                    settings = settings.closure_source(url).of_command_line()?;
                }
            }
            image = settings.make(image, directory.path(), context).await?;
        }
        check_image_uki(&image, &self.trusted, context).await?;
        Ok(image)
    }
}

/// Gives an image the UKI that lies beside its kernel in a directory: `<profile>.efi`, or the only
/// other program.
///
/// # Errors
/// If there are several others, or the file cannot be read.
pub(crate) async fn with_found_uki(
    image: Image,
    directory: &Path,
    context: &Context,
) -> Result<Image, Report> {
    let Some(path) = find_uki(directory, image.profile())? else { return Ok(image) };
    let name = FileName::new(format!("{}.efi", image.profile()))?;
    let uki = FileArtifact::open(ArtifactKind::Uki, name, path, context).await?;
    Ok(image.with_uki(uki)?)
}

fn find_uki(directory: &Path, profile: &ProfileName) -> Result<Option<PathBuf>, Report> {
    let own = directory.join(format!("{profile}.efi"));
    if own.is_file() {
        return Ok(Some(own));
    }
    let failed = |source| netboot_core::Error::io("read", directory, source);
    let mut found = None;
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_kernel = Architecture::ALL.iter().any(|it| it.kernel_file_name() == name);
        if is_kernel || path.extension() != Some("efi".as_ref()) || !path.is_file() {
            continue;
        }
        if found.replace(path).is_some() {
            return Err(Report::message(
                format!("`{}` has several EFI programs", directory.display()),
                format!("name the UKI of the image `{profile}.efi`"),
            ));
        }
    }
    Ok(found)
}
