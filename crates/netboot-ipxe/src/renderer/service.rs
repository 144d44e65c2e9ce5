//! Scripts for a service that answers each machine itself.

use tera::Context;
use url::Url;

use crate::error::Error;
use crate::menu::LocalDisk;
use crate::menu_text::MenuText;
use crate::renderer::Renderer;
use crate::script_url::ScriptUrl;
use crate::template::name::TemplateName;

/// The action of a machine after it has shown a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NextStep {
    /// It goes back to the [entry](Renderer::render_service_entry), which waits and starts again. A
    /// machine that did not come from there waits for the time of
    /// [`retry_after`](crate::RendererBuilder::retry_after) and reboots.
    TryAgain,
    /// It runs the script at this URL, such as the menu of a release.
    Chain(ScriptUrl),
    /// It boots its local disk, as [`local_disk`](crate::RendererBuilder::local_disk) says.
    LocalDisk,
}

impl Renderer {
    /// Renders the entry for the machines of a service that answers each machine itself, for
    /// example with [`render_machine`](Self::render_machine). The entry reports the stage `dhcp`
    /// and then fetches `url` with these parameters:
    /// - `mac`: the address of the network card that the machine boots from, with hyphens;
    /// - `uuid`;
    /// - `serial-hex` and `asset-hex`: the octets of the serial number and the asset tag in
    ///   hexadecimal digits, because firmware may have any characters there, and iPXE would expand
    ///   a `${` and end the URL at a `#`;
    /// - `arch`: Nix's name of the architecture, such as `x86_64`.
    ///
    /// A parameter is empty if the machine does not have it. If there is no answer, or the answer
    /// fails, the machine waits, longer each time, and asks again.
    ///
    /// # Errors
    /// [`Error::Unprintable`], and for a caller's template [`Error::Template`] and
    /// [`Error::NotAScript`].
    pub fn render_service_entry(&self, url: &Url) -> Result<String, Error> {
        let url = ScriptUrl::absolute(url)?;
        let mut values = Context::new();
        values.insert("service_url", &url);
        values.insert("query_url", &url.with_more_parameters());
        values.insert("rounds", &self.settings.rounds);
        self.templates.render(TemplateName::ServiceEntry, values)
    }

    /// Renders a script that shows `lines` on the console and then takes the `next` step, for a
    /// machine that a service has no image for.
    ///
    /// # Errors
    /// [`Error::Template`] and [`Error::NotAScript`] for a caller's template.
    pub fn render_notice(&self, lines: &[MenuText], next: &NextStep) -> Result<String, Error> {
        let (name, url) = match next {
            NextStep::TryAgain => ("try-again", None),
            NextStep::Chain(url) => ("chain", Some(url)),
            NextStep::LocalDisk => ("local-disk", None),
        };
        let mut values = Context::new();
        values.insert("lines", lines);
        values.insert("next", name);
        values.insert("next_url", &url);
        values.insert("retry_seconds", &self.settings.retry_after.as_secs());
        values.insert("first_disk", &(self.settings.local_disk == LocalDisk::FirstDisk));
        self.templates.render(TemplateName::Notice, values)
    }
}
