//! Scripts of a service that answers each machine itself.

use tera::Context;
use url::Url;

use crate::error::Error;
use crate::menu::LocalDisk;
use crate::menu_text::MenuText;
use crate::renderer::Renderer;
use crate::script_url::ScriptUrl;
use crate::template::name::TemplateName;

/// What a machine does once it has shown a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NextStep {
    /// It goes back to the [entry](Renderer::render_service_entry), which waits and starts over.
    /// A machine that did not come from there waits as long as
    /// [`retry_after`](crate::RendererBuilder::retry_after) says and reboots.
    TryAgain,
    /// It runs the script at this URL, such as the menu of a release.
    Chain(ScriptUrl),
    /// It leaves for its local disk, in the way of
    /// [`local_disk`](crate::RendererBuilder::local_disk).
    LocalDisk,
}

impl Renderer {
    /// The entry for the machines of a service that answers them itself, for example by
    /// [`render_machine`](Self::render_machine): it reports the stage `dhcp`, then asks `url` with
    /// the parameters
    /// - `mac`: the address of the card that it boots from, with hyphens;
    /// - `uuid`;
    /// - `serial-hex` and `asset-hex`: the octets of the serial number and the asset tag in
    ///   hexadecimal digits, since firmware has any characters there, and iPXE would expand a `${`
    ///   among them and cut the URL at a `#`;
    /// - `arch`: Nix's name of the architecture, such as `x86_64`;
    ///
    /// each of them empty where the machine has none. When what it is answered fails, or nothing
    /// does, it waits, longer each time, and asks again.
    ///
    /// # Errors
    /// [`Error::Unprintable`]; [`Error::Template`] and [`Error::NotAScript`] for a caller's
    /// template.
    pub fn render_service_entry(&self, url: &Url) -> Result<String, Error> {
        let url = ScriptUrl::absolute(url)?;
        let mut values = Context::new();
        values.insert("service_url", &url);
        values.insert("query_url", &url.with_more_parameters());
        values.insert("rounds", &self.settings.rounds);
        self.templates.render(TemplateName::ServiceEntry, values)
    }

    /// A script that shows `lines` on the console, for a machine that a service has no image for,
    /// and takes the `next` step.
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
