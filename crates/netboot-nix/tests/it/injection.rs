//! Texts of callers and flakes are never read as an option, as Nix code or as a shell command.

use std::collections::BTreeSet;
use std::error::Error as _;
use std::path::PathBuf;

use netboot_core::{Builder, Context};
use netboot_nix::{Error, FlakeReference};

use crate::place;
use crate::place::{Place, WITH_INIT, configuration, least_configuration, profile, read};

/// Texts with a meaning to a shell, to Nix or to an option parser.
const HOSTILE: [&str; 8] = [
    "--impure",
    "-I",
    "$(touch pwned)",
    "`touch pwned`",
    "a'b\"c",
    "${builtins.abort \"x\"}",
    "a b;c&d|e",
    "*",
];

fn inner(error: &netboot_core::Error) -> Error {
    let inner = error.source().and_then(|source| source.downcast_ref::<Error>());
    inner.unwrap_or_else(|| panic!("no error of Nix: {error:?}")).clone()
}

fn flake(place: &Place) -> String {
    let configuration = least_configuration("x", WITH_INIT, "{ }");
    place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {configuration}; }}"))
}

#[tokio::test]
async fn a_state_directory_may_have_any_name() {
    let place = Place::new();
    let flake = flake(&place);
    for name in HOSTILE {
        let state = place.path().join("of").join(name);
        let builder = place.builder(&flake).state_directory(&state).build().unwrap();
        let image = builder.build(&profile("x"), &Context::new()).await.unwrap();
        let log = image.build_log().unwrap().local_path().unwrap().to_owned();
        assert!(log.starts_with(&state), "{}", log.display());
        assert_eq!(std::fs::read_dir(state.join("roots/x")).unwrap().count(), 3);
    }
    assert!(!PathBuf::from("pwned").exists());
}

#[tokio::test]
async fn a_program_directory_may_have_any_name() {
    for name in HOSTILE {
        let place = Place::new();
        let directory = place.path().join(name);
        std::fs::create_dir(&directory).unwrap();
        for program in ["nix", "nix-store"] {
            std::os::unix::fs::symlink(place.nix_program(program), directory.join(program))
                .unwrap();
        }
        let builder = place.builder(&flake(&place)).program_directory(&directory);
        let builder = builder.build().unwrap();
        let mut results = builder.check(&place::profiles(&["x"]), &Context::new()).await;
        results.remove(0).unwrap();
    }
    assert!(!PathBuf::from("pwned").exists());
}

#[tokio::test]
async fn a_flake_s_directory_is_used_or_refused_whatever_its_name() {
    for name in HOSTILE {
        let place = Place::new();
        flake(&place);
        let directory = place.path().join(name);
        std::fs::rename(place.path().join("own"), &directory).unwrap();
        let checked = match place.builder(directory.to_str().unwrap()).build() {
            Err(error) => Err(error),
            Ok(builder) => {
                let profiles = place::profiles(&["x"]);
                let mut results = builder.check(&profiles, &Context::new()).await;
                results.remove(0).map(drop).map_err(|error| inner(&error))
            }
        };
        if let Err(error) = checked {
            assert!(error.hint().is_some(), "{error:?}");
            let is_about_the_name = format!("{error:?}").contains("is not")
                || matches!(error, Error::InvalidText { .. } | Error::UnclearReference { .. });
            assert!(is_about_the_name, "{name}: {error:?}");
        }
    }
    assert!(!PathBuf::from("pwned").exists());
}

#[test]
fn a_reference_is_no_option_and_no_second_argument() {
    for text in ["--impure", "-I", "a b", "a\nb", "path:/x#y", "x^out", "", "\u{7f}"] {
        assert!(FlakeReference::new(text).is_err(), "{text:?}");
    }
}

#[tokio::test]
async fn a_configuration_s_name_is_never_code() {
    let place = Place::new();
    let flake = flake(&place);
    for name in HOSTILE {
        let builder = place.builder(&flake).configuration(move |_| name.to_owned());
        let error = builder.build().unwrap().build(&profile("x"), &Context::new()).await;
        let Error::AttributeMissing { attribute, available } = inner(&error.unwrap_err()) else {
            panic!("{name}")
        };
        assert_eq!(attribute, format!("nixosConfigurations.{name}"));
        assert_eq!(available, ["netboot-x"]);
    }
}

#[tokio::test]
async fn what_a_flake_calls_a_derivation_is_no_option_and_lies_in_the_store() {
    let place = Place::new();
    for (attributes, part) in [
        (r#"drvPath = "--help"; outPath = "/etc";"#, "drvPath"),
        (r#"drvPath = "--option\npost-build-hook"; outPath = "/etc";"#, "drvPath"),
        (r#"drvPath = real.drvPath; outPath = "/etc";"#, "outPath"),
        (r#"drvPath = real.drvPath; outPath = "${real.outPath}/../../etc";"#, "outPath"),
        (r#"drvPath = real.drvPath; outPath = real.outPath; outputName = "--help";"#, "outputName"),
    ] {
        let flake = place.flake(&format!(
            "{{ nixosConfigurations.netboot-x.config = let it = {}; real = it.system.build.kernel; in it // {{ system = it.system // {{ build = it.system.build // {{ kernel = {{ {attributes} }}; }}; }}; }}; }}",
            least_configuration("x", WITH_INIT, "{ }")
        ));
        let builder = place.builder(&flake).build().unwrap();
        let error = builder.build(&profile("x"), &Context::new()).await.unwrap_err();
        let Error::UnusableValue { attribute, problem } = inner(&error) else {
            panic!("{attributes}: {error:?}")
        };
        assert!(attribute.ends_with(".config.system.build.kernel"), "{attribute}");
        assert!(problem.contains(part), "{problem}");
    }
    // A store path that another derivation makes.
    let flake = place.flake(&format!(
        "{{ nixosConfigurations.netboot-x.config = let it = {}; inherit (it.system) build; in it // {{ system = it.system // {{ build = build // {{ kernel = {{ inherit (build.kernel) drvPath; inherit (build.toplevel) outPath; }}; }}; }}; }}; }}",
        least_configuration("x", WITH_INIT, "{ }")
    ));
    let builder = place.builder(&flake).build().unwrap();
    let error = builder.build(&profile("x"), &Context::new()).await.unwrap_err();
    assert!(matches!(inner(&error), Error::UnusableValue { .. }), "{error:?}");
}

/// The variables that Nix may have: the allow-list of `environment.rs`.
const ALLOWED: [&str; 44] = [
    "ALL_PROXY",
    "FTP_PROXY",
    "GIT_TERMINAL_PROMPT",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "LOCALE_ARCHIVE",
    "LOGNAME",
    "NIX_CONFIG",
    "NIX_CONF_DIR",
    "NIX_LOG_DIR",
    "NIX_REMOTE",
    "NIX_SSHOPTS",
    "NIX_SSL_CERT_FILE",
    "NIX_STATE_DIR",
    "NIX_STORE_DIR",
    "NO_PROXY",
    "PATH",
    "SHELL",
    "SSH_ASKPASS",
    "SSH_ASKPASS_REQUIRE",
    "SSH_AUTH_SOCK",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "TZ",
    "TZDIR",
    "USER",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_DIRS",
    "XDG_CONFIG_HOME",
    "XDG_DATA_DIRS",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
    "all_proxy",
    "ftp_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

#[tokio::test]
async fn nix_has_the_environment_that_it_is_allowed() {
    let place = Place::new();
    let seen = place.path().join("seen");
    // Read the environment from the kernel, because a shell changes it.
    let script =
        format!("tr '\\0' '\\n' < /proc/$$/environ >> {}; exec $real \"$@\"", seen.display());
    place.nix_script("nix", &script);
    place.nix_script("nix-store", &script);
    let builder = place.builder_with_programs(&flake(&place));
    builder.build().unwrap().build(&profile("x"), &Context::new()).await.unwrap();
    let text = read(&seen);
    // Every variable is one line, except NIX_CONFIG. The lines of NIX_CONFIG have spaces around
    // `=`.
    let names: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name)
        .filter(|name| !name.contains(' '))
        .collect();
    let allowed = BTreeSet::from(ALLOWED);
    assert!(names.is_subset(&allowed), "{:?}", names.difference(&allowed));
    assert!(names.contains("NIX_STORE_DIR"), "{names:?}");
    // This process has variables that Nix must not get: those of cargo.
    assert!(std::env::vars_os().any(|(name, _)| !allowed.contains(&*name.to_string_lossy())));
}

#[tokio::test]
async fn a_secret_is_in_no_file_of_the_state_directory() {
    let place = Place::new();
    let prints = configuration("x", "echo the token is hunter2; exit 1");
    let flake = place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {prints}; }}"));
    let (context, events) = place::recording();
    let settings = place.settings("access-tokens = example.org=hunter2");
    let builder = place.builder(&flake).environment("NIX_CONFIG", settings).secret("hunter2");
    let builder = builder.build().unwrap();
    let error = builder.build(&profile("x"), &context).await.unwrap_err();
    let mut shown = format!("{error} {error:?} {builder:?} {:?}", events.lock().unwrap());
    let mut places = vec![place.path().join("state")];
    let mut files = 0;
    while let Some(place) = places.pop() {
        if place.is_dir() {
            places.extend(std::fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            files += 1;
            shown.push_str(&String::from_utf8_lossy(&std::fs::read(place).unwrap()));
        }
    }
    assert!(files > 1 && shown.contains("the token is ***"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}
