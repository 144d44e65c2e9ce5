//! The class of each error: what a program does about it.

use netboot_core::ErrorClass;

use crate::error::Error;

impl Error {
    /// Tells a program what to do about the error.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Unprintable { .. }
            | Self::TooManyArguments { .. }
            | Self::CommandLineTooLong { .. }
            | Self::NoClosureSource { .. }
            | Self::KexecWithoutSource { .. }
            | Self::UnusableClosureSource { .. }
            | Self::ReservedParameter { .. }
            | Self::BootParameter { .. }
            | Self::MalformedTemplate { .. }
            | Self::UnknownVariable { .. }
            | Self::Template { .. }
            | Self::NotAScript { .. }
            | Self::InvalidDhcpSetting { .. }
            | Self::NoProxyDhcp { .. }
            | Self::InvalidMachineKey { .. }
            | Self::SharedIdentity { .. }
            | Self::SwappedUuid { .. }
            | Self::InvalidSelector { .. }
            | Self::DuplicateMachine { .. }
            | Self::AssignmentWithoutKey { .. }
            | Self::AmbiguousSelectors { .. }
            | Self::UnknownProfile { .. }
            | Self::MissingSignature { .. }
            | Self::NoUki { .. }
            | Self::OutsideOfUki { .. }
            | Self::BuildLacks { .. }
            | Self::InvalidMenuKey { .. }
            | Self::InvalidMenu { .. }
            | Self::NotInterchangeable { .. }
            | Self::IpxeBuild(_) => ErrorClass::Input,
            Self::TemplateFile { source, .. } => ErrorClass::of_io(source),
            Self::Json { .. } => ErrorClass::Failed,
            Self::Core(error) => error.class(),
            #[cfg(feature = "signing")]
            Self::NotForCodeSigning { .. } => ErrorClass::Input,
            #[cfg(feature = "signing")]
            Self::StartProgram { .. } => ErrorClass::Equipment,
            #[cfg(feature = "signing")]
            Self::Program { .. } => ErrorClass::Failed,
        }
    }
}
