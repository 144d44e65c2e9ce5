//! Signatures for iPXE's `imgverify`, which `openssl` verifies, and the scripts that verify them.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;

use ipxe_script::IpxeBuild;
use netboot_core::{Artifact, ArtifactKind, BytesArtifact, Context, FileName, Image};
use netboot_ipxe::signing::{OpensslSigner, Signer, sign};
use netboot_ipxe::{Error, Renderer};
use netboot_testbed::tool;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;

use crate::golden_file::assert_golden;
use crate::images::image;

/// A certificate authority, and keys that it has certified.
struct Keys(TempDir);

fn openssl(arguments: &[&str]) -> Output {
    Command::new(tool("openssl")).args(arguments).output().unwrap()
}

fn run(arguments: &[&str]) {
    let output = openssl(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Keys {
    fn new() -> Self {
        let keys = Self(TempDir::new().unwrap());
        let (key, crt) = (keys.text("ca.key"), keys.text("ca.crt"));
        run(&["genrsa", "-out", &key, "2048"]);
        let subject = ["-subj", "/CN=Netboot test authority", "-days", "2"];
        run(&[&["req", "-x509", "-new", "-key", &key, "-out", &crt][..], &subject].concat());
        keys
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Certifies the existing key `<name>.key` for `usage`.
    fn certify(&self, name: &str, usage: &str) {
        let extensions = self.path("extensions");
        fs::write(&extensions, format!("keyUsage=digitalSignature\nextendedKeyUsage={usage}\n"))
            .unwrap();
        let key = self.text(&format!("{name}.key"));
        let (csr, crt) = (self.text("request"), self.text(&format!("{name}.crt")));
        run(&["req", "-new", "-key", &key, "-out", &csr, "-subj", "/CN=Netboot test signer"]);
        let authority = [self.text("ca.crt"), self.text("ca.key")];
        run(&[
            "x509",
            "-req",
            "-in",
            &csr,
            "-out",
            &crt,
            "-days",
            "2",
            "-CA",
            &authority[0],
            "-CAkey",
            &authority[1],
            "-CAcreateserial",
            "-extfile",
            &extensions.display().to_string(),
        ]);
    }

    async fn signer(&self, name: &str) -> Result<OpensslSigner, Error> {
        let file = |extension: &str| self.path(&format!("{name}.{extension}"));
        OpensslSigner::open(file("crt"), file("key"), self.path("ca.crt")).await
    }

    /// Returns true if `openssl` accepts the signature of `content`.
    fn verifies(&self, content: &[u8], signature: &[u8]) -> bool {
        fs::write(self.path("content"), content).unwrap();
        fs::write(self.path("signature"), signature).unwrap();
        let files = ["content", "signature", "ca.crt"].map(|name| self.text(name));
        let output = openssl(&[
            "cms",
            "-verify",
            "-binary",
            "-inform",
            "DER",
            "-content",
            &files[0],
            "-in",
            &files[1],
            "-CAfile",
            &files[2],
            "-purpose",
            "any",
            "-out",
            "/dev/null",
        ]);
        output.status.success()
    }
}

fn artifact(bytes: impl Into<Vec<u8>>) -> Arc<dyn Artifact> {
    let name = FileName::new("bzImage").unwrap();
    Arc::new(BytesArtifact::new(ArtifactKind::Kernel, name, bytes.into()))
}

async fn bytes(artifact: &dyn Artifact) -> Vec<u8> {
    let mut bytes = Vec::new();
    artifact.open().await.unwrap().read_to_end(&mut bytes).await.unwrap();
    bytes
}

#[tokio::test]
async fn openssl_accepts_each_signature_and_none_of_another_file() {
    let keys = Keys::new();
    run(&["genrsa", "-out", &keys.text("rsa.key"), "2048"]);
    run(&["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", &keys.text("ec.key")]);
    let long = vec![7_u8; 3_000_000];
    for name in ["rsa", "ec"] {
        keys.certify(name, "codeSigning");
        let signer = keys.signer(name).await.unwrap();
        let files = [artifact("the kernel\r\nof lines\n"), artifact(long.clone())];
        let signatures = sign(&signer, files.clone(), &Context::new()).await.unwrap();
        assert_eq!(signatures.len(), 2);
        for file in &files {
            let signature = &signatures[&file.sha256()];
            assert_eq!(signature.kind(), ArtifactKind::Signature);
            let message = bytes(signature.as_ref()).await;
            assert!(keys.verifies(&bytes(file.as_ref()).await, &message), "{name}");
            assert!(!keys.verifies(b"another kernel", &message), "{name}");
            assert!(!keys.verifies(b"the kernel\nof lines\n", &message), "{name}");
        }
        // iPXE also needs a message without attributes and with the certificate of the authority.
        let message = bytes(signatures[&files[0].sha256()].as_ref()).await;
        let again = signer.sign(files[0].as_ref(), &Context::new()).await.unwrap();
        assert_eq!(again == message, name == "rsa");
        fs::write(keys.path("signature"), message).unwrap();
        let file = keys.text("signature");
        let printed = openssl(&["cms", "-cmsout", "-print", "-inform", "DER", "-in", &file]);
        let printed = String::from_utf8(printed.stdout).unwrap();
        assert!(!printed.contains("signingTime"), "{printed}");
        let attributes = printed.split("signedAttrs:").nth(1).unwrap();
        assert_eq!(attributes.split_whitespace().next(), Some("<ABSENT>"), "{printed}");
        assert!(printed.contains("subject: CN=Netboot test authority"), "{printed}");
    }
}

#[tokio::test]
async fn a_certificate_that_ipxe_would_refuse_is_refused_before() {
    let keys = Keys::new();
    run(&["genrsa", "-out", &keys.text("tls.key"), "2048"]);
    keys.certify("tls", "serverAuth");
    let error = keys.signer("tls").await.unwrap_err();
    assert!(matches!(error, Error::NotForCodeSigning { .. }), "{error:?}");
    let error = keys.signer("ca").await.unwrap_err();
    assert!(matches!(error, Error::NotForCodeSigning { .. }), "{error:?}");
    let error = keys.signer("nobody").await.unwrap_err();
    assert!(matches!(error, Error::Program { .. }), "{error:?}");
}

#[tokio::test]
async fn a_key_may_have_a_passphrase_that_no_debug_shows() {
    let keys = Keys::new();
    let key = keys.text("rsa.key");
    run(&["genrsa", "-aes256", "-passout", "pass:open sesame", "-out", &key, "2048"]);
    run(&["rsa", "-in", &key, "-passin", "pass:open sesame", "-out", &keys.text("plain.key")]);
    keys.certify("plain", "codeSigning");
    fs::copy(keys.path("plain.crt"), keys.path("rsa.crt")).unwrap();
    let signer = keys.signer("rsa").await.unwrap().with_passphrase("open sesame");
    assert!(!format!("{signer:?}").contains("sesame"));
    let message = signer.sign(artifact("x").as_ref(), &Context::new()).await.unwrap();
    assert!(keys.verifies(b"x", &message));
    let wrong = keys.signer("rsa").await.unwrap().with_passphrase("open barley");
    let error = wrong.sign(artifact("x").as_ref(), &Context::new()).await.unwrap_err();
    let Error::Program { status, last_lines, .. } = &error else { panic!("{error:?}") };
    assert!(!status.success() && !last_lines.is_empty() && !error.to_string().contains("barley"));
    assert!(error.hint().is_some());
}

#[tokio::test]
async fn cancelled_work_signs_nothing() {
    let keys = Keys::new();
    run(&["genrsa", "-out", &keys.text("rsa.key"), "2048"]);
    keys.certify("rsa", "codeSigning");
    let signer = keys.signer("rsa").await.unwrap();
    let context = Context::new();
    context.cancellation().cancel();
    let error = sign(&signer, [artifact("x")], &context).await.unwrap_err();
    assert!(matches!(error, Error::Core(netboot_core::Error::Cancelled)), "{error:?}");
}

fn able_to_verify() -> IpxeBuild {
    let sid: IpxeBuild = "sid-efi".parse().unwrap();
    sid.customize("ours").command("imgtrust").command("imgverify").build().unwrap()
}

#[tokio::test]
async fn scripts_verify_what_was_signed() {
    let keys = Keys::new();
    run(&["genrsa", "-out", &keys.text("rsa.key"), "2048"]);
    keys.certify("rsa", "codeSigning");
    let signer = keys.signer("rsa").await.unwrap();
    let image: Image = image("worker", "W", &["a=b"], &["initrd"]);
    let signatures = sign(&signer, image.payload().cloned(), &Context::new()).await.unwrap();
    let renderer = Renderer::builder().ipxe_build(able_to_verify()).signatures(signatures.clone());
    let renderer = renderer.check_digests(true).build().unwrap();
    assert_golden("verified-standalone.ipxe", &renderer.render_standalone(&image).unwrap());
    let release = renderer.render_release([image.clone()]).unwrap();
    for (signed, signature) in &signatures {
        assert!(release.blobs().contains_key(signed));
        assert!(release.blobs().contains_key(&signature.sha256()));
    }
    let script = renderer.render_image(&image).unwrap();
    for signature in signatures.values() {
        let line = format!(" ../../../blobs/{} || goto failed", signature.sha256());
        assert!(script.contains(&line), "{script}");
    }
    let unsigned = Renderer::builder().ipxe_build(able_to_verify()).signatures([]).build().unwrap();
    let error = unsigned.render_image(&image).unwrap_err();
    assert!(matches!(error, Error::MissingSignature { .. }), "{error:?}");
}

#[test]
fn no_script_uses_what_its_build_lacks() {
    let lacks = |builder: netboot_ipxe::RendererBuilder| match builder.build().unwrap_err() {
        Error::BuildLacks { build, capability } => format!("{build}: {capability}"),
        other => panic!("{other:?}"),
    };
    let builder = Renderer::builder;
    assert!(lacks(builder().check_digests(true)).contains("bookworm: the command sha256sum"));
    let sid: IpxeBuild = "sid-efi".parse().unwrap();
    assert!(lacks(builder().ipxe_build(sid.clone()).signatures([])).contains("imgverify"));
    let https = "https://mirror.example/".parse().unwrap();
    let on = |build| builder().ipxe_build(build).payload_url(&https).unwrap();
    assert!(lacks(on(IpxeBuild::default())).contains("https://mirror.example/"));
    on(sid.clone()).build().unwrap();
    builder().ipxe_build(sid).check_digests(true).build().unwrap();
}
