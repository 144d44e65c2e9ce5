//! Renders images into scripts and releases.

mod boot_programs;
pub(crate) mod builder;
mod closure;
mod dispatch;
mod draft;
mod entry;
mod image;
mod machine_table;
mod menu;
mod payload;
mod release;
mod secure_boot;
pub(crate) mod service;
mod settings;

use crate::renderer::settings::Settings;
use crate::template::set::Templates;

/// Renders iPXE scripts. [`Renderer::builder`] starts one. Keep it, because building it compiles
/// all templates.
#[derive(Debug, Clone)]
pub struct Renderer {
    templates: Templates,
    settings: Settings,
}
