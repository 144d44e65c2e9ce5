//! The memory that large UKIs take.

use std::fs::File;
use std::process;
use std::sync::Arc;

use netboot_core::{ArtifactKind, Context, FileArtifact};
use netboot_testbed::{TestProcess, Testbed, peak_memory};
use netboot_uki::{Stub, Uki, UkiFile, sign};

use crate::workshop::{Workshop, command_line, db, db_signer, stub};

/// The size of the initrd in bytes: far more than the process may take.
const INITRD: u64 = 200 * 1024 * 1024;

/// The memory in KiB that the process may take beyond what it has at its start.
const LIMIT: u64 = 32 * 1024;

#[test]
fn a_large_uki_is_made_signed_and_read_in_little_memory() {
    let name = "memory::a_large_uki_is_made_signed_and_read_in_little_memory";
    if !TestProcess::new(name).is_this() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (workshop, context, by) = (Workshop::new(), Context::new(), db_signer());
    File::create(workshop.path("initrd")).unwrap().set_len(INITRD).unwrap();
    let at_start = peak_memory(process::id());
    let program = runtime.block_on(async {
        let open = async |kind, path| {
            let file = FileArtifact::open(kind, "file", path, &context).await.unwrap();
            Arc::new(file)
        };
        let kernel = open(ArtifactKind::Kernel, Testbed::locate().kernel().to_owned()).await;
        let stub = Stub::read(stub("linuxx64.efi.stub")).unwrap();
        let uki = Uki::builder(stub, kernel, &command_line())
            .initrd(open(ArtifactKind::Initrd, workshop.path("initrd")).await)
            .build()
            .await
            .unwrap();
        let (unsigned, signed) = (workshop.path("unsigned.efi"), workshop.path("signed.efi"));
        let digest = uki.write(&unsigned, &context).await.unwrap();
        sign(&unsigned, &signed, &by, &context).await.unwrap();
        let program = UkiFile::open(&signed).unwrap().program().clone();
        assert_eq!(program.sha256(), digest);
        program
    });
    program.verify(&[db()]).unwrap();
    assert!(program.size() > INITRD);
    let taken = peak_memory(process::id()) - at_start;
    assert!(taken < LIMIT, "{taken} KiB");
}
