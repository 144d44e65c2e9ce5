//! URLs that no machine can boot.

use netboot_qemu::{DirectoryServer, Error, Firmware, NetworkAccess};
use tempfile::TempDir;
use url::Url;

use super::{GOOD, assert_boots, assert_hint, boot};
use crate::machine::site::{Site, machine};

#[tokio::test]
async fn a_url_that_was_changed_as_the_hint_says_boots() {
    let site = Site::with_script(GOOD).await;
    let good = site.server.url("boot.ipxe");
    let port = site.server.address().port();
    for (url, words) in [
        ("file:///boot.ipxe".to_owned(), "give the http URL of an iPXE script"),
        (format!("http://me:secret@127.0.0.1:{port}/boot.ipxe"), "without authentication"),
        (format!("http://0.0.0.0:{port}/boot.ipxe"), "serve the files on 127.0.0.1"),
        (format!("https://127.0.0.1:{port}/boot.ipxe"), "over plain http"),
        (format!("http://no-such-host.invalid:{port}/boot.ipxe"), "use the server's IP address"),
    ] {
        let url: Url = url.parse().unwrap();
        let error = boot(machine(Firmware::Bios), &url).await.unwrap_err();
        let is_expected = matches!(error, Error::UnusableUrl { .. } | Error::UnknownHost { .. });
        assert!(is_expected, "{error:?}");
        assert_hint(&error, words);
    }
    // All of these remedies lead to the URL of a directory server.
    assert_boots(machine(Firmware::Bios).expect("NETBOOT-HERE"), &good).await;

    // The other way around `https`: iPXE itself gets the URL, and says what it thinks of it.
    let https = format!("https://127.0.0.1:{port}/boot.ipxe").parse().unwrap();
    let open = machine(Firmware::Bios).network_access(NetworkAccess::Unrestricted);
    let report = boot(open, &https).await.unwrap();
    assert!(report.console.contains("https://10.0.2.2"), "{}", report.console);
}

#[tokio::test]
async fn a_directory_that_was_named_as_the_hint_says_is_served() {
    let directory = TempDir::new().unwrap();
    let served = directory.path().join("served");
    std::fs::create_dir(&served).unwrap();
    std::fs::write(served.join("boot.ipxe"), GOOD).unwrap();

    let error = DirectoryServer::start(directory.path().join("sreved")).await.unwrap_err();
    assert_hint(&error, "check the spelling of the path");
    DirectoryServer::start(&served).await.unwrap();

    let error = DirectoryServer::start(served.join("boot.ipxe")).await.unwrap_err();
    assert_hint(&error, "give the path of the directory, not of a file in it");
    DirectoryServer::start(served.join("boot.ipxe").parent().unwrap()).await.unwrap();
}
