//! Hints about the account of the far side, which ssh leads to.

use std::fs;
use std::time::Duration;

use netboot_core::Context;
use netboot_publish::{Error, RsyncFailureKind, RsyncStore, Store};
use netboot_testbed::{tool, write_program};

use super::{hint, listening};
use crate::rsync::{SshSite, failure, kind, new_name, path, restricted, upload};

async fn send(store: &RsyncStore) -> Result<(), Error> {
    store.send(vec![upload("blobs/a", "a")], &Context::new()).await
}

/// A store of an account with these options, and the target `/` or the published directory.
fn account(site: &SshSite, options: &str) -> RsyncStore {
    let published = site.published();
    let place = if options.contains("rrsync") { "/" } else { published.to_str().unwrap() };
    site.builder_as(&new_name("key"), options, place).build().unwrap()
}

/// The options of a key for which the far side runs a shell script.
fn script(site: &SshSite, text: &str) -> String {
    let program = site.work.path().join(new_name("script"));
    let text = text.replace("RSYNC ", &format!("{} ", tool("rsync").display()));
    write_program(&program, &format!("#!/bin/sh\n{text}\n"));
    format!("command=\"{}\"", program.display())
}

#[tokio::test]
async fn an_account_is_let_run_rsync_or_rrsync() {
    let site = SshSite::new();
    let plain = site.work.path().join("plain");
    fs::write(&plain, "no program").unwrap();
    let by_rrsync = restricted(site.published().to_str().unwrap());
    for (options, text) in [
        (
            format!("command=\"{}\"", plain.display()),
            "allow the account to run commands, or to run `rrsync`",
        ),
        ("command=\"/nonexistent/rsync\"".to_owned(), "install rsync on the far side"),
        (
            "command=\"internal-sftp\"".to_owned(),
            "let the account run it, and make sure that its shell prints nothing",
        ),
        (
            "command=\"/usr/sbin/nologin\"".to_owned(),
            "let the account run it, and make sure that its shell prints nothing",
        ),
        (
            script(&site, "echo Welcome; exec $SSH_ORIGINAL_COMMAND"),
            "let the account run it, and make sure that its shell prints nothing",
        ),
    ] {
        hint(&send(&account(&site, &options)).await.unwrap_err(), text);
        for options in ["", &by_rrsync, &script(&site, "exec $SSH_ORIGINAL_COMMAND")] {
            send(&account(&site, options)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_restricted_account_is_corrected() {
    let site = SshSite::new();
    let published = site.published();
    let text =
        "correct the `rrsync` command in the account's authorized_keys: remove `-ro`, and use";
    let reads = account(&site, &restricted(&format!("-ro {}", published.display())));
    hint(&send(&reads).await.unwrap_err(), text);
    send(&account(&site, &restricted(published.to_str().unwrap()))).await.unwrap();

    let write_only = restricted(&format!("-wo {}", published.display()));
    let error = account(&site, &write_only).stat(&[path("blobs/a")]).await.unwrap_err();
    hint(&error, text);
    let record = site.work.path().join("record");
    let store = site.builder_as(&new_name("key"), &write_only, "/").write_only(record);
    let store = store.build().unwrap();
    send(&store).await.unwrap();
    assert_eq!(store.stat(&[path("blobs/a")]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_account_that_admits_one_client_is_waited_for_or_admits_several() {
    let site = SshSite::new();
    let published = site.published();
    let other = fs::File::open(&published).unwrap();
    other.lock().unwrap();
    let options = restricted(published.to_str().unwrap());
    let builder = || site.builder_as(&new_name("key"), &options, "/");
    let impatient = builder().timeout(Duration::from_secs(15)).build().unwrap();
    let error = send(&impatient).await.unwrap_err();
    assert_eq!(kind(&error), RsyncFailureKind::Busy, "{error}");
    hint(&error, "publish again when the other client is done, or run `rrsync -no-lock` to admit");
    let several = restricted(&format!("-no-lock {}", published.display()));
    send(&account(&site, &several)).await.unwrap();
    drop(other);
    send(&builder().build().unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_far_side_that_is_old_or_limited_gets_another_rsync() {
    let site = SshSite::new();
    for (wrong, text) in [
        (
            "exec RSYNC --server --no-such-option \"$@\"",
            "install rsync 3.2.4 or later on the far side; if the option is `fsync`",
        ),
        ("exec RSYNC --server --max-delete=0 \"$@\"", "raise `--max-delete` of the far side"),
        (
            "RSYNC_CHECKSUM_LIST=none-of-these exec RSYNC --server \"$@\"",
            "install a newer rsync on the far side",
        ),
    ] {
        send(&account(&site, "")).await.unwrap();
        // Without the words `rsync --server`.
        let through = format!("set -- $SSH_ORIGINAL_COMMAND; shift 2; {wrong}");
        let store = account(&site, &script(&site, &through));
        let error = match send(&store).await {
            Ok(()) => store.delete(&[path("blobs/a")], &Context::new()).await.unwrap_err(),
            Err(error) => error,
        };
        hint(&error, text);
        let right = through.replace("--no-such-option ", "").replace("--max-delete=0 ", "");
        let right = right.replace("RSYNC_CHECKSUM_LIST=none-of-these ", "");
        let store = account(&site, &script(&site, &right));
        send(&store).await.unwrap();
        store.delete(&[path("blobs/a")], &Context::new()).await.unwrap();
    }
}

/// The account may not write files of that size.
#[tokio::test]
async fn a_file_that_the_far_side_cannot_write_is_named() {
    let site = SshSite::new();
    let limited = "trap '' XFSZ; ulimit -f 8; exec $SSH_ORIGINAL_COMMAND";
    let send = async |store: &RsyncStore| {
        let large = upload("blobs/large", crate::rsync_transfer::noise());
        store.send(vec![large], &Context::new()).await
    };
    let error = send(&account(&site, &script(&site, limited))).await.unwrap_err();
    assert_eq!(kind(&error), RsyncFailureKind::FileIo, "{error}");
    hint(&error, "read the name of the file in the last lines of its output");
    let lines = failure(&error).last_lines();
    let is_said = |line: &foreign_text::ForeignText| {
        line.contains("large") && line.contains("File too large")
    };
    assert!(lines.iter().any(is_said), "{error}");
    let unlimited = limited.replace("ulimit -f 8; ", "");
    send(&account(&site, &script(&site, &unlimited))).await.unwrap();
}

/// The words and the code of rsync 3.1.3.
#[tokio::test]
async fn a_far_side_that_knows_no_fsync_is_gone_without() {
    let site = SshSite::new();
    let old = "case \"$SSH_ORIGINAL_COMMAND\" in *--fsync*) \
               printf 'rsync: --fsync: unknown option\\nrsync error: syntax or usage error (code 1) \
               at main.c(1580) [server=3.1.3]\\n' >&2; exit 1;; esac; exec $SSH_ORIGINAL_COMMAND";
    let options = script(&site, old);
    let (context, warnings) = listening();
    let store = account(&site, &options);
    store.send(vec![upload("blobs/a", "a")], &context).await.unwrap();
    let told = warnings.lock().unwrap().clone();
    assert!(told.iter().any(|(_, hint)| hint.contains("install rsync 3.2.4 or later")), "{told:?}");
    // Or turn the option off.
    let published = site.published();
    let builder = site.builder_as(&new_name("key"), &options, published.to_str().unwrap());
    let (context, warnings) = listening();
    let store = builder.fsync(false).build().unwrap();
    store.send(vec![upload("blobs/b", "b")], &context).await.unwrap();
    assert_eq!(*warnings.lock().unwrap(), []);
}

/// This machine's `rsync` cannot start ssh.
#[tokio::test]
async fn an_internal_error_is_tried_again_with_another_program() {
    let site = SshSite::new();
    let program = |text: &str| {
        let options = script(&site, text);
        options.trim_start_matches("command=").trim_matches('"').to_owned()
    };
    let builder = || site.builder(&site.published());
    let version = "[ \"$1\" = --version ] && exec RSYNC --version;";
    let limited = program(&format!("{version} ulimit -n 4; exec RSYNC \"$@\""));
    let error = send(&builder().rsync_program(limited).build().unwrap()).await.unwrap_err();
    assert_eq!(kind(&error), RsyncFailureKind::Internal, "{error}");
    hint(&error, "try again; if it fails again, install another version of rsync");
    let other = builder().rsync_program(program("exec RSYNC \"$@\""));
    send(&other.build().unwrap()).await.unwrap();
}

#[tokio::test]
async fn what_ssh_says_is_read_and_mended() {
    let site = SshSite::new();
    let config = site.work.path().join("ssh_config");
    let store = || site.builder(&site.published()).ssh_config(&config).build().unwrap();
    fs::write(&config, "Host *\n  NoSuchOption yes\n").unwrap();
    let error = send(&store()).await.unwrap_err();
    hint(&error, "read the cause in the last lines; `ssh -v` to the same host shows more");
    let is_said = failure(&error).last_lines().iter().any(|line| line.contains("nosuchoption"));
    assert!(is_said, "{error}");
    fs::write(&config, "Host *\n  Compression yes\n").unwrap();
    send(&store()).await.unwrap();
}

/// Another publisher deletes the file between the look for it and its opening.
#[tokio::test]
async fn what_another_publisher_deleted_is_tried_again() {
    let site = SshSite::new();
    let sound = account(&site, "");
    send(&sound).await.unwrap();
    let strace = tool("strace").display().to_string();
    let inject = "-e trace=openat,open -e inject=openat,open:error=ENOENT";
    let place = site.published().join("blobs/a");
    let through = format!(
        "exec {strace} -f -qq -o /dev/null -P {} -P a {inject} $SSH_ORIGINAL_COMMAND",
        place.display()
    );
    let unlucky = account(&site, &script(&site, &through));
    let error = unlucky.read(&path("blobs/a")).await.unwrap_err();
    hint(&error, "try again: another publisher was deleting files");
    assert_eq!(sound.read(&path("blobs/a")).await.unwrap().unwrap().bytes, "a");
}
