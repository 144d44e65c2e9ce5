//! Tests of the crate.

mod index;
mod nar;
mod nix;
mod nix_store;
mod pack;
mod tree;
