//! An unchanged configuration gives the same image, even after other builds.

use netboot_core::{Builder, Context};

use crate::place::{Place, WITH_INIT, least_configuration, manifest, profile, read};

#[tokio::test]
async fn a_dependency_that_another_profile_has_built_does_not_change_an_image() {
    let place = Place::new();
    let tool = |text: &str| {
        format!(
            r#"derivation {{ name = "tool"; system = "x86_64-linux"; builder = "/bin/sh";
               args = [ "-c" "echo building the {text}; echo tool > $out" ]; }}"#
        )
    };
    // Both builds need the tool, and no result refers to it.
    let with_tool = |name: &str| {
        let fill = format!("read -r _ < \"$tool_\"; {WITH_INIT}");
        least_configuration(name, &fill, "{ }")
            .replace("inherit system_;", "inherit system_ tool_;")
    };
    let flake = place.flake(&format!(
        "let tool_ = {}; in {{ nixosConfigurations = {{ netboot-a.config = {}; netboot-b.config = {}; }}; }}",
        tool("tool"),
        with_tool("a"),
        with_tool("b")
    ));
    let context = Context::new();
    let before = place.builder(&flake).state_directory(place.path().join("before"));
    before.build().unwrap().build(&profile("a"), &context).await.unwrap();
    // The garbage collector deletes the tool and keeps the store paths of the roots of `before`.
    let collected = place.command("nix-store").arg("--gc").output().unwrap();
    let collected = String::from_utf8_lossy(&collected.stderr).into_owned();
    assert!(collected.contains("-tool"), "{collected}");

    // A machine that already has the parts of the image, for example from a cache, builds nothing.
    let builder = place.builder(&flake).build().unwrap();
    let first = builder.build(&profile("a"), &context).await.unwrap();
    builder.build(&profile("b"), &context).await.unwrap();
    let again = builder.build(&profile("a"), &context).await.unwrap();
    let log = |image: &netboot_core::Image| read(image.build_log().unwrap().local_path().unwrap());
    assert_eq!(log(&first), log(&again));
    assert_eq!(manifest(&first), manifest(&again));
}
