//! What a command works with: the options that all commands have.

use netboot_core::Context;

use crate::arguments::GlobalOptions;
use crate::error::Error;
use crate::progress::Progress;
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
}

impl Session {
    /// The target that a text means: a name of `netboot.toml`, or a location.
    ///
    /// # Errors
    /// [`Error::InvalidTarget`].
    pub(crate) fn target(&self, text: &str) -> Result<Target, Error> {
        text.parse()
    }
}
