//! Images that a running Linux starts in its own place, with the program `kexec`.
//!
//! A [`KexecTree`] has the files for that: the kernel, the initrd, the command line, the digests,
//! and a script. So a machine with any Linux becomes a machine of Netboot, or an installer, without
//! its firmware and without iPXE. The files have the names of the `kexecTree` of nixpkgs
//! (`nixos/modules/installer/netboot/netboot.nix`) as far as they are the same. The form
//! [`KexecForm::Installer`] is for `nixos-anywhere --kexec`.

mod file;
mod script;
mod tree;

pub use self::file::{KexecFile, KexecForm};
pub use self::tree::KexecTree;
