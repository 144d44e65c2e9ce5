//! The PCRs that are predicted from a UKI. The tests of the workspace compare them with those of a
//! machine that booted.

use std::fs;
use std::path::Path;

use netboot_core::{BackendError, Context, Sha256Digest};
use netboot_testbed::{DebianTree, Testbed};
use netboot_uki::{BootPath, EfiProgram, Error, MeasuredUki, PeProblem, PredictedPcrs, UkiFile};

use crate::workshop::{Workshop, stub, uki};

fn predict(uki: &Path, path: &BootPath) -> PredictedPcrs {
    MeasuredUki::open(uki).unwrap().predict(path).unwrap()
}

/// Writes the sections of a UKI into files, and lets systemd-measure predict PCR 11 from them.
fn systemd_measure(workshop: &Workshop, uki: &Path, phases: &str) -> String {
    let bytes = fs::read(uki).unwrap();
    let mut command = DebianTree::TRIXIE_TPM.internal("usr/lib/systemd/systemd-measure");
    command.args(["calculate", "--bank=sha256", &format!("--phase={phases}")]);
    for name in ["linux", "osrel", "cmdline", "initrd", "uname", "sbat"] {
        let uki = UkiFile::open(uki).unwrap();
        let Some(section) = uki.program().section(&format!(".{name}")).cloned() else { continue };
        let start = section.offset as usize;
        let file = workshop.file(name, &bytes[start..start + section.size as usize]);
        command.arg(format!("--{name}={}", file.display()));
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    printed.trim().strip_prefix("11:sha256=").unwrap().to_owned()
}

#[tokio::test]
async fn systemd_measure_predicts_the_same_pcr_11() {
    let workshop = Workshop::new();
    let uki = workshop.uki().await;
    let pcrs = predict(&uki, &BootPath::secure_boot());
    assert_eq!(pcrs.pcr_11.to_string(), systemd_measure(&workshop, &uki, ""));
    let phases = PredictedPcrs::PHASES;
    for count in 1..=phases.len() {
        let theirs = systemd_measure(&workshop, &uki, &phases[..count].join(":"));
        assert_eq!(pcrs.pcr_11_after(&phases[..count]).to_string(), theirs);
    }
}

/// Signatures do not change what is measured.
#[tokio::test]
async fn each_changed_byte_changes_a_register() {
    let workshop = Workshop::new();
    let (small, signed) = (workshop.small().await, workshop.signed().await);
    let path = BootPath::without_secure_boot();
    let pcrs = predict(&small, &path);
    assert_eq!(predict(&signed, &path), pcrs);
    let bytes = fs::read(&small).unwrap();
    for name in [".linux", ".osrel", ".cmdline", ".initrd", ".uname", ".sbat", ".sdmagic"] {
        let section = UkiFile::open(&small).unwrap().program().section(name).unwrap().clone();
        let mut changed = bytes.clone();
        changed[(section.offset + section.size - 1) as usize] ^= 1;
        let name_of_file = format!("changed{name}.efi");
        let changed = predict(&workshop.file(&name_of_file, changed), &path);
        assert_ne!(changed.pcr_4, pcrs.pcr_4, "{name}");
        let is_measured = name != ".sdmagic";
        assert_eq!(changed.pcr_11 != pcrs.pcr_11, is_measured, "{name}");
        assert_eq!(changed.pcr_12, pcrs.pcr_12, "{name}");
    }
}

#[tokio::test]
async fn each_part_of_the_path_counts() {
    let workshop = Workshop::new();
    let small = workshop.small().await;
    let program = EfiProgram::open(stub("systemd-bootx64.efi")).unwrap();
    let secure = BootPath::secure_boot;
    let line = |line: &str| secure().command_line(line).unwrap();
    let paths = [
        secure(),
        BootPath::without_secure_boot(),
        secure().program(&program),
        secure().program(&program).program(&program),
        secure().ipxe(&program),
        secure().failed_attempts(1),
        line("quiet"),
        line("debug"),
        line("quiet").command_line("debug").unwrap(),
        BootPath::without_secure_boot().load_options("uki.efi quiet").unwrap(),
    ];
    let all: Vec<_> = paths.iter().map(|path| predict(&small, path)).collect();
    for (index, pcrs) in all.iter().enumerate() {
        assert!(!all[..index].contains(pcrs), "{:?}", paths[index]);
        assert_eq!(pcrs.pcr_11, all[0].pcr_11);
    }
    assert_eq!(all[0].pcr_12, Sha256Digest::from_bytes([0; 32]));
    // The stub ignores the options under Secure Boot, and spaces around parameters.
    assert_eq!(predict(&small, &secure().load_options("a").unwrap()), all[0]);
    assert_eq!(predict(&small, &line(" quiet ")), all[6]);
    for text in ["", " ", "a\nb", "\u{e9}"] {
        let refused = secure().command_line(text);
        assert!(matches!(refused, Err(Error::Text { .. })), "{text:?}");
    }
}

#[tokio::test]
async fn what_nobody_can_predict_is_refused() {
    let workshop = Workshop::new();
    let small = workshop.small().await;
    let bytes = fs::read(&small).unwrap();
    let position = |text: &[u8]| bytes.windows(text.len()).position(|it| it == text).unwrap();
    // The UKI of this library, which the hints lead to, is taken.
    MeasuredUki::open(&small).unwrap();
    let problem = |at: usize, new: &[u8], hint: &str| {
        let mut changed = bytes.clone();
        changed[at..at + new.len()].copy_from_slice(new);
        let refused = MeasuredUki::open(workshop.file("changed.efi", changed)).unwrap_err();
        assert_eq!(refused.hint().as_deref(), Some(hint));
        match refused {
            Error::Program { problem, .. } => problem,
            other => panic!("{other:?}"),
        }
    };
    let magic = position(b"systemd-stub 257") + "systemd-stub ".len();
    assert!(matches!(
        problem(magic, b"256", "make the UKI with the stub of systemd 257 or later"),
        PeProblem::UnknownStub { .. }
    ));
    let uname = position(b".uname\0\0");
    let hint = "make the UKI without device trees and firmware for several kinds of machines";
    assert!(matches!(problem(uname, b".dtbauto", hint), PeProblem::ChosenByMachine { .. }));
    let larger = bytes[uname + 8..uname + 12].to_vec();
    let larger = u32::from_le_bytes(larger.try_into().unwrap()) + 1024;
    let hint = "make the UKI again with this library or ukify";
    let refused = problem(uname + 8, &larger.to_le_bytes(), hint);
    assert!(matches!(refused, PeProblem::LargerInMemory { .. }), "{refused:?}");
}

/// Under Secure Boot the firmware measures no kernel, so that any kernel will do.
#[tokio::test]
async fn the_digest_of_an_odd_kernel_is_needed_without_secure_boot_only() {
    let workshop = Workshop::new();
    let mut kernel = fs::read(Testbed::locate().kernel()).unwrap();
    let start = u32::from_le_bytes(kernel[0x3c..0x40].try_into().unwrap()) as usize;
    // The headers then end within the first section.
    kernel[start + 24 + 60] ^= 1;
    let kernel = workshop.file("odd", kernel);
    let made = uki(&kernel, &stub("linuxx64.efi.stub")).await.unwrap();
    let path = workshop.path("odd.efi");
    made.write(&path, &Context::new()).await.unwrap();
    let measured = MeasuredUki::open(&path).unwrap();
    measured.predict(&BootPath::secure_boot()).unwrap();
    let refused = measured.predict(&BootPath::without_secure_boot());
    let hint = refused.as_ref().unwrap_err().hint().unwrap();
    assert!(hint.starts_with("predict a boot under Secure Boot"), "{hint}");
    let problem = PeProblem::AmbiguousKernel;
    assert!(matches!(refused, Err(Error::Program { problem: it, .. }) if it == problem));
}
