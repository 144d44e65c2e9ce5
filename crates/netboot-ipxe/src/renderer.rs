//! From images to scripts, and to a release.

pub(crate) mod builder;
mod dispatch;
mod entry;
mod image;
mod machine_table;
mod menu;
mod payload;
mod release;
pub(crate) mod service;
mod settings;

use crate::renderer::settings::Settings;
use crate::template::set::Templates;

/// Renders iPXE scripts. Make one with [`Renderer::builder`] and keep it: its templates are
/// compiled once.
#[derive(Debug, Clone)]
pub struct Renderer {
    templates: Templates,
    settings: Settings,
}
