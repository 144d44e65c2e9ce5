//! Builds of iPXE: what a script may use on the machines that it is for.
//!
//! iPXE is configured when it is built, so builds of one version differ in what they have. A script
//! is rendered and [linted](crate::lint) for a build, and nothing is in it that the build lacks.
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
