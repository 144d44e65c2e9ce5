//! The build itself: images, their folders, and the logs of failures.

use bytesize::ByteSize;
use netboot_core::{Builder, Image, Profile, ProfileName, Report, counted};
use netboot_sbom::with_documents;
use serde_json::{Map, Value, json};

use super::{Arguments, Work, described};
use crate::failure::{Cancelled, failure_object};
use crate::image_directory::{write_build_log, write_image_directory};
use crate::publication::Publication;
use crate::session::Session;

/// The images that were built.
pub(super) struct Built {
    pub(super) images: Vec<Image>,
    /// True if a profile failed. The failures are in `object`, and they were shown.
    pub(super) has_failed: bool,
    /// The profiles and their outcomes, for the answer.
    pub(super) object: Map<String, Value>,
}

impl Arguments {
    /// Builds the images and writes their folders.
    ///
    /// # Errors
    /// If the build was cancelled.
    pub(super) async fn build(&self, session: &Session, work: &Work) -> Result<Built, Report> {
        let profiles = &work.choice.profiles;
        let shared: Vec<_> = profiles.iter().cloned().map(Into::into).collect();
        let results = work.builder.build_all(&shared, &session.context).await;
        let (mut images, mut failures, mut objects) = (Vec::new(), Vec::new(), Vec::new());
        for (profile, result) in profiles.iter().zip(results) {
            let outcome = match result {
                Ok(image) => self.write_image(session, work, image).await,
                Err(error) => Err(self.keep_log(profile.name(), error)),
            };
            let mut object = described(&work.choice, profile);
            match outcome {
                Ok(image) => {
                    let (folder, bytes) = (self.folder(profile.name()), image.fetched_size());
                    let size = ByteSize::b(bytes).display().iec();
                    session.progress.line(&format!("{}: {size}", folder.display()));
                    object["directory"] = json!(folder);
                    object["fetched_bytes"] = json!(bytes);
                    let uki = image.uki().map(|uki| folder.join(uki.file_name().as_str()));
                    object["uki"] = json!(uki);
                    images.push(image);
                }
                Err(report) => {
                    object["error"] = failure_object(&report);
                    failures.push(report);
                }
            }
            objects.push(object);
        }
        if session.context.check().is_err() && !failures.is_empty() {
            return Err(Cancelled::report(left(&work.publication, &images)));
        }
        let profiles = ("profiles".to_owned(), Value::Array(objects));
        let mut object = Map::from_iter([profiles, ("targets".to_owned(), json!([]))]);
        if let Some(first) = failures.first() {
            object.insert("error".to_owned(), failure_object(first));
            tell(session, work, &failures);
        }
        Ok(Built { images, has_failed: !failures.is_empty(), object })
    }

    /// Gives the image its UKI and its documents, and writes its folder.
    async fn write_image(
        &self,
        session: &Session,
        work: &Work,
        image: Image,
    ) -> Result<Image, Report> {
        let folder = (!work.publication.has_targets()).then(|| image.profile().clone());
        let urls = self.publication.closure_urls(session, folder.as_ref())?;
        let image = work.ukis.give(image, &urls, &session.context).await?;
        let image = with_documents(image, &work.documents)?;
        let renderer = if work.publication.has_targets() {
            work.publication.renderer.clone()
        } else {
            self.publication.folder_renderer(session, image.profile())?
        };
        let script = renderer.render_standalone(&image)?;
        write_image_directory(&self.output_dir, &image, &script).await?;
        Ok(image)
    }

    /// Puts the log of a failed build in the place that the runbook names.
    fn keep_log(&self, profile: &ProfileName, error: netboot_core::Error) -> Report {
        let nix_error = std::error::Error::source(&error)
            .and_then(|source| source.downcast_ref::<netboot_nix::Error>());
        if let Some(log) = nix_error.and_then(netboot_nix::Error::build_log)
            && let Err(failed) = write_build_log(&self.output_dir, profile, log)
        {
            return failed;
        }
        error.into()
    }
}

/// Tells the failures of a build, and that nothing was published.
fn tell(session: &Session, work: &Work, failures: &[Report]) {
    for failure in failures {
        session.progress.line(&failure.in_full());
    }
    if work.publication.has_targets() {
        let all = counted(work.choice.profiles.len(), "profile");
        session
            .progress
            .line(&format!("Nothing was published: {} of {all} failed.", failures.len()));
    }
}

/// Tells the outcome of a build that was cancelled.
fn left(publication: &Publication, built: &[Image]) -> String {
    let names: Vec<&str> = built.iter().map(|image| image.profile().as_str()).collect();
    let built = match &names[..] {
        [] => "nothing was built".to_owned(),
        names => format!("only {} was built", names.join(", ")),
    };
    match (publication.has_targets(), names.is_empty()) {
        (false, _) => built,
        (true, true) => "nothing was published".to_owned(),
        (true, false) => format!("{built}, and nothing was published"),
    }
}
