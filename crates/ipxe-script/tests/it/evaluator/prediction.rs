//! The prediction of what a script does.

use std::fmt;

use ipxe_script::settings::Settings;

/// The predicted effects of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prediction {
    /// The downloads, in order.
    pub(crate) fetches: Vec<Fetch>,
    /// The lines that `echo` prints, in order, without line feeds.
    pub(crate) printed: Vec<Vec<u8>>,
    /// The images that are registered at the end, in iPXE's order.
    pub(crate) images: Vec<ImageState>,
    /// The way the script ends.
    pub(crate) ending: Ending,
    /// The index of the line at which the script failed or stopped. `None` if it ran to its end.
    pub(crate) last_line: Option<usize>,
    /// The settings at the end.
    pub(crate) settings: Settings,
}

impl Prediction {
    /// The success of the command that started the script, or `None` if it does not come back.
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
    /// The host, and the port if the script names one.
    pub(crate) authority: Vec<u8>,
    /// The path and the query as an HTTP server sees them.
    pub(crate) target: Vec<u8>,
}

impl fmt::Display for Fetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [scheme, authority, target] =
            [&self.scheme, &self.authority, &self.target].map(|part| String::from_utf8_lossy(part));
        write!(f, "{scheme}://{authority}{target}")
    }
}

/// The answer of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resource {
    /// The download fails.
    Missing,
    /// The download succeeds with these bytes.
    File(Vec<u8>),
}

/// An image of iPXE, as `imgstat` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageState {
    /// Its name.
    pub(crate) name: Vec<u8>,
    /// Its arguments, if it has some. They are the command line of a kernel.
    pub(crate) arguments: Option<Vec<u8>>,
    /// True if `boot` would start it.
    pub(crate) selected: bool,
}

/// The way a script ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It reaches its end, or `exit`.
    Success,
    /// A line fails, or iPXE does not take the text for a script.
    Failure,
    /// It starts an image that is not a script.
    Boots {
        /// The image's name.
        name: Vec<u8>,
        /// Its arguments.
        arguments: Vec<u8>,
    },
    /// It hangs in a setting that refers to itself.
    Hangs,
    /// It did not end within the limit of lines.
    TooLong,
    /// It reaches a command with a result that depends on the machine or a user.
    Unpredictable {
        /// The command's name.
        command: Vec<u8>,
    },
}
