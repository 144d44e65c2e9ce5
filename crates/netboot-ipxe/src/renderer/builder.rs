//! Builds a renderer.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ipxe_script::{IpxeBuild, Linter, SignedPrograms};
use netboot_core::{
    Architecture, Artifact, InvalidValue, KernelParameter, PointerName, ProfileName, Sha256Digest,
};
use tera::Context;
use url::Url;

use crate::closure_arguments;
use crate::dispatch::fleet::Fleet;
use crate::error::Error;
use crate::menu::{LocalDisk, Menu};
use crate::menu_text::MenuText;
use crate::renderer::Renderer;
use crate::renderer::settings::Settings;
use crate::script_url::ScriptUrl;
use crate::template::name::TemplateName;
use crate::template::set::Templates;
use crate::template::sources::TemplateSources;

/// The largest number of times that the first pause between attempts is doubled.
const PAUSE_DOUBLINGS: u32 = 6;

/// Builds a [`Renderer`]. [`Renderer::builder`] creates it.
#[derive(Debug, Clone)]
#[must_use = "`build` makes the renderer"]
pub struct RendererBuilder {
    sources: TemplateSources,
    directories: Vec<std::path::PathBuf>,
    variables: BTreeMap<String, MenuText>,
    settings: Settings,
    /// The first text that was given as a value and is not one.
    refused: Option<Refused>,
}

/// A text that is not what it was given as.
#[derive(Debug, Clone)]
enum Refused {
    Value(InvalidValue),
    Build(ipxe_script::Error),
}

impl RendererBuilder {
    pub(super) fn new() -> Self {
        let settings = Settings::default();
        Self {
            sources: TemplateSources::default(),
            directories: Vec::new(),
            variables: BTreeMap::new(),
            settings,
            refused: None,
        }
    }

    /// Uses `text` in place of a built-in template. [`TemplateName`] lists its variables and tells
    /// how it can extend the built-in template.
    pub fn template(mut self, name: TemplateName, text: impl Into<String>) -> Self {
        self.sources.insert(name.as_str(), text);
        self
    }

    /// Adds a part that templates can include by this name.
    pub fn part(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.sources.insert(name, text);
        self
    }

    /// Reads every file `<name>.ipxe` of a directory as the template of that name, or as a part if
    /// there is no such template. Later directories override earlier ones, and directories override
    /// texts.
    pub fn template_directory(mut self, directory: impl AsRef<Path>) -> Self {
        self.directories.push(directory.as_ref().to_owned());
        self
    }

    /// Adds the variable `name` to all templates. A variable that a template already has overrides
    /// it.
    pub fn variable(mut self, name: impl Into<String>, value: MenuText) -> Self {
        self.variables.insert(name.into(), value);
        self
    }

    /// Sets the iPXE build that runs the scripts. The default is the oldest build in common use.
    pub fn ipxe_build(
        mut self,
        build: impl TryInto<IpxeBuild, Error: Into<ipxe_script::Error>>,
    ) -> Self {
        match build.try_into() {
            Ok(build) => self.settings.ipxe_build = build,
            Err(error) => self.refuse(Refused::Build(error.into())),
        }
        self
    }

    /// Sets the pointer that the static entries lead to. The default is `current`.
    pub fn pointer_name(
        mut self,
        name: impl TryInto<PointerName, Error: Into<InvalidValue>>,
    ) -> Self {
        match name.try_into() {
            Ok(name) => self.settings.pointer_name = name,
            Err(error) => self.refuse(Refused::Value(error.into())),
        }
        self
    }

    /// Sets the profile that the menu starts if nobody chooses. The default is the first by name. A
    /// menu with its own default choice overrides it.
    pub fn default_profile(
        mut self,
        profile: impl TryInto<ProfileName, Error: Into<InvalidValue>>,
    ) -> Self {
        match profile.try_into() {
            Ok(profile) => self.settings.default_profile = Some(profile),
            Err(error) => self.refuse(Refused::Value(error.into())),
        }
        self
    }

    fn refuse(&mut self, refused: Refused) {
        self.refused.get_or_insert(refused);
    }

    /// Sets the menu of a release. The default is [`Menu::of_images`].
    pub fn menu(mut self, menu: Menu) -> Self {
        self.settings.menu = Some(menu);
        self
    }

    /// Sets the time that the menu waits for a choice, to the millisecond. The default is 10
    /// seconds. With zero it waits forever.
    pub fn menu_timeout(mut self, timeout: Duration) -> Self {
        self.settings.menu_timeout = timeout;
        self
    }

    /// Sets the time after which a machine that asked for a profile and did not get it leaves the
    /// menu and tries again, to the millisecond. The default is a minute. With zero it waits
    /// forever.
    pub fn retry_after(mut self, time: Duration) -> Self {
        self.settings.retry_after = time;
        self
    }

    /// Sets the number of attempts to fetch and start an image (default 3, at least 1), and the
    /// first pause between them, to the second (default 5). Each pause is twice as long as the one
    /// before, up to 64 times the first.
    pub fn attempts(mut self, attempts: u32, pause: Duration) -> Self {
        self.settings.attempts = attempts.max(1);
        self.settings.pause = pause;
        self
    }

    /// Sets the number of times that a static entry starts again if nothing starts, with the same
    /// pauses. The default is 0, which means forever. After that iPXE exits, and the firmware boots
    /// its next device.
    pub fn rounds(mut self, rounds: u32) -> Self {
        self.settings.rounds = rounds;
        self
    }

    /// Sets whether scripts offer the command line of iPXE after a failure. The default is true.
    /// The command line lets anybody at the console boot anything, so a fleet that refuses unknown
    /// machines ([`UnknownMachine::Refuse`](crate::UnknownMachine::Refuse)) has none.
    pub fn offer_shell(mut self, offer: bool) -> Self {
        self.settings.shell = offer;
        self
    }

    /// Sets how a machine boots its local disk if a fleet says so.
    pub fn local_disk(mut self, how: LocalDisk) -> Self {
        self.settings.local_disk = how;
        self
    }

    /// Sets the machines of the release. Then `boot.ipxe` sends each machine to its image. Unknown
    /// machines see the menu if the fleet says so.
    pub fn fleet(mut self, fleet: Fleet) -> Self {
        self.settings.fleet = Some(Arc::new(fleet));
        self
    }

    /// Defines a family: a name for one profile on each architecture. It can be used wherever a
    /// profile can be named: in the menu, in a fleet, as a static entry.
    pub fn family(
        mut self,
        family: ProfileName,
        profiles: impl IntoIterator<Item = (Architecture, ProfileName)>,
    ) -> Self {
        self.settings.families.insert(family, profiles.into_iter().collect());
        self
    }

    /// Lets scripts fetch kernels, initrds, signatures and tables of machines below this URL,
    /// instead of from the server of the scripts. The URL must serve `blobs/` of the target.
    ///
    /// # Errors
    /// [`Error::Unprintable`].
    pub fn payload_url(mut self, url: &Url) -> Result<Self, Error> {
        let mut url = url.clone();
        url.set_query(None);
        self.settings.payload_url = Some(ScriptUrl::absolute(&url)?);
        Ok(self)
    }

    /// Adds a place from which machines fetch the closures of images: a URL that serves the root
    /// of the target. Machines try the places in order. Whoever serves them needs no trust, because
    /// machines check every byte by its digest.
    ///
    /// Before these places, machines try [`payload_url`](Self::payload_url). Without it they try
    /// the target from which the script itself came, if the
    /// [`ipxe_build`](Self::ipxe_build) can tell it: Debian's builds since 1.21 and those of
    /// ipxe.org can, and the default build cannot.
    ///
    /// # Errors
    /// [`Error::UnusableClosureSource`] unless it is an `http://` URL without a user, a password
    /// and a query: stage 1 has no TLS.
    pub fn closure_source(mut self, url: &Url) -> Result<Self, Error> {
        self.settings.closure_sources.push(closure_arguments::source(url)?);
        Ok(self)
    }

    /// Sets whether scripts tell every kernel, with the parameter `BOOTIF`, from which network card
    /// iPXE booted. The default is false. The kernel of an image with a closure is always told.
    pub fn boot_card(mut self, tell: bool) -> Self {
        self.settings.boot_card = tell;
        self
    }

    /// Lets machines report their progress: they fetch this URL with the parameters `stage`
    /// (`dhcp`, `kernel`, `initrd`, `failed`, `refused`), `profile`, `machine`, `mac` and `uuid`.
    /// They continue after any answer, and after three seconds without an answer.
    ///
    /// # Errors
    /// [`Error::Unprintable`].
    pub fn report_url(mut self, url: &Url) -> Result<Self, Error> {
        let url = ScriptUrl::absolute(url)?;
        self.settings.report_url = Some(url.with_more_parameters());
        Ok(self)
    }

    /// Adds a parameter to the command line of every image, after those of the image. For example,
    /// the serial console of the machines of a site: `console=ttyS1,115200`.
    pub fn kernel_parameter(
        mut self,
        parameter: impl TryInto<KernelParameter, Error: Into<InvalidValue>>,
    ) -> Self {
        match parameter.try_into() {
            Ok(parameter) => self.settings.kernel_parameters.push(parameter),
            Err(error) => self.refuse(Refused::Value(error.into())),
        }
        self
    }

    /// Lets scripts compare the SHA-256 digest of each kernel and initrd before they start it.
    pub fn check_digests(mut self, check: bool) -> Self {
        self.settings.check_digests = check;
        self
    }

    /// Lets scripts verify the signature of each kernel and initrd before they start it, with the
    /// certificate that iPXE was built to trust. `signatures` has the signatures by the digest of
    /// the signed file. They become blobs of the release. `sign` of the module `signing`, which is
    /// a feature, makes them.
    pub fn signatures(
        mut self,
        signatures: impl IntoIterator<Item = (Sha256Digest, Arc<dyn Artifact>)>,
    ) -> Self {
        self.settings.signatures = Some(signatures.into_iter().collect());
        self
    }

    /// Sets whether scripts are for machines with Secure Boot. Then they start the
    /// [UKI](netboot_core::Image::uki) of each image, which the caller signs, in the place of its
    /// kernel and its initrds. The default is false.
    ///
    /// A UKI takes neither kernel parameters nor initrds from outside, so the renderer refuses all
    /// that it would add. On a machine without Secure Boot such a script fails: systemd's stub then
    /// takes the name that iPXE gives the UKI as its command line.
    pub fn secure_boot(mut self, secure: bool) -> Self {
        self.settings.secure_boot = secure;
        self
    }

    /// Sets the shim of an architecture, for machines whose firmware trusts the key of the shim and
    /// not that of the UKI. It becomes a blob of the release, and scripts for machines with
    /// [Secure Boot](Self::secure_boot) give it to iPXE before the UKI. iPXE starts the UKI by the
    /// shim only if the firmware refuses the UKI itself (`efi_image_exec` in iPXE's
    /// `src/image/efi_image.c`).
    pub fn shim(mut self, architecture: Architecture, shim: Arc<dyn Artifact>) -> Self {
        self.settings.shims.insert(architecture, shim);
        self
    }

    /// Gives firmware that boots by HTTP a build of iPXE for an architecture. It becomes the static
    /// entries [`boot-<architecture>.efi`](netboot_core::layout::boot_program) of all machines and
    /// of the profiles and families with this architecture. iPXE runs `autoexec.ipxe` beside it
    /// first, which leads to the pointer, so the live release decides what machines boot.
    ///
    /// For machines with Secure Boot, the caller signs the program. Builds of iPXE since 1.21 look
    /// for `autoexec.ipxe`; those of 2019 do not.
    pub fn boot_program(mut self, architecture: Architecture, program: impl Into<Bytes>) -> Self {
        self.settings.boot_programs.insert(architecture, program.into());
        self
    }

    /// Reads and compiles the templates, and returns the renderer.
    ///
    /// # Errors
    /// [`Error::Core`] and [`Error::IpxeBuild`] for a text that is not what it was given as,
    /// [`Error::BuildLacks`], [`Error::OutsideOfUki`], [`Error::TemplateFile`], and for a caller's
    /// template [`Error::MalformedTemplate`] and [`Error::UnknownVariable`].
    pub fn build(self) -> Result<Renderer, Error> {
        let Self { mut sources, directories, variables, settings, refused } = self;
        match refused {
            Some(Refused::Value(error)) => return Err(error.into()),
            Some(Refused::Build(error)) => return Err(error.into()),
            None => {}
        }
        settings.require_capabilities()?;
        settings.require_nothing_outside_of_ukis()?;
        for directory in directories {
            sources.read_directory(&directory)?;
        }
        let pause = settings.pause.as_secs();
        let mut common = Context::new();
        common.insert("pause_seconds", &pause);
        common.insert(
            "longest_pause_seconds",
            &(pause << PAUSE_DOUBLINGS.min(pause.leading_zeros())),
        );
        common.insert("shell", &settings.offers_shell());
        common.insert("report_url", &settings.report_url);
        let mut linter = Linter::new(&settings.ipxe_build);
        if settings.secure_boot {
            linter = linter.with_secure_boot(SignedPrograms::new());
        }
        let templates = Templates::compile(&sources, common, &variables, linter)?;
        Ok(Renderer { templates, settings })
    }
}

impl Renderer {
    /// Starts a renderer with the built-in templates.
    pub fn builder() -> RendererBuilder {
        RendererBuilder::new()
    }
}
