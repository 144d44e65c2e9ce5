//! ssh trusts only known hosts, and no text of a user becomes an option or a command.

use std::fs;
use std::path::Path;

use netboot_core::Context;
use netboot_publish::{Error, RsyncFailureKind, RsyncStore, RsyncTarget, Store};
use netboot_testbed::RsyncModule;

use crate::rsync::{DaemonSite, SshSite, kind, path, upload};

async fn send(store: &RsyncStore) -> Result<(), Error> {
    store.send(vec![upload("blobs/a", "a")], &Context::new()).await
}

#[tokio::test]
async fn an_unknown_host_key_is_an_error_and_never_accepted() {
    let site = SshSite::new();
    let root = site.published();
    let identity = site.server.authorize("publisher", "");
    let known_hosts = site.work.path().join("known_hosts");
    fs::write(&known_hosts, "").unwrap();
    let builder =
        || RsyncStore::builder(site.target(root.to_str().unwrap())).identity_file(&identity);
    let store = builder().known_hosts_file(&known_hosts).build().unwrap();
    for _ in 0..2 {
        let error = send(&store).await.unwrap_err();
        assert_eq!(kind(&error), RsyncFailureKind::HostKeyUnknown, "{error}");
        assert!(error.hint().unwrap().contains("ssh_host_ed25519_key.pub"));
    }
    assert_eq!(fs::read_to_string(&known_hosts).unwrap(), "", "an unknown key was accepted");
    assert!(fs::read_dir(&root).unwrap().next().is_none());

    let line = format!("[127.0.0.1]:{} {}\n", site.server.port(), site.server.host_key());
    fs::write(&known_hosts, &line).unwrap();
    send(&store).await.unwrap();
    assert_eq!(fs::read_to_string(&known_hosts).unwrap(), line, "the file was changed");
    let pinned = builder().host_key(&site.server.host_key()).build().unwrap();
    send(&pinned).await.unwrap();
}

#[tokio::test]
async fn a_changed_host_key_is_an_error() {
    let mut site = SshSite::new();
    let pinned = site.builder(&site.published()).build().unwrap();
    send(&pinned).await.unwrap();
    site.server.change_host_key();
    for error in [
        send(&pinned).await.unwrap_err(),
        pinned.stat(&[path("blobs/a")]).await.unwrap_err(),
        pinned.open(&path("blobs/a")).await.map(drop).unwrap_err(),
        pinned.delete(&[path("blobs/a")], &Context::new()).await.unwrap_err(),
    ] {
        assert_eq!(kind(&error), RsyncFailureKind::HostKeyChanged, "{error}");
        assert!(error.hint().unwrap().contains("ssh-keygen -R"));
    }
    assert!(site.published().join("blobs/a").is_file());
    // The hint: the store gets the new key.
    let identity = site.server.authorize("publisher", "");
    let root = site.published();
    let pinned = RsyncStore::builder(site.target(root.to_str().unwrap()))
        .identity_file(identity)
        .host_key(&site.server.host_key());
    send(&pinned.build().unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_key_that_is_not_let_in_is_an_error() {
    let site = SshSite::new();
    let other = SshSite::new();
    let identity = other.server.authorize("stranger", "");
    let store = RsyncStore::builder(site.target("/"))
        .identity_file(identity)
        .host_key(&site.server.host_key());
    let error = send(&store.build().unwrap()).await.unwrap_err();
    assert_eq!(kind(&error), RsyncFailureKind::SshPermissionDenied, "{error}");
    send(&site.builder(&site.published()).build().unwrap()).await.unwrap();
    let missing = site.work.path().join("no such identity");
    let store = RsyncStore::builder(site.target("/")).identity_file(&missing).build().unwrap();
    let error = send(&store).await.unwrap_err();
    let Error::Artifact(netboot_core::Error::Io { path, .. }) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(*path, missing);
}

/// Texts that are dangerous if they are used as anything but a file name. If one is executed, it
/// creates a file `executed` in the directory.
fn nasty(directory: &Path) -> Vec<String> {
    let touch = format!("touch {}/executed", directory.display());
    vec![
        format!("-e{touch}"),
        format!("--rsh={touch}"),
        format!("-oProxyCommand={touch}"),
        "-oPermitLocalCommand=yes".to_owned(),
        "-h".to_owned(),
        "--".to_owned(),
        format!("$({touch})"),
        format!("`{touch}`"),
        format!("; {touch}"),
        format!("a\n{touch}\n"),
        format!("a\0{touch}"),
        format!("a' {touch} '"),
        format!("\"; {touch}; \""),
        format!("a && {touch}"),
        format!("a | {touch}"),
        "${IFS}".to_owned(),
        "*".to_owned(),
        "../../etc".to_owned(),
        "..".to_owned(),
        ":pub".to_owned(),
        "a:b@c".to_owned() + "\r",
        String::new(),
        "~".to_owned(),
        "%h".to_owned() + "\t",
        "x".repeat(3000),
    ]
}

/// Passes each text to every setting, and runs `rsync` with those that are accepted.
#[tokio::test]
async fn no_text_becomes_an_option_or_a_command() {
    let site = SshSite::new();
    let daemon = DaemonSite::new();
    let work = site.work.path();
    let identity = site.server.authorize("publisher", "");
    let published = site.published();
    let (port, user) = (site.server.port(), site.server.user().to_owned());
    let (mut refused, mut run) = (0, 0);
    for text in nasty(work) {
        let in_published = format!("{}/{text}", published.display());
        let targets = [
            RsyncTarget::ssh(&user, &text, port, "/srv"),
            RsyncTarget::ssh(&text, "127.0.0.1", port, "/srv"),
            RsyncTarget::ssh(&user, "127.0.0.1", port, &text),
            RsyncTarget::ssh(&user, "127.0.0.1", port, &in_published),
            RsyncTarget::daemon(&text, daemon.daemon.port(), "pub", ""),
            RsyncTarget::daemon("127.0.0.1", daemon.daemon.port(), &text, ""),
            RsyncTarget::daemon("127.0.0.1", daemon.daemon.port(), "pub", &text),
            daemon.target("").with_user(&text),
            text.parse(),
            format!("{text}:/srv").parse(),
            format!("{text}@127.0.0.1:/srv").parse(),
            format!("127.0.0.1:{text}").parse(),
            format!("rsync://{text}").parse(),
            format!("rsync://{text}/pub").parse(),
            format!("rsync://127.0.0.1:{text}/pub").parse(),
        ];
        for target in targets {
            let target = match target {
                Ok(target) => target.with_port(port),
                Err(error) => {
                    let is_typed = matches!(error, Error::InvalidRsyncTarget { .. });
                    assert!(is_typed && error.hint().is_some(), "{error:?}");
                    refused += 1;
                    continue;
                }
            };
            run += 1;
            let store = RsyncStore::builder(target)
                .identity_file(&identity)
                .host_key(&site.server.host_key())
                .build()
                .unwrap();
            // The result does not matter.
            let _ = send(&store).await;
        }
    }
    assert!(refused > 350 && run > 1, "{refused} refused, {run} run");
    assert!(!work.join("executed").exists(), "something was executed");
}

/// Unusual but allowed paths work, and the files arrive at these paths.
#[tokio::test]
async fn odd_places_work() {
    let site = SshSite::new();
    let names = ["with space", "Käse-größe", "a:b", "a@b,c=d%e+f", "x -e y", "tmp.d_1"];
    for name in names {
        let place = site.published().join(name);
        let store = site.builder(&place).build().unwrap();
        send(&store).await.unwrap();
        assert_eq!(fs::read(place.join("blobs/a")).unwrap(), b"a", "{name}");
        assert_eq!(store.read(&path("blobs/a")).await.unwrap().unwrap().bytes, "a");
        store.delete(&[path("blobs/a")], &Context::new()).await.unwrap();
        assert!(!place.join("blobs/a").exists());
    }
    let work = tempfile::TempDir::new().unwrap();
    let module = RsyncModule::new("two words", work.path());
    let daemon = netboot_testbed::RsyncDaemon::start(&work.path().join("daemon"), &[module]);
    for name in names {
        let target = RsyncTarget::daemon("127.0.0.1", daemon.port(), "two words", name).unwrap();
        let store = RsyncStore::open(target).unwrap();
        send(&store).await.unwrap();
        assert_eq!(fs::read(work.path().join(name).join("blobs/a")).unwrap(), b"a", "{name}");
        assert_eq!(store.read(&path("blobs/a")).await.unwrap().unwrap().bytes, "a");
    }
}

/// Paths of this machine may contain any characters.
#[tokio::test]
async fn local_paths_of_any_characters_work() {
    let site = SshSite::new();
    let odd = site.work.path().join("it's \"odd\" $(touch executed) %h -e\tx");
    fs::create_dir(&odd).unwrap();
    let identity = site.server.authorize("publisher", "");
    let copy = odd.join("-identity key");
    fs::copy(&identity, &copy).unwrap();
    let known_hosts = odd.join("known hosts");
    let line = format!("[127.0.0.1]:{} {}\n", site.server.port(), site.server.host_key());
    fs::write(&known_hosts, line).unwrap();
    let ssh = odd.join("ssh");
    std::os::unix::fs::symlink(netboot_testbed::tool("ssh"), &ssh).unwrap();
    let config = odd.join("config");
    fs::write(&config, "Host boot-server\n  HostName 127.0.0.1\nHost *\n  BatchMode no\n").unwrap();
    let root = site.published();
    let target = RsyncTarget::ssh(
        site.server.user(),
        "boot-server",
        site.server.port(),
        root.to_str().unwrap(),
    );
    let store = RsyncStore::builder(target.unwrap())
        .identity_file(copy)
        .known_hosts_file(known_hosts)
        .ssh_program(ssh)
        .ssh_config(config)
        .staging_directory(&odd)
        .build()
        .unwrap();
    send(&store).await.unwrap();
    assert_eq!(fs::read(root.join("blobs/a")).unwrap(), b"a");
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let daemon: RsyncTarget = "rsync://me@127.0.0.1/pub".parse().unwrap();
    let ssh: RsyncTarget = "127.0.0.1:/srv".parse().unwrap();
    let on = RsyncStore::builder;
    for builder in [
        on(ssh.clone()).password("secret"),
        on(daemon.clone()).password("two\nlines"),
        on(daemon.clone()).password(""),
        on("rsync://127.0.0.1/pub".parse().unwrap()).password("secret"),
        on(ssh.clone()).host_key("* ssh-ed25519 AAAA"),
        on(ssh.clone()).host_key("ssh-ed25519 AAAA\n* ssh-rsa AAAA"),
        on(ssh.clone()).host_key("-----BEGIN OPENSSH PRIVATE KEY-----"),
        on(daemon.clone()).bandwidth_limit(100),
        on(daemon.clone()).timeout(std::time::Duration::ZERO),
        on(daemon).rsync_program("./rsync"),
        on(ssh).ssh_program(""),
    ] {
        let error = builder.build().unwrap_err();
        assert!(matches!(error, Error::InvalidSetting { .. }), "{error:?}");
        assert!(error.hint().is_some() && !format!("{error:?}").contains("secret"));
    }
}
