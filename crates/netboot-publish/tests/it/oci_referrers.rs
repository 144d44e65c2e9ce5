//! The signature and the documents of a release refer to its artifact, in a registry that lists
//! referrers and in one that does not.
#![cfg(feature = "local")]

use std::process::Command;

use netboot_core::{Context, DocumentKind, Release, Sha256Digest};
use netboot_publish::{ListScope, MinisignKey, OciStore, Publisher, Store};
use netboot_testbed::{RegistryAccess, tool};
use serde_json::Value;

use crate::documents::{image, release};
use crate::oci::{Docker, Ferro, builder, path};

const REPOSITORY: &str = "boot/nixos";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A registry at an address, as its other clients see it.
struct Seen {
    address: String,
    /// The path of the list of referrers before the digest.
    referrers: &'static str,
}

impl Seen {
    fn get(&self, below: &str) -> Option<Vec<u8>> {
        let url = format!("http://{}/v2/{REPOSITORY}/{below}", self.address);
        let accept = format!("Accept: {MANIFEST}, {INDEX}");
        let output =
            Command::new(tool("curl")).args(["-sf", "-H", &accept, &url]).output().unwrap();
        output.status.success().then_some(output.stdout)
    }

    fn digest(&self, release: &Release) -> Sha256Digest {
        Sha256Digest::of(&self.get(&format!("manifests/release-{}", release.id())).unwrap())
    }

    /// The referrers of a manifest, without those whose manifest is gone.
    fn referrers(&self, subject: &Sha256Digest) -> Vec<Value> {
        let list = self.get(&format!("{}{subject}", self.referrers));
        let list: Value =
            list.map(|list| serde_json::from_slice(&list).unwrap()).unwrap_or_default();
        let listed = list["manifests"].as_array().cloned().unwrap_or_default();
        let manifest = |listed: &Value| {
            let digest = listed["digest"].as_str().unwrap();
            let manifest = self.get(&format!("manifests/{digest}"))?;
            assert_eq!(digest, format!("sha256:{}", Sha256Digest::of(&manifest)));
            let manifest: Value = serde_json::from_slice(&manifest).unwrap();
            assert_eq!(listed["artifactType"], manifest["artifactType"]);
            assert_eq!(manifest["subject"]["digest"], format!("sha256:{subject}"));
            Some(manifest)
        };
        listed.iter().filter_map(manifest).collect()
    }

    /// The bytes of the first layer of the referrer of a type.
    fn layer(&self, subject: &Sha256Digest, artifact_type: &str) -> Vec<u8> {
        let referrers = self.referrers(subject);
        let referrer = referrers.iter().find(|it| it["artifactType"] == artifact_type).unwrap();
        let digest = referrer["layers"][0]["digest"].as_str().unwrap();
        self.get(&format!("blobs/{digest}")).unwrap()
    }
}

async fn assert_referrers(seen: Seen, store: OciStore) {
    let context = Context::new();
    let documents = [(DocumentKind::Sbom, "{\"an\":\"sbom\"}"), (DocumentKind::Provenance, "{}")];
    let release = release(vec![image(&documents)]);
    let [one, other] = [(); 2].map(|()| MinisignKey::generate().unwrap());
    Publisher::new(store.clone()).with_signer(one).publish(&release, &context).await.unwrap();

    let signature = format!("releases/{}/manifest.json.minisig", release.id());
    let signed_by = async |signatures: usize| {
        let subject = seen.digest(&release);
        assert_eq!(seen.referrers(&subject).len(), 3, "{:?}", seen.referrers(&subject));
        let stored = store.read(&path(&signature)).await.unwrap().unwrap().bytes;
        let referred = seen.layer(&subject, "application/vnd.netboot.signature.v1");
        assert!(referred == stored);
        let text = String::from_utf8(referred).unwrap();
        assert_eq!(text.matches("untrusted comment").count(), signatures, "{text}");
        assert_eq!(
            seen.layer(&subject, "application/vnd.cyclonedx+json"),
            documents[0].1.as_bytes()
        );
        assert_eq!(seen.layer(&subject, "application/vnd.in-toto+json"), documents[1].1.as_bytes());
        subject
    };
    let first = signed_by(1).await;
    let publisher = Publisher::new(store.clone()).with_signer(other);
    assert!(publisher.countersign(*release.id(), &context).await.unwrap());
    let second = signed_by(2).await;
    assert_ne!(first, second);
    assert_eq!(seen.referrers(&first), [Value::Null; 0], "the older artifact is gone");

    let listed = store.list(&ListScope::Below(path("releases"))).await.unwrap();
    let files: Vec<_> = listed.iter().map(|listed| path(&listed.path)).collect();
    store.delete(&files, &context).await.unwrap();
    assert_eq!(seen.referrers(&second), [Value::Null; 0]);
    let tags = String::from_utf8(seen.get("tags/list").unwrap()).unwrap();
    assert!(!tags.contains("sha256-"), "{tags}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_without_a_list_of_referrers_has_a_tag_for_them() {
    let docker = Docker::start(&RegistryAccess::Anyone);
    let store = docker.builder(REPOSITORY).build().await.unwrap();
    let seen = Seen { address: docker.registry.address(), referrers: "manifests/sha256-" };
    assert_referrers(seen, store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_lists_the_referrers_of_a_release() {
    let ferro = Ferro::start().await;
    let store = builder(&ferro.address, REPOSITORY).build().await.unwrap();
    let seen = Seen { address: ferro.address.clone(), referrers: "referrers/sha256:" };
    assert_referrers(seen, store).await;
}
