//! The paths of files at a target, which are equal on every backend.
//!
//! ```text
//! current.ipxe                          the pointer: the only object that ever changes
//! boot.ipxe                             static: chains the pointer
//! <profile>/netboot.ipxe                static: sets the profile's name, chains the pointer
//! boot-<architecture>.efi               static: iPXE for firmware that boots by HTTP
//! autoexec.ipxe                         static: the first script of that iPXE
//! <profile>/boot-<architecture>.efi     static, and <profile>/autoexec.ipxe beside it
//! releases/<release-id>/manifest.json   immutable, like everything below releases/ and blobs/
//! releases/<release-id>/manifest.json.minisig   its signature, if releases are signed
//! releases/<release-id>/pointer.ipxe    the text of the pointer while this release is live
//! releases/<release-id>/boot.ipxe
//! releases/<release-id>/<profile>/netboot.ipxe
//! releases/<release-id>/<profile>/build.log  for people: no manifest or signature covers it
//! releases/<release-id>/<profile>/sbom.cdx.json  on request, and provenance.intoto.json
//! releases/<release-id>/incomplete.json  the manifest while a release is being staged or pruned
//! releases/<release-id>/binary-cache.json  the store paths that Nix finds, if a cache is wanted
//! releases/clock                        tells pruning the target's time, and is deleted again
//! blobs/<sha256>                        kernels, initrds and entry points, by digest
//! nix-cache-info                        says that the target is a binary cache of Nix
//! <digest>.narinfo                      tells Nix which blob has a store path
//! ```
//!
//! Scripts name files by relative URLs, so no script needs to know its own URL.

mod location;
mod paths;

pub use self::location::Location;
pub use self::paths::*;
