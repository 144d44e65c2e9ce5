//! What the tests and the demo stand on: tools, a kernel, a hermetic Nix, the test flake.

mod hermetic_nix;

pub use crate::hermetic_nix::HermeticNix;
