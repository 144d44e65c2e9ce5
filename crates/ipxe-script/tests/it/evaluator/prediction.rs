//! What a script will have done.

use std::fmt;

use ipxe_script::settings::Settings;

/// What iPXE does with a script, as the model has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prediction {
    /// The downloads that it starts, in order.
    pub(crate) fetches: Vec<Fetch>,
    /// What its `echo` commands print, in order, without the line feeds.
    pub(crate) printed: Vec<Vec<u8>>,
    /// The images that are registered in the end, in iPXE's order.
    pub(crate) images: Vec<ImageState>,
    /// How it ends.
    pub(crate) ending: Ending,
    /// The line of the script that ended it, as an index: where it failed or stopped. None if it
    /// ran to its end.
    pub(crate) last_line: Option<usize>,
    /// The settings in the end.
    pub(crate) settings: Settings,
}

impl Prediction {
    /// Whether the command that started the script succeeds; none if it does not come back.
    pub(crate) fn success(&self) -> Option<bool> {
        match self.ending {
            Ending::Success => Some(true),
            Ending::Failure => Some(false),
            _ => None,
        }
    }
}

/// A download.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Fetch {
    /// The scheme in lower case.
    pub(crate) scheme: Vec<u8>,
    /// The host, and the port where the script names one.
    pub(crate) authority: Vec<u8>,
    /// The path and query as an HTTP server sees them.
    pub(crate) target: Vec<u8>,
}

impl fmt::Display for Fetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [scheme, authority, target] =
            [&self.scheme, &self.authority, &self.target].map(|part| String::from_utf8_lossy(part));
        write!(f, "{scheme}://{authority}{target}")
    }
}

/// What a server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resource {
    /// The download fails.
    Missing,
    /// The download succeeds with these bytes.
    File(Vec<u8>),
}

/// An image that iPXE holds, as `imgstat` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageState {
    /// Its name.
    pub(crate) name: Vec<u8>,
    /// Its arguments, if it was given some; the kernel's command line is these.
    pub(crate) arguments: Option<Vec<u8>>,
    /// True if `boot` would start it.
    pub(crate) selected: bool,
}

/// How a script ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It comes to its end, or to `exit`.
    Success,
    /// A line of it fails, or iPXE does not take it for a script.
    Failure,
    /// It starts an image that is no script.
    Boots {
        /// The image's name.
        name: Vec<u8>,
        /// Its arguments.
        arguments: Vec<u8>,
    },
    /// It hangs in a setting that refers to itself.
    Hangs,
    /// It was not at its end after the greatest number of lines that may be looked at.
    TooLong,
    /// It comes to a command whose result only a machine or a user can tell.
    Unpredictable {
        /// The command's name.
        command: Vec<u8>,
    },
}
