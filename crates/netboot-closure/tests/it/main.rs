//! Tests of the crate.

mod index;
mod nar;
mod nix;
mod tree;
