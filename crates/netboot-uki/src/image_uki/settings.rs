//! Making the UKI of an image.

use std::path::Path;
use std::sync::Arc;

use foreign_text::ForeignText;
use netboot_closure::boot_parameter::{BootParameter, HttpUrl};
use netboot_core::{
    ArtifactKind, BytesArtifact, Context, FileArtifact, FileName, Image, Phase, blocking,
};
use tempfile::{TempDir, TempPath};
use url::Url;

use crate::error::Error;
use crate::image_uki::command_line::command_line;
use crate::image_uki::os_release::os_release;
use crate::image_uki::sections::check_stub;
use crate::new_file::NewFile;
use crate::sign::sign;
use crate::signer::pe_signer::PeSigner;
use crate::stub::Stub;
use crate::uki::builder::{Uki, UkiBuilder};

/// The way in which images get their UKIs: the stubs, the signers, and the URLs of closures.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use netboot_core::{Context, Image};
/// use netboot_uki::{KeyFile, Stub, UkiSettings};
///
/// # async fn make(image: Image) -> Result<(), netboot_uki::Error> {
/// let settings = UkiSettings::new()
///     .stub(Stub::read("/usr/lib/systemd/boot/efi/linuxx64.efi.stub")?)
///     .signer(Arc::new(KeyFile::read("keys/db.key", "keys/db.crt")?));
/// let image = settings.make(image, "ukis", &Context::new()).await?;
/// let uki = image.uki().expect("`make` gives the image a UKI");
/// println!("{} {}", uki.file_name(), uki.sha256());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "`make` makes the UKI of an image"]
pub struct UkiSettings {
    stubs: Vec<Stub>,
    signers: Vec<Arc<dyn PeSigner>>,
    sources: Vec<HttpUrl>,
}

impl UkiSettings {
    /// Creates settings without a stub, a signer and a URL.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a stub. Images for its architecture get it, in place of their own
    /// ([`Image::uki_stub`]). Of several stubs for one architecture, the last one counts.
    pub fn stub(mut self, stub: Stub) -> Self {
        self.stubs.retain(|other| other.architecture() != stub.architecture());
        self.stubs.push(stub);
        self
    }

    /// Adds a signer. Each one signs each UKI. Without any, UKIs are not signed.
    pub fn signer(mut self, signer: Arc<dyn PeSigner>) -> Self {
        self.signers.push(signer);
        self
    }

    /// Adds a URL from which machines fetch closures: the `http://` URL of a directory that serves
    /// the root of the target. Machines try the URLs in their order.
    ///
    /// A UKI of an image with a closure needs at least one, because no boot loader can add it to
    /// the signed command line later. A configuration may also name it, with the parameter
    /// `netboot.from=`. Signed addons and the machine's SMBIOS tables can add parameters
    /// ([`Uki::builder`]), but stage 1 checks all that it fetches by the digest of the index.
    ///
    /// # Errors
    /// [`Error::ClosureSource`] for another URL than `http://`, and for one with a password or a
    /// query.
    pub fn closure_source(mut self, url: &Url) -> Result<Self, Error> {
        let Ok(BootParameter::From(source)) = format!("netboot.from={url}").parse() else {
            let host = url.host_str().unwrap_or("an unknown host");
            return Err(Error::ClosureSource { host: ForeignText::line(host) });
        };
        self.sources.push(source);
        Ok(self)
    }

    /// Makes the UKI of an image: the kernel, all initrds in order, and the command line, with
    /// `os-release` and the version of the kernel. Signs it, and writes it to
    /// `<directory>/<profile>.efi`, where nothing may be. Equal images, stubs and keys make equal
    /// bytes. After an error, the UKI is not there.
    /// Reports the progress to `context`.
    ///
    /// Returns the image with this UKI in the place of the one that it had. `directory` must stay
    /// as long as the image is used.
    ///
    /// # Errors
    /// [`Error::NoStub`] if no stub is for the architecture of the image, which has none of its
    /// own. [`Error::Stub`] if its own cannot be used.
    /// [`Error::NoClosureSource`] and [`Error::BootParameter`] for an image with a closure. The
    /// errors of [`UkiBuilder::build`](crate::UkiBuilder::build), of [`Uki::write`] and of
    /// [`sign`](crate::sign()). [`Error::Core`] if another file of the image has the UKI's name.
    pub async fn make(
        &self,
        image: Image,
        directory: impl AsRef<Path>,
        context: &Context,
    ) -> Result<Image, Error> {
        let (directory, profile) = (directory.as_ref(), image.profile().clone());
        let context = context.for_profile(&profile);
        let architecture = image.boot().architecture();
        let _phase = context.phase(Phase::Realising, None);
        let own = self.stubs.iter().find(|stub| stub.architecture() == architecture);
        let stub = match (own, image.uki_stub()) {
            (Some(stub), _) => stub.clone(),
            (None, Some(path)) => {
                let path = path.to_owned();
                blocking(move || Stub::read(path)).await?
            }
            (None, None) => return Err(Error::NoStub { profile, architecture }),
        };
        check_stub(&stub.0.headers)
            .map_err(|problem| Error::Stub { path: stub.0.path.clone(), problem })?;
        let line = command_line(&image, &self.sources)?;
        let name = FileName::new(format!("{profile}.efi")).map_err(netboot_core::Error::from)?;
        let path = directory.join(name.as_str());
        // No signer runs for a UKI that could not be kept.
        check_name(&image, &name)?;
        let absent = path.clone();
        blocking(move || NewFile::check_absent(&absent)).await?;
        let builder =
            Uki::builder(stub, image.kernel().clone(), &line).os_release(os_release(&image));
        let initrds = image.initrds().iter().cloned();
        let uki = initrds.fold(builder, UkiBuilder::initrd).build().await?;
        let file = self.write(&uki, directory, &path, &context).await?;
        let artifact = FileArtifact::open(ArtifactKind::Uki, name, &path, &context).await?;
        let image = image.with_uki(artifact)?;
        file.keep().map_err(|it| Error::Io { action: "create", path, source: it.error })?;
        Ok(image)
    }

    /// Writes the UKI, and signs it by each signer in turn. Returns a guard, which removes the UKI
    /// unless it is kept.
    async fn write(
        &self,
        uki: &Uki,
        directory: &Path,
        path: &Path,
        context: &Context,
    ) -> Result<TempPath, Error> {
        let failed =
            |action, path: &Path, source| Error::Io { action, path: path.to_owned(), source };
        let mut builder = tempfile::Builder::new();
        let steps: TempDir = builder
            .prefix(".netboot-")
            .tempdir_in(directory)
            .map_err(|it| failed("create a directory in", directory, it))?;
        // Events show the names of the steps.
        let name = |step: &str| {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            steps.path().join(format!("{stem}-{step}.efi"))
        };
        let mut step = name("unsigned");
        uki.write(&step, context).await?;
        for (number, signer) in self.signers.iter().enumerate() {
            let signed = name(&format!("signed-{}", number + 1));
            sign(&step, &signed, signer.as_ref(), context).await?;
            // The next one has all of it.
            let removed = tokio::fs::remove_file(&step).await;
            removed.map_err(|it| failed("remove", &step, it))?;
            step = signed;
        }
        // Nothing is awaited between the name and its guard, so that a dropped future leaves no
        // file.
        let create = |source| failed("create", path, source);
        let step = TempPath::try_from_path(step).map_err(create)?;
        step.persist_noclobber(path).map_err(|it| create(it.error))?;
        TempPath::try_from_path(path).map_err(create)
    }
}

/// Checks that no other file of the image has the name of the UKI.
fn check_name(image: &Image, name: &FileName) -> Result<(), Error> {
    let Ok(placeholder) = BytesArtifact::new(ArtifactKind::Uki, name.clone(), vec![0]);
    image.clone().with_uki(placeholder)?;
    Ok(())
}
