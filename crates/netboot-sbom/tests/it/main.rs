//! Tests of the documents about images, and of the comparison of two images.
#![expect(clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

mod comparison;
mod drv_name;
mod followed_hints;
mod sample;
mod sbom;
mod statement;
