//! The test bed: tools, a kernel, a hermetic Nix and the test flake, for the tests and the demo.
//!
//! ```no_run
//! use netboot_testbed::{Testbed, tool};
//!
//! let testbed = Testbed::locate();
//! let flake = testbed.write_flake("target/flake".as_ref(), "first");
//! assert!(flake.starts_with("path:/"));
//! println!("{} boots {}", tool("qemu-system-x86_64").display(), testbed.kernel().display());
//! ```
//!
//! `cargo xtask setup` installs and downloads what is missing, with [`set_up`]. The tests only
//! [`locate`] it, and panic with a hint if something is missing.
//!
//! [`locate`]: Testbed::locate

mod command;
mod cpio;
mod debian_packages;
mod debian_suite;
mod debian_tree;
mod debian_versions;
mod descendant;
mod direct_machine;
mod error;
mod failure;
mod fault_proxy;
mod fuzz_seeds;
mod hermetic_nix;
mod hung_file_system;
mod ipxe_oracle;
mod kernel_package;
mod linux_oracle;
mod long_line;
mod loopback_server;
mod patience;
mod process_memory;
mod program_file;
mod python_packages;
mod qemu_process;
mod registry;
mod reserved_port;
mod rsync_daemon;
mod s3_server;
mod set_up;
mod software_tpm;
mod ssh_server;
mod stage1_program;
mod test_flake;
mod test_process;
mod test_run;
mod testbed;
mod tool;
mod watched_process;

pub use crate::cpio::{cpio, cpio_header_of, cpio_of};
pub use crate::debian_suite::DebianSuite;
pub use crate::debian_tree::DebianTree;
pub use crate::debian_versions::version_changes;
pub use crate::descendant::Descendant;
pub use crate::error::Error;
pub use crate::fault_proxy::{
    Chunk, Direction, FaultProxy, HttpFault, HttpRequest, Moment, StreamFault,
};
pub use crate::fuzz_seeds::each_fuzz_seed;
pub use crate::hermetic_nix::HermeticNix;
pub use crate::hung_file_system::HungFileSystem;
pub use crate::ipxe_oracle::{Case as OracleCase, Files as OracleFiles, IpxeOracle, Observation};
pub use crate::linux_oracle::{LinuxOracle, LinuxRun};
pub use crate::long_line::LongLine;
pub use crate::patience::{PATIENCE, with_enough_time};
pub use crate::process_memory::peak_memory;
pub use crate::program_file::{copy_program, write_program};
pub use crate::registry::{Registry, RegistryAccess};
pub use crate::reserved_port::ReservedPort;
pub use crate::rsync_daemon::{RsyncDaemon, RsyncModule};
pub use crate::s3_server::S3Server;
pub use crate::set_up::{set_up, set_up_tests};
pub use crate::software_tpm::SoftwareTpm;
pub use crate::ssh_server::SshServer;
pub use crate::test_flake::TestFlake;
pub use crate::test_process::TestProcess;
pub use crate::test_run::{assert_golden, is_long, updates_golden};
pub use crate::testbed::{Testbed, target_directory, workspace_directory};
pub use crate::tool::tool;
