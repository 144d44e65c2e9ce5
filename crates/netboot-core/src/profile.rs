//! Profiles: what is to be built.

use std::fmt;

use crate::architecture::Architecture;
use crate::command_line::KernelParameter;
use crate::name::{ProfileName, ServiceName, Title};

/// The size in bytes above which an image is remarked on, unless its profile says otherwise:
/// 500 MiB, the limit of the PlasmaCloud runbook.
pub const DEFAULT_SIZE_BUDGET: u64 = 500 * 1024 * 1024;

/// Names a configuration to build, and says what is known of it beforehand.
///
/// [`ProfileSpec`](crate::ProfileSpec) is the one to use; implement the trait where profiles come
/// from something of your own, such as an inventory:
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
/// What a profile says does not change while it is in use.
pub trait Profile: fmt::Debug + Send + Sync {
    /// Its name, unique among those that are built together.
    fn name(&self) -> &ProfileName;

    /// What a menu shows for it.
    fn title(&self) -> &Title;

    /// The architecture of the machines that boot it.
    fn architecture(&self) -> Architecture;

    /// The services that it brings.
    fn services(&self) -> &[ServiceName];

    /// Kernel parameters in addition to those of the configuration.
    fn kernel_parameters(&self) -> &[KernelParameter] {
        &[]
    }

    /// The size in bytes, kernel and initrds together, above which a warning is due.
    fn size_budget(&self) -> u64 {
        DEFAULT_SIZE_BUDGET
    }
}
