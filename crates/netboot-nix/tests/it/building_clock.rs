//! This machine's clock has no say in which logs and roots of earlier builds are deleted.

use std::time::{Duration, SystemTime};

use netboot_core::{Builder, Context};
use netboot_testbed::TestProcess;

use crate::place::{Place, WITH_INIT, least_configuration, profile};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The builder counts ages by the clock of the file system.
#[test]
fn a_clock_that_is_ahead_makes_no_log_and_no_root_look_old() {
    let name = "building_clock::a_clock_that_is_ahead_makes_no_log_and_no_root_look_old";
    let process = TestProcess::behind(&["faketime", "-f", "+30d"], name);
    // The times of files stay true.
    if process.env("NO_FAKE_STAT", "1").is_this() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(build_twice());
    }
}

async fn build_twice() {
    let place = Place::new();
    let build = async |name: &str| {
        let configuration = least_configuration(name, WITH_INIT, "{ }");
        let flake =
            place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {configuration}; }}"));
        let builder = place.builder(&flake).keep_logs(DAY).keep_roots(DAY).build().unwrap();
        builder.build(&profile("x"), &Context::new()).await.unwrap()
    };
    let image = build("one").await;
    let log = image.build_log().unwrap().local_path().unwrap().to_owned();
    let written = log.metadata().unwrap().modified().unwrap();
    let ahead = SystemTime::now().duration_since(written).unwrap();
    assert!(ahead > DAY * 29, "the clock is right");
    drop(image);
    let roots = || std::fs::read_dir(place.path().join("state/roots/x")).unwrap().count();
    let before = roots();
    build("two").await;
    assert!(log.exists(), "a young log was deleted");
    assert_eq!(roots(), before * 2, "young roots were deleted");
}
