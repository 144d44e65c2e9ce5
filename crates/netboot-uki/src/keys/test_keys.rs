//! Keys of Secure Boot for tests.

use std::fmt;
use std::path::Path;
use std::time::SystemTime;

use netboot_core::Context;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256,
    RsaKeySize,
};
use time::Duration;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::certificate::Certificate;
use crate::error::Error;
use crate::keys::authenticated::sign_variable;
use crate::keys::efi_time::utc;
use crate::keys::signature_list::SignatureList;
use crate::keys::variable::SecureBootVariable;
use crate::new_file::NewFile;
use crate::signer::key_file::KeyFile;

/// The days for which the certificates are valid. Firmware does not look at them.
const VALIDITY: Duration = Duration::days(3650);

/// A platform key, a key exchange key and a key for programs, each with a certificate that it
/// signed itself: everything that a virtual machine, or a machine of a laboratory in setup mode,
/// needs for Secure Boot.
///
/// The private keys are in memory, and [`write`](Self::write) writes them to files without a
/// passphrase. Real machines deserve a platform key that never leaves its HSM. `Debug` shows the
/// certificates only.
///
/// ```no_run
/// use std::time::SystemTime;
///
/// use netboot_core::Context;
/// use netboot_uki::TestKeys;
///
/// # async fn make() -> Result<(), netboot_uki::Error> {
/// let keys = TestKeys::generate("laboratory", SystemTime::now())?;
/// keys.write("keys", &Context::new()).await?;
/// # Ok(())
/// # }
/// ```
pub struct TestKeys {
    owner: Uuid,
    time: SystemTime,
    keys: [TestKey; 3],
}

/// One key with its certificate.
struct TestKey {
    variable: SecureBootVariable,
    pem: Zeroizing<String>,
    certificate: Certificate,
}

impl TestKeys {
    /// Makes three RSA keys of 2048 bits. The subjects of the certificates are `name` with `PK`,
    /// `KEK` and `db`. They are valid from `time` for ten years. This takes a second of computing.
    ///
    /// # Errors
    /// [`Error::Time`], and [`Error::Encode`] if the machine has no source of randomness.
    pub fn generate(name: &str, time: SystemTime) -> Result<Self, Error> {
        let make = |variable| TestKey::generate(name, variable, time);
        let [db, kek, pk] = SecureBootVariable::ALL;
        let keys = [make(db)?, make(kek)?, make(pk)?];
        // Each set has keys of its own, so the digest of its platform key names its owner.
        let digest = keys[2].certificate.sha256();
        let mut owner = [0; 16];
        owner.copy_from_slice(&digest.as_bytes()[..16]);
        let owner = uuid::Builder::from_custom_bytes(owner).into_uuid();
        Ok(Self { owner, time, keys })
    }

    /// The owner of the entries in the variables: a UUID of version 8 that is made of the platform
    /// key's certificate.
    pub fn owner(&self) -> Uuid {
        self.owner
    }

    /// The certificate for a variable.
    pub fn certificate(&self, variable: SecureBootVariable) -> &Certificate {
        &self.key(variable).certificate
    }

    /// The value of a variable: its certificate.
    pub fn signature_list(&self, variable: SecureBootVariable) -> SignatureList {
        SignatureList::new(self.owner, self.certificate(variable))
    }

    /// A signer with the private key for a variable.
    ///
    /// # Errors
    /// None for keys that this made.
    pub fn signer(&self, variable: SecureBootVariable) -> Result<KeyFile, Error> {
        let TestKey { pem, certificate, .. } = self.key(variable);
        KeyFile::parse(variable.as_str(), pem.as_bytes(), certificate.clone())
    }

    /// Writes the keys into a directory, which must exist. For each of `PK`, `KEK` and `db`, it
    /// creates four files:
    ///
    /// | file | content |
    /// |---|---|
    /// | `db.key` | the private key in PEM, which only its owner can read |
    /// | `db.crt` | the certificate in DER |
    /// | `db.esl` | the certificate as the value of the variable |
    /// | `db.auth` | the same value, signed by the key that may set it |
    ///
    /// # Errors
    /// [`Error::Io`] if a file exists, before anything is written, or cannot be created, and
    /// [`Error::Core`] if the work was cancelled.
    pub async fn write(&self, directory: impl AsRef<Path>, context: &Context) -> Result<(), Error> {
        let directory = directory.as_ref();
        let mut files = Vec::new();
        for key in &self.keys {
            let list = self.signature_list(key.variable);
            let authority = match key.variable {
                SecureBootVariable::Signatures => SecureBootVariable::KeyExchangeKeys,
                _ => SecureBootVariable::PlatformKey,
            };
            let signer = self.signer(authority)?;
            let auth = sign_variable(key.variable, &list, self.time, &signer, context).await?;
            let contents = [
                ("key", key.pem.as_bytes(), true),
                ("crt", key.certificate.as_der(), false),
                ("esl", list.as_bytes(), false),
                ("auth", &auth, false),
            ];
            for (extension, bytes, is_secret) in contents {
                let path = directory.join(format!("{}.{extension}", key.variable));
                files.push((path, Zeroizing::new(bytes.to_vec()), is_secret));
            }
        }
        netboot_core::blocking(move || {
            for (path, ..) in &files {
                NewFile::check_absent(path)?;
            }
            for (path, bytes, is_secret) in &files {
                NewFile::write(path, bytes, *is_secret)?;
            }
            Ok(())
        })
        .await
    }

    fn key(&self, variable: SecureBootVariable) -> &TestKey {
        let [db, kek, pk] = &self.keys;
        match variable {
            SecureBootVariable::PlatformKey => pk,
            SecureBootVariable::KeyExchangeKeys => kek,
            SecureBootVariable::Signatures => db,
        }
    }
}

impl TestKey {
    fn generate(name: &str, variable: SecureBootVariable, time: SystemTime) -> Result<Self, Error> {
        let failed =
            |error: rcgen::Error| Error::Encode { what: "certificate", source: Box::new(error) };
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).map_err(failed)?;
        let key = Zeroizing::new(key);
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, format!("{name} {variable}"));
        parameters.not_before = utc(time)?;
        parameters.not_after = parameters.not_before + VALIDITY;
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages =
            vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign];
        let certificate = parameters.self_signed(&*key).map_err(failed)?;
        let certificate = Certificate::parse(variable.as_str(), certificate.der())?;
        Ok(Self { variable, pem: Zeroizing::new(key.serialize_pem()), certificate })
    }
}

impl fmt::Debug for TestKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let certificates = self.keys.each_ref().map(|key| &key.certificate);
        f.debug_struct("TestKeys").field("certificates", &certificates).finish_non_exhaustive()
    }
}
