//! Comparing a target with the manifests of its releases.

pub(crate) mod contents;
pub(crate) mod depth;
pub(crate) mod known_objects;
pub(crate) mod legacy_links;
pub(crate) mod meter;
pub(crate) mod objects;
pub(crate) mod place_state;
pub(crate) mod places;
pub(crate) mod sealing;
pub(crate) mod signing;
pub(crate) mod trusted_manifest;
pub(crate) mod whole;
