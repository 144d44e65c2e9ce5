//! Machines prove which release they booted. A software TPM plays the machine's: the test extends
//! its PCRs with the measurements of a boot. `measured_boot` of netboot-tests compares these with a
//! real boot.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use netboot_attestation::AttestationKey;
use netboot_core::{
    ArtifactKind, BytesArtifact, Context, FileArtifact, Image, KernelCommandLine, ReleaseId,
    Sha256Digest,
};
use netboot_testbed::{DebianTree, SoftwareTpm};
use netboot_uki::{MeasuredUki, Stub, Uki};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::service::{NODE01, Place, SITES, Service};
use crate::small_release;

/// A place that serves a release of a UKI of each generation. The last one is live.
async fn publish(place: &Place, generations: [&str; 2]) -> [(ReleaseId, MeasuredUki); 2] {
    let mut published = Vec::new();
    for generation in generations {
        let path = place.path(&format!("{generation}.efi"));
        let image = with_uki(small_release::image("worker", generation.as_bytes()), &path).await;
        let target = place.publisher(SITES[0]);
        let renderer = small_release::renderer();
        let id = small_release::publish_images(&target, renderer, [image]).await;
        published.push((id, MeasuredUki::open(&path).unwrap()));
    }
    published.try_into().unwrap()
}

/// Makes the UKI of an image. Its kernel is a stub, which is small.
async fn with_uki(image: Image, path: &Path) -> Image {
    let context = Context::new();
    let stub = DebianTree::systemd_efi("linuxx64.efi.stub");
    let kernel = BytesArtifact::new(ArtifactKind::Kernel, "bzImage", fs::read(&stub).unwrap());
    let line = KernelCommandLine::new(image.boot().init(), &[]).unwrap();
    let uki = Uki::builder(Stub::read(stub).unwrap(), Arc::new(kernel.unwrap()), &line)
        .initrd(Arc::clone(image.kernel()))
        .build()
        .await
        .unwrap();
    uki.write(path, &context).await.unwrap();
    let file = FileArtifact::open(ArtifactKind::Uki, "worker.efi", path, &context).await.unwrap();
    image.with_uki(file).unwrap()
}

/// Extends the PCRs as a boot of the UKI under Secure Boot does.
fn boot(tpm: &SoftwareTpm, uki: &MeasuredUki) {
    let measure = |pcr, bytes: &[u8]| tpm.extend(pcr, &Sha256Digest::of(bytes).to_string());
    measure(4, b"Calling EFI Application from Boot Option");
    measure(4, &[0; 4]);
    tpm.extend(4, &uki.uki().program().sha256().to_string());
    for (name, digest) in uki.sections() {
        measure(11, format!("{name}\0").as_bytes());
        tpm.extend(11, &digest.to_string());
    }
}

async fn nonce(service: &Service) -> Vec<u8> {
    let challenge = service.json("/api/machines/node01/attestation").await;
    hex::decode(challenge["nonce"].as_str().unwrap()).unwrap()
}

/// The last quote of a TPM, as a machine sends it.
fn evidence(tpm: &SoftwareTpm) -> Value {
    let part = |name: &str| STANDARD.encode(tpm.read(name));
    let pcrs = tpm.pcrs("4,11,12");
    let value = |at: usize| hex::encode_upper(&pcrs[32 * at..][..32]);
    json!({
        "key": part("ak.pub"), "quote": part("quote.msg"), "signature": part("quote.sig"),
        "pcrs": { "4": value(0), "11": value(1), "12": value(2) },
    })
}

async fn send(service: &Service, evidence: &Value) -> (StatusCode, Value) {
    let url = format!("{}/api/machines/node01/attestation", service.url);
    let answer = service.client.post(url).json(evidence).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

/// Quotes with a new nonce, and sends the quote.
async fn attest(service: &Service, tpm: &SoftwareTpm) -> (StatusCode, Value) {
    tpm.quote("sha256:4,11,12", &nonce(service).await);
    send(service, &evidence(tpm)).await
}

/// A place whose machine `node01` has this TPM.
fn place_of(tpm: &SoftwareTpm) -> Place {
    let key = AttestationKey::parse(&tpm.read("ak.pub")).unwrap().digest();
    let place = Place::new("attestation");
    place.configure(&format!(
        "[[machines.known]]\nname = 'node01'\nmatch = {{ mac = '52:54:00:00:00:01' }}\n\
         profile = 'worker'\nattestation-key = '{key}'\n\
         [[machines.known]]\nname = 'node02'\nmatch = {{ serial = 'S-2' }}\nprofile = 'worker'\n"
    ));
    place
}

#[tokio::test]
async fn a_machine_proves_its_release_and_another_one_than_it_says_is_told() {
    let tpm = SoftwareTpm::start().with_attestation_key("rsa", "rsassa");
    let place = place_of(&tpm);
    let [(old, old_uki), (live, _)] = publish(&place, ["one", "two"]).await;
    let service = place.start();
    // Nothing is proven yet, and the machine gets the script of the live release.
    service.boot(NODE01, "127.0.0.1").await;
    let page = service.get("/").send().await.unwrap().text().await.unwrap();
    assert!(page.contains("only said"), "{page}");
    // But it boots the old release.
    boot(&tpm, &old_uki);
    let (status, answer) = attest(&service, &tpm).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["proof"]["proven"]["release"], old.to_string());
    assert_eq!(answer["proof"]["proven"]["profile"], "worker");
    assert_eq!(answer["said"], live.to_string());
    let page = service.get("/").send().await.unwrap().text().await.unwrap();
    let told = format!("its TPM proves release <code>{}</code>", old.short());
    assert!(page.contains(&told) && !page.contains("only said"), "{page}");
    // A phase of systemd is no other release. A kernel parameter is.
    tpm.extend(11, &Sha256Digest::of(b"enter-initrd").to_string());
    let (_, answer) = attest(&service, &tpm).await;
    assert_eq!(answer["proof"]["proven"]["release"], old.to_string());
    tpm.extend(12, &Sha256Digest::of(b"init=/bin/sh").to_string());
    let (_, answer) = attest(&service, &tpm).await;
    let problem = answer["proof"]["unrecognised"].as_str().unwrap();
    assert!(problem.contains("(PCR 12)"), "{problem}");
    // The next boot has no proof yet.
    service.boot(NODE01, "127.0.0.1").await;
    let machine = service.json("/api/machines/node01").await;
    assert_eq!(machine["proof"], Value::Null, "{machine}");
}

#[tokio::test]
async fn a_machine_that_runs_the_live_release_is_proven() {
    let tpm = SoftwareTpm::start().with_attestation_key("ecc", "ecdsa");
    let place = place_of(&tpm);
    let [_, (live, uki)] = publish(&place, ["one", "two"]).await;
    let service = place.start();
    service.boot(NODE01, "127.0.0.1").await;
    boot(&tpm, &uki);
    let (_, answer) = attest(&service, &tpm).await;
    assert_eq!(answer["proof"]["proven"]["release"], live.to_string(), "{answer}");
    let page = service.get("/").send().await.unwrap().text().await.unwrap();
    assert!(page.contains("<span class=\"tag\">proven</span>"), "{page}");
}

#[tokio::test]
async fn only_a_new_quote_by_the_key_of_the_machine_counts() {
    let tpm = SoftwareTpm::start().with_attestation_key("ecc", "ecdsa");
    let place = place_of(&tpm);
    let [_, (_, uki)] = publish(&place, ["one", "two"]).await;
    let service = place.start();
    boot(&tpm, &uki);
    // Another TPM with the same PCRs.
    let other = SoftwareTpm::start().with_attestation_key("ecc", "ecdsa");
    boot(&other, &uki);
    let (status, answer) = attest(&service, &other).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(answer["hint"].as_str().unwrap().contains("enrol its digest"), "{answer}");
    // A quote counts once.
    let (status, _) = attest(&service, &tpm).await;
    assert_eq!(status, StatusCode::OK);
    let (status, answer) = send(&service, &evidence(&tpm)).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{answer}");
    // Whatever else comes is refused with a remedy.
    let sound = evidence(&tpm);
    let changed = |name: &str, value: Value| {
        let mut changed = sound.clone();
        changed[name] = value;
        changed
    };
    for (evidence, expected) in [
        (json!({}), StatusCode::UNPROCESSABLE_ENTITY),
        (changed("key", json!("%")), StatusCode::BAD_REQUEST),
        (changed("quote", json!("")), StatusCode::BAD_REQUEST),
        (changed("pcrs", json!({ "4": "", "11": "", "12": "" })), StatusCode::BAD_REQUEST),
        (changed("signature", json!("A".repeat(32 * 1024))), StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let (status, answer) = send(&service, &evidence).await;
        assert_eq!(status, expected, "{answer}");
        assert!(answer["hint"].is_string(), "{answer}");
    }
    for name in ["node02", "node77"] {
        let path = format!("/api/machines/{name}/attestation");
        let answer = service.get(&path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{name}");
    }
}
