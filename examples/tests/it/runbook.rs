//! The book in `docs/` is true: each test that it names exists, each message that it quotes is the
//! library's, and each of its commands runs.

mod commands;
mod document;
mod proofs;
mod reference;
mod said;
