//! The hints of errors are followed, and the work succeeds.

use std::fmt::Debug;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use netboot_core::{
    Artifact, ArtifactKind, ArtifactReader, BackendError, Context, FileName, KernelParameter,
    Sha256Digest, async_trait,
};
use netboot_testbed::{TestProcess, tool};
use netboot_uki::{
    Addon, AddonStub, Certificate, EfiProgram, Error, KeyFile, SecureBootVariable, SignatureList,
    SigningCommand, SigningInput, Stub, TestKeys, Uki, UkiFile, sign, sign_variable,
};

use crate::programs::{altered, openssl};
use crate::workshop::{
    KEYS, OS_RELEASE, Workshop, artifact, command_line, db, db_signer, stub, time, uki,
};

/// Asserts that `refused` has this hint, and returns what `followed` made, which does as the hint
/// says.
fn follow<T: Debug, U: Debug>(
    refused: Result<T, Error>,
    hint: &str,
    followed: Result<U, Error>,
) -> U {
    let error = refused.unwrap_err();
    let given = error.hint().unwrap_or_else(|| panic!("{error:?} has no hint"));
    assert!(given.contains(hint), "{error}: {given}");
    followed.unwrap()
}

#[tokio::test]
async fn a_new_path_in_a_directory_is_written() {
    let (workshop, context) = (Workshop::new(), Context::new());
    let small = workshop.small().await;
    let x64 = stub("linuxx64.efi.stub");
    let made = uki(&x64, &x64).await.unwrap();
    let existing = made.write(&small, &context).await;
    let other = workshop.path("other");
    fs::create_dir(&other).unwrap();
    let new = made.write(other.join("small.efi"), &context).await;
    follow(existing, "or write into another directory", new);
    let existing = made.write(&small, &context).await;
    fs::remove_file(&small).unwrap();
    let again = made.write(&small, &context).await;
    follow(existing, &format!("remove {},", small.display()), again);
    let below = workshop.path("directory");
    let nowhere = made.write(below.join("a.efi"), &context).await;
    fs::create_dir(&below).unwrap();
    let written = made.write(below.join("a.efi"), &context).await;
    follow(nowhere, "check the path, and create the directory", written);
}

#[tokio::test]
async fn stubs_kernels_and_texts_as_the_hints_describe_them_are_taken() {
    let x64 = stub("linuxx64.efi.stub");
    let wrong = Stub::read(stub("systemd-bootx64.efi"));
    follow(wrong, "`linuxx64.efi.stub` or `linuxaa64.efi.stub` for a UKI", Stub::read(&x64));
    let addon = stub("addonaa64.efi.stub");
    let wrong = AddonStub::read(&x64);
    follow(wrong, "`addonaa64.efi.stub` for an addon", AddonStub::read(&addon));
    let kernel = |bytes: &[u8]| artifact(ArtifactKind::Kernel, "Image", bytes);
    let build = async |bytes: &[u8], os_release: &str| {
        let builder = Uki::builder(Stub::read(&x64).unwrap(), kernel(bytes), &command_line());
        builder.os_release(os_release).build().await
    };
    let program = fs::read(&x64).unwrap();
    follow(
        build(b"\x1f\x8b\x08", OS_RELEASE).await,
        "a kernel that is an EFI program for the processor of the stub",
        build(&program, OS_RELEASE).await,
    );
    follow(
        build(&program, "\0").await,
        "text without control characters",
        build(&program, OS_RELEASE).await,
    );
    let parameter: KernelParameter = "x".repeat(1000).parse().unwrap();
    let parameters = [&parameter; 3];
    let addon =
        |count| Addon::new(AddonStub::read(&addon).unwrap(), parameters[..count].to_vec(), None);
    follow(addon(3), "at most 2047 bytes of kernel parameters", addon(2));
}

#[tokio::test]
async fn a_whole_uki_is_read_and_signed_by_a_trusted_key() {
    let workshop = Workshop::new();
    let (small, signed) = (workshop.small().await, workshop.signed().await);
    let page = workshop.file("page.efi", "<html>");
    follow(EfiProgram::open(&page), "build or fetch the file again", EfiProgram::open(&small));
    let no_uki = UkiFile::open(stub("systemd-bootx64.efi"));
    follow(no_uki, "give a UKI of one profile", UkiFile::open(&small));

    let trusted = [db()];
    let verify = |path: &Path| EfiProgram::open(path)?.verify(&trusted).map(drop);
    follow(verify(&small), "sign the program first", verify(&signed));
    let line = EfiProgram::open(&signed).unwrap().section(".cmdline").unwrap().offset;
    let altered = altered(&signed, line as usize);
    let hint = "build or fetch the file again, and sign it by RSA with SHA-256";
    follow(verify(&altered), hint, verify(&signed));
    let other = [KEYS.certificate(SecureBootVariable::PlatformKey).clone()];
    let program = EfiProgram::open(&signed).unwrap();
    let hint = "give the certificate of the key that signed it";
    follow(program.verify(&other), hint, program.verify(&trusted));
}

/// An initrd that says that it has another size than its four bytes.
#[derive(Debug)]
struct Odd {
    size: u64,
    name: FileName,
}

#[async_trait]
impl Artifact for Odd {
    fn kind(&self) -> ArtifactKind {
        ArtifactKind::Initrd
    }

    fn file_name(&self) -> &FileName {
        &self.name
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn sha256(&self) -> Sha256Digest {
        Sha256Digest::of(b"four")
    }

    async fn open(&self) -> Result<ArtifactReader, netboot_core::Error> {
        Ok(Box::pin(&b"four"[..]))
    }
}

#[tokio::test]
async fn initrds_that_fit_and_stay_as_they_are_become_a_uki() {
    let (workshop, context) = (Workshop::new(), Context::new());
    let x64 = stub("linuxx64.efi.stub");
    let build = async |size| {
        let kernel = artifact(ArtifactKind::Kernel, "bzImage", &fs::read(&x64).unwrap());
        let initrd = Odd { size, name: "initrd".parse().unwrap() };
        Uki::builder(Stub::read(&x64)?, kernel, &command_line())
            .initrd(Arc::new(initrd))
            .build()
            .await
    };
    let path = workshop.path("a.efi");
    for size in [3, 5, 1 << 20] {
        let changed = build(size).await.unwrap().write(&path, &context).await;
        assert!(!path.exists());
        let written = build(4).await.unwrap().write(&path, &context).await;
        follow(changed, "leave the file alone while it is read, and try again", written);
        fs::remove_file(&path).unwrap();
    }
    for size in [(1 << 32) - 100_000, 1 << 32, u64::MAX] {
        let huge = build(size).await;
        let hint = "make the image smaller, or let its machines fetch the closure by themselves";
        let uki = follow(huge, hint, build(4).await);
        assert!(uki.size() < 1 << 20);
    }
}

#[tokio::test]
async fn keys_and_certificates_as_the_hints_describe_them_are_read() {
    let workshop = Workshop::new();
    let keys = workshop.keys().await;
    let (key, certificate) = (keys.join("db.key"), keys.join("db.crt"));
    // The command of the hint makes a certificate.
    let text = workshop.file("text.crt", "no certificate");
    let refused = Certificate::read(&text);
    let command = "openssl req -x509 -newkey rsa:2048 -nodes";
    let (made_key, made) = (workshop.path("made.key"), workshop.path("made.crt"));
    let hint = refused.as_ref().unwrap_err().hint().unwrap();
    assert!(hint.contains(command), "{hint}");
    let mut run = Command::new(tool("openssl"));
    run.args(command.split(' ').skip(1)).args(["-subj", "/CN=made", "-keyout"]);
    assert!(run.arg(&made_key).arg("-out").arg(&made).output().unwrap().status.success());
    let read = Certificate::read(&made);
    follow(refused, "give a certificate in PEM or DER", read);
    let wrong = KeyFile::read(&key, &made);
    fs::set_permissions(&made_key, Permissions::from_mode(0o600)).unwrap();
    let right = KeyFile::read(&made_key, &made);
    follow(wrong, "the RSA key in PEM that belongs to the certificate", right);
    // The commands of the hint tell which key belongs to a certificate.
    let of_key = openssl("pkey -pubout", &[("-in", &made_key)]);
    assert_eq!(of_key, openssl("x509 -pubkey -noout", &[("-in", &made)]));

    let odd = workshop.path("the owner's key");
    for key in [key, odd] {
        if !key.exists() {
            fs::copy(keys.join("db.key"), &key).unwrap();
        }
        fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
        let error = KeyFile::read(&key, &certificate).unwrap_err();
        let hint = error.hint().unwrap();
        let command = hint.strip_prefix("run `").and_then(|it| it.strip_suffix('`')).unwrap();
        assert!(Command::new("sh").args(["-c", command]).status().unwrap().success());
        KeyFile::read(&key, &certificate).unwrap();
    }

    // Another user's file, which only root can make.
    let key = keys.join("db.key");
    chown(&key, Some(65534), None).unwrap();
    let error = KeyFile::read(&key, &certificate).unwrap_err();
    assert!(matches!(error, Error::ForeignKey { .. }), "{error:?}");
    let hint = error.hint().unwrap();
    let command = hint.strip_prefix("run `").and_then(|it| it.strip_suffix("` as root")).unwrap();
    assert!(Command::new("sh").args(["-c", command]).status().unwrap().success());
    KeyFile::read(&key, &certificate).unwrap();

    let (owner, pk) = (KEYS.owner(), SecureBootVariable::PlatformKey);
    let one = SignatureList::new(owner, KEYS.certificate(pk));
    let two = one.clone().with_certificate(owner, &db());
    let (by, context) = (KEYS.signer(pk).unwrap(), Context::new());
    let refused = sign_variable(pk, &two, time(), &by, &context).await;
    let followed = sign_variable(pk, &one, time(), &by, &context).await;
    follow(refused, "give the certificate of the one platform key", followed);

    let signer = || KEYS.signer(SecureBootVariable::Signatures).unwrap();
    let refused = signer().with_chain([KEYS.certificate(pk).clone()]);
    let hint = "from the issuer of the signer's certificate up to a trusted one";
    follow(refused, hint, signer().with_chain([db()]));

    let far = time() + std::time::Duration::from_secs(1 << 40);
    let refused = TestKeys::generate("x", far);
    follow(refused, "set the clock of this machine", TestKeys::generate("x", time()));
}

#[tokio::test]
async fn a_command_that_knows_the_passphrase_signs() {
    let (workshop, context) = (Workshop::new(), Context::new());
    let (keys, small) = (workshop.keys().await, workshop.small().await);
    let locked = workshop.path("locked.key");
    let (passphrase, key) = (workshop.file("passphrase", "secret"), keys.join("db.key"));
    let source = format!("file:{}", passphrase.display());
    openssl(&format!("pkcs8 -topk8 -passout {source}"), &[("-in", &key), ("-out", &locked)]);
    fs::set_permissions(&locked, Permissions::from_mode(0o600)).unwrap();
    let refused = KeyFile::read(&locked, keys.join("db.crt"));
    let pkeyutl = |input, key: &Path| {
        let by = SigningCommand::new(tool("openssl"), db(), input);
        let by = by.args(["pkeyutl", "-sign", "-pkeyopt", "digest:sha256", "-passin", &source]);
        by.args([Path::new("-inkey"), key])
    };
    let signed = workshop.path("by-command.efi");
    let by = pkeyutl(SigningInput::Digest, &locked);
    let followed = sign(&small, &signed, &by, &context).await;
    follow(refused, "sign with a command that knows the passphrase", followed);

    let again = workshop.path("again.efi");
    let other = pkeyutl(SigningInput::Digest, &keys.join("KEK.key"));
    let refused = sign(&small, &again, &other, &context).await;
    let followed = sign(&small, &again, &by, &context).await;
    follow(refused, "check that the signer uses the key of the certificate", followed);

    // The command says why it fails, by hand too.
    let absent = pkeyutl(SigningInput::Digest, &workshop.path("absent.key"));
    let refused = sign(&small, workshop.path("third.efi"), &absent, &context).await;
    assert!(refused.as_ref().unwrap_err().to_string().contains("absent.key"), "{refused:?}");
    let followed = sign(&small, workshop.path("third.efi"), &db_signer(), &context).await;
    follow(refused, "read the command's last lines above, then run it by hand", followed);
}

#[test]
fn a_file_system_with_room_takes_the_uki() {
    let name = "followed_hints::a_file_system_with_room_takes_the_uki";
    if !TestProcess::with_mounts(name).is_this() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (workshop, context) = (Workshop::new(), Context::new());
    let place = workshop.path("place");
    fs::create_dir(&place).unwrap();
    let mut mount = Command::new(tool("mount"));
    mount.args(["-t", "tmpfs", "-o", "size=1m", "none"]).arg(&place);
    assert!(mount.status().unwrap().success());
    let filler = place.join("filler");
    fs::write(&filler, vec![7; 900_000]).unwrap();
    let x64 = stub("linuxx64.efi.stub");
    let made = runtime.block_on(uki(&x64, &x64)).unwrap();
    let small = runtime.block_on(workshop.small());
    let (unsigned, signed) = (place.join("unsigned.efi"), place.join("signed.efi"));
    let write = || runtime.block_on(made.write(&unsigned, &context));
    let sign_it = || runtime.block_on(sign(&small, &signed, &db_signer(), &context));
    let (no_room, none_either) = (write(), sign_it());
    assert_eq!(fs::read_dir(&place).unwrap().count(), 1, "nothing is left behind");
    fs::remove_file(filler).unwrap();
    follow(no_room, "make room on the file system", write());
    follow(none_either, "make room on the file system", sign_it());
}
