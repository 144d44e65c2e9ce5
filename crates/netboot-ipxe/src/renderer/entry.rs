//! The static entries and the pointer.

use netboot_core::{
    PointerTemplate, ProfileName, RELEASE_ID_PLACEHOLDER, ReleasePath,
    SHORT_RELEASE_ID_PLACEHOLDER, layout,
};
use tera::Context;

use crate::error::Error;
use crate::renderer::Renderer;
use crate::script_url::ScriptUrl;
use crate::template::name::TemplateName;

impl Renderer {
    /// Renders the text of the pointer, with placeholders for the id of the live release.
    ///
    /// # Errors
    /// [`Error::Template`] and [`Error::NotAScript`] for a caller's template, and
    /// [`Error::Core`] if the template does not print `release_url`.
    pub fn render_pointer(&self) -> Result<PointerTemplate, Error> {
        let release_url = format!("{}/{RELEASE_ID_PLACEHOLDER}", layout::releases());
        let menu_url = self.menu_path()?.map(|path| format!("{release_url}/{path}"));
        let mut values = Context::new();
        values.insert("release", SHORT_RELEASE_ID_PLACEHOLDER);
        values.insert("release_url", &release_url);
        values.insert("menu_url", &menu_url);
        let text = self.templates.render(TemplateName::Pointer, values)?;
        Ok(PointerTemplate::new(text).map_err(netboot_core::Error::from)?)
    }

    /// Renders the static entry for every machine, `boot.ipxe`.
    ///
    /// # Errors
    /// [`Error::Template`] and [`Error::NotAScript`] for a caller's template.
    pub fn render_boot_entry(&self) -> Result<String, Error> {
        let mut values = Context::new();
        values.insert("pointer_url", &self.pointer_url(&layout::boot_script()));
        values.insert("rounds", &self.settings.rounds);
        self.templates.render(TemplateName::BootEntry, values)
    }

    /// Renders the static entry of one profile, `<profile>/netboot.ipxe`.
    ///
    /// # Errors
    /// [`Error::Template`] and [`Error::NotAScript`] for a caller's template.
    pub fn render_profile_entry(&self, profile: &ProfileName) -> Result<String, Error> {
        let mut values = Context::new();
        values.insert("profile", profile);
        values.insert("pointer_url", &self.pointer_url(&layout::profile_script(profile)));
        values.insert("rounds", &self.settings.rounds);
        self.templates.render(TemplateName::ProfileEntry, values)
    }

    fn pointer_url(&self, from: &ReleasePath) -> ScriptUrl {
        ScriptUrl::relative(from, &layout::pointer(&self.settings.pointer_name))
    }
}
