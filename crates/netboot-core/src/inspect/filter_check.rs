//! The check that a kernel knows the filters of an initrd's xz streams.

use std::path::Path;

use crate::architecture::Architecture;
use crate::blocking::blocking;
use crate::context::Context;
use crate::error::Error;
use crate::event::Event;
use crate::inspect::initrd_format::InitrdFormat;
use crate::inspect::kernel::linux_version;
use crate::inspect::summary::InitrdSummary;
use crate::inspect::xz_filter::XzFilter;
use crate::name::ProfileName;

/// Checks that the kernel knows the [filters](InitrdSummary::xz_filters) of an initrd, as far as
/// the kernel's file tells: a bzImage tells its version. It warns of filters that Linux for this
/// architecture may have been built without, and of filters that are in later versions only if the
/// kernel does not tell its version.
///
/// # Errors
/// [`Error::KernelTooOld`] if the kernel's version has no such filter, [`Error::NotAFile`],
/// [`Error::Io`].
pub async fn check_xz_filters(
    profile: &ProfileName,
    (kernel, architecture): (&Path, Architecture),
    (initrd, summary): (&Path, &InitrdSummary),
    context: &Context,
) -> Result<(), Error> {
    let is_foreign =
        |filter: &_| !XzFilter::is_for(*filter, architecture) || XzFilter::since(*filter).is_some();
    let mut filters = summary.xz_filters.iter().copied().filter(is_foreign).peekable();
    if filters.peek().is_none() {
        return Ok(());
    }
    let path = kernel.to_owned();
    let version = blocking(move || linux_version(&path, architecture)).await?;
    for filter in filters {
        let needs = match (filter.since(), version) {
            (Some(needed), Some(version)) if version < needed => {
                return Err(Error::KernelTooOld {
                    kernel: kernel.to_owned(),
                    version,
                    initrd: initrd.to_owned(),
                    filter,
                });
            }
            (Some(_), Some(_)) => continue,
            (Some(needed), None) => format!("is Linux {needed} or later"),
            (None, _) => format!("was built with {}", filter.build_setting()),
        };
        context.emit(Event::Warning {
            profile: Some(profile.clone()),
            message: format!(
                "the kernel `{}` unpacks the initrd `{}` only if it {needs}: its xz stream has the \
                 filter {filter}",
                kernel.display(),
                initrd.display()
            ),
            hint: Some(InitrdFormat::XzFilters.hint().to_owned()),
        });
    }
    Ok(())
}
