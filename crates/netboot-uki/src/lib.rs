//! Unified kernel images for UEFI Secure Boot.
//!
//! A *unified kernel image* (UKI) is one EFI program that contains a kernel, its initrds and its
//! command line. One signature covers all of them, so that firmware with Secure Boot starts nothing
//! that its owner has not signed. This crate makes UKIs for 64-bit x86 and 64-bit ARM, signs them
//! and other EFI programs, inspects and verifies them, and makes keys in the forms that firmware
//! takes.
//!
//! - [`Uki`] adds sections to systemd's [`Stub`], and [`Addon`] to its [`AddonStub`].
//! - [`UkiSettings`] makes the UKI of a `netboot_core::Image`, and [`check_image_uki`] checks that
//!   a UKI belongs to its image.
//! - [`UkiFile`] and [`EfiProgram`] read such files, which may be hostile, and verify signatures.
//! - [`sign()`] signs with a [`PeSigner`]: with a [`KeyFile`], or with a [`SigningCommand`] that
//!   reaches an HSM or a service.
//! - [`MeasuredUki`] predicts the PCRs in the TPM of a machine that boots a UKI by a [`BootPath`].
//! - [`TestKeys`] makes keys for a laboratory. [`SignatureList`] and [`sign_variable`] make the
//!   values of the firmware's variables from any certificates.
//!
//! ```no_run
//! use std::sync::Arc;
//! use std::time::SystemTime;
//!
//! use netboot_core::{Artifact, Context, KernelCommandLine};
//! use netboot_uki::{SecureBootVariable, Stub, TestKeys, Uki, UkiFile, sign};
//!
//! # async fn make(
//! #     kernel: Arc<dyn Artifact>, initrd: Arc<dyn Artifact>, command_line: KernelCommandLine,
//! # ) -> Result<(), netboot_uki::Error> {
//! let context = Context::new();
//! let stub = Stub::read("/usr/lib/systemd/boot/efi/linuxx64.efi.stub")?;
//! let uki = Uki::builder(stub, kernel, &command_line).initrd(initrd).build().await?;
//! uki.write("unsigned.efi", &context).await?;
//!
//! let keys = TestKeys::generate("laboratory", SystemTime::now())?;
//! let signer = keys.signer(SecureBootVariable::Signatures)?;
//! sign("unsigned.efi", "signed.efi", &signer, &context).await?;
//!
//! let signed = UkiFile::open("signed.efi")?;
//! signed.program().verify(&[keys.certificate(SecureBootVariable::Signatures).clone()])?;
//! # Ok(())
//! # }
//! ```

#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod authenticode;
mod blocking_reader;
mod certificate;
mod efi_program;
mod error;
mod image_uki;
mod keys;
mod new_file;
mod pcr;
mod pe;
mod progress;
mod scan;
mod sign;
mod signer;
mod stub;
mod uki;
mod uki_file;
mod whole_artifact;

pub use crate::certificate::Certificate;
pub use crate::efi_program::EfiProgram;
pub use crate::error::{Error, SignatureProblem};
pub use crate::image_uki::{UkiSettings, check_image_uki};
pub use crate::keys::authenticated::sign_variable;
pub use crate::keys::signature_list::SignatureList;
pub use crate::keys::test_keys::TestKeys;
pub use crate::keys::variable::SecureBootVariable;
pub use crate::pcr::boot_path::BootPath;
pub use crate::pcr::measured_uki::MeasuredUki;
pub use crate::pcr::prediction::PredictedPcrs;
pub use crate::pe::problem::PeProblem;
pub use crate::pe::section::Section;
pub use crate::sign::sign;
pub use crate::signer::key_file::KeyFile;
pub use crate::signer::pe_signer::PeSigner;
pub use crate::signer::signing_command::{SigningCommand, SigningInput};
pub use crate::stub::{AddonStub, Stub};
pub use crate::uki::addon::Addon;
pub use crate::uki::builder::{Uki, UkiBuilder};
pub use crate::uki_file::UkiFile;
