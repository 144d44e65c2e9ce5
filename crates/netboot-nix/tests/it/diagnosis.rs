//! Misleading messages of Nix: quoted text of a builder, the failure of a program without its
//! reason, and a file that exists but is not seen.

use std::error::Error as _;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;

use netboot_core::{Builder, Context};
use netboot_nix::{Error, EvaluationProblem, GitProblem, NixBuilderOptions};

use crate::place::{Daemon, Place, configuration, profile};

/// Builds profile `x`, which fails, and returns this crate's error. The error has a hint.
async fn error_of(builder: NixBuilderOptions) -> Error {
    let error = builder.build().unwrap().build(&profile("x"), &Context::new()).await.unwrap_err();
    let inner = error.source().and_then(|source| source.downcast_ref::<Error>());
    let inner = inner.unwrap_or_else(|| panic!("no error of Nix: {error:?}"));
    assert!(inner.hint().is_some(), "no hint: {error:?}");
    inner.clone()
}

/// Nix code of a flake with one configuration. All its parts are this derivation.
fn of_derivation(attributes: &str) -> String {
    let part = format!(
        r#"derivation {{ name = "part"; system = "x86_64-linux"; builder = "/bin/sh"; {attributes} }}"#
    );
    format!(
        "{{ nixosConfigurations.netboot-x.config.system.build = let part = {part}; in \
         {{ kernel = part; netbootRamdisk = part; toplevel = part; }}; }}"
    )
}

#[tokio::test]
async fn what_a_builder_prints_is_not_taken_for_the_words_of_nix() {
    let place = Place::new();
    let _daemon = Daemon::start(&place, "");
    for printed in [
        "test 7 timed out after 30 seconds",
        "hash mismatch in fixed-output derivation",
        "error: platform mismatch",
        "a machine with features {} is required to build",
        "No space left on device",
    ] {
        let script = format!(r#"echo "{printed}"; exit 1"#);
        let flake = place.flake(&format!(
            "{{ nixosConfigurations.netboot-x.config = {}; }}",
            configuration("x", &script)
        ));
        for remote in ["", "daemon"] {
            let builder = place.builder(&flake).environment("NIX_REMOTE", remote);
            let error = error_of(builder).await;
            let Error::BuildFailed { last_lines, .. } = &error else {
                panic!("{printed} by {remote:?}: {error:?}")
            };
            assert_eq!(last_lines, &[printed]);
        }
    }
}

/// A web server on the loopback interface that asks every client for a password. It runs as long as
/// this thread of the test.
fn locked_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 4096]);
            let answer = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\
                          Content-Length: 0\r\nConnection: close\r\n\r\n";
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    format!("git+http://{address}/x")
}

#[tokio::test]
async fn a_repository_that_wants_a_password_is_told_and_nobody_is_asked() {
    let place = Place::new();
    let error = error_of(place.builder(&locked_server())).await;
    let Error::Git { refusal } = &error else { panic!("{error:?}") };
    assert_eq!(refusal.problem, GitProblem::Credentials);
    let message = &refusal.message;
    assert!(message.contains("terminal prompts disabled"), "{message}");
    assert!(error.hint().unwrap().contains("credential.helper"), "{:?}", error.hint());
}

#[tokio::test]
async fn an_import_from_a_derivation_is_refused_until_it_is_allowed() {
    let place = Place::new();
    let flake = place.flake(&of_derivation(
        r#"args = [ "-c" (builtins.readFile (derivation { name = "imported"; system = "x86_64-linux";
           builder = "/bin/sh"; args = [ "-c" "echo 'echo from the imported; exit 1' > $out" ]; })) ];"#,
    ));
    let refused = error_of(place.builder(&flake)).await;
    let Error::Evaluation {
        problem: EvaluationProblem::ImportFromDerivation { derivation }, ..
    } = &refused
    else {
        panic!("{refused:?}")
    };
    assert!(derivation.ends_with("-imported.drv"), "{derivation}");
    assert!(refused.hint().unwrap().contains("import_from_derivation"), "{:?}", refused.hint());
    let allowed = error_of(place.builder(&flake).import_from_derivation(true)).await;
    let Error::BuildFailed { last_lines, .. } = &allowed else { panic!("{allowed:?}") };
    assert_eq!(last_lines, &["from the imported"]);
}

#[tokio::test]
async fn a_flake_that_git_does_not_track_is_told() {
    let place = Place::new();
    place.flake("{ }");
    let directory = place.path().join("own");
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"];
        let command =
            Command::new("git").args(identity).arg("-C").arg(&directory).args(arguments).status();
        assert!(command.unwrap().success(), "git {arguments:?}");
    };
    git(&["init", "-q", "-b", "main"]);
    fs::write(directory.join("other"), "").unwrap();
    git(&["add", "other"]);
    git(&["commit", "-q", "-m", "x"]);
    let error = error_of(place.builder(directory.to_str().unwrap())).await;
    assert!(error.hint().unwrap().contains("add --intent-to-add"), "{error:?}: {:?}", error.hint());

    git(&["add", "flake.nix"]);
    fs::write(directory.join("flake.nix"), "{ outputs = { self }: import ./new.nix; }").unwrap();
    fs::write(directory.join("new.nix"), "{ }").unwrap();
    let error = error_of(place.builder(directory.to_str().unwrap())).await;
    assert!(error.hint().unwrap().contains("add --intent-to-add"), "{error:?}: {:?}", error.hint());
}
