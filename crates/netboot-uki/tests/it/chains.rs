//! Chains of certificates from the one that signed a program to a trusted one.

use std::fs;
use std::path::PathBuf;

use netboot_core::{Context, async_trait};
use netboot_uki::{Certificate, EfiProgram, Error, KeyFile, PeSigner, SignatureProblem, sign};

use crate::programs::{openssl, pem};
use crate::workshop::{Workshop, db};

/// The extensions of an authority.
const AUTHORITY: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n";

/// The files of a key and of its certificate in PEM.
struct Issued {
    key: PathBuf,
    certificate: PathBuf,
}

impl Issued {
    /// The key for programs of the tests, which is an authority.
    async fn db(workshop: &Workshop) -> Self {
        let keys = workshop.keys().await;
        Self { key: keys.join("db.key"), certificate: pem(&keys.join("db.crt")) }
    }

    /// Issues a certificate with these extensions.
    fn issue(&self, workshop: &Workshop, name: &str, extensions: &str) -> Self {
        let path = |extension: &str| workshop.path(&format!("{name}.{extension}"));
        let (key, request, certificate) = (path("key"), path("csr"), path("crt"));
        let extensions = workshop.file(&format!("{name}.ext"), extensions);
        openssl(
            &format!("req -newkey rsa:2048 -nodes -subj /CN={name}"),
            &[("-keyout", &key), ("-out", &request)],
        );
        openssl(
            "x509 -req -set_serial 7 -days 10 -sha256",
            &[
                ("-in", &request),
                ("-CA", &self.certificate),
                ("-CAkey", &self.key),
                ("-extfile", &extensions),
                ("-out", &certificate),
            ],
        );
        Self { key, certificate }
    }

    fn certificate(&self) -> Certificate {
        Certificate::read(&self.certificate).unwrap()
    }

    /// Signs a program with this key and these authorities, and verifies it.
    async fn verified(&self, workshop: &Workshop, chain: &[&Self]) -> Result<(), SignatureProblem> {
        let pem = fs::read(&self.key).unwrap();
        let by = KeyFile::parse("key", &pem, self.certificate()).unwrap();
        let by = by.with_chain(chain.iter().map(|it| it.certificate())).unwrap();
        let signed = self.key.with_extension("efi");
        sign(workshop.small().await, &signed, &by, &Context::new()).await.unwrap();
        let verified = EfiProgram::open(&signed).unwrap().verify(&[db()]).map(drop);
        fs::remove_file(signed).unwrap();
        verified.map_err(|error| match error {
            Error::Untrusted { problem, .. } => problem,
            other => panic!("{other:?}"),
        })
    }
}

#[tokio::test]
async fn authorities_issue_only_what_they_may() {
    let workshop = Workshop::new();
    let db = Issued::db(&workshop).await;
    let untrusted = Err(SignatureProblem::Untrusted);
    for (name, extensions, expected) in [
        ("authority", AUTHORITY, Ok(())),
        ("free", "basicConstraints=CA:TRUE\n", Ok(())),
        ("no-usage", "basicConstraints=CA:TRUE\nkeyUsage=digitalSignature\n", untrusted),
        ("no-authority", "keyUsage=keyCertSign\n", untrusted),
        ("unknown", &format!("{AUTHORITY}1.2.3.4=critical,ASN1:NULL\n"), untrusted),
        ("harmless", &format!("{AUTHORITY}1.2.3.4=ASN1:NULL\n"), Ok(())),
    ] {
        let authority = db.issue(&workshop, name, extensions);
        let leaf = authority.issue(&workshop, "leaf", "extendedKeyUsage=critical,codeSigning\n");
        assert_eq!(leaf.verified(&workshop, &[&authority]).await, expected, "{name}");
    }
}

/// Files with a whole chain begin with the signer's own certificate.
#[tokio::test]
async fn a_whole_chain_is_taken_and_a_wrong_one_refused_before_anything_is_signed() {
    let workshop = Workshop::new();
    let db = Issued::db(&workshop).await;
    let (upper, other) = ("upper", "other");
    let [upper, other] = [upper, other].map(|name| db.issue(&workshop, name, AUTHORITY));
    let leaf = upper.issue(&workshop, "leaf", "");
    assert_eq!(leaf.verified(&workshop, &[&leaf, &upper, &db]).await, Ok(()));
    let pem = fs::read(&leaf.key).unwrap();
    let by = || KeyFile::parse("key", &pem, leaf.certificate()).unwrap();
    let chain = |chain: &[&Issued]| by().with_chain(chain.iter().map(|it| it.certificate()));
    for wrong in [&[&other][..], &[&db, &upper], &[&upper, &leaf, &other]] {
        let error = chain(wrong).unwrap_err();
        assert!(matches!(error, Error::Chain { .. }), "{error:?}");
    }
    // The test's authority signed itself, and so may stand there several times.
    assert!(chain(&[&[&upper][..], &[&db; 7]].concat()).is_ok());
    let error = chain(&[&[&upper][..], &[&db; 8]].concat()).unwrap_err();
    assert!(error.to_string().contains("there are 8 before it"), "{error}");
}

/// The signer's certificate may be anywhere among others, which firmware does not count.
#[tokio::test]
async fn the_certificate_of_a_signer_is_found_among_many() {
    #[derive(Debug)]
    struct Many(KeyFile, Vec<Certificate>);

    #[async_trait]
    impl PeSigner for Many {
        fn certificate(&self) -> &Certificate {
            self.0.certificate()
        }

        fn chain(&self) -> &[Certificate] {
            &self.1
        }

        async fn sign(&self, message: &[u8], context: &Context) -> Result<Vec<u8>, Error> {
            self.0.sign(message, context).await
        }
    }

    let workshop = Workshop::new();
    let db = Issued::db(&workshop).await;
    // A longer certificate is a later one in DER.
    let leaf = db.issue(&workshop, "leaf", "nsComment=a comment that makes it the longest one\n");
    let mut others: Vec<Certificate> = Vec::new();
    for index in 0..9 {
        let path = workshop.path(&format!("{index}.crt"));
        openssl(
            &format!("req -x509 -days 1 -subj /CN={index}"),
            &[("-key", &leaf.key), ("-out", &path)],
        );
        others.push(Certificate::read(&path).unwrap());
    }
    assert!(others.iter().all(|it| it.as_der().len() < leaf.certificate().as_der().len()));
    let pem = fs::read(&leaf.key).unwrap();
    // The signer's own certificate stands there again, and is written once.
    others.push(leaf.certificate());
    let by = Many(KeyFile::parse("key", &pem, leaf.certificate()).unwrap(), others);
    let signed = workshop.path("many.efi");
    sign(workshop.small().await, &signed, &by, &Context::new()).await.unwrap();
    EfiProgram::open(&signed).unwrap().verify(&[crate::workshop::db()]).unwrap();
}

#[tokio::test]
async fn a_path_is_no_longer_than_its_authorities_allow() {
    let workshop = Workshop::new();
    let db = Issued::db(&workshop).await;
    for (length, expected) in [(0, Err(SignatureProblem::Untrusted)), (1, Ok(()))] {
        let extensions = AUTHORITY.replace("TRUE", &format!("TRUE,pathlen:{length}"));
        let upper = db.issue(&workshop, "upper", &extensions);
        let direct = upper.issue(&workshop, "direct", "");
        assert_eq!(direct.verified(&workshop, &[&upper]).await, Ok(()));
        let lower = upper.issue(&workshop, "lower", AUTHORITY);
        let leaf = lower.issue(&workshop, "leaf", "");
        assert_eq!(leaf.verified(&workshop, &[&lower, &upper]).await, expected, "{length}");
    }
}

#[tokio::test]
async fn a_signer_with_an_unknown_critical_extension_is_refused() {
    let workshop = Workshop::new();
    let db = Issued::db(&workshop).await;
    let leaf = db.issue(&workshop, "leaf", "1.2.3.4=critical,ASN1:NULL\n");
    assert_eq!(leaf.verified(&workshop, &[]).await, Err(SignatureProblem::Untrusted));
}
