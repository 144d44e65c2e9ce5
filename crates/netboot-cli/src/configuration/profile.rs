//! An entry of `[[profiles]]`.

use netboot_core::{
    Architecture, KernelParameter, Payload, ProfileName, ProfileSpec, ServiceName, Title,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An entry of `[[profiles]]`: a kind of machine that has an image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct ProfileEntry {
    /// The name: up to 63 lower-case letters, digits, `-` and `_`.
    #[schemars(with = "String")]
    pub name: ProfileName,
    /// The title in menus. The default is the name.
    #[schemars(with = "Option<String>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Title>,
    /// The name of its NixOS configuration in the flake. The default follows from
    /// `flake.configuration`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<String>,
    /// The architecture of its machines: `x86_64` or `aarch64`. The default is `x86_64`.
    #[schemars(with = "Option<String>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
    /// The systemd services that its machines must have.
    #[schemars(with = "Vec<String>")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceName>,
    /// Kernel parameters besides those of the configuration.
    #[schemars(with = "Vec<String>")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kernel_parameters: Vec<KernelParameter>,
    /// The size in bytes above which an image causes a warning. The default is
    /// 524288000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_budget: Option<u64>,
    /// The way in which machines get their system: `ramdisk`, or `closure`, which needs
    /// `[closure-boot]`. The default is `ramdisk`.
    #[schemars(with = "Option<String>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Payload>,
}

impl ProfileEntry {
    /// The profile as builders take it.
    pub(super) fn spec(&self) -> ProfileSpec {
        let Ok(spec) = ProfileSpec::new(self.name.clone());
        let Ok(spec) = spec.with_services(self.services.iter().cloned());
        let Ok(spec) = spec.with_kernel_parameters(self.kernel_parameters.iter().cloned());
        let title = self.title.clone().unwrap_or_else(|| Title::from(&self.name));
        let Ok(mut spec) = spec.with_title(title);
        if let Some(architecture) = self.architecture {
            spec = spec.with_architecture(architecture);
        }
        if let Some(bytes) = self.size_budget {
            spec = spec.with_size_budget(bytes);
        }
        if let Some(payload) = self.payload {
            spec = spec.with_payload(payload);
        }
        spec
    }
}
