//! Profiles as plain data, in code and in files.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::architecture::Architecture;
use crate::command_line::KernelParameter;
use crate::error::Error;
use crate::name::{ProfileName, ServiceName, Title};
use crate::payload::Payload;
use crate::profile::DEFAULT_SIZE_BUDGET;
use crate::profile::Profile;
use crate::regular_file::read_text;

/// The maximum size in bytes of a file of profiles.
const FILE_LIMIT: u64 = 1024 * 1024;

/// A profile as plain data, written in code or read from a TOML or JSON file.
///
/// Its functions take texts and validated values. A text that is not valid is an
/// [`InvalidValue`](crate::InvalidValue); a value that is valid already cannot fail, so that
/// `let Ok(profile) = ProfileSpec::new(name);` compiles for a [`ProfileName`].
///
/// ```
/// use netboot_core::{Profile, ProfileSpec};
///
/// let profiles = ProfileSpec::parse_toml(r#"
///     [[profiles]]
///     name = "storage"
///     title = "Storage node"
///     services = ["lightningstor"]
///     kernel-parameters = ["console=ttyS0,115200"]
///     size-budget = 800_000_000
///
///     [[profiles]]
///     name = "edge"
///     architecture = "aarch64"
/// "#, "profiles.toml")?;
/// assert_eq!(profiles[0].title().as_str(), "Storage node");
/// assert_eq!(profiles[1].title().as_str(), "edge");
///
/// let worker = ProfileSpec::new("worker")?
///     .with_title("Worker node")?
///     .with_kernel_parameters(["quiet", "console=ttyS0,115200"])?;
/// assert_eq!(worker.kernel_parameters().len(), 2);
/// # Ok::<(), netboot_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", from = "Fields")]
pub struct ProfileSpec {
    name: ProfileName,
    title: Title,
    architecture: Architecture,
    services: Vec<ServiceName>,
    kernel_parameters: Vec<KernelParameter>,
    size_budget: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Payload>,
}

/// The fields of a profile in a file. Only the name is required.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Fields {
    name: ProfileName,
    title: Option<Title>,
    architecture: Option<Architecture>,
    #[serde(default)]
    services: Vec<ServiceName>,
    #[serde(default)]
    kernel_parameters: Vec<KernelParameter>,
    size_budget: Option<u64>,
    payload: Option<Payload>,
}

impl From<Fields> for ProfileSpec {
    fn from(fields: Fields) -> Self {
        let mut spec = Self::named(fields.name);
        if let Some(title) = fields.title {
            spec.title = title;
        }
        if let Some(architecture) = fields.architecture {
            spec.architecture = architecture;
        }
        if let Some(size_budget) = fields.size_budget {
            spec.size_budget = size_budget;
        }
        spec.payload = fields.payload;
        spec.services = fields.services;
        spec.kernel_parameters = fields.kernel_parameters;
        spec
    }
}

/// Converts a profile for [`Builder::build_all`](crate::Builder::build_all), which takes profiles
/// of any type: `profiles.into_iter().map(Into::into).collect()`.
impl From<ProfileSpec> for Arc<dyn Profile> {
    fn from(profile: ProfileSpec) -> Self {
        Arc::new(profile)
    }
}

/// The content of a profile file: a list with the name `profiles`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileFile {
    profiles: Vec<ProfileSpec>,
}

impl ProfileSpec {
    /// Creates a profile for `x86_64`. Its title is its name, and it has no services, no additional
    /// kernel parameters and the default size budget.
    ///
    /// # Errors
    /// [`InvalidValue`](crate::InvalidValue) for a text that is not a profile name.
    pub fn new<N: TryInto<ProfileName>>(name: N) -> Result<Self, N::Error> {
        name.try_into().map(Self::named)
    }

    fn named(name: ProfileName) -> Self {
        Self {
            title: Title::from(&name),
            name,
            architecture: Architecture::X86_64,
            services: Vec::new(),
            kernel_parameters: Vec::new(),
            size_budget: DEFAULT_SIZE_BUDGET,
            payload: None,
        }
    }

    /// Sets the title.
    ///
    /// # Errors
    /// [`InvalidValue`](crate::InvalidValue) for a text that is not a title.
    pub fn with_title<T: TryInto<Title>>(mut self, title: T) -> Result<Self, T::Error> {
        self.title = title.try_into()?;
        Ok(self)
    }

    /// Sets the architecture.
    #[must_use]
    pub fn with_architecture(mut self, architecture: Architecture) -> Self {
        self.architecture = architecture;
        self
    }

    /// Sets the services.
    ///
    /// # Errors
    /// [`InvalidValue`](crate::InvalidValue) for a text that is not the name of a service.
    pub fn with_services<S: TryInto<ServiceName>>(
        mut self,
        services: impl IntoIterator<Item = S>,
    ) -> Result<Self, S::Error> {
        self.services = services.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// Sets the kernel parameters that are added to those of the configuration.
    ///
    /// # Errors
    /// [`InvalidValue`](crate::InvalidValue) for a text that is not a kernel parameter.
    pub fn with_kernel_parameters<P: TryInto<KernelParameter>>(
        mut self,
        parameters: impl IntoIterator<Item = P>,
    ) -> Result<Self, P::Error> {
        let parameters = parameters.into_iter().map(TryInto::try_into);
        self.kernel_parameters = parameters.collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// Sets the size budget, in bytes.
    #[must_use]
    pub fn with_size_budget(mut self, bytes: u64) -> Self {
        self.size_budget = bytes;
        self
    }

    /// Sets the way in which the machines get their system.
    #[must_use]
    pub fn with_payload(mut self, payload: Payload) -> Self {
        self.payload = Some(payload);
        self
    }

    /// Reads all profiles from a file. A name that ends in `.json` means JSON, any other name TOML.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::MalformedProfileFile`] with the line, [`Error::Duplicate`] if two
    /// profiles have the same name.
    pub async fn load(path: impl AsRef<Path>) -> Result<Vec<Self>, Error> {
        let path = path.as_ref();
        let text = read_text(path, FILE_LIMIT).await?;
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
            Self::parse_json(&text, path)
        } else {
            Self::parse_toml(&text, path)
        }
    }

    /// Reads profiles from the text of a TOML file; `path` is for error messages.
    ///
    /// # Errors
    /// [`Error::MalformedProfileFile`], [`Error::Duplicate`].
    pub fn parse_toml(text: &str, path: impl AsRef<Path>) -> Result<Vec<Self>, Error> {
        Self::checked(toml::from_str(text).map_err(Into::into), path.as_ref())
    }

    /// Reads profiles from the text of a JSON file; `path` is for error messages.
    ///
    /// # Errors
    /// [`Error::MalformedProfileFile`], [`Error::Duplicate`].
    pub fn parse_json(text: &str, path: impl AsRef<Path>) -> Result<Vec<Self>, Error> {
        Self::checked(serde_json::from_str(text).map_err(Into::into), path.as_ref())
    }

    fn checked(
        file: Result<ProfileFile, Box<dyn std::error::Error + Send + Sync>>,
        path: &Path,
    ) -> Result<Vec<Self>, Error> {
        let file =
            file.map_err(|source| Error::MalformedProfileFile { path: path.to_owned(), source })?;
        let mut names = BTreeSet::new();
        match file.profiles.iter().find(|spec| !names.insert(&spec.name)) {
            Some(spec) => Err(Error::Duplicate { name: spec.name.to_string() }),
            None => Ok(file.profiles),
        }
    }
}

impl Profile for ProfileSpec {
    fn name(&self) -> &ProfileName {
        &self.name
    }

    fn title(&self) -> &Title {
        &self.title
    }

    fn architecture(&self) -> Architecture {
        self.architecture
    }

    fn services(&self) -> &[ServiceName] {
        &self.services
    }

    fn kernel_parameters(&self) -> &[KernelParameter] {
        &self.kernel_parameters
    }

    fn payload(&self) -> Option<Payload> {
        self.payload
    }

    fn size_budget(&self) -> u64 {
        self.size_budget
    }
}
