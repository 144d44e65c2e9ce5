//! Netboot in your own program: it builds a flake's profiles, renders them, publishes them to both
//! of two sites or to neither, and shows its progress. It uses only the library.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::sync::Arc;

use netboot_core::{Builder, Context, Event, Image, Profile, Report, plasmacloud};
use netboot_ipxe::Renderer;
use netboot_nix::NixBuilder;
use netboot_publish::{ActivationPolicy, LocalStore, Publisher, RsyncStore, Sites};

#[tokio::main]
async fn main() -> Result<(), Report> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [flake, directory, mirror] = &arguments[..] else {
        let usage = "run it as: embed FLAKE DIRECTORY RSYNC-TARGET";
        return Err(Report::message("embed takes three arguments", usage));
    };
    let context = Context::new().with_events(|event: Event| match event.by_site() {
        (_, Event::Log { .. }) => {} // the output of Nix and rsync
        _ => eprintln!("{event}"),
    });
    let sites = Sites::builder()
        .site("here", Publisher::new(LocalStore::new(directory)))
        .site("mirror", Publisher::new(RsyncStore::open(mirror.as_str())?))
        .policy(ActivationPolicy::AllOrNone)
        .build()?;

    let builder = NixBuilder::options(flake).build()?;
    let profiles: Vec<Arc<dyn Profile>> =
        plasmacloud::profiles()?.into_iter().map(Into::into).collect();
    let results = builder.build_all(&profiles, &context).await;
    let images = results.into_iter().collect::<Result<Vec<Image>, _>>()?;

    let release = Renderer::builder().build()?.render_release(images)?;
    println!("{}", sites.publish(&release, &context).await.ensure_live_everywhere()?);
    Ok(())
}
