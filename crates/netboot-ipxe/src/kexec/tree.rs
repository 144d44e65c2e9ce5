//! The files with which a running Linux starts an image.

use std::fmt::Write as _;
use std::sync::Arc;

use netboot_closure::boot_parameter::{BOOTIF, BootParameter};
use netboot_core::{
    Architecture, Artifact, ArtifactKind, BytesArtifact, COMMAND_LINE_LIMIT, Context, Image,
    JoinedInitrd, ProfileName,
};
use url::Url;

use crate::closure_arguments::{self, ClosureArguments};
use crate::error::Error;
use crate::kexec::file::{KexecFile, KexecForm};
use crate::kexec::script::script;
use crate::script_argument::ScriptArgument;

/// The name of the initrd. nixpkgs has `initrd.gz`, though it may be compressed by zstd.
const INITRD: &str = "initrd";
/// The name of the file with the command line.
const COMMAND_LINE: &str = "cmdline";
/// The name of the file with the digests, in the format of `sha256sum`.
const DIGESTS: &str = "SHA256SUMS";
/// The name of the program `kexec`.
const PROGRAM: &str = "kexec";

/// The length of the parameter `BOOTIF` that the script adds, in bytes: a name, the type of the
/// card, its address, and a space.
const CARD_LENGTH: usize = BOOTIF.len() + "=01-52-54-00-12-34-56 ".len();

/// The files with which a running Linux starts an image in its own place.
///
/// | file | what it is |
/// |---|---|
/// | `bzImage` | the kernel, under the name that it has in NixOS for its architecture |
/// | `initrd` | all initrds in order, as one |
/// | `cmdline` | the kernel command line |
/// | `kexec-boot` or `run` | the script, which needs root and the program `kexec` |
/// | `kexec` | the [program](Self::with_program), if the caller gave one |
/// | `SHA256SUMS` | the digests of the other files. The script checks them before it loads the kernel |
///
/// Equal images and URLs give equal bytes.
///
/// ```
/// use netboot_core::{
///     Architecture, ArtifactKind, BootSpec, BytesArtifact, Context, Image, InitPath, ProfileSpec,
/// };
/// use netboot_ipxe::kexec::{KexecForm, KexecTree};
///
/// # async fn example() -> Result<(), netboot_ipxe::Error> {
/// # let profile = ProfileSpec::new("worker").unwrap();
/// # let init = InitPath::new("/nix/store/0a1b-nixos-system-worker/init").unwrap();
/// # let boot = BootSpec::new(Architecture::X86_64, init, vec!["loglevel=4"])?;
/// # let image = Image::builder(&profile, boot)
/// #     .kernel(BytesArtifact::new(ArtifactKind::Kernel, "bzImage", "...").unwrap())
/// #     .initrd(BytesArtifact::new(ArtifactKind::Initrd, "initrd", "...").unwrap())
/// #     .build()?;
/// let tree = KexecTree::new(&image, &[], &Context::new()).await?;
/// assert!(tree.command_line().starts_with("init=/nix/store/0a1b-nixos-system-worker/init "));
/// let names = tree.files(KexecForm::Tree)?.into_iter().map(|file| file.name);
/// assert!(names.eq(["bzImage", "initrd", "cmdline", "kexec-boot", "SHA256SUMS"]));
/// # Ok(())
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(example()).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct KexecTree {
    profile: ProfileName,
    architecture: Architecture,
    kernel: Arc<dyn Artifact>,
    initrd: Arc<dyn Artifact>,
    program: Option<Arc<dyn Artifact>>,
    command_line: String,
    tells_card: bool,
}

impl KexecTree {
    /// Creates the tree of an image. If the image has a closure, machines fetch it from `sources`,
    /// the `http://` URLs of directories that serve the root of the target, in this order.
    ///
    /// An image with a closure is told the network card of the default route, in the parameter
    /// `BOOTIF`, which the script adds to the command line.
    ///
    /// # Errors
    /// [`Error::UnusableClosureSource`] and [`Error::KexecWithoutSource`] for an image with a
    /// closure, [`Error::ReservedParameter`] and [`Error::BootParameter`] for a parameter that
    /// stage 1 would not understand, [`Error::CommandLineTooLong`], and [`Error::Core`] if initrds
    /// cannot be read, which happens only for several.
    pub async fn new(image: &Image, sources: &[Url], context: &Context) -> Result<Self, Error> {
        let profile = image.profile().clone();
        let command_line = command_line(image, sources)?;
        let tells_card = image.closure().is_some();
        let length = command_line.len() + if tells_card { CARD_LENGTH } else { 0 };
        if length > COMMAND_LINE_LIMIT {
            let limit = COMMAND_LINE_LIMIT;
            return Err(Error::CommandLineTooLong { profile, length, limit });
        }
        Ok(Self {
            profile,
            architecture: image.boot().architecture(),
            kernel: image.kernel().clone(),
            initrd: Arc::new(JoinedInitrd::new(INITRD, image, context).await?),
            program: None,
            command_line,
            tells_card,
        })
    }

    /// Adds a program `kexec`, for machines that have none. It must run on any of them, so it is a
    /// static program.
    #[must_use]
    pub fn with_program(mut self, program: impl Artifact + 'static) -> Self {
        self.program = Some(Arc::new(program));
        self
    }

    /// The profile of the image.
    pub fn profile(&self) -> &ProfileName {
        &self.profile
    }

    /// The kernel command line. The script adds only `BOOTIF`, before it, for an image with a
    /// closure.
    pub fn command_line(&self) -> &str {
        &self.command_line
    }

    /// Returns the files. The last one has the digests of the others.
    ///
    /// # Errors
    /// [`Error::Core`], which does not happen in practice because every name is a file name.
    pub fn files(&self, form: KexecForm) -> Result<Vec<KexecFile>, Error> {
        let text = |name: &'static str, text: String| -> Result<Arc<dyn Artifact>, Error> {
            Ok(Arc::new(BytesArtifact::new(ArtifactKind::Script, name, text)?))
        };
        let file = |name, content| KexecFile { name, is_program: false, content };
        let program = |name, content| KexecFile { name, is_program: true, content };
        let script = script(&self.profile, self.architecture, self.tells_card);
        let script_name = form.script_name();
        let mut files = vec![
            file(self.architecture.kernel_file_name(), self.kernel.clone()),
            file(INITRD, self.initrd.clone()),
            file(COMMAND_LINE, text(COMMAND_LINE, format!("{}\n", self.command_line))?),
            program(script_name, text(script_name, script)?),
        ];
        files.extend(self.program.iter().map(|given| program(PROGRAM, given.clone())));
        let mut digests = String::new();
        for KexecFile { name, content, .. } in &files {
            let _ = writeln!(digests, "{}  {name}", content.sha256());
        }
        files.push(file(DIGESTS, text(DIGESTS, digests)?));
        Ok(files)
    }
}

/// The command line of an image. No iPXE reads it, so its rules do not apply.
fn command_line(image: &Image, sources: &[Url]) -> Result<String, Error> {
    let line = image.boot().command_line()?;
    let Some(closure) = image.closure() else { return Ok(line.to_string()) };
    let mut words = line.parameters();
    let init = words.next().unwrap_or_default();
    let callers: Vec<&str> = words.collect();
    if sources.is_empty() && !callers.iter().any(|one| closure_arguments::is_source(one)) {
        return Err(Error::KexecWithoutSource { profile: image.profile().clone() });
    }
    let sources = sources.iter().map(|url| {
        let from = BootParameter::From(closure_arguments::source(url)?);
        Ok(ScriptArgument::boot_parameter(&from))
    });
    let sources = sources.collect::<Result<Vec<_>, Error>>()?;
    let index = closure.index.sha256();
    let added = ClosureArguments::new(&index, None, sources, callers.iter().copied())?;
    let first = added.first.iter().map(ScriptArgument::as_str);
    let last = added.last.iter().map(ScriptArgument::as_str);
    let words: Vec<&str> = [init].into_iter().chain(first).chain(callers).chain(last).collect();
    Ok(words.join(" "))
}
