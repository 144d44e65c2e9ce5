//! From images to scripts, and to a release.

mod builder;
mod dispatch;
mod entry;
mod image;
mod machine_table;
mod menu;
mod payload;
mod release;
mod service;

pub use self::builder::RendererBuilder;
use self::builder::Settings;
pub use self::service::NextStep;
use crate::template::Templates;

/// Renders iPXE scripts. Make one with [`Renderer::builder`] and keep it: its templates are
/// compiled once.
#[derive(Debug, Clone)]
pub struct Renderer {
    templates: Templates,
    settings: Settings,
}

impl Renderer {
    /// Begins a renderer with the built-in templates.
    pub fn builder() -> RendererBuilder {
        RendererBuilder::new()
    }
}
