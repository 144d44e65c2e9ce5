//! A Nix with a store of its own, in a temporary directory.

/// A Nix with a store of its own.
#[derive(Debug)]
pub struct HermeticNix {}
