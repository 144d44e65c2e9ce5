//! One run of the program, which a command works with.

use std::sync::OnceLock;

use netboot_core::Context;

use crate::configuration::Configuration;
use crate::error::Error;
use crate::global_options::GlobalOptions;
use crate::progress::Progress;
use crate::state_directory::state_directory;
use crate::target::Target;

/// One run of the program.
#[derive(Debug)]
pub(crate) struct Session {
    /// The context of the work: its events are shown, and a signal cancels it.
    pub(crate) context: Context,
    /// Shows lines on standard error.
    pub(crate) progress: Progress,
    /// The options that all commands have.
    pub(crate) options: GlobalOptions,
    /// The file, once a command asked for it.
    configuration: OnceLock<Configuration>,
}

impl Session {
    /// A run with these options. It reads no file yet.
    pub(crate) fn new(context: Context, progress: Progress, options: GlobalOptions) -> Self {
        Self { context, progress, options, configuration: OnceLock::new() }
    }

    /// The file of `--config`, or `netboot.toml` in the working directory. Without a file, the
    /// configuration is empty.
    ///
    /// # Errors
    /// The errors of [`Configuration::load`].
    pub(crate) fn configuration(&self) -> Result<&Configuration, Error> {
        if let Some(configuration) = self.configuration.get() {
            return Ok(configuration);
        }
        let configuration = match &self.options.config {
            Some(path) => Configuration::load(path)?,
            None => Configuration::find("")?,
        };
        Ok(self.configuration.get_or_init(|| configuration))
    }

    /// The target that a text means: a location, or a name of `[targets]`. It has the keys of
    /// `[signing]`, and knows the servers of buckets that another run tested.
    ///
    /// # Errors
    /// The errors of [`Configuration::target`], and those of
    /// [`configuration`](Self::configuration).
    pub(crate) fn target(&self, text: &str) -> Result<Target, Error> {
        let target = self.configuration()?.target(text)?;
        Ok(match state_directory() {
            Some(directory) => target.with_server_memory(directory.join("s3-servers.json")),
            None => target,
        })
    }
}
