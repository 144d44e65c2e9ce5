//! Builds of iPXE: the commands, options and protocols that a script can use.
//!
//! iPXE is configured when it is built, so builds of the same version differ. A script is
//! [linted](crate::lint) for a build, which finds everything that the build does not have.
//!
//! ```
//! use ipxe_script::{IpxeBuild, Protocol};
//!
//! let oldest = IpxeBuild::default();
//! assert_eq!(oldest.to_string(), "bookworm");
//! assert!(oldest.has_command("imgfree") && !oldest.has_command("poweroff"));
//!
//! let newer: IpxeBuild = "sid-efi".parse()?;
//! assert!(newer.has_protocol(Protocol::Https) && newer.has_option("sha256sum", "set"));
//! # Ok::<(), ipxe_script::Error>(())
//! ```

mod builder;
mod built_in;
pub(crate) mod capabilities;
pub(crate) mod capability;
mod configuration;
mod document;
pub(crate) mod ipxe_build;

pub use self::builder::IpxeBuildBuilder;
pub use self::capability::{ImageFormat, Platform, Protocol, Quirk};
pub use self::ipxe_build::IpxeBuild;
