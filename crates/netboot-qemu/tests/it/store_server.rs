//! The server that lets a machine boot from any store.

use std::sync::Arc;

use netboot_core::{
    ArtifactKind, BytesArtifact, Context, FileRecord, Release, ReleasePath, layout,
};
use netboot_publish::contract::{sample_image, sample_pointer, sample_release};
use netboot_publish::{LocalStore, MemoryStore, Publisher, Store};
use netboot_qemu::StoreServer;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sends a request byte for byte, and returns the complete answer.
async fn ask(server: &StoreServer, method: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// Serves a store with a published release. Returns the server and a path of the release.
async fn serve(store: impl Store + Clone + 'static) -> (StoreServer, ReleasePath, String) {
    let publisher = Publisher::new(store.clone());
    publisher.publish(&sample_release("one"), &Context::new()).await.unwrap();
    let path = ReleasePath::new("current.ipxe").unwrap();
    let text = store.read(&path).await.unwrap().unwrap().bytes;
    let text = String::from_utf8(text.to_vec()).unwrap();
    (StoreServer::start(Arc::new(store)).await.unwrap(), path, text)
}

#[tokio::test]
async fn an_object_has_its_bytes_and_its_length_in_every_store() {
    let directory = TempDir::new().unwrap();
    for (server, path, text) in
        [serve(MemoryStore::new()).await, serve(LocalStore::new(directory.path())).await]
    {
        assert_eq!(server.url(&path).as_str(), format!("http://{}/{path}", server.address()));
        let answer = ask(&server, "GET", &format!("/{path}?mac=1")).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(head.contains(&format!("content-length: {}", text.len())), "{head}");
        assert_eq!(body, text);
        let answer = ask(&server, "HEAD", &format!("/{path}")).await;
        assert!(answer.contains(&format!("content-length: {}", text.len())), "{answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{answer}");
        server.stop().await;
    }
}

#[tokio::test]
async fn nothing_but_objects_is_served_and_nothing_is_changed() {
    let outer = TempDir::new().unwrap();
    std::fs::write(outer.path().join("secret"), "hunter2").unwrap();
    let (server, path, text) = serve(LocalStore::new(outer.path().join("site"))).await;
    for missing in ["/", "/missing", "/blobs", "/../secret", "/%2e%2e/secret", "//../secret"] {
        let answer = ask(&server, "GET", missing).await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{missing}: {answer}");
    }
    for method in ["PUT", "DELETE", "POST"] {
        let answer = ask(&server, method, &format!("/{path}")).await;
        assert!(answer.starts_with("HTTP/1.1 405"), "{method}: {answer}");
    }
    assert!(ask(&server, "GET", &format!("/{path}")).await.ends_with(&text));
}

#[tokio::test]
async fn a_store_that_fails_is_a_bad_gateway() {
    let directory = TempDir::new().unwrap();
    std::fs::write(directory.path().join("current.ipxe"), "x").unwrap();
    let server =
        StoreServer::start(Arc::new(LocalStore::new(directory.path().join("current.ipxe"))));
    let answer = ask(&server.await.unwrap(), "GET", "/boot.ipxe").await;
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
}

#[tokio::test]
async fn a_uki_has_a_name_that_firmware_knows() {
    let store = MemoryStore::new();
    let uki = BytesArtifact::new(ArtifactKind::Uki, "worker.efi", "the program").unwrap();
    let record = FileRecord::of(&uki);
    let image = sample_image("worker", "one").with_uki(uki).unwrap();
    let script = BytesArtifact::new(ArtifactKind::Script, "netboot.ipxe", "#!ipxe\n").unwrap();
    let (script, path) = (Arc::new(script), layout::profile_script(image.profile()));
    let release = Release::builder([image])
        .script(layout::boot_script(), script.clone())
        .script(path, script)
        .build(sample_pointer())
        .unwrap();
    Publisher::new(store.clone()).publish(&release, &Context::new()).await.unwrap();
    let profile = "worker".parse().unwrap();
    let server = StoreServer::with_uki(Arc::new(store), &profile, &record).await.unwrap();
    let url = server.uki_url(&profile);
    assert!(url.path().ends_with("/worker.efi"), "{url}");
    for path in [url.path(), &format!("/{}", layout::blob(&record.sha256))] {
        let answer = ask(&server, "GET", path).await;
        assert!(answer.ends_with("\r\n\r\nthe program"), "{answer}");
    }
    let answer = ask(&server, "HEAD", url.path()).await;
    assert!(answer.contains("content-length: 11"), "{answer}");
    let answer = ask(&server, "GET", "/other.efi").await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}
