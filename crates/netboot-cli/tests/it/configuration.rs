//! `netboot.toml`: what it means, and why it is refused.

use std::fs;

use netboot_cli::configuration::Configuration;
use netboot_cli::{Error, Target};
use netboot_core::Context;
use netboot_publish::{MinisignKey, Signer};
use netboot_testbed::S3Server;
use tempfile::TempDir;

use crate::place::{Place, sample};

fn parse(text: &str) -> Result<Configuration, Error> {
    Configuration::parse(text, "netboot.toml")
}

/// The message and the hint of a text that is refused.
fn refused(text: &str) -> (String, String) {
    let error = parse(text).unwrap_err();
    let chain = std::iter::successors(Some(&error as &dyn std::error::Error), |it| it.source());
    let chain: Vec<String> = chain.map(ToString::to_string).collect();
    (chain.join(": "), error.hint().unwrap())
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_the_keys_of_its_table() {
    for (text, message, hint) in [
        (
            "[[profile]]\nname = 'a'",
            "line 1: there is no key `profile`",
            "did you mean `profiles`?",
        ),
        (
            "\n[flake]\nauthorized_keys = []",
            "line 3: `flake` has no key `authorized_keys`",
            "did you mean `authorized-keys`? The keys are authorized-keys, configuration, reference",
        ),
        (
            "[[profiles]]\nname = 'a'\n[[profiles]]\nname = 'b'\ntitel = 'B'",
            "line 5: `profiles` has no key `titel`",
            "did you mean `title`?",
        ),
        (
            "[targets]\nosaka = { location = '/a', indentity-file = 'x' }",
            "line 2: `targets.osaka` has no key `indentity-file`",
            "did you mean `identity-file`?",
        ),
        (
            "[deployer.limits]\nfrobnicate = 1",
            "line 2: `deployer.limits` has no key `frobnicate`",
            "remove it, or write one of the keys body-seconds, connections,",
        ),
        (
            "[[machines.known]]\nname = 'a'\nprofile = 'a'\nmatch = { mc = '' }",
            "line 4: `machines.known.match` has no key `mc`",
            "did you mean `mac`?",
        ),
    ] {
        let (said, advised) = refused(text);
        assert!(said.contains(message), "{said}");
        assert!(advised.contains(hint), "{said}: {advised}");
    }
}

#[test]
fn a_target_is_a_location_or_a_name_of_the_file() {
    let configuration = parse(
        "[targets]\nlocal = '/srv/pxe'\nbucket = { location = 's3://boot/nixos', \
         endpoint = 'https://s3.example.org', path-style = false }\n\
         osaka = { location = 'publisher@boot.example.org:/srv/pxe', port = 2222 }",
    )
    .unwrap();
    for (text, shown, directory) in [
        ("local", "local", Some("/srv/pxe")),
        ("./local", "./local", Some("./local")),
        (".", ".", Some(".")),
        ("/srv", "/srv", Some("/srv")),
        ("bucket", "bucket", None),
        ("osaka", "osaka", None),
        ("s3://boot", "s3://boot", None),
        ("rsync://host/module", "rsync://host/module", None),
        ("host:directory", "host:directory", None),
    ] {
        let target: Target = configuration.target(text).unwrap();
        assert_eq!(target.to_string(), shown);
        assert_eq!(target.directory().map(|path| path.to_str().unwrap()), directory, "{text}");
    }
    let error = configuration.target("kyoto").unwrap_err();
    assert_eq!(error.to_string(), "there is no target `kyoto` in `netboot.toml`");
    let hint = "write one of bucket, local, osaka, or `./kyoto` for a directory of this machine";
    assert_eq!(error.hint().unwrap(), hint);
    let error = Configuration::default().target("kyoto").unwrap_err();
    assert!(error.hint().unwrap().starts_with("write `./kyoto` for a directory, or describe"));
}

#[test]
fn a_value_that_cannot_be_used_is_refused_with_its_key_and_a_remedy() {
    let machine = |name: &str, keys: &str| {
        format!("[[machines.known]]\nname = '{name}'\nprofile = 'a'\nmatch = {{ {keys} }}\n")
    };
    let mac = "mac = '52:54:00:12:34:56'";
    for (text, message, hint) in [
        (
            "[[profiles]]\nname = 'a'\n[[profiles]]\nname = 'a'".to_owned(),
            "profiles: two of",
            "rename",
        ),
        (
            "[targets]\nx = 'ftp://h/p'".to_owned(),
            "targets.x: `ftp://h/p` is not a target",
            "write a",
        ),
        ("[targets]\nx = ''".to_owned(), "targets.x: `` is not a target: it is empty", "write a"),
        (
            "[targets]\nx = { location = '/srv', port = 22 }".to_owned(),
            "targets.x: `/srv` is not a target: it is a directory, which has no `port`",
            "remove `",
        ),
        (
            "[targets]\nx = { location = 's3://boot', identity-file = 'k' }".to_owned(),
            "it is a bucket, which has no `identity-file`",
            "remove `",
        ),
        (
            "[targets]\nx = { location = 'h:p', region = 'r' }".to_owned(),
            "it is a directory of another machine, which has no `region`",
            "remove `",
        ),
        (
            "[targets]\nx = { location = 'rsync://h/m', host-key = 'k' }".to_owned(),
            "`host-key` is for ssh",
            "remove `",
        ),
        (
            "[targets]\nx = { location = 'h:p', password-file = 'k' }".to_owned(),
            "`password-file` is for an rsync daemon",
            "remove `",
        ),
        (
            "[targets]\nx = { location = 's3://boot?region=a', region = 'b' }".to_owned(),
            "its location has `region` as well",
            "remove `",
        ),
        (
            "[targets]\nx = { location = 's3://boot', endpoint = 'http://h' }".to_owned(),
            "targets.x: ",
            "",
        ),
        (
            "[targets]\nx = { location = 's3://boot', profile = 'a' }".to_owned(),
            "`profile` needs `credentials-file`",
            "name the file",
        ),
        ("[proof]\nmemory-mib = 0".to_owned(), "proof: ", ""),
        (machine("a", ""), "machines.known `a`: ", ""),
        (machine("a", mac) + &machine("b", mac), "machines.known: ", ""),
        (
            "[[profiles]]\nname = 'b'\n".to_owned() + &machine("a", mac),
            "machines.known `a`: there is no profile `a`",
            "name one of the [[profiles]], or add it there",
        ),
        (
            "[[profiles]]\nname = 'b'\n[machines]\nunknown.profile = 'a'".to_owned(),
            "machines.unknown: there is no profile `a`",
            "name one of the [[profiles]], or add it there",
        ),
        (
            "[closure-boot]\nmirrors = ['https://h/']".to_owned(),
            "closure-boot.mirrors: stage 1 cannot fetch from the URL of `h`",
            "write the http:// URL",
        ),
    ] {
        let (said, advised) = refused(&text);
        assert!(said.starts_with("`netboot.toml`: ") && said.contains(message), "{text}: {said}");
        assert!(advised.starts_with(hint) && !advised.is_empty(), "{said}: {advised}");
    }
    // Without [[profiles]], a profile is asked of the flake.
    parse(&machine("a", mac)).unwrap();
}

#[test]
fn a_password_in_a_location_is_refused_and_not_repeated() {
    for location in [
        "rsync://user:hunter2@host/module",
        "s3://key:hunter2@bucket",
        "s3://key:hun:ter2@bucket/x",
        "s3://bucket?secret-key=hunter2",
        "ftp://user:hunter2@host/path",
    ] {
        let error = location.parse::<Target>().unwrap_err();
        assert!(!error.to_string().contains("ter2"), "{error}");
        let (said, _) = refused(&format!("[targets]\nx = '{location}'"));
        assert!(!said.contains("ter2"), "{said}");
    }
}

#[test]
fn the_program_reads_the_file_of_its_working_directory_only() {
    let place = Place::directory();
    let target = place.path("published/nixos");
    let text = format!("[targets]\nlocal = '{}'\n", target.display());
    // The directory above the working directory has a file that nobody reads.
    let parent = TempDir::new().unwrap();
    let below = parent.path().join("below");
    fs::create_dir(&below).unwrap();
    fs::write(parent.path().join("netboot.toml"), &text).unwrap();
    let list = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_netboot"));
        let output = command.args(arguments).current_dir(&below).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = list(&["list", "local"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("there is no target `local`"), "{said}");
    let (_, said) = list(&["list", "local", "--config", "../netboot.toml"]);
    assert!(!said.contains("there is no target"), "{said}");
    fs::write(below.join("netboot.toml"), "[targets]\ntokyo = '/srv'\n").unwrap();
    let (_, said) = list(&["list", "local"]);
    assert!(said.contains("write one of tokyo, or `./local`"), "{said}");
}

#[test]
fn a_wrong_file_ends_the_program_with_the_code_of_wrong_input() {
    let place = Place::directory();
    for text in ["[target]\n", "[targets\n", "[targets]\nx = 1\n", "[targets]\nx = ''\n"] {
        fs::write(place.path("netboot.toml"), text).unwrap();
        let said = place.run(&["list", "local", "--json"]);
        assert_eq!(said.code, Some(2), "{said:#?}");
        assert!(said.stderr.contains("netboot.toml") && said.stderr.contains("what to do: "));
        let error = said.json()["error"].clone();
        assert!(error["hint"].is_string() && error["message"].is_string(), "{error}");
    }
    fs::remove_file(place.path("netboot.toml")).unwrap();
    let said = place.run(&["list", "local", "--config", "absent.toml"]);
    assert_eq!(said.code, Some(2), "{said:#?}");
}

#[test]
fn relative_paths_start_at_the_directory_of_the_file() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("netboot.toml");
    fs::write(directory.path().join("flake.nix"), "{}").unwrap();
    fs::write(
        &path,
        "[flake]\nreference = '.'\n\
         [targets]\nhere = 'pxe'\nabove = '../pxe'\nabsolute = '/srv'\n\
         ssh = { location = 'host:relative', identity-file = 'id' }\n\
         [signing]\nkey-file = 'release.key'\n\
         [deployer]\nstate-directory = 'state'\nhand-over.flake = 'path:./nodes'\n",
    )
    .unwrap();
    let configuration = Configuration::load(&path).unwrap();
    let at = |name: &str| directory.path().join(name);
    let of = |name: &str| configuration.target(name).unwrap().directory().map(Into::into);
    assert_eq!(of("here"), Some(at("pxe")));
    assert_eq!(of("above"), Some(at("../pxe")));
    assert_eq!(of("absolute"), Some("/srv".into()));
    assert_eq!(of("ssh"), None);
    assert_eq!(
        configuration.targets["ssh".parse::<netboot_core::SiteName>().as_ref().unwrap()].location(),
        "host:relative"
    );
    assert_eq!(configuration.signing.as_ref().unwrap().key_file, Some(at("release.key")));
    let deployer = configuration.deployer.as_ref().unwrap();
    assert_eq!(deployer.state_directory, Some(at("state")));
    let nodes = deployer.hand_over.as_ref().unwrap().flake.clone().unwrap();
    assert_eq!(nodes, format!("path:{}/./nodes", directory.path().display()));
    let flake = configuration.flake_reference().unwrap().unwrap();
    assert!(flake.as_str().contains(directory.path().to_str().unwrap()), "{flake}");
}

#[test]
fn a_tilde_is_the_home_directory() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("netboot.toml");
    fs::write(
        &path,
        "[targets]\nhome = '~/pxe'\nother = './~'\n[signing]\nkey-file = '~/release.key'\n\
         password-file = '~release/password'\n",
    )
    .unwrap();
    let configuration = Configuration::load(&path).unwrap();
    let (home, at) = (std::env::home_dir().unwrap(), |name: &str| directory.path().join(name));
    let of = |name: &str| configuration.target(name).unwrap().directory().map(Into::into);
    assert_eq!(of("home"), Some(home.join("pxe")));
    assert_eq!(of("other"), Some(at("./~")));
    let signing = configuration.signing.as_ref().unwrap();
    assert_eq!(signing.key_file, Some(home.join("release.key")));
    assert_eq!(signing.password_file, Some(at("~release/password")));
}

#[tokio::test]
async fn a_publisher_signs_and_a_reader_needs_no_secret_key() {
    let directory = TempDir::new().unwrap();
    let at = |name: &str| directory.path().join(name);
    let key = MinisignKey::generate().unwrap();
    fs::write(at("release.key"), key.to_file_text().unwrap()).unwrap();
    let write = |keys: &str| {
        let text = format!("[targets]\nlocal = 'pxe'\n[signing]\nkey-file = 'release.key'\n{keys}");
        fs::write(at("netboot.toml"), text).unwrap();
        Configuration::find(directory.path()).unwrap().target("local").unwrap()
    };
    let trusted = format!("trusted-keys = ['{}']\n", key.public_key());
    let target = write(&trusted);
    let release = sample("one");
    target.publisher().await.unwrap().publish(&release, &Context::new()).await.unwrap();
    let pointer = fs::read_to_string(at("pxe/current.ipxe")).unwrap();
    assert!(pointer.contains("# netboot signature "), "{pointer}");
    fs::remove_file(at("release.key")).unwrap();
    let error = target.publisher().await.unwrap_err();
    assert!(error.to_string().contains("signing.key-file: "), "{error}");
    assert_eq!(target.reader().await.unwrap().live().await.unwrap(), Some(*release.id()));
    // Only the file of the secret key knows its public key.
    assert!(write("").reader().await.unwrap_err().to_string().contains("signing.key-file: "));
    // A reader trusts no other key.
    let other = MinisignKey::generate().unwrap().public_key().to_string();
    let target = write(&format!("trusted-keys = ['{other}']\n"));
    target.reader().await.unwrap().live().await.unwrap_err();
}

#[tokio::test]
async fn a_bucket_gets_the_keys_of_a_profile_in_a_file() {
    let directory = TempDir::new().unwrap();
    let server = S3Server::nanio(&directory.path().join("server"));
    server.create_bucket("boot");
    let (key, secret) = (server.access_key(), server.secret_key());
    let keys = format!(
        "[default]\naws_access_key_id = {key}\naws_secret_access_key = wrong\n\
         [boot]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
    );
    fs::write(directory.path().join("keys"), keys).unwrap();
    let target = |name: &str, profile: &str| {
        format!(
            "[targets.{name}]\nlocation = 's3://boot/nixos'\nendpoint = '{}'\nregion = '{}'\n\
             allow-http = true\ncredentials-file = 'keys'\n{profile}",
            server.endpoint(),
            server.region(),
        )
    };
    let text = [
        target("right", "profile = 'boot'\n"),
        target("wrong", ""),
        target("absent", "profile = 'absent'\n"),
    ];
    fs::write(directory.path().join("netboot.toml"), text.concat()).unwrap();
    let configuration = Configuration::find(directory.path()).unwrap();
    let release = sample("one");
    let publisher = configuration.target("right").unwrap().publisher().await.unwrap();
    publisher.publish(&release, &Context::new()).await.unwrap();
    let reader = configuration.target("right").unwrap().reader().await.unwrap();
    assert_eq!(reader.live().await.unwrap(), Some(*release.id()));
    configuration.target("wrong").unwrap().publisher().await.unwrap_err();
    let error = configuration.target("absent").unwrap().publisher().await.unwrap_err();
    let said = netboot_core::Report::from(error).in_full();
    assert!(said.contains("has no `aws_access_key_id`") && !said.contains(secret), "{said}");
}
