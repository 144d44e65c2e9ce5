//! Nix archives (NAR): one store path, as one stream of bytes.
//!
//! The format is described in the Nix manual, "Nix Archive (NAR) Format". Its parts are strings: a
//! length of eight bytes in little-endian order, the bytes, and zeros up to a multiple of eight.
//! An archive has the names, the contents, one executable bit for each file, and the targets of
//! symbolic links. It has no owners and no times. Equal trees therefore give equal archives.

mod dump;
pub(crate) mod problem;
mod reader;
mod summary;
mod unpack;
mod wire;

pub use self::dump::dump;
pub use self::problem::NarProblem;
pub use self::reader::{NarEvent, NarLimits, NarReader};
pub use self::summary::NarSummary;
pub use self::unpack::unpack;
