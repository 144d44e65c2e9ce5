//! The choices of a renderer.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ipxe_script::IpxeBuild;
use netboot_core::{
    Architecture, Artifact, KernelParameter, PointerName, ProfileName, Sha256Digest,
};
use tera::Context;
use url::Url;

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

/// How often the first pause between attempts is doubled at most.
const PAUSE_DOUBLINGS: u32 = 6;

/// Gathers the choices of a [`Renderer`]; made by [`Renderer::builder`].
#[derive(Debug, Clone)]
#[must_use = "a renderer is made by `build`"]
pub struct RendererBuilder {
    sources: TemplateSources,
    directories: Vec<std::path::PathBuf>,
    variables: BTreeMap<String, MenuText>,
    settings: Settings,
}

impl RendererBuilder {
    pub(super) fn new() -> Self {
        let settings = Settings::default();
        Self {
            sources: TemplateSources::default(),
            directories: Vec::new(),
            variables: BTreeMap::new(),
            settings,
        }
    }

    /// Uses `text` in place of a built-in template; [`TemplateName`] has what it may print, and how
    /// it extends what it replaces.
    pub fn template(mut self, name: TemplateName, text: impl Into<String>) -> Self {
        self.sources.insert(name.as_str(), text);
        self
    }

    /// Lets templates include `text` by this name.
    pub fn part(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.sources.insert(name, text);
        self
    }

    /// Reads every `<name>.ipxe` of a directory as the template of that name, or as a part where
    /// there is no such template. Later directories go before earlier ones, and before texts.
    pub fn template_directory(mut self, directory: impl AsRef<Path>) -> Self {
        self.directories.push(directory.as_ref().to_owned());
        self
    }

    /// Lets templates print `value` as the variable `name`. A variable of the templates' own goes
    /// before.
    pub fn variable(mut self, name: impl Into<String>, value: MenuText) -> Self {
        self.variables.insert(name.into(), value);
        self
    }

    /// The iPXE that scripts are for: the oldest that is in use, by default.
    pub fn ipxe_build(mut self, build: IpxeBuild) -> Self {
        self.settings.ipxe_build = build;
        self
    }

    /// The pointer that the static entries lead to: `current` by default.
    pub fn pointer_name(mut self, name: PointerName) -> Self {
        self.settings.pointer_name = name;
        self
    }

    /// The profile that the menu starts when nobody chooses: the first by name, by default. A menu
    /// with a default choice of its own goes before.
    pub fn default_profile(mut self, profile: ProfileName) -> Self {
        self.settings.default_profile = Some(profile);
        self
    }

    /// The menu of a release: [`Menu::of_images`] by default.
    pub fn menu(mut self, menu: Menu) -> Self {
        self.settings.menu = Some(menu);
        self
    }

    /// How long the menu waits for somebody to choose, to the millisecond: 10 seconds by default;
    /// zero waits for ever.
    pub fn menu_timeout(mut self, timeout: Duration) -> Self {
        self.settings.menu_timeout = timeout;
        self
    }

    /// How long the menu waits before a machine that asked for a profile, and did not get it,
    /// tries again from the start, to the millisecond: a minute by default; zero waits for ever.
    pub fn retry_after(mut self, time: Duration) -> Self {
        self.settings.retry_after = time;
        self
    }

    /// How often an image's script tries to fetch and start it (3 by default, at least 1), and how
    /// long it waits in between, to the second (5 by default). Each pause is twice as long as the
    /// one before, up to 64 times the first.
    pub fn attempts(mut self, attempts: u32, pause: Duration) -> Self {
        self.settings.attempts = attempts.max(1);
        self.settings.pause = pause;
        self
    }

    /// How often a static entry starts over when nothing starts, with the same pauses: for ever
    /// (0) by default. After that iPXE leaves, and the firmware boots its next device.
    pub fn rounds(mut self, rounds: u32) -> Self {
        self.settings.rounds = rounds;
        self
    }

    /// Whether scripts offer iPXE's command line where something failed: they do by default. It
    /// lets whoever stands there boot anything, so a fleet that refuses unknown machines
    /// ([`UnknownMachine::Refuse`](crate::UnknownMachine::Refuse)) has none.
    pub fn offer_shell(mut self, offer: bool) -> Self {
        self.settings.shell = offer;
        self
    }

    /// How a machine leaves for its local disk where a fleet says so.
    pub fn local_disk(mut self, how: LocalDisk) -> Self {
        self.settings.local_disk = how;
        self
    }

    /// The machines that the release is for. Then `boot.ipxe` sends each to its image, and the menu
    /// is shown to those that have none if the fleet says so.
    pub fn fleet(mut self, fleet: Fleet) -> Self {
        self.settings.fleet = Some(Arc::new(fleet));
        self
    }

    /// Makes `family` stand for one profile on each architecture, wherever a profile can be named:
    /// in the menu, in a fleet, as a static entry.
    pub fn family(
        mut self,
        family: ProfileName,
        profiles: impl IntoIterator<Item = (Architecture, ProfileName)>,
    ) -> Self {
        self.settings.families.insert(family, profiles.into_iter().collect());
        self
    }

    /// Lets scripts fetch kernels, initrds, signatures and tables of machines below this URL, where
    /// `blobs/` of the target is served, instead of where the scripts come from.
    ///
    /// # Errors
    /// [`Error::Unprintable`].
    pub fn payload_url(mut self, url: &Url) -> Result<Self, Error> {
        let mut url = url.clone();
        url.set_query(None);
        self.settings.payload_url = Some(ScriptUrl::absolute(&url)?);
        Ok(self)
    }

    /// Lets machines tell how far they came by fetching this URL with the parameters `stage`
    /// (`dhcp`, `kernel`, `initrd`, `failed`, `refused`), `profile`, `machine`, `mac` and `uuid`.
    /// They go on whatever it answers, after three seconds without an answer at the latest.
    ///
    /// # Errors
    /// [`Error::Unprintable`].
    pub fn report_url(mut self, url: &Url) -> Result<Self, Error> {
        let url = ScriptUrl::absolute(url)?;
        self.settings.report_url = Some(url.with_more_parameters());
        Ok(self)
    }

    /// Adds a parameter to the command line of every image, behind those of the image: the serial
    /// console of a site's machines, such as `console=ttyS1,115200`.
    pub fn kernel_parameter(mut self, parameter: KernelParameter) -> Self {
        self.settings.kernel_parameters.push(parameter);
        self
    }

    /// Lets scripts compare the SHA-256 of each kernel and initrd before they start it.
    pub fn check_digests(mut self, check: bool) -> Self {
        self.settings.check_digests = check;
        self
    }

    /// Lets scripts verify the signature of each kernel and initrd before they start it, with the
    /// certificate that iPXE was built to trust. `signatures` has them by the digest of what was
    /// signed; they become blobs of the release. `sign` of the
    /// module `signing` (a feature of its own) makes them.
    pub fn signatures(
        mut self,
        signatures: impl IntoIterator<Item = (Sha256Digest, Arc<dyn Artifact>)>,
    ) -> Self {
        self.settings.signatures = Some(signatures.into_iter().collect());
        self
    }

    /// Reads and compiles the templates.
    ///
    /// # Errors
    /// [`Error::BuildLacks`]; [`Error::TemplateFile`]; [`Error::MalformedTemplate`] and
    /// [`Error::UnknownVariable`] for a caller's template.
    pub fn build(self) -> Result<Renderer, Error> {
        let Self { mut sources, directories, variables, settings } = self;
        settings.require_capabilities()?;
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
        let templates = Templates::compile(&sources, common, &variables, &settings.ipxe_build)?;
        Ok(Renderer { templates, settings })
    }
}

impl Renderer {
    /// Begins a renderer with the built-in templates.
    pub fn builder() -> RendererBuilder {
        RendererBuilder::new()
    }
}
