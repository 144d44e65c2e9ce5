//! Several processes build one profile at the same time, in one state directory.

use std::collections::BTreeSet;
use std::time::Duration;

use netboot_core::{Builder, Context};

use crate::place::{
    Place, WITH_INIT, be_the_caller, caller, is_the_caller, least_configuration, profile, read,
};

#[tokio::test]
async fn they_share_the_work_and_leave_each_other_s_roots_and_logs_whole() {
    if is_the_caller() {
        return be_the_caller(Duration::from_secs(15)).await;
    }
    let place = Place::new();
    let built = place.path().join("built");
    let fill = format!("echo once >> {}; busybox sleep 1; {WITH_INIT}", built.display());
    let configuration = least_configuration("x", &fill, "{ }");
    let flake =
        place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {configuration}; }}"));
    // Two Nix processes that make a new store at the same time disturb each other.
    assert!(place.command("nix-store").args(["--init"]).status().unwrap().success());
    place.nix_script("nix", "exec $real \"$@\"");
    let name = "at_once::they_share_the_work_and_leave_each_other_s_roots_and_logs_whole";
    let callers: Vec<_> = (0..3).map(|_| caller(name, &place, &flake)).collect();
    for mut caller in callers {
        assert!(caller.wait().unwrap().success());
    }
    assert_eq!(read(&built), "once\n");

    let state = place.path().join("state");
    let names = |directory: &str| -> BTreeSet<String> {
        let entries = std::fs::read_dir(state.join(directory)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let roots = names("roots/x");
    assert_eq!(roots.len(), 3, "{roots:?}");
    for root in &roots {
        assert!(state.join("roots/x").join(root).exists(), "{root} leads nowhere");
    }
    // The profile has one log, because all three processes made the same image.
    let logs: Vec<String> =
        names("logs").into_iter().filter(|name| name.ends_with("log")).collect();
    assert_eq!(logs.len(), 1, "{logs:?}");
    let log = read(state.join("logs").join(&logs[0]));
    for part in ["linux-x", "initrd-x", "system-x"] {
        assert_eq!(log.matches(&format!("building {part}\n")).count(), 1, "{log}");
    }
    let unfinished = names("logs/derivations").into_iter().chain(names("logs/builds"));
    assert_eq!(unfinished.filter(|name| name.starts_with('.')).count(), 0);
    let builder = place.builder(&flake).build().unwrap();
    let image = builder.build(&profile("x"), &Context::new()).await.unwrap();
    assert!(image.build_log().unwrap().local_path().unwrap().ends_with(&logs[0]));
}
