//! References as people type them, and machines that lack what Nix needs, with each version of Nix.

use std::fs;
use std::path::Path;

use netboot_nix::{Error, FlakeReference, GitProblem};

use crate::causes::scene::{assert_evaluated, error_of, git, repository};
use crate::place::{NixVersion, Place, WITH_INIT, least_configuration, with_nix_versions};

/// The outputs of a flake whose configuration `netboot-x` can be evaluated.
fn outputs() -> String {
    let configuration = least_configuration("x", WITH_INIT, "{ }");
    format!("{{ nixosConfigurations.netboot-x.config = {configuration}; }}")
}

with_nix_versions! {
    a_path_may_have_spaces_and_letters_of_any_language in [each]
    a_flake_may_be_in_a_directory_of_a_repository in [each]
    a_bare_repository_is_read_at_the_branch_that_it_has in [each]
    a_home_that_cannot_be_used_is_replaced in [each]
    a_disk_that_is_read_only_is_told in [each]
    a_local_flake_is_no_fault_of_the_network in [each]
}

mod each {
    use super::*;

    pub(crate) async fn a_path_may_have_spaces_and_letters_of_any_language(nix: NixVersion) {
        let place = Place::of(nix);
        let directory = repository(&place, &outputs());
        for (name, keeps_git) in [("with space", true), ("zwölf % flöße", false)] {
            let odd = place.path().join(name);
            fs::rename(&directory, &odd).unwrap();
            if !keeps_git {
                fs::remove_dir_all(odd.join(".git")).unwrap();
            }
            let odd_reference = odd.to_str().unwrap();
            if nix == NixVersion::V2_8 {
                let error = error_of(place.builder(odd_reference)).await;
                assert!(matches!(error, Error::UnclearReference { .. }), "{error:?}");
                assert!(error.hint().unwrap().contains("letters, digits"), "{:?}", error.hint());
                fs::rename(&odd, &directory).unwrap();
                assert_evaluated(place.builder(directory.to_str().unwrap())).await;
            } else {
                assert_evaluated(place.builder(odd_reference)).await;
                assert_evaluated(place.builder(&format!("{odd_reference}/"))).await;
                fs::rename(&odd, &directory).unwrap();
            }
        }
    }

    pub(crate) async fn a_flake_may_be_in_a_directory_of_a_repository(nix: NixVersion) {
        let place = Place::of(nix);
        let flake = place.flake(&outputs());
        let mono = place.path().join("mono");
        fs::create_dir(&mono).unwrap();
        fs::rename(flake.strip_prefix("path:").unwrap(), mono.join("x")).unwrap();
        let reference = format!("{}?dir=x", mono.display());
        if nix != NixVersion::V2_8 {
            // Nix 2.8 reads `dir` in repositories only.
            assert_evaluated(place.builder(&reference)).await;
        }
        git(&mono, &["init", "-q", "-b", "main"]);
        git(&mono, &["add", "."]);
        assert_evaluated(place.builder(&reference)).await;
        assert_evaluated(place.builder(&format!("git+file:{reference}"))).await;
        assert_evaluated(place.builder(&format!("file://{reference}"))).await;
        assert_evaluated(place.builder(&format!("{}/x/", mono.display()))).await;
    }

    pub(crate) async fn a_bare_repository_is_read_at_the_branch_that_it_has(nix: NixVersion) {
        let place = Place::of(nix);
        let directory = repository(&place, &outputs());
        let bare = place.path().join("bare");
        git(&directory, &["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
        let bare_path = bare.display();
        for head in ["refs/heads/main", "refs/heads/master"] {
            git(&bare, &["symbolic-ref", "HEAD", head]);
            for scheme in ["", "file://", "git+file://"] {
                assert_evaluated(place.builder(&format!("{scheme}{bare_path}"))).await;
            }
        }
        git(&bare, &["branch", "other", "main"]);
        let error = error_of(place.builder(&format!("git+file://{bare_path}"))).await;
        let Error::Git { refusal } = &error else { panic!("{error:?}") };
        assert_eq!(refusal.problem, GitProblem::MissingRevision);
        assert_evaluated(place.builder(&format!("git+file://{bare_path}?ref=main"))).await;
    }

    pub(crate) async fn a_home_that_cannot_be_used_is_replaced(nix: NixVersion) {
        let place = Place::of(nix);
        let directory = repository(&place, &outputs());
        let file = place.path().join("file");
        fs::write(&file, "").unwrap();
        let file = file.to_str().unwrap();
        let below = format!("{file}/below");
        for home in ["", "relative", file, "/nowhere/of/ours", "/proc"] {
            for cache in ["", &below, "/proc/cache"] {
                for reference in [
                    directory.display().to_string(),
                    format!("git+file://{}?ref=main", directory.display()),
                ] {
                    let builder = place.builder(&reference).environment("HOME", home);
                    let builder = builder.environment("XDG_CACHE_HOME", cache);
                    assert_evaluated(builder.environment("TMPDIR", "/nowhere/of/ours")).await;
                }
            }
        }
        assert!(!Path::new("/nowhere").exists());
        // A directory that Netboot does not replace.
        let flake = place.flake(&outputs());
        let error = error_of(place.builder(&flake).environment("NIX_STATE_DIR", &below)).await;
        assert!(matches!(error, Error::PermissionDenied { .. }), "{error:?}");
        assert!(error.hint().unwrap().contains("environment"), "{:?}", error.hint());
        fs::remove_file(file).unwrap();
        fs::create_dir_all(&below).unwrap();
        assert_evaluated(place.builder(&flake).environment("NIX_STATE_DIR", &below)).await;
    }

    pub(crate) async fn a_disk_that_is_read_only_is_told(nix: NixVersion) {
        let place = Place::of(nix);
        let flake = place.flake(&outputs());
        let state = place.environment().remove("NIX_STATE_DIR").unwrap();
        fs::create_dir_all(&state).unwrap();
        let namespace =
            if rustix::process::geteuid().is_root() { "unshare -m" } else { "unshare -Urm" };
        place.nix_script(
            "nix",
            &format!(
                "exec {namespace} sh -c 'mount --bind {state} {state} && mount -o \
                 remount,ro,bind {state}; exec \"$@\"' sh $real \"$@\""
            ),
        );
        let error = error_of(place.builder_with_programs(&flake)).await;
        let Error::PermissionDenied { path, .. } = &error else { panic!("{error:?}") };
        assert!(path.starts_with(&state), "{}", path.display());
        assert!(error.hint().unwrap().contains("so that it can be written"), "{error:?}");
        place.nix_script("nix", "exec $real \"$@\"");
        assert_evaluated(place.builder_with_programs(&flake)).await;
    }

    pub(crate) async fn a_local_flake_is_no_fault_of_the_network(nix: NixVersion) {
        let place = Place::of(nix);
        let directory = repository(&place, &outputs());
        fs::remove_dir_all(directory.join(".git/objects")).unwrap();
        for reference in [
            format!("git+file://{}?ref=main", directory.display()),
            directory.display().to_string(),
            format!("git+file://{}/nothing?ref=main", directory.display()),
        ] {
            let error = error_of(place.builder(&reference)).await;
            assert!(!matches!(error, Error::Network { .. }), "{reference}: {error:?}");
        }
    }
}

#[test]
fn what_is_suggested_is_a_reference() {
    for typed in [".#netboot-worker", "tests#x", "tests", "git@example.org:22/x", "github:o/r.git"]
    {
        let error = FlakeReference::new(typed).unwrap_err();
        let hint = error.hint().unwrap();
        let suggested = hint.strip_prefix("write `").unwrap().strip_suffix('`').unwrap();
        match FlakeReference::new(suggested) {
            // This crate's directory has no flake.
            Ok(_) | Err(Error::FlakeNotFound { .. } | Error::UnclearReference { .. }) => {}
            Err(error) => panic!("{typed}: {error:?}"),
        }
    }
}
