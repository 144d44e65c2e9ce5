//! The reason why a release could not be made or published.

use netboot_core::Report;

/// The reason why a release could not be made or published.
#[derive(Debug)]
pub(super) enum PublicationError {
    Render(netboot_ipxe::Error),
    Publish(netboot_publish::Error),
    Refused(Report),
}

impl From<netboot_ipxe::Error> for PublicationError {
    fn from(error: netboot_ipxe::Error) -> Self {
        Self::Render(error)
    }
}

impl From<netboot_publish::Error> for PublicationError {
    fn from(error: netboot_publish::Error) -> Self {
        Self::Publish(error)
    }
}

impl From<Report> for PublicationError {
    fn from(report: Report) -> Self {
        Self::Refused(report)
    }
}

impl From<PublicationError> for Report {
    fn from(error: PublicationError) -> Self {
        match error {
            PublicationError::Render(error) => error.into(),
            PublicationError::Publish(error) => error.into(),
            PublicationError::Refused(report) => report,
        }
    }
}
