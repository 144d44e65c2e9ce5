//! Writes releases to the disk of Docker's registry: to publish 1,000 of them, each with 100 blobs,
//! takes a quarter of an hour.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use netboot_core::{Release, ReleasePath, Sha256Digest, layout};
use netboot_publish::{ListScope, MemoryStore, Store};
use serde_json::{Value, json};

/// The type of every manifest of an artifact.
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// The directory in which Docker's registry keeps a repository.
pub(crate) struct RegistryFiles {
    blobs: PathBuf,
    repository: PathBuf,
}

impl RegistryFiles {
    /// The files of `repository` at a registry of the testbed that has its files in `directory`.
    pub(crate) fn new(directory: &Path, repository: &str) -> Self {
        let root = directory.join("data/docker/registry/v2");
        let repository = root.join("repositories").join(repository);
        Self { blobs: root.join("blobs/sha256"), repository }
    }

    /// Writes the artifact of a whole release that is in memory, as a publisher would send it.
    pub(crate) async fn write(&self, number: usize, release: &Release, memory: &MemoryStore) {
        let (id, manifest) = (release.id(), layout::manifest());
        let listed = memory.list(&ListScope::Below(layout::release(id))).await.unwrap();
        let mut paths: Vec<ReleasePath> =
            listed.iter().map(|listed| listed.path.parse().unwrap()).collect();
        paths.extend(release.blobs().keys().map(layout::blob));
        let texts = release.entry_points().values();
        paths.extend(texts.map(|text| layout::blob(&Sha256Digest::of(text))));
        paths.sort();
        paths.dedup();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let (mut config, mut layers) = (Value::Null, Vec::new());
        for path in paths {
            let bytes = memory.read(&path).await.unwrap().unwrap().bytes;
            let digest = self.blob(&bytes);
            self.link(&format!("_layers/sha256/{digest}"), &digest);
            let mut descriptor = json!({
                "mediaType": "application/octet-stream",
                "digest": format!("sha256:{digest}"),
                "size": bytes.len(),
                "annotations": {
                    "org.opencontainers.image.title": path.to_string(),
                    "vnd.netboot.modified": now.as_secs().to_string(),
                },
            });
            if path == layout::in_release(id, &manifest) {
                descriptor["mediaType"] = "application/vnd.netboot.manifest.v1+json".into();
                config = descriptor;
            } else {
                layers.push(descriptor);
            }
        }
        let tag = format!("part-{:011x}-{number:016x}-{id}", now.as_millis());
        let artifact = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": "application/vnd.netboot.release.v1",
            "config": config,
            "layers": layers,
            "annotations": { "vnd.netboot.tag": tag },
        });
        let digest = self.blob(artifact.to_string().as_bytes());
        self.link(&format!("_manifests/revisions/sha256/{digest}"), &digest);
        for tag in [tag, format!("release-{id}")] {
            self.link(&format!("_manifests/tags/{tag}/current"), &digest);
            self.link(&format!("_manifests/tags/{tag}/index/sha256/{digest}"), &digest);
        }
    }

    fn blob(&self, bytes: &[u8]) -> String {
        let digest = Sha256Digest::of(bytes).to_string();
        let directory = self.blobs.join(&digest[..2]).join(&digest);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("data"), bytes).unwrap();
        digest
    }

    /// Writes a file that leads to a blob.
    fn link(&self, directory: &str, digest: &str) {
        let directory = self.repository.join(directory);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("link"), format!("sha256:{digest}")).unwrap();
    }
}
