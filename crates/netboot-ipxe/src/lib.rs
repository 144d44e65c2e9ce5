//! Renders iPXE scripts that say exactly what the caller typed, and makes releases of images.
//!
//! iPXE has no quoting: a `#`, a space or a `${` in a value changes the script. So every value
//! that reaches a script has a type that was validated for its place, and the templates can print
//! nothing else.
//!
//! ```
//! use std::sync::Arc;
//! use netboot_core::{
//!     Architecture, ArtifactKind, BootSpec, BytesArtifact, FileName, Image, InitPath, ProfileSpec,
//! };
//! use netboot_ipxe::Renderer;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let profile = ProfileSpec::new("worker".parse()?);
//! let init = InitPath::new("/nix/store/0a1b-nixos-system-worker/init")?;
//! let boot = BootSpec::new(Architecture::X86_64, init, vec!["loglevel=4".parse()?])?;
//! let (kernel, initrd) = (FileName::new("bzImage")?, FileName::new("initrd")?);
//! let image = Image::builder(&profile, boot)
//!     .kernel(Arc::new(BytesArtifact::new(ArtifactKind::Kernel, kernel, "...")))
//!     .initrd(Arc::new(BytesArtifact::new(ArtifactKind::Initrd, initrd, "...")))
//!     .build()?;
//!
//! let renderer = Renderer::builder().build()?;
//! let script = renderer.render_standalone(&image)?;
//! assert!(script.contains(
//!     "kernel --name bzImage bzImage init=/nix/store/0a1b-nixos-system-worker/init initrd=initrd loglevel=4 ||"
//! ));
//! let release = renderer.render_release([image])?;
//! println!("release {}", release.id());
//! # Ok(())
//! # }
//! ```
//!
//! # How a machine finds its way
//! `<profile>/netboot.ipxe` sets the setting `netboot-profile` and chains the pointer; `boot.ipxe`
//! clears it and chains the pointer. The pointer chains the live release's script for that profile,
//! or its menu. Each fetch is whole, and payloads are named by digest: what a machine gets belongs
//! together. A machine that asked for a profile is never started as another one by the menu's
//! timeout: where it does not start, the menu waits a while, and then the static entry starts over,
//! with growing pauses. See [`netboot_core::layout`] for the paths.
//!
//! Which machine boots what is a [`Fleet`]: by MAC address, UUID, serial number, asset tag or any
//! setting. Then `boot.ipxe` of the release sends each machine to its image, with the kernel
//! parameters and the initrd that are its own, and machines that are not known get the menu, a
//! profile, their local disk, or nothing.
//!
//! A service that answers each machine itself needs no dispatch in a script: DHCP names a URL with
//! [`render_service_entry`](Renderer::render_service_entry), which asks again and says who the
//! machine is; [`Fleet::closest_assignments`] finds it, [`render_machine`](Renderer::render_machine)
//! starts its image, and [`render_notice`](Renderer::render_notice) tells a machine why it gets none.
//! `examples/deployer` is such a service.
//!
//! Scripts are rendered for an [`IpxeBuild`](ipxe_script::IpxeBuild), by default for Debian bookworm's build of 2019, the
//! oldest in common use, and [linted](fn@lint) for it before anybody sees them: nothing is in them
//! that the build lacks. Their texts are Tera templates ([`TemplateName`]), which a caller
//! replaces or extends.
//!
//! # Features
//! | feature | what it adds |
//! |---|---|
//! | `signing` | `signing`: detached signatures for iPXE's `imgverify`, made by the program `openssl` |

#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

pub mod dhcp;
mod dispatch;
mod error;
pub mod interchange;
mod menu;
mod menu_text;
mod renderer;
mod script_argument;
mod script_check;
mod script_url;
#[cfg(feature = "signing")]
pub mod signing;
mod template;

pub use crate::dispatch::{
    AssetTag, Assignment, BootOnce, DispatchForm, Fleet, FleetBuilder, MachineKey, MachineName,
    MachineUuid, Selector, SerialNumber, SettingName, SettingValue, UnknownMachine,
};
pub use crate::error::{Error, ValueKind};
pub use crate::menu::{LocalDisk, Menu, MenuBuilder, MenuItem, MenuKey, MenuProblem};
pub use crate::menu_text::MenuText;
pub use crate::renderer::Renderer;
pub use crate::renderer::builder::RendererBuilder;
pub use crate::renderer::service::NextStep;
pub use crate::script_check::{ScriptProblem, lint};
pub use crate::script_url::ScriptUrl;
pub use crate::template::name::TemplateName;
