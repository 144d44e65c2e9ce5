//! How large what was built is.

use netboot_core::{Context, Event, Image, Profile};

use super::NixBuilder;
use crate::image::Parts;
use crate::path_info::closure;
use crate::process::Stop;
use crate::size::{SizeReport, oversized_file};
use crate::{Error, StorePathSize};

/// How many store paths a warning names.
const NAMED_PATHS: usize = 5;

impl NixBuilder {
    pub(super) async fn report_size(
        &self,
        profile: &dyn Profile,
        image: &Image,
        context: &Context,
    ) -> Result<SizeReport, Stop> {
        let toplevel = image.provenance().outputs.get("toplevel");
        let Some(toplevel) = toplevel else {
            return Err(Error::NoToplevel { profile: profile.name().clone() }.into());
        };
        let closure = closure(&self.runner, toplevel, context).await?;
        Ok(SizeReport::new(image, profile.size_budget(), toplevel, &closure))
    }

    /// Reports which store paths make an image as large as it is. The image is there all the same.
    pub(super) async fn name_the_largest(
        &self,
        profile: &dyn Profile,
        image: &Image,
        context: &Context,
    ) {
        let Ok(report) = self.report_size(profile, image, context).await else { return };
        let largest: Vec<String> =
            report.paths.iter().take(NAMED_PATHS).map(StorePathSize::to_string).collect();
        context.emit(Event::Warning {
            profile: Some(profile.name().clone()),
            message: format!("the largest of its store paths: {}", largest.join("; ")),
            hint: Some("ask for a size report to see all of them".to_owned()),
        });
    }

    /// An error if the system has a file that its initrd would be made without.
    pub(super) async fn refuse_oversized_files(
        &self,
        parts: &Parts,
        context: &Context,
    ) -> Result<(), Stop> {
        let closure = closure(&self.runner, &parts.toplevel.out, context).await?;
        match oversized_file(&closure)? {
            None => Ok(()),
            Some((path, size)) => {
                let attribute = parts.attribute().to_owned();
                Err(Error::FileTooLarge { attribute, path, size }.into())
            }
        }
    }
}
