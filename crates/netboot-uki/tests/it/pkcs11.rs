//! A key in a token signs, which a program reaches by PKCS #11 only.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use netboot_core::Context;
use netboot_testbed::{DebianTree, write_program};
use netboot_uki::{EfiProgram, SigningCommand, SigningInput, sign};

use crate::programs::sbverify;
use crate::workshop::{Workshop, db};

/// A program that calls `pkcs11-tool` with the token, which `SoftHSM` keeps in a directory.
fn tool(workshop: &Workshop) -> PathBuf {
    let tokens = workshop.path("tokens");
    fs::create_dir(&tokens).unwrap();
    let settings = format!("directories.tokendir = {}\n", tokens.display());
    let settings = workshop.file("softhsm2.conf", settings);
    let program = workshop.path("token");
    write_program(
        &program,
        &format!(
            "#!/bin/sh\nSOFTHSM2_CONF='{}' exec '{}' --module '{}' \"$@\"\n",
            settings.display(),
            DebianTree::PKCS11_TOKEN.program("pkcs11-tool").display(),
            DebianTree::PKCS11_TOKEN.path("usr/lib/softhsm/libsofthsm2.so").display(),
        ),
    );
    program
}

#[tokio::test]
async fn a_key_in_a_token_signs() {
    let workshop = Workshop::new();
    let (small, keys, context) = (workshop.small().await, workshop.keys().await, Context::new());
    let (tool, key) = (tool(&workshop), keys.join("db.key"));
    let run = |arguments: &str| {
        let output = Command::new(&tool).args(arguments.split(' ')).output().unwrap();
        assert!(output.status.success(), "{arguments}: {output:?}");
    };
    run("--init-token --slot 0 --label netboot --so-pin 567890");
    run("--init-pin --token-label netboot --so-pin 567890 --login --pin 123456");
    let write = format!("--write-object {} --type privkey --label netboot-db", key.display());
    run(&format!("--token-label netboot --login --pin 123456 {write}"));
    // The token has the only key from here on.
    fs::remove_file(&key).unwrap();

    let by = |pin: &str, mechanism: &str, input| {
        SigningCommand::new(&tool, db(), input)
            .args(["--token-label", "netboot", "--login", "--pin", pin])
            .args(["--sign", "--mechanism", mechanism, "--label", "netboot-db"])
    };
    for (mechanism, input) in
        [("RSA-PKCS", SigningInput::DigestInfo), ("SHA256-RSA-PKCS", SigningInput::Message)]
    {
        let signed = workshop.path(&format!("{mechanism}.efi"));
        sign(&small, &signed, &by("123456", mechanism, input), &context).await.unwrap();
        EfiProgram::open(&signed).unwrap().verify(&[db()]).unwrap();
        assert!(sbverify(&signed, &keys.join("db.crt")), "{mechanism}");
    }
    let signed = workshop.path("wrong-pin.efi");
    let wrong = by("654321", "RSA-PKCS", SigningInput::DigestInfo);
    let error = sign(&small, &signed, &wrong, &context).await.unwrap_err();
    assert!(error.to_string().contains("CKR_PIN_INCORRECT"), "{error}");
    assert!(!error.to_string().contains("654321") && !signed.exists(), "{error}");
}
