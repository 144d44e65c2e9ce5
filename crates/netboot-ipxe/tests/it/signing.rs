//! Signatures for iPXE's `imgverify`, which `openssl` verifies, and the scripts that verify them.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;

use ipxe_script::IpxeBuild;
use netboot_core::{Artifact, ArtifactKind, BytesArtifact, Context, FileName, Image};
use netboot_ipxe::signing::{OpensslSigner, Signer, sign};
use netboot_ipxe::{Assignment, Error, Fleet, MachineKey, Renderer, UnknownMachine};
use netboot_testbed::{TestProcess, tool};
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
    Arc::new(BytesArtifact::new(ArtifactKind::Kernel, name, bytes.into()).unwrap())
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

/// Follows the hint: openssl's defaults make no certificate for code signing.
#[tokio::test]
async fn a_certificate_with_both_usages_is_taken() {
    let keys = Keys::new();
    run(&["genrsa", "-out", &keys.text("own.key"), "2048"]);
    let (key, crt) = (keys.text("own.key"), keys.text("own.crt"));
    let own = ["req", "-x509", "-new", "-key", &key, "-out", &crt, "-subj", "/CN=own"];
    for extensions in [
        &[][..],
        &["-addext", "extendedKeyUsage=codeSigning"],
        &["-addext", "extendedKeyUsage=codeSigning", "-addext", "keyUsage=keyCertSign"],
        &["-addext", "keyUsage=digitalSignature"],
    ] {
        run(&[&own[..], extensions].concat());
        let error = keys.signer("own").await.unwrap_err();
        assert!(matches!(error, Error::NotForCodeSigning { .. }), "{extensions:?}: {error:?}");
        let hint = "`extendedKeyUsage=codeSigning` and `keyUsage=digitalSignature`";
        assert!(error.hint().unwrap().contains(hint), "{error:?}");
    }
    keys.certify("own", "codeSigning");
    keys.signer("own").await.unwrap();
}

/// Follows the hint, one mistake after the other.
#[tokio::test]
async fn paths_a_passphrase_and_a_key_that_fit_sign() {
    let keys = Keys::new();
    let pass = |name: &str, phrase: &str| {
        let (path, phrase) = (keys.text(&format!("{name}.key")), format!("pass:{phrase}"));
        run(&["genrsa", "-aes256", "-passout", &phrase, "-out", &path, "2048"]);
    };
    let plain = keys.text("rsa.key");
    run(&["genrsa", "-out", &plain, "2048"]);
    keys.certify("rsa", "codeSigning");
    let (rsa, locked) = (keys.path("rsa.crt"), keys.path("locked.key"));
    let to = locked.display().to_string();
    run(&["rsa", "-aes256", "-in", &plain, "-passout", "pass:open sesame", "-out", &to]);
    pass("other", "open sesame");
    let authority = keys.path("ca.crt");
    let open = |crt, key| OpensslSigner::open(crt, key, authority.clone());
    let advises = |error: Error, part: &str| {
        assert!(matches!(error, Error::Program { .. }), "{error:?}");
        assert!(error.hint().unwrap().contains(part), "{error:?}");
    };
    advises(open(keys.path("rsa.cert"), locked.clone()).await.unwrap_err(), "the paths");
    let content = artifact("x");
    for (key, phrase, part) in [
        (keys.path("lock.key"), "open sesame", "the paths of the key"),
        (locked.clone(), "open barley", "the passphrase"),
        (keys.path("other.key"), "open sesame", "that the key belongs to the certificate"),
    ] {
        let signer = open(rsa.clone(), key).await.unwrap().with_passphrase(phrase);
        advises(signer.sign(content.as_ref(), &Context::new()).await.unwrap_err(), part);
    }
    let signer = open(rsa, locked).await.unwrap().with_passphrase("open sesame");
    let message = signer.sign(content.as_ref(), &Context::new()).await.unwrap();
    assert!(keys.verifies(b"x", &message));
}

/// The variable that makes the test below install the program in the one directory of its PATH.
const INSTALLED_FROM: &str = "NETBOOT_TEST_OPENSSL";

/// Follows the hint in a process of its own, whose PATH lacks the program at first.
#[tokio::test]
async fn openssl_is_found_as_soon_as_it_is_installed() {
    let Some(program) = std::env::var_os(INSTALLED_FROM) else {
        let empty = TempDir::new().unwrap();
        let name = "signing::openssl_is_found_as_soon_as_it_is_installed";
        let process = TestProcess::new(name).env("PATH", empty.path());
        process.env(INSTALLED_FROM, tool("openssl")).passes();
        assert!(empty.path().join("openssl").exists());
        return;
    };
    // The program finds no certificate, but it is found itself.
    let open = || OpensslSigner::open("/nowhere.crt", "/nowhere.key", "/nowhere-ca.crt");
    let error = open().await.unwrap_err();
    assert!(matches!(error, Error::StartProgram { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("install the program (on Debian"), "{error:?}");
    let directory = PathBuf::from(std::env::var_os("PATH").unwrap());
    std::os::unix::fs::symlink(program, directory.join("openssl")).unwrap();
    let error = open().await.unwrap_err();
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

/// Follows the hint: first the files of the image are signed, and then the overlay too.
#[tokio::test]
async fn a_fleet_is_verified_when_images_and_overlays_are_signed() {
    let keys = Keys::new();
    run(&["genrsa", "-out", &keys.text("rsa.key"), "2048"]);
    keys.certify("rsa", "codeSigning");
    let signer = keys.signer("rsa").await.unwrap();
    let image = image("worker", "W", &[], &["initrd"]);
    let overlay = artifact("host keys");
    let machine = Assignment::new("one", "worker").unwrap();
    let machine = machine.with_key(MachineKey::Mac("52:54:00:00:00:01".parse().unwrap()));
    let machine = machine.with_overlay(overlay.clone());
    let fleet = Fleet::builder(UnknownMachine::Refuse).assignment(machine).build().unwrap();
    let mut files: Vec<Arc<dyn Artifact>> = Vec::new();
    for more in [image.payload().cloned().collect(), vec![overlay]] {
        let signatures = sign(&signer, files.clone(), &Context::new()).await.unwrap();
        let renderer = Renderer::builder().ipxe_build(able_to_verify()).fleet(fleet.clone());
        let renderer = renderer.signatures(signatures).build().unwrap();
        let error = renderer.render_release([image.clone()]).unwrap_err();
        assert!(matches!(error, Error::MissingSignature { .. }), "{error:?}");
        let hint = "sign the files of every image and the overlays of machines";
        assert!(error.hint().unwrap().contains(hint), "{error:?}");
        files.extend(more);
    }
    let signatures = sign(&signer, files, &Context::new()).await.unwrap();
    let renderer = Renderer::builder().ipxe_build(able_to_verify()).fleet(fleet);
    renderer.signatures(signatures).build().unwrap().render_release([image]).unwrap();
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
