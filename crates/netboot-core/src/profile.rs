//! The trait of profiles, which name the configurations to build.

use std::fmt;

use crate::architecture::Architecture;
use crate::command_line::KernelParameter;
use crate::name::{ProfileName, ServiceName, Title};
use crate::payload::Payload;

/// The default size budget of a profile, in bytes: 500 MiB, the limit of the PlasmaCloud runbook.
///
/// A builder warns about an image that is larger than its profile's budget.
pub(crate) const DEFAULT_SIZE_BUDGET: u64 = 500 * 1024 * 1024;

/// A configuration to build, with the properties that are known before the build.
///
/// Most callers use [`ProfileSpec`](crate::ProfileSpec). Implement the trait if your profiles come
/// from another source, such as an inventory:
///
/// ```
/// use netboot_core::{Architecture, Profile, ProfileName, ServiceName, Title};
///
/// #[derive(Debug)]
/// struct Rack { name: ProfileName, title: Title, services: Vec<ServiceName> }
///
/// impl Profile for Rack {
///     fn name(&self) -> &ProfileName { &self.name }
///     fn title(&self) -> &Title { &self.title }
///     fn architecture(&self) -> Architecture { Architecture::Aarch64 }
///     fn services(&self) -> &[ServiceName] { &self.services }
/// }
/// # let rack: Box<dyn Profile> = Box::new(Rack {
/// #     name: "rack-7".parse()?, title: "Rack 7".parse()?, services: vec![],
/// # });
/// # assert!(rack.kernel_parameters().is_empty());
/// # Ok::<(), netboot_core::Error>(())
/// ```
///
/// # Contract
/// The methods return the same values for as long as the profile is in use.
pub trait Profile: fmt::Debug + Send + Sync {
    /// The profile's name, unique among the profiles that are built together.
    fn name(&self) -> &ProfileName;

    /// The title that a menu shows for the profile.
    fn title(&self) -> &Title;

    /// The architecture of the machines that boot the image.
    fn architecture(&self) -> Architecture;

    /// The services that the profile provides.
    fn services(&self) -> &[ServiceName];

    /// The kernel parameters that are added to those of the configuration.
    fn kernel_parameters(&self) -> &[KernelParameter] {
        &[]
    }

    /// The way in which the machines get their system. `None` leaves the choice to the builder,
    /// which by default puts the system into the ramdisk.
    fn payload(&self) -> Option<Payload> {
        None
    }

    /// The maximum size of everything that a machine fetches, in bytes; 500 MiB by default. A
    /// builder warns about a larger image.
    fn size_budget(&self) -> u64 {
        DEFAULT_SIZE_BUDGET
    }
}
