//! The profiles that the suite asks a builder to build.

use std::sync::Arc;

use crate::architecture::Architecture;
use crate::command_line::KernelParameter;
use crate::invalid_value::InvalidValue;
use crate::name::{ProfileName, ServiceName, Title};
use crate::payload::Payload;
use crate::profile::Profile;

/// A caller's profile with a title, services and kernel parameters of the suite.
#[derive(Debug)]
pub(super) struct Asked {
    inner: Arc<dyn Profile>,
    title: Title,
    services: Vec<ServiceName>,
    kernel_parameters: Vec<KernelParameter>,
}

impl Asked {
    /// Creates a profile with a title, services and kernel parameters that no configuration has.
    pub(super) fn dressed(inner: &Arc<dyn Profile>) -> Self {
        let name = inner.name();
        let checked = |result: Result<_, InvalidValue>| match result {
            Ok(value) => value,
            Err(error) => panic!("the suite's own kernel parameter is refused: {error}"),
        };
        let kernel_parameters = ["netboot.contract=first", "netboot.contract=\"the second\""]
            .map(|text| checked(KernelParameter::new(text)));
        let (Ok(title), Ok(service)) =
            (Title::new(format!("Contract of {name}")), ServiceName::new("contract"))
        else {
            panic!("the suite's own title is refused");
        };
        Self {
            inner: inner.clone(),
            title,
            services: vec![service],
            kernel_parameters: kernel_parameters.to_vec(),
        }
    }

    /// Creates a profile with only a name.
    pub(super) fn plain(inner: &Arc<dyn Profile>) -> Self {
        let title = Title::from(inner.name());
        Self { inner: inner.clone(), title, services: Vec::new(), kernel_parameters: Vec::new() }
    }
}

impl Profile for Asked {
    fn name(&self) -> &ProfileName {
        self.inner.name()
    }

    fn title(&self) -> &Title {
        &self.title
    }

    fn architecture(&self) -> Architecture {
        self.inner.architecture()
    }

    fn services(&self) -> &[ServiceName] {
        &self.services
    }

    fn kernel_parameters(&self) -> &[KernelParameter] {
        &self.kernel_parameters
    }

    fn payload(&self) -> Option<Payload> {
        self.inner.payload()
    }

    fn size_budget(&self) -> u64 {
        self.inner.size_budget()
    }
}
