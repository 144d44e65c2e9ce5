//! The places from which the machine fetches the closure of its image.

use netboot_closure::boot_parameter::{BootParameter, HttpUrl};
use netboot_core::Image;
use url::Url;

use crate::closure_arguments;
use crate::error::Error;
use crate::renderer::Renderer;
use crate::renderer::payload::PayloadUrls;
use crate::script_argument::{DIRECTORY, ScriptArgument};
use crate::script_url::ScriptUrl;

impl Renderer {
    /// The parameters with the roots of targets, in the order in which the machine tries them: the
    /// place of the payloads, and then the caller's.
    pub(super) fn closure_sources(&self, urls: &PayloadUrls) -> Vec<ScriptArgument> {
        let of_directory = |directories| {
            let knows = self.settings.ipxe_build.has_setting(DIRECTORY);
            knows.then(|| ScriptArgument::own_source(directories))
        };
        let own = match urls {
            PayloadUrls::Relative(directories) => of_directory(*directories),
            PayloadUrls::Neighbours => of_directory(0),
            PayloadUrls::Absolute(url) => of_payloads(url).ok().map(of_url),
        };
        let others = self.settings.closure_sources.iter().cloned().map(of_url);
        let mut sources: Vec<ScriptArgument> = Vec::new();
        for source in own.into_iter().chain(others) {
            if !sources.contains(&source) {
                sources.push(source);
            }
        }
        sources
    }

    /// The error for an image with a closure, if there is no source.
    pub(super) fn no_closure_source(&self, image: &Image, urls: &PayloadUrls) -> Error {
        if let PayloadUrls::Absolute(url) = urls
            && let Err(error) = of_payloads(url)
        {
            return error;
        }
        let build = self.settings.ipxe_build.name().to_owned();
        Error::NoClosureSource { profile: image.profile().clone(), build }
    }
}

fn of_url(url: HttpUrl) -> ScriptArgument {
    ScriptArgument::boot_parameter(&BootParameter::From(url))
}

/// The place of the payloads as a source.
fn of_payloads(url: &ScriptUrl) -> Result<HttpUrl, Error> {
    match Url::parse(url.as_str()) {
        Ok(url) => closure_arguments::source(&url),
        // It was made of an absolute URL.
        Err(_) => Err(Error::UnusableClosureSource { url: url.to_string() }),
    }
}
