//! Renders the iPXE scripts that boot images, and makes releases of images.
//!
//! iPXE has no quoting: a `#`, a space or a `${` in a value changes the meaning of a script. So
//! every value in a script has a type that is validated for its place, and templates can print only
//! such values. A script says exactly what the caller typed.
//!
//! ```
//! use netboot_core::{
//!     Architecture, ArtifactKind, BootSpec, BytesArtifact, Image, InitPath, ProfileSpec,
//! };
//! use netboot_ipxe::Renderer;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let profile = ProfileSpec::new("worker")?;
//! let init = InitPath::new("/nix/store/0a1b-nixos-system-worker/init")?;
//! let boot = BootSpec::new(Architecture::X86_64, init, vec!["loglevel=4"])?;
//! let image = Image::builder(&profile, boot)
//!     .kernel(BytesArtifact::new(ArtifactKind::Kernel, "bzImage", "...")?)
//!     .initrd(BytesArtifact::new(ArtifactKind::Initrd, "initrd", "...")?)
//!     .build()?;
//!
//! let renderer = Renderer::builder().build()?;
//! let script = renderer.render_standalone(&image)?;
//! assert!(script.contains("kernel --name bzImage bzImage init=/nix/store/0a1b-nixos-system"));
//! let release = renderer.render_release([image])?;
//! println!("release {}", release.id());
//! # Ok(())
//! # }
//! ```
//!
//! # How a machine boots
//! A machine starts with one of two static entries. `<profile>/netboot.ipxe` sets the setting
//! `netboot-profile` and chains the pointer; `boot.ipxe` clears that setting and chains the
//! pointer. The pointer chains the script of the live release for the profile, or its menu.
//! Payloads are named by digest, so a machine always gets files that belong together. See
//! [`netboot_core::layout`] for the paths.
//!
//! If a machine asked for a profile that does not start, the menu waits for a while, and then the
//! static entry starts again, with longer and longer pauses. The timeout of the menu never starts
//! another profile on it.
//!
//! A [`Fleet`] assigns profiles to machines, by MAC address, UUID, serial number, asset tag or any
//! setting. Then `boot.ipxe` of the release sends each machine to its image, with its own kernel
//! parameters and its own initrd. Unknown machines get the menu, a profile, their local disk, or
//! nothing.
//!
//! A service can answer each machine itself instead:
//! - [`render_service_entry`](Renderer::render_service_entry) renders the script that DHCP names.
//!   It tells the service which machine asks.
//! - [`Fleet::closest_assignments`] finds the machine.
//! - [`render_machine`](Renderer::render_machine) renders the script that starts its image.
//! - [`render_notice`](Renderer::render_notice) renders a script that tells a machine why it gets
//!   no image.
//!
//! `examples/deployer` is such a service.
//!
//! Scripts are rendered for an [`IpxeBuild`](ipxe_script::IpxeBuild). The default is Debian
//! bookworm's build of 2019, the oldest in common use. The renderer [lints](fn@lint) each script
//! for that build, so a script uses nothing that the build does not have. The texts of scripts are
//! Tera templates ([`TemplateName`]), which a caller can replace or extend.
//!
//! # Closures
//! A machine fetches the [closure](netboot_core::Image::closure) of its image after iPXE is done.
//! So the script tells the kernel three things:
//! - `netboot.index`: the digest of the index, by which the machine checks everything that it
//!   fetches. It is the last of the parameters, and no parameter of the caller can replace it.
//! - `BOOTIF` and `ip`: the network card from which iPXE booted. A configuration with its own `ip=`
//!   keeps it. The `ip=` of a machine should name the device `BOOTIF`.
//! - `netboot.from`: the places to fetch from
//!   ([`closure_source`](RendererBuilder::closure_source)).
//!
//! # Other ways to start an image
//! [`interchange`] exports fleets to other network boot servers, and [`kexec`] lets a running Linux
//! start an image without its firmware.
//!
//! # Features
//! | feature | what it adds |
//! |---|---|
//! | `signing` | `signing`: detached signatures for iPXE's `imgverify`, made with `openssl` |

#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod closure_arguments;
pub mod dhcp;
mod dispatch;
mod error;
pub mod interchange;
pub mod kexec;
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
    listed_machines,
};
pub use crate::error::{Error, ValueKind};
pub use crate::menu::{LocalDisk, Menu, MenuBuilder, MenuItem, MenuKey, MenuProblem};
pub use crate::menu_text::MenuText;
pub use crate::renderer::Renderer;
pub use crate::renderer::builder::RendererBuilder;
pub use crate::renderer::service::NextStep;
pub use crate::script_check::{ScriptProblem, lint, lint_set};
pub use crate::script_url::ScriptUrl;
pub use crate::template::name::TemplateName;
