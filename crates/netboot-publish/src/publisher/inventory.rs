//! Reading a target for every operation: the pointer, manifests, files.

pub(crate) mod cache_record;
pub(crate) mod content;
pub(crate) mod entry_point;
mod hashed_reader;
pub(crate) mod nar_infos;
pub(crate) mod pointer_state;
pub(crate) mod presence;
pub(crate) mod records;
pub(crate) mod release_files;
pub(crate) mod stored_artifact;
pub(crate) mod untrusted_manifest;
