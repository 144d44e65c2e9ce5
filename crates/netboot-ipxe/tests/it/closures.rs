//! The scripts of images with a closure.

mod interchange;
mod machines;
mod oracle;
mod properties;
mod refused;
mod scripts;

use netboot_closure::boot_parameter::BootParameters;
use netboot_ipxe::{Renderer, RendererBuilder};
use url::Url;

use crate::images::closure_image;

pub(crate) const MIRROR: &str = "http://mirror.example.org/netboot/";

pub(crate) fn url(text: &str) -> Url {
    text.parse().unwrap()
}

/// For machines with builds of 2019, which need the URL of the target.
pub(crate) fn old() -> RendererBuilder {
    Renderer::builder().closure_source(&url(MIRROR)).unwrap()
}

/// For machines with builds that know the directory of a script.
fn new() -> RendererBuilder {
    Renderer::builder().ipxe_build("sid")
}

/// The words of the `kernel` command after the URL, in the script that the caller renders.
fn words(script: &str) -> Vec<&str> {
    let line = script.lines().find(|line| line.starts_with("kernel ")).unwrap();
    let line = line.strip_suffix(" || goto failed").unwrap();
    line.split(' ').skip(4).collect()
}

/// The values of all parameters of a name.
fn values<'a>(words: &[&'a str], name: &str) -> Vec<&'a str> {
    let pairs = words.iter().filter_map(|word| word.split_once('='));
    pairs.filter(|(other, _)| *other == name).map(|(_, value)| value).collect()
}

/// The command line that stage 1 reads, if iPXE expands the settings as on a machine whose script
/// is in `directory`.
fn read_by_stage_1(words: &[&str], directory: &str) -> BootParameters {
    let line = words.join(" ");
    let line = line.replace("${cwduri}", directory);
    let line = line.replace("${netX/mac:hexhyp}", "52-54-00-12-34-56");
    assert!(!line.contains('$'), "{line}");
    BootParameters::from_command_line(&line).unwrap()
}

/// The digest of the index of an image, as stage 1 reads it.
fn index_of(name: &str) -> netboot_closure::Sha256 {
    let digest = closure_image(name, &[]).closure().unwrap().index.sha256();
    netboot_closure::Sha256::from_bytes(*digest.as_bytes())
}
