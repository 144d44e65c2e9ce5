//! Errors of a profile.

use crate::error::Error;
use crate::name::ProfileName;

impl Error {
    /// Returns the profile that the error names, if it names one.
    pub fn profile(&self) -> Option<&ProfileName> {
        match self {
            Self::InitMissing { profile, .. }
            | Self::FirstProgram { profile, .. }
            | Self::IncompleteImage { profile, .. }
            | Self::WrongArtifactKind { profile, .. }
            | Self::UnknownProfile { profile, .. }
            | Self::SecretsFound { profile, .. }
            | Self::Build { profile, .. } => Some(profile),
            _ => None,
        }
    }

    /// Makes the error name `profile`, by wrapping it in [`Error::Build`]. An error that already
    /// names a profile is returned unchanged, and so is [`Error::Cancelled`].
    #[must_use]
    pub fn of_profile(self, builder: impl Into<String>, profile: &ProfileName) -> Self {
        if matches!(self, Self::Cancelled) || self.profile().is_some() {
            self
        } else {
            Self::build(builder, profile, self)
        }
    }
}
