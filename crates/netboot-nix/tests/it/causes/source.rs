//! Flakes that cannot be fetched or locked.

use std::fs;
use std::path::Path;
use std::process::Command;

use netboot_core::{Builder, Context};
use netboot_nix::{Error, GitProblem, ProxyVariable, Subject};

use crate::causes::scene::{
    NOWHERE, assert_evaluated, error_of, error_of_code, flake, follow, git, repository,
};
use crate::place::{NixVersion, Place, WITH_INIT, WebServer, least_configuration};

pub(crate) async fn no_flake_is_there(nix: NixVersion) {
    let place = Place::of(nix);
    let error = error_of(place.builder("git+file:///nowhere/of/ours")).await;
    let Error::FlakeNotFound { reference, .. } = &error else { panic!("{error:?}") };
    assert_eq!(reference, "git+file:///nowhere/of/ours");

    // A flake that disappears after the check.
    let builder = place.builder(&place.flake("{ }"));
    let built = builder.build().unwrap();
    fs::remove_dir_all(place.path().join("own")).unwrap();
    let profile = crate::place::profile("x");
    let error = netboot_core::Builder::build(&built, &profile, &netboot_core::Context::new()).await;
    let error = crate::causes::scene::inner(&error.unwrap_err());
    assert!(matches!(error, Error::FlakeNotFound { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("that git tracks"), "{:?}", error.hint());
    let least = least_configuration("x", WITH_INIT, "{ }");
    let outputs = format!("{{ nixosConfigurations.netboot-x.config = {least}; }}");
    let tracked = repository(&place, &outputs);
    assert_evaluated(place.builder(&format!("git+file://{}", tracked.display()))).await;
}

pub(crate) async fn a_download_fails(nix: NixVersion) {
    let place = Place::of(nix);
    let reference = format!("{NOWHERE}/x.tar.gz");
    let error = error_of(place.builder(&reference)).await;
    let Error::Network { url, subject, build_log: None, .. } = &error else { panic!("{error:?}") };
    assert_eq!(subject, &Subject::Flake(reference.clone()));
    assert_eq!(url.as_deref(), Some(reference.as_str()));
    assert!(error.hint().unwrap().contains(&reference), "{:?}", error.hint());

    let hash = "0000000000000000000000000000000000000000000000000000";
    let url_of_code = format!("{NOWHERE}/key.pub");
    let code = format!(
        r#"[ (builtins.readFile (builtins.fetchurl {{ url = "{url_of_code}"; sha256 = "{hash}"; }})) ]"#
    );
    let (error, _place) = error_of_code(nix, &code).await;
    let Error::Network { url, subject, .. } = &error else { panic!("{error:?}") };
    assert_eq!(url.as_deref(), Some(url_of_code.as_str()));
    assert_eq!(subject, &Subject::Attribute("nixosConfigurations.netboot-x".to_owned()));

    // A server and a proxy that does not answer.
    let served = place.path().join("served");
    fs::create_dir(&served).unwrap();
    fs::write(served.join("key.pub"), "key").unwrap();
    let web = WebServer::start(&served);
    let url = format!("{}/key.pub", web.address());
    let hash = place.command("nix").args(["hash", "file"]).arg(served.join("key.pub")).output();
    let hash = String::from_utf8(hash.unwrap().stdout).unwrap();
    let code = format!(
        r#"[ (builtins.readFile (builtins.fetchurl {{ url = "{url}"; sha256 = "{}"; }})) ]"#,
        hash.trim()
    );
    let overrides = format!("{{ boot.kernelParams = {code}; }}");
    let flake = flake(&place, &least_configuration("x", WITH_INIT, &overrides));
    let through = || place.builder(&flake).environment("http_proxy", NOWHERE);
    let error = error_of(through()).await;
    let Error::Network { proxy, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*proxy, Some(ProxyVariable::HttpLower));
    assert!(error.hint().unwrap().contains("proxy in `http_proxy`"), "{:?}", error.hint());
    assert_evaluated(through().environment("no_proxy", "127.0.0.1")).await;
}

pub(crate) async fn a_git_server_does_not_answer(nix: NixVersion) {
    let place = Place::of(nix);
    let error = error_of(place.builder(&format!("git+{NOWHERE}/infrastructure"))).await;
    let Error::Network { url, message, .. } = &error else { panic!("{error:?}") };
    let url = url.as_deref().unwrap();
    assert!(url.starts_with(&format!("{NOWHERE}/infrastructure")), "{url}");
    assert!(message.contains("fatal: unable to access"), "{message}");
}

pub(crate) async fn changes_are_not_committed(nix: NixVersion) {
    let place = Place::of(nix);
    let directory = repository(&place, "{ }");
    place.flake("{ nixosConfigurations = { }; }");
    let builder = || {
        let builder = place.builder(directory.to_str().unwrap());
        builder.environment("NIX_CONFIG", place.settings("allow-dirty = false"))
    };
    let error = error_of(builder()).await;
    let Error::Git { refusal } = &error else { panic!("{error:?}") };
    assert_eq!(refusal.problem, GitProblem::Uncommitted);
    assert_eq!(Path::new(&refusal.repository), directory);
    git(&directory, &["commit", "-q", "-a", "-m", "y"]);
    let error = error_of(builder()).await;
    assert!(matches!(error, Error::AttributeMissing { .. }), "{error:?}");
}

pub(crate) async fn a_repository_is_somebody_else_s(nix: NixVersion) {
    let place = Place::of(nix);
    let directory = repository(&place, "{ }");
    let reference = directory.to_str().unwrap();
    let builder = || match nix {
        // This variable of git's own tests makes another user the owner of every repository.
        NixVersion::V2_8 => {
            place.builder(reference).environment("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
        }
        // The git library of these versions asks the system for the user, and gets another one.
        NixVersion::V2_26 | NixVersion::V2_34 => {
            let strace = netboot_testbed::tool("strace");
            let options = "-f -qq -o /dev/null --trace=geteuid --inject=geteuid:retval=12345";
            place.nix_script("nix", &format!("exec {} {options} $real \"$@\"", strace.display()));
            place.builder_with_programs(reference)
        }
    };
    let error = error_of(builder()).await;
    let Error::Git { refusal } = &error else { panic!("{error:?}") };
    assert_eq!(refusal.problem, GitProblem::OtherOwner);
    assert!(refusal.repository.starts_with(reference), "{refusal:?}");
    assert!(error.hint().unwrap().contains("safe.directory"), "{:?}", error.hint());
    if nix == NixVersion::V2_8 {
        follow(&place, &error, &[]);
        let error = error_of(builder()).await;
        assert!(matches!(error, Error::AttributeMissing { .. }), "{error:?}");
    } else if rustix::process::geteuid().is_root() {
        // A user without a home has no configuration of git, so the owner is really another one.
        let owned = Command::new("chown").args(["-R", "12345", reference]).status().unwrap();
        assert!(owned.success());
        let error = error_of(place.builder(reference)).await;
        follow(&place, &error, &[]);
        let error = error_of(place.builder(reference)).await;
        assert!(matches!(error, Error::AttributeMissing { .. }), "{error:?}");
    }
}

pub(crate) async fn a_flake_changes_meanwhile(nix: NixVersion) {
    let place = Place::of(nix);
    let hash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let flake = flake(&place, &least_configuration("x", WITH_INIT, "{ }"));
    let error = error_of(place.builder(&format!("{flake}?narHash={hash}"))).await;
    assert!(matches!(error, Error::SourceChanged { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("leave it out"), "{:?}", error.hint());
    let builder = place.builder(&flake).build().unwrap();
    builder.build(&crate::place::profile("x"), &Context::new()).await.unwrap();
    if nix == NixVersion::V2_8 {
        // This version goes on with the locked content.
        return;
    }
    let place = Place::of(nix);
    let flake = place.flake("{ nixosConfigurations = { }; }");
    let file = place.path().join("own/more");
    place.nix_script(
        "nix",
        &format!("[ \"$1\" != eval ] || echo more > {}; exec $real \"$@\"", file.display()),
    );
    let error = error_of(place.builder_with_programs(&flake)).await;
    assert!(matches!(error, Error::SourceChanged { .. }), "{error:?}");
    assert!(error.hint().unwrap().ends_with("build again"), "{:?}", error.hint());
    let error = error_of(place.builder(&flake)).await;
    assert!(matches!(error, Error::AttributeMissing { .. }), "{error:?}");
}

pub(crate) async fn the_lock_file_is_out_of_date(nix: NixVersion) {
    let place = Place::of(nix);
    let input = place.path().join("input");
    fs::create_dir(&input).unwrap();
    fs::write(input.join("flake.nix"), "{ outputs = { self }: { }; }").unwrap();
    let flake = place.flake("{ }");
    let directory = place.path().join("own");
    let text = format!(
        "{{ inputs.other.url = \"path:{}\"; outputs = {{ self, other }}: {{ }}; }}",
        input.display()
    );
    fs::write(directory.join("flake.nix"), text).unwrap();
    let error = error_of(place.builder(&flake)).await;
    let Error::LockFileOutdated { reference, .. } = &error else { panic!("{error:?}") };
    assert_eq!(reference, &flake);
    assert!(error.hint().unwrap().contains("nix flake lock"), "{:?}", error.hint());
    assert!(!directory.join("flake.lock").exists());
    let lock = place.command("nix").args(["flake", "lock", &flake]).output().unwrap();
    assert!(lock.status.success(), "{}", String::from_utf8_lossy(&lock.stderr));
    let error = error_of(place.builder(&flake)).await;
    assert!(matches!(error, Error::AttributeMissing { .. }), "{error:?}");
}
