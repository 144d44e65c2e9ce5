//! Checks the contract of [`Builder`]. The numbers are those of its sentences.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::builder::Builder;
use crate::context::Context;
use crate::contract::artifact::check_artifact;
use crate::contract::profile::Asked;
use crate::contract::sentence::check_sentences;
use crate::error::Error;
use crate::event::Event;
use crate::image::Image;
use crate::name::ProfileName;
use crate::profile::Profile;
use tokio_util::sync::CancellationToken;

/// The time within which a cancelled builder must end.
const SOON: Duration = Duration::from_secs(60);

/// The profiles that [`check_builder`] builds. The suite uses only their names and architectures,
/// and adds its own titles, services and kernel parameters.
#[derive(Debug, Clone)]
pub struct BuilderCases {
    good: Vec<Arc<dyn Profile>>,
    broken: Arc<dyn Profile>,
}

impl BuilderCases {
    /// Takes at least two profiles with different names that the builder can build, and `broken`,
    /// which it cannot build.
    pub fn new(good: impl IntoIterator<Item = Arc<dyn Profile>>, broken: Arc<dyn Profile>) -> Self {
        let good: Vec<_> = good.into_iter().collect();
        assert!(good.len() >= 2, "the suite needs at least two profiles that can be built");
        Self { good, broken }
    }
}

/// Checks every sentence of the contract of [`Builder`], and calls [`check_artifact`] for the
/// artifacts of the images that it builds.
///
/// The suite cannot see whether a child process is left behind. A builder that starts processes
/// needs its own test for that.
pub async fn check_builder(builder: &dyn Builder, cases: BuilderCases) {
    let good: Vec<Arc<dyn Profile>> = cases
        .good
        .iter()
        .map(|inner| Arc::new(Asked::dressed(inner)) as Arc<dyn Profile>)
        .collect();

    of(&[8], nothing_begins_when_it_is_cancelled(builder, &good)).await;
    let images = of(&[2, 7], all_are_built_in_order(builder, &good)).await;
    of(&[1], what_was_asked_for_is_carried_over(builder, &cases, &images)).await;
    of(&[2, 6, 7], one_by_one_gives_the_same(builder, &good, &images)).await;
    of(&[3, 4, 7], a_failure_stays_alone(builder, &good, &cases.broken, &images)).await;
    of(&[8], work_that_is_stopped_leaves_nothing(builder, &good, &images)).await;
    // The artifacts are still readable after all other builds.
    for image in &images {
        for part in image.boot_files().chain(image.build_log()) {
            of(&[5], check_artifact(part.as_ref())).await;
        }
    }
    of(&[9], async { assert!(!builder.name().is_empty(), "the name is empty") }).await;
}

/// Checks sentences of the contract of [`Builder`].
async fn of<T>(sentences: &[u8], check: impl Future<Output = T>) -> T {
    check_sentences("Builder", sentences, check).await
}

/// The profiles that were reported as finished, with true for success.
type Finished = Arc<Mutex<Vec<(ProfileName, bool)>>>;

/// Creates a context that records the [`Event::ProfileFinished`] events.
fn recording() -> (Context, Finished) {
    let finished = Arc::new(Mutex::new(Vec::new()));
    let sink = finished.clone();
    let context = Context::new().with_events(move |event| {
        if let (Event::ProfileFinished { profile, succeeded }, Ok(mut finished)) =
            (event, sink.lock())
        {
            finished.push((profile, succeeded));
        }
    });
    (context, finished)
}

/// 7. Each profile has one event, with its success.
fn expect_finished(finished: &Finished, results: &[(&Arc<dyn Profile>, bool)]) {
    let mut found = finished.lock().map(|finished| finished.clone()).unwrap_or_default();
    let mut expected: Vec<_> =
        results.iter().map(|(profile, succeeded)| (profile.name().clone(), *succeeded)).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "each profile needs one ProfileFinished event with its result");
}

fn built(result: Result<Image, Error>, profile: &dyn Profile) -> Image {
    match result {
        Ok(image) => image,
        Err(error) => panic!("profile `{}` was not built: {error:?}", profile.name()),
    }
}

/// 2. There is one result for each profile in order, also in reverse order.
async fn all_are_built_in_order(builder: &dyn Builder, good: &[Arc<dyn Profile>]) -> Vec<Image> {
    let mut opposite = good.to_vec();
    opposite.reverse();
    let mut images = Vec::new();
    for profiles in [opposite.as_slice(), good] {
        let (context, finished) = recording();
        let results = builder.build_all(profiles, &context).await;
        assert_eq!(
            results.len(),
            profiles.len(),
            "build_all must return one result for each profile"
        );
        images = results
            .into_iter()
            .zip(profiles)
            .map(|(result, profile)| built(result, profile.as_ref()))
            .collect();
        for (image, profile) in images.iter().zip(profiles) {
            assert_eq!(
                image.profile(),
                profile.name(),
                "build_all must keep the order of its profiles"
            );
        }
        let succeeded: Vec<_> = profiles.iter().map(|profile| (profile, true)).collect();
        expect_finished(&finished, &succeeded);
    }
    let none = builder.build_all(&[], &Context::new()).await;
    assert!(none.is_empty(), "build_all without profiles must return no results");
    images
}

/// 1. The image has the profile's title, services and architecture. The profile's kernel parameters
///    follow those of the configuration, which an image of the plain profile has.
async fn what_was_asked_for_is_carried_over(
    builder: &dyn Builder,
    cases: &BuilderCases,
    images: &[Image],
) {
    for (inner, image) in cases.good.iter().zip(images) {
        let (asked, plain) = (Asked::dressed(inner), Asked::plain(inner));
        let name = inner.name();
        assert_eq!(image.title(), asked.title(), "the title of `{name}` is wrong");
        assert_eq!(image.services(), asked.services(), "the services of `{name}` are wrong");
        let architecture = image.boot().architecture();
        assert_eq!(architecture, asked.architecture(), "the architecture of `{name}` is wrong");

        let bare = built(builder.build(&plain, &Context::new()).await, &plain);
        assert_eq!(bare.title(), plain.title(), "the title of `{name}` is from an earlier build");
        let expected = bare.boot().clone().with_parameters(asked.kernel_parameters());
        assert_eq!(
            Some(image.boot()),
            expected.ok().as_ref(),
            "the kernel parameters of `{name}` must follow those of the configuration"
        );
    }
}

/// 2 and 6. `build` returns the same image as `build_all`, also a second time.
async fn one_by_one_gives_the_same(
    builder: &dyn Builder,
    good: &[Arc<dyn Profile>],
    images: &[Image],
) {
    for (profile, image) in good.iter().zip(images) {
        for _ in 0..2 {
            let (context, finished) = recording();
            let again = built(builder.build(profile.as_ref(), &context).await, profile.as_ref());
            let name = profile.name();
            assert_eq!(again.profile(), name, "the builder built the wrong profile");
            assert_eq!(
                again.manifest(),
                image.manifest(),
                "`{name}` has another manifest after a second build"
            );
            expect_finished(&finished, &[(profile, true)]);
        }
    }
}

/// 3 and 4. The error names the profile that fails, and the other profiles are built.
async fn a_failure_stays_alone(
    builder: &dyn Builder,
    good: &[Arc<dyn Profile>],
    broken: &Arc<dyn Profile>,
    images: &[Image],
) {
    let (context, finished) = recording();
    expect_named(builder.build(broken.as_ref(), &context).await, broken.as_ref());
    expect_finished(&finished, &[(broken, false)]);

    for place in [0, 1, good.len()] {
        let mut profiles = good.to_vec();
        profiles.insert(place, broken.clone());
        let (context, finished) = recording();
        let mut results = builder.build_all(&profiles, &context).await;
        assert_eq!(
            results.len(),
            profiles.len(),
            "build_all must return one result for each profile"
        );
        expect_named(results.remove(place), broken.as_ref());
        for ((result, profile), image) in results.into_iter().zip(good).zip(images) {
            let beside = built(result, profile.as_ref());
            let name = profile.name();
            assert_eq!(
                beside.manifest(),
                image.manifest(),
                "the failure of another profile changed `{name}`"
            );
        }
        let of_each: Vec<_> =
            profiles.iter().map(|profile| (profile, !Arc::ptr_eq(profile, broken))).collect();
        expect_finished(&finished, &of_each);
    }
}

fn expect_named(result: Result<Image, Error>, profile: &dyn Profile) {
    let name = profile.name();
    match result {
        Ok(_) => panic!("profile `{name}` must fail, but there is an image of it"),
        Err(error) => {
            assert_eq!(error.profile(), Some(name), "the error does not name `{name}`: {error:?}");
        }
    }
}

/// 8. With a cancelled context, there is no image.
async fn nothing_begins_when_it_is_cancelled(builder: &dyn Builder, good: &[Arc<dyn Profile>]) {
    let token = CancellationToken::new();
    token.cancel();
    let context = Context::new().with_cancellation(token);
    let work = async {
        let mut results = builder.build_all(good, &context).await;
        assert_eq!(results.len(), good.len(), "build_all must return one result for each profile");
        results.push(builder.build(good[0].as_ref(), &context).await);
        results
    };
    let Ok(results) = tokio::time::timeout(SOON, work).await else {
        panic!("a cancelled builder did not end in {SOON:?}")
    };
    for result in results {
        match result {
            Ok(image) => panic!("a cancelled builder built `{}`", image.profile()),
            Err(error) => assert!(is_cancelled(&error), "a cancelled builder returned: {error:?}"),
        }
    }
}

/// 8. A build that is cancelled or dropped ends soon, and the next build is complete.
async fn work_that_is_stopped_leaves_nothing(
    builder: &dyn Builder,
    good: &[Arc<dyn Profile>],
    images: &[Image],
) {
    for milliseconds in [0, 1, 5, 25, 100] {
        let begun = Duration::from_millis(milliseconds);
        let token = CancellationToken::new();
        let context = Context::new().with_cancellation(token.clone());
        let work = tokio::time::timeout(begun + SOON, builder.build_all(good, &context));
        let cancel = async {
            tokio::time::sleep(begun).await;
            token.cancel();
        };
        let (Ok(results), ()) = tokio::join!(work, cancel) else {
            panic!("a builder did not end {SOON:?} after it was cancelled")
        };
        for error in results.into_iter().filter_map(Result::err) {
            assert!(
                is_cancelled(&error),
                "a builder that was cancelled after {begun:?} returned: {error:?}"
            );
        }
        // The build may finish in time, or be dropped.
        let _ = tokio::time::timeout(begun, builder.build_all(good, &Context::new())).await;
    }
    for (profile, image) in good.iter().zip(images) {
        let next = built(builder.build(profile.as_ref(), &Context::new()).await, profile.as_ref());
        let name = profile.name();
        assert_eq!(next.manifest(), image.manifest(), "a stopped build changed `{name}`");
    }
}

/// Returns true if the error or one of its causes is [`Error::Cancelled`].
fn is_cancelled(error: &Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if matches!(error.downcast_ref(), Some(Error::Cancelled)) {
            return true;
        }
        cause = error.source();
    }
    false
}
