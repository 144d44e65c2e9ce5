//! Boots published releases in QEMU, with BIOS or UEFI, and reports the stages that the machine
//! reached.
//!
//! Use it to test a staged release before you make it live. The network card's real iPXE fetches
//! the scripts, the kernel and the initrd over HTTP. The text on the serial console decides whether
//! the boot succeeded.
//!
//! ```no_run
//! use netboot_core::Context;
//! use netboot_qemu::{DirectoryServer, Firmware, Machine};
//!
//! # async fn boot() -> Result<(), netboot_qemu::Error> {
//! let server = DirectoryServer::start("artifacts").await?;
//! let machine = Machine::builder().firmware(Firmware::Uefi).expect("login:").build()?;
//! let report = machine.boot(&server.url("worker/netboot.ipxe"), &Context::new()).await?;
//! println!("{report}");
//! report.ensure_success()?;
//! # Ok(())
//! # }
//! ```
//!
//! This crate needs QEMU for `x86_64` with the iPXE ROMs of its network cards, and OVMF for UEFI
//! (Debian: `qemu-system-x86`, `ipxe-qemu`, `ovmf`). It uses KVM if KVM works. The kernel must have
//! its console on the serial port: `console=ttyS0`.
//!
//! # Other architectures
//! [`MachineBuilder::architecture`] makes a machine for 64-bit ARM (`aarch64`), with UEFI. It needs
//! QEMU and UEFI firmware for ARM (Debian: `qemu-system-arm`, `qemu-efi-aarch64`). The network card
//! has no iPXE for ARM, so UEFI starts one from a drive: `ipxe-arm64.efi` of Debian's package
//! `ipxe` from Debian 13 on, or the file that [`MachineBuilder::ipxe`] names. The console is
//! `console=ttyAMA0`. On a computer that is not ARM, QEMU translates each instruction, and a small
//! image takes about 20 seconds from the start to its `init`.
//!
//! There are no machines for `riscv64` yet. Debian has QEMU, UEFI firmware and iPXE for it, and
//! these start Debian 13's kernel, but the kernel does not take the initrd ("overlaps in-use memory
//! region").
//!
//! # What a machine can reach, and who it is
//! A machine that boots from a URL reaches nothing but the web server of that URL, and has a random
//! MAC address, UUID and serial number at each boot. So an image under test cannot report to a
//! production service, and nobody takes the machine for one of the configuration.
//! [`MachineBuilder::network_access`] gives it the network, and [`MachineBuilder::mac`] and
//! [`MachineBuilder::identity`] make it a known machine. The isolated network needs `bash`.
//!
//! # Secure Boot and boots by HTTP
//! [`Machine::boot_by_http`] lets UEFI firmware fetch and start an EFI program itself, such as a
//! unified kernel image, without iPXE. [`Machine::boot_by_dhcp_and_http`] lets a DHCP server name
//! it. With [`Firmware::UefiSecureBoot`], the firmware runs only programs that the keys in its
//! variables signed. [`BootReport::refusals`] says which part refused what: the firmware, systemd's
//! stub or Linux. [`BootReport::locked_down`] says that Linux saw Secure Boot, which only kernels
//! with a patch of some distributions do.
//!
//! - OVMF with Secure Boot is the build whose variables only System Management Mode can change, for
//!   `x86_64`. [`FirmwareKeys`] are written into its variables. Debian 12 and 13 have it in `ovmf`,
//!   as `OVMF_CODE_4M.secboot.fd`. The file `OVMF_VARS_4M.snakeoil.fd` there has a key that
//!   everybody has (`PkKek-1-snakeoil.key`, with the password `snakeoil`), for tests only.
//! - For `aarch64`, AAVMF with keys in its variables has Secure Boot on, without System Management
//!   Mode. Debian's `AAVMF_VARS.fd` is empty. A machine that needs variables gets a store in it.
//! - Under TCG, a program of 16 MB is fetched, verified and started in about 10 seconds. A refusal
//!   ends the boot in the same time.
//! - The firmware prints `Access Denied` for all three: no signature, the signature of another key,
//!   and an altered byte.
//! - [`MachineBuilder::tpm`] adds a TPM that swtpm emulates. Firmware, stub and kernel then measure
//!   what they start. No test here compares the registers (PCRs) with predictions.
//! - systemd's stub reads addons from the disk of its image. A program that came by HTTP has no
//!   disk, so it has no addons.
//! - The firmware's TLS is not supported here: it would need certificate authorities of the caller.
//! - Secure Boot refuses the iPXE in the ROMs of QEMU's network cards. Use a signed iPXE with
//!   [`MachineBuilder::ipxe`].
//!
//! # Stages of a boot
//! [`BootStage`] lists the stages in order. This crate recognises each stage from the console, so
//! it misses a stage that the console does not show. [`Fetch`] has iPXE's message for each file.
//!
//! A machine with a closure fetches its store after Linux has started. [`StoreStatus`] has what its
//! stage 1 says: the index, the progress, retries, mirrors, and the last word of a failure.
//!
//! # Features
//! | feature | what it adds |
//! |---|---|
//! | `prover` | `QemuProver`, which boots a staged release for a `Publisher` of `netboot-publish`; `StoreServer`, which serves any store to a machine |

#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod accelerator;
mod boot_cause;
mod boot_failure;
mod boot_messages;
mod boot_outcome;
mod boot_report;
mod boot_stage;
mod directory_server;
mod error;
mod expectations;
mod fetch;
mod files_beneath;
mod firmware;
mod firmware_keys;
mod firmware_watch;
mod guest_url;
mod http_server;
pub mod key;
mod key_presses;
mod machine;
mod network_access;
mod network_card;
mod platform;
#[cfg(feature = "prover")]
mod qemu_prover;
#[cfg(test)]
mod real_consoles;
mod refusal;
#[cfg(feature = "prover")]
mod store_server;
mod store_watch;
mod system_identity;
mod system_messages;
mod terminal;
mod transcript;
mod uefi_files;
mod uri_boot;
mod variable_store;
mod watcher;

pub use crate::accelerator::Accelerator;
pub use crate::boot_failure::BootFailure;
pub use crate::boot_outcome::BootOutcome;
pub use crate::boot_report::BootReport;
pub use crate::boot_stage::BootStage;
pub use crate::directory_server::builder::DirectoryServerBuilder;
pub use crate::directory_server::{DirectoryServer, Request};
pub use crate::error::Error;
pub use crate::fetch::{Fetch, FetchOutcome};
pub use crate::files_beneath::{FilesBeneath, ServedFile};
pub use crate::firmware::Firmware;
pub use crate::firmware_keys::FirmwareKeys;
pub use crate::guest_url::UrlProblem;
pub use crate::machine::builder::MachineBuilder;
pub use crate::machine::{Machine, NetworkLink};
pub use crate::network_access::NetworkAccess;
pub use crate::network_card::NetworkCard;
#[cfg(feature = "prover")]
pub use crate::qemu_prover::QemuProver;
pub use crate::refusal::{Refusal, Verifier};
#[cfg(feature = "prover")]
pub use crate::store_server::StoreServer;
pub use crate::system_identity::SystemIdentity;
pub use crate::variable_store::VariableProblem;
pub use netboot_closure::console::StoreStatus;
pub use netboot_core::MacAddress;
