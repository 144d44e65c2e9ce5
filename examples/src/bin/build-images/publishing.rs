//! Publishes the built images together with the images that are published already.

use std::collections::BTreeSet;

use netboot_core::{Context, Image, ProfileName, Report};
use netboot_ipxe::Renderer;
use netboot_publish::{Error, Publisher, Receipt};

/// The number of times that a release is made again if somebody else publishes at the same time.
const ATTEMPTS: usize = 3;

/// Publishes a release of the images in `built` and of the live release's other profiles.
pub(crate) async fn publish(
    publisher: &Publisher,
    renderer: &Renderer,
    built: &[Image],
    context: &Context,
) -> Result<Receipt, Report> {
    let names: BTreeSet<&ProfileName> = built.iter().map(Image::profile).collect();
    let mut attempt = 1;
    loop {
        let live = publisher.live().await?;
        let there = match &live {
            Some(live) => publisher.images(live).await?,
            None => Vec::new(),
        };
        let kept = there.into_iter().filter(|image| !names.contains(image.profile()));
        let mut images: Vec<Image> = built.iter().cloned().chain(kept).collect();
        images.sort_by(|one, other| one.profile().cmp(other.profile()));
        let release = renderer.render_release(images)?;
        match publisher.publish_over(live.as_ref(), &release, context).await {
            Err(Error::Conflict { .. }) if attempt < ATTEMPTS => attempt += 1,
            receipt => return Ok(receipt?),
        }
    }
}
