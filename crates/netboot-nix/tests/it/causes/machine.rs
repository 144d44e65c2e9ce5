//! Causes in the machine, not in a configuration.

use netboot_nix::{Error, Subject};

use crate::causes::scene::{assert_evaluated, builds, error_of, error_of_kernel, flake};
use crate::place::{Daemon, NixVersion, Place, WITH_INIT, least_configuration};

/// A prefix that runs a command in its own mount namespace.
fn in_a_namespace() -> &'static str {
    if rustix::process::geteuid().is_root() { "unshare -m" } else { "unshare -Urm" }
}

pub(crate) async fn nix_is_not_installed(nix: NixVersion) {
    let place = Place::of(nix);
    let empty = place.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let builder = place.builder(&place.flake("{ }")).program_directory(&empty);
    let error = error_of(builder.environment("PATH", &empty)).await;
    let Error::NixMissing { program, .. } = &error else { panic!("{error:?}") };
    assert_eq!(program, "nix");
    assert!(error.hint().unwrap().contains("nix-setup-systemd"), "{:?}", error.hint());
    let installed = place.nix_program("nix").parent().unwrap().display().to_string();
    let builder = place.builder(&flake(&place, &least())).program_directory(&empty);
    assert_evaluated(builder.environment("PATH", installed)).await;
}

/// The configuration of an image.
fn least() -> String {
    least_configuration("x", WITH_INIT, "{ }")
}

pub(crate) async fn a_program_of_nix_may_not_be_executed(nix: NixVersion) {
    let place = Place::of(nix);
    let flake = flake(&place, &least());
    place.nix_script("nix", "exec $real \"$@\"");
    let program = place.path().join("bin/nix");
    let set_mode = |mode| {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(&program, mode).unwrap();
    };
    set_mode(0o644);
    let error = error_of(place.builder_with_programs(&flake)).await;
    assert!(matches!(error, Error::Spawn { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("may execute"), "{:?}", error.hint());
    set_mode(0o755);
    assert_evaluated(place.builder_with_programs(&flake)).await;
}

pub(crate) async fn builders_may_not_execute_their_files(nix: NixVersion) {
    let place = Place::of(nix);
    let runs = format!("echo '#!/bin/sh' > x; busybox chmod 755 x; ./x; {WITH_INIT}");
    let flake = flake(&place, &least_configuration("x", &runs, "{ }"));
    let directory = place.path().join("noexec");
    std::fs::create_dir(&directory).unwrap();
    let directory = directory.display().to_string();
    let mount = format!("mount -t tmpfs -o noexec tmpfs {directory}; exec \"$@\"");
    let script = format!("exec {} sh -c '{mount}' sh $real \"$@\"", in_a_namespace());
    place.nix_script("nix-store", &script);
    let settings = match nix {
        NixVersion::V2_34 => place.settings(&format!("build-dir = {directory}")),
        NixVersion::V2_8 | NixVersion::V2_26 => place.settings(""),
    };
    let builder = place.builder_with_programs(&flake).environment("TMPDIR", &directory);
    let error = error_of(builder.environment("NIX_CONFIG", settings)).await;
    assert!(matches!(error, Error::BuildFailed { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("`noexec`"), "{error:?} {:?}", error.hint());
    builds(place.builder_with_programs(&flake)).await;
}

pub(crate) async fn the_disk_is_full(nix: NixVersion) {
    // The disk of Nix's builders.
    let place = Place::of(nix);
    let fills = format!("busybox dd if=/dev/zero of=root/large bs=1M count=16; {WITH_INIT}");
    let flake = flake(&place, &least_configuration("x", &fills, "{ }"));
    let small = place.path().join("small");
    std::fs::create_dir(&small).unwrap();
    let small = small.display();
    let mounts = |mebibytes: u32| {
        format!(
            "exec {} sh -c 'mount -t tmpfs -o size={mebibytes}m tmpfs {small}; exec \"$@\"' sh \
             $real \"$@\"",
            in_a_namespace()
        )
    };
    place.nix_script("nix-store", &mounts(8));
    let builder = place.builder_with_programs(&flake).environment("TMPDIR", small.to_string());
    let builder = match nix {
        // This version has its own setting for it.
        NixVersion::V2_34 => {
            builder.environment("NIX_CONFIG", place.settings(&format!("build-dir = {small}")))
        }
        NixVersion::V2_8 | NixVersion::V2_26 => builder,
    };
    let error = error_of(builder).await;
    let Error::DiskFull { subject, build_log: Some(_), last_lines, .. } = &error else {
        panic!("{error:?}")
    };
    assert!(matches!(subject, Subject::Derivation(path) if path.ends_with("-initrd-x.drv")));
    assert!(last_lines.iter().any(|line| line.contains("No space left")), "{last_lines:?}");
    assert!(error.hint().unwrap().contains("free space"), "{:?}", error.hint());
    builds(place.builder_with_programs(&flake)).await;

    // The disk of Nix's database.
    place.nix_script("nix", &mounts(8));
    let builder =
        place.builder_with_programs(&flake).environment("NIX_STATE_DIR", small.to_string());
    let error = error_of(builder).await;
    assert!(matches!(&error, Error::DiskFull { build_log: None, .. }), "{error:?}");
}

pub(crate) async fn a_file_may_not_be_read(nix: NixVersion) {
    let place = Place::of(nix);
    let flake = place.flake("{ }");
    let secret = place.path().join("own/secret");
    std::fs::write(&secret, "").unwrap();
    let nobody = std::os::unix::fs::PermissionsExt::from_mode(0o0);
    std::fs::set_permissions(&secret, nobody).unwrap();
    // The system refuses root nothing, unless root drops its capabilities.
    let weak = if rustix::process::geteuid().is_root() {
        "setpriv --bounding-set=-all --inh-caps=-all"
    } else {
        ""
    };
    place.nix_script("nix", &format!("exec {weak} $real \"$@\""));
    let error = error_of(place.builder_with_programs(&flake)).await;
    let Error::PermissionDenied { path, .. } = &error else { panic!("{error:?}") };
    assert_eq!(path, &secret);
    assert!(error.hint().unwrap().contains("own/secret"), "{:?}", error.hint());
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(&secret, readable).unwrap();
    let error = error_of(place.builder_with_programs(&flake)).await;
    assert!(matches!(error, Error::AttributeMissing { .. }), "{error:?}");
}

pub(crate) async fn the_daemon_is_down(nix: NixVersion) {
    let place = Place::of(nix);
    let flake = flake(&place, &least());
    let builder = |remote| place.builder(&flake).environment("NIX_REMOTE", remote);
    let error = error_of(builder("daemon")).await;
    let Error::DaemonUnreachable { socket, .. } = &error else { panic!("{error:?}") };
    assert!(socket.ends_with("daemon-socket/socket"), "{}", socket.display());
    assert!(error.hint().unwrap().contains("set NIX_REMOTE"), "{:?}", error.hint());
    assert_evaluated(builder("local")).await;
    let _daemon = Daemon::start(&place, "");
    assert_evaluated(builder("daemon")).await;
}

pub(crate) async fn a_path_is_not_signed(nix: NixVersion) {
    // A path in a cache that this Nix should fetch.
    let place = Place::of(nix);
    let file = place.path().join("somebody-s");
    std::fs::write(&file, "x").unwrap();
    let text = |program: &str, arguments: &[&str]| {
        let output = place.command(program).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let expression = r#"derivation { name = "theirs"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo x > $out" ]; }"#;
    let derivation = text("nix-instantiate", &["-E", expression]);
    let path = text("nix-store", &["--realise", &derivation]);
    let cache = format!("file://{}", place.path().join("cache").display());
    text("nix", &["copy", "--to", &cache, &path]);
    text("nix-store", &["--delete", &path]);

    let code = format!(
        r#"{{ boot.kernelParams = [ (builtins.readFile (builtins.fetchClosure {{ fromStore = "{cache}"; fromPath = {path}; }})) ]; }}"#
    );
    let settings = place.settings("extra-experimental-features = fetch-closure");
    let builder = place.builder(&flake(&place, &code)).environment("NIX_CONFIG", settings);
    // Allows a file as a store to fetch from.
    let error = error_of(builder.environment("_NIX_IN_TEST", "1")).await;
    let Error::Unsigned { path: found, .. } = &error else { panic!("{error:?}") };
    assert_eq!(found, &path);
    assert!(error.hint().unwrap().contains("trusted-public-keys"), "{:?}", error.hint());

    let key = |name: &str| place.path().join(name).display().to_string();
    text("nix-store", &["--generate-binary-cache-key", "test", &key("secret"), &key("public")]);
    text("nix-store", &["--realise", &derivation]);
    text("nix", &["store", "sign", "--key-file", &key("secret"), &path]);
    std::fs::remove_dir_all(place.path().join("cache")).unwrap();
    text("nix", &["copy", "--to", &cache, &path]);
    text("nix-store", &["--delete", &path]);
    let public = std::fs::read_to_string(key("public")).unwrap();
    let settings = place.settings(&format!(
        "extra-experimental-features = fetch-closure\ntrusted-public-keys = {public}"
    ));
    let builder = place.builder(&flake(&place, &code)).environment("NIX_CONFIG", settings);
    let error = error_of(builder.environment("_NIX_IN_TEST", "1")).await;
    // A flake may only fetch a path whose name has the hash of its content.
    assert!(error.to_string().contains("-addressed"), "{error:?}");
}

pub(crate) async fn nix_is_interrupted(nix: NixVersion) {
    let attributes = r#"{ args = [ "-c" "kill -TERM $PPID; exec /bin/sleep 600" ]; }"#;
    let (error, _place) = error_of_kernel(nix, attributes, "").await;
    let Error::Interrupted { message, build_log: Some(_), .. } = &error else {
        panic!("{error:?}")
    };
    assert!(message.contains("interrupted"), "{message}");
}

pub(crate) async fn nix_crashes(nix: NixVersion) {
    let place = Place::of(nix);
    let flake = flake(&place, &least_configuration("x", WITH_INIT, "{ }"));
    for (command, text) in [("flake", "SIGABRT): terminate called after"), ("eval", "SIGSEGV)")] {
        let crash = "echo 'terminate called after throwing an instance' >&2; kill -ABRT $$";
        let crash = if command == "eval" { "kill -SEGV $$" } else { crash };
        place.nix_script(
            "nix",
            &format!("if [ $1 = {command} ]; then {crash}; fi; exec $real \"$@\""),
        );
        let error = error_of(place.builder_with_programs(&flake)).await;
        let Error::Interrupted { message, .. } = &error else { panic!("{error:?}") };
        assert!(message.contains(text), "{message}");
        assert!(error.hint().unwrap().contains("`program_directory`"), "{:?}", error.hint());
    }
    assert_evaluated(place.builder(&flake)).await;
}

pub(crate) async fn nix_is_killed(nix: NixVersion) {
    let attributes = r#"{ args = [ "-c" "echo odd one; /bin/sleep 0.5; kill -KILL $PPID" ]; }"#;
    let (error, _place) = error_of_kernel(nix, attributes, "").await;
    let Error::Interrupted { subject, message, .. } = &error else { panic!("{error:?}") };
    assert!(message.contains("SIGKILL"), "{message}");
    assert!(subject.as_str().contains("-odd.drv"), "{subject}");
    assert!(error.hint().unwrap().contains("memory"), "{:?}", error.hint());

    let place = Place::of(nix);
    let mark = place.path().join("killed").display().to_string();
    let once =
        format!("[ -e {mark} ] || {{ echo > {mark}; kill -KILL $PPID; busybox sleep 600; }}");
    let flake = flake(&place, &least_configuration("x", &format!("{once}; {WITH_INIT}"), "{ }"));
    let error = error_of(place.builder(&flake)).await;
    assert!(error.hint().unwrap().starts_with("build again"), "{:?}", error.hint());
    builds(place.builder(&flake)).await;
}
