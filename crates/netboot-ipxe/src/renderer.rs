//! From images to scripts, and to a release.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use netboot_core::layout;
use netboot_core::{
    Artifact, ArtifactKind, BytesArtifact, COMMAND_LINE_LIMIT, FileName, Image, PointerName,
    ProfileName, Release, ReleaseId, ReleasePath,
};
use serde::Serialize;
use tera::Context;

use crate::script_check::ARGUMENT_LIMIT;
use crate::template::{TemplateName, Templates};
use crate::{Error, Label, MenuText, ScriptArgument, ScriptUrl};

/// How many words a `kernel` command may have behind its URL.
const WORD_LIMIT: usize = ARGUMENT_LIMIT - 1;

/// Renders iPXE scripts. Make one with [`Renderer::builder`] and keep it: its templates are
/// compiled once.
#[derive(Debug, Clone)]
pub struct Renderer {
    templates: Templates,
    pointer_name: PointerName,
    default_profile: Option<ProfileName>,
    menu_timeout: Duration,
    attempts: u32,
    pause: Duration,
}

/// Gathers the choices of a [`Renderer`]; made by [`Renderer::builder`].
#[derive(Debug, Clone)]
#[must_use = "a renderer is made by `build`"]
pub struct RendererBuilder {
    replaced: BTreeMap<TemplateName, String>,
    pointer_name: PointerName,
    default_profile: Option<ProfileName>,
    menu_timeout: Duration,
    attempts: u32,
    pause: Duration,
}

impl RendererBuilder {
    /// Uses `text` in place of a built-in template; [`TemplateName`] has what it may print.
    pub fn template(mut self, name: TemplateName, text: impl Into<String>) -> Self {
        self.replaced.insert(name, text.into());
        self
    }

    /// The pointer that the static entries lead to: `current` by default.
    pub fn pointer_name(mut self, name: PointerName) -> Self {
        self.pointer_name = name;
        self
    }

    /// The profile that the menu starts when nobody chooses: the first by name, by default.
    pub fn default_profile(mut self, profile: ProfileName) -> Self {
        self.default_profile = Some(profile);
        self
    }

    /// How long the menu waits for somebody to choose, to the millisecond: 10 seconds by default;
    /// zero waits for ever.
    pub fn menu_timeout(mut self, timeout: Duration) -> Self {
        self.menu_timeout = timeout;
        self
    }

    /// How often an image's script tries to fetch and start it (3 by default, at least 1), and how
    /// long it waits in between, to the second (5 by default).
    pub fn attempts(mut self, attempts: u32, pause: Duration) -> Self {
        self.attempts = attempts.max(1);
        self.pause = pause;
        self
    }

    /// Compiles the templates.
    ///
    /// # Errors
    /// [`Error::MalformedTemplate`] and [`Error::UnknownVariable`] for a replaced template.
    pub fn build(self) -> Result<Renderer, Error> {
        Ok(Renderer {
            templates: Templates::compile(|name| self.replaced.get(&name).cloned())?,
            pointer_name: self.pointer_name,
            default_profile: self.default_profile,
            menu_timeout: self.menu_timeout,
            attempts: self.attempts,
            pause: self.pause,
        })
    }
}

/// A file as a template sees it.
#[derive(Serialize)]
struct NamedUrl<'a> {
    name: &'a FileName,
    url: ScriptUrl,
}

/// An item of the menu as a template sees it.
#[derive(Serialize)]
struct MenuItem {
    label: Label,
    title: MenuText,
    url: ScriptUrl,
}

impl Renderer {
    /// Begins a renderer with the built-in templates.
    pub fn builder() -> RendererBuilder {
        RendererBuilder {
            replaced: BTreeMap::new(),
            pointer_name: PointerName::default(),
            default_profile: None,
            menu_timeout: Duration::from_secs(10),
            attempts: 3,
            pause: Duration::from_secs(5),
        }
    }

    /// Renders the scripts of `images` and makes a release of all: one script for each image, the
    /// menu, the static entry points and the pointer.
    ///
    /// # Errors
    /// [`Error::Unprintable`] for a title or parameter that iPXE would read differently,
    /// [`Error::TooManyArguments`], [`Error::CommandLineTooLong`], [`Error::UnknownDefault`],
    /// [`Error::Template`] and [`Error::NotAScript`] for a replaced template, and those of
    /// [`ReleaseBuilder::build`](netboot_core::ReleaseBuilder::build).
    pub fn render_release(
        &self,
        images: impl IntoIterator<Item = Image>,
    ) -> Result<Release, Error> {
        let images: Vec<Image> = images.into_iter().collect();
        if images.is_empty() {
            return Err(netboot_core::Error::EmptyRelease.into());
        }
        let menu = self.render_menu(&images)?;
        let mut release = Release::builder(images.iter().cloned())
            .script(layout::boot_script(), script("boot.ipxe", menu)?)
            .entry_point(layout::boot_script(), self.render_boot_entry()?);
        for image in &images {
            let path = layout::profile_script(image.profile());
            let text = self.render_image(image)?;
            let entry = self.render_profile_entry(image.profile())?;
            release = release
                .script(path.clone(), script("netboot.ipxe", text)?)
                .entry_point(path, entry);
        }
        // The pointer's text depends on the id, which is known only inside `build`.
        let mut pointer_error = None;
        let built = release.build(|id| {
            self.render_pointer(id).unwrap_or_else(|error| {
                pointer_error = Some(error);
                String::new()
            })
        });
        match pointer_error {
            Some(error) => Err(error),
            None => Ok(built?),
        }
    }

    /// The script that starts `image` from its place in a release: its files are named by digest,
    /// relative to `releases/<id>/<profile>/netboot.ipxe`.
    ///
    /// # Errors
    /// As [`render_release`](Self::render_release).
    pub fn render_image(&self, image: &Image) -> Result<String, Error> {
        self.render_with_urls(image, |artifact| {
            ScriptUrl::from_below(3, &layout::blob(&artifact.sha256()))
        })
    }

    /// The script that starts `image` from a directory that holds its files under their own names
    /// beside the script.
    ///
    /// # Errors
    /// As [`render_release`](Self::render_release).
    pub fn render_standalone(&self, image: &Image) -> Result<String, Error> {
        self.render_with_urls(image, |artifact| ScriptUrl::neighbour(artifact.file_name()))
    }

    fn render_with_urls(
        &self,
        image: &Image,
        url: impl Fn(&dyn Artifact) -> ScriptUrl,
    ) -> Result<String, Error> {
        let named = |artifact: &'_ Arc<dyn Artifact>| url(artifact.as_ref());
        let kernel = image.kernel();
        let initrds: Vec<NamedUrl<'_>> = image
            .initrds()
            .iter()
            .map(|initrd| NamedUrl { name: initrd.file_name(), url: named(initrd) })
            .collect();
        let mut values = Context::new();
        values.insert("profile", image.profile());
        values.insert("kernel", &NamedUrl { name: kernel.file_name(), url: named(kernel) });
        values.insert("initrds", &initrds);
        values.insert("arguments", &arguments(image)?);
        values.insert("attempts", &self.attempts);
        values.insert("pause_seconds", &self.pause.as_secs());
        self.templates.render(TemplateName::Image, values)
    }

    /// The menu of `images`, for `releases/<id>/boot.ipxe`; they are in the order given.
    ///
    /// # Errors
    /// As [`render_release`](Self::render_release).
    pub fn render_menu(&self, images: &[Image]) -> Result<String, Error> {
        let known = || images.iter().map(|image| image.profile().clone()).collect::<Vec<_>>();
        let default = match &self.default_profile {
            Some(profile) if !known().contains(profile) => {
                return Err(Error::UnknownDefault { profile: profile.clone(), known: known() });
            }
            Some(profile) => Some(profile.clone()),
            None => known().into_iter().min(),
        };
        let items = images.iter().map(|image| {
            Ok(MenuItem {
                label: Label::of_profile(image.profile()),
                title: MenuText::try_from(image.title())?,
                url: ScriptUrl::relative(
                    &layout::boot_script(),
                    &layout::profile_script(image.profile()),
                ),
            })
        });
        let mut values = Context::new();
        values.insert("images", &items.collect::<Result<Vec<_>, Error>>()?);
        values.insert("default", &default.as_ref().map(Label::of_profile));
        values.insert("timeout_milliseconds", &self.menu_timeout.as_millis());
        values.insert("pause_seconds", &self.pause.as_secs());
        self.templates.render(TemplateName::Menu, values)
    }

    /// The text of the pointer while the release `id` is live.
    ///
    /// # Errors
    /// [`Error::Template`] and [`Error::NotAScript`] for a replaced template.
    pub fn render_pointer(&self, id: &ReleaseId) -> Result<String, Error> {
        let mut values = Context::new();
        values.insert("release", &id.short());
        values.insert("release_url", &format!("releases/{id}"));
        self.templates.render(TemplateName::Pointer, values)
    }

    /// The static entry for every machine, `boot.ipxe`.
    ///
    /// # Errors
    /// [`Error::Template`] and [`Error::NotAScript`] for a replaced template.
    pub fn render_boot_entry(&self) -> Result<String, Error> {
        let mut values = Context::new();
        values.insert("pointer_url", &self.pointer_url(&layout::boot_script()));
        self.templates.render(TemplateName::BootEntry, values)
    }

    /// The static entry of one profile, `<profile>/netboot.ipxe`.
    ///
    /// # Errors
    /// [`Error::Template`] and [`Error::NotAScript`] for a replaced template.
    pub fn render_profile_entry(&self, profile: &ProfileName) -> Result<String, Error> {
        let mut values = Context::new();
        values.insert("profile", profile);
        values.insert("pointer_url", &self.pointer_url(&layout::profile_script(profile)));
        self.templates.render(TemplateName::ProfileEntry, values)
    }

    fn pointer_url(&self, from: &ReleasePath) -> ScriptUrl {
        ScriptUrl::relative(from, &layout::pointer(&self.pointer_name))
    }
}

/// The kernel's command line: `init=`, `initrd=` for each initrd, then the parameters in order.
fn arguments(image: &Image) -> Result<Vec<ScriptArgument>, Error> {
    let command_line = image.boot().command_line()?;
    let mut arguments: Vec<ScriptArgument> =
        command_line.parameters().map(ScriptArgument::new).collect::<Result<_, _>>()?;
    let initrds = image.initrds().iter().map(|initrd| ScriptArgument::initrd(initrd.file_name()));
    arguments.splice(1..1, initrds);

    let profile = image.profile();
    let words = arguments.iter().map(ScriptArgument::words).sum();
    if words > WORD_LIMIT {
        let (profile, limit) = (profile.clone(), WORD_LIMIT);
        return Err(Error::TooManyArguments { profile, words, limit });
    }
    let kernel_name = image.kernel().file_name().as_str().len();
    let length = arguments.iter().map(|argument| 1 + argument.as_str().len()).sum::<usize>();
    let length = kernel_name + length;
    if length > COMMAND_LINE_LIMIT {
        let (profile, limit) = (profile.clone(), COMMAND_LINE_LIMIT);
        return Err(Error::CommandLineTooLong { profile, length, limit });
    }
    Ok(arguments)
}

fn script(name: &str, text: String) -> Result<Arc<dyn Artifact>, Error> {
    Ok(Arc::new(BytesArtifact::new(ArtifactKind::Script, FileName::new(name)?, text)))
}
