//! Boots that end in Linux.

use std::io::Write as _;
use std::process::{Command, Stdio};

use netboot_qemu::{BootOutcome, BootStage, Firmware, MachineBuilder};
use netboot_testbed::{cpio, cpio_header_of, tool};
use url::Url;

use super::{assert_boots, assert_hint, failure};
use crate::machine::site::{Site, machine};

const GOOD_INIT: &str = "#!/bin/busybox sh\necho NETBOOT-HERE\nbusybox sleep 600\n";

pub(super) const SERIAL: &str = "console=ttyS0 no_timer_check panic=-1";

pub(super) fn expecting() -> MachineBuilder {
    machine(Firmware::Bios).expect("NETBOOT-HERE")
}

/// A kernel, an initrd with this `init`, and a script that boots them with this command line.
pub(super) struct System {
    site: Site,
    pub(super) url: Url,
}

impl System {
    pub(super) async fn new(init: &str, command_line: &str) -> Self {
        let site = Site::new().await;
        site.add_kernel("bzImage");
        let url = site.server.url("boot.ipxe");
        let system = Self { site, url };
        system.set_init(init);
        system.set_command_line(command_line);
        system
    }

    pub(super) fn set_init(&self, init: &str) {
        self.site.add_initrd("initrd", init);
    }

    pub(super) fn set_command_line(&self, command_line: &str) {
        self.site.write(
            "boot.ipxe",
            format!(
                "#!ipxe\nkernel bzImage initrd=initrd {command_line}\n\
                 initrd --name initrd initrd\nboot\n"
            ),
        );
    }

    fn initrd(&self) -> Vec<u8> {
        std::fs::read(self.site.path().join("initrd")).unwrap()
    }

    /// Puts a file of zeros, which is packed, before the other files of the initrd.
    fn add_zeros(&self, mebibytes: usize) {
        let size = mebibytes << 20;
        let mut archive = cpio_header_of("zeros", size);
        archive.resize(archive.len() + size, 0);
        archive.extend(cpio(&[]));
        let mut gzip = Command::new(tool("gzip"))
            .arg("-1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = gzip.stdin.take().unwrap();
        let writer = std::thread::spawn(move || input.write_all(&archive).unwrap());
        let packed = gzip.wait_with_output().unwrap().stdout;
        writer.join().unwrap();
        let mut initrd = packed;
        initrd.resize(initrd.len().next_multiple_of(4), 0);
        initrd.extend(self.initrd());
        self.site.write("initrd", initrd);
    }

    async fn panics(&self, line: &str, hint: &str) -> String {
        let (report, error) = failure(expecting(), &self.url).await;
        let BootOutcome::Panicked { line: found } = &report.outcome else { panic!("{report}") };
        assert!(found.contains(line), "{found}");
        assert!(error.to_string().contains("Kernel panic - not syncing"), "{error}");
        assert_hint(&error, hint);
        report.console
    }
}

#[tokio::test]
async fn a_kernel_that_gets_its_initrd_and_an_init_that_it_can_run_boots() {
    let system = System::new("#!/no/such/shell\n", SERIAL).await;
    let script = format!("#!ipxe\nkernel bzImage {SERIAL}\nboot\n");
    system.site.write("boot.ipxe", script);
    system.panics("Unable to mount root fs", "make the script fetch the initrd").await;

    system.set_command_line(SERIAL);
    system.panics("No working init found", "or its interpreter is missing").await;
    system.set_init(GOOD_INIT);
    assert_boots(expecting(), &system.url).await;
}

#[tokio::test]
async fn the_messages_before_a_panic_say_what_is_wrong() {
    let system = System::new("#!/bin/busybox sh\necho the disk is gone\n", SERIAL).await;
    let hint = "read the messages of `init` before the panic: `init` exited";
    let console = system.panics("Attempted to kill init", hint).await;
    assert!(console.contains("the disk is gone"), "{console}");

    system.set_init(
        "#!/bin/busybox sh\nbusybox mount -t proc proc /proc\necho the clock is wrong\n\
         echo c > /proc/sysrq-trigger\n",
    );
    let console = system.panics("sysrq triggered crash", "read the kernel's messages before").await;
    assert!(console.contains("the clock is wrong"), "{console}");
    system.set_init(GOOD_INIT);
    assert_boots(expecting(), &system.url).await;
}

#[tokio::test]
async fn an_initrd_that_was_built_again_boots() {
    let system = System::new(GOOD_INIT, SERIAL).await;
    let whole = system.initrd();
    system.site.write("initrd", &whole[..whole.len() / 2]);
    let (_, error) = failure(expecting(), &system.url).await;
    assert_hint(&error, "the initrd ends in the middle of a file");
    let place = |name: &[u8]| whole.windows(name.len()).position(|bytes| bytes == name).unwrap();
    let header = place(b"bin/busybox\0") - 110;
    let mut damaged = whole.clone();
    damaged[header..header + 6].fill(b'x');
    system.site.write("initrd", damaged);
    let (_, error) = failure(expecting(), &system.url).await;
    assert_hint(&error, "or a part of it begins at a wrong position");

    let mut other_name = whole.clone();
    other_name[place(b"0init\0") + 1] = b'I';
    system.site.write("initrd", other_name);
    let (_, error) = failure(expecting(), &system.url).await;
    assert_hint(&error, "with an executable file `/init` at its top");

    system.site.write("initrd", whole);
    assert_boots(expecting(), &system.url).await;
}

#[tokio::test]
async fn a_machine_with_more_memory_or_a_ramfs_boots() {
    let system = System::new(GOOD_INIT, SERIAL).await;
    system.add_zeros(100);
    let small = || expecting().memory_mib(224);
    let (_, error) = failure(small(), &system.url).await;
    assert_hint(&error, "the machine has too little memory for the initrd");
    assert_boots(expecting().memory_mib(1024), &system.url).await;
    system.set_command_line(&format!("{SERIAL} rootfstype=ramfs"));
    assert_boots(small(), &system.url).await;

    system.add_zeros(200);
    let (report, error) = failure(small(), &system.url).await;
    assert!(matches!(report.outcome, BootOutcome::Panicked { .. }), "{report}");
    assert_hint(&error, "give the machine more memory: the kernel unpacks the initrd into it");
    assert_boots(expecting().memory_mib(1024), &system.url).await;
}

/// One program keeps 40 MiB until the other ends, which needs 150 MiB.
#[tokio::test]
async fn a_system_that_has_the_memory_for_its_programs_boots() {
    let system = System::new(
        "#!/bin/busybox sh\n\
         busybox mkdir /dev; busybox mount -t devtmpfs none /dev\n\
         busybox dd if=/dev/zero bs=40M count=1 | { busybox head -c 1 > /dev/null; \
         busybox dd if=/dev/zero of=/dev/null bs=150M count=1 && echo NETBOOT-HERE || \
         echo the work failed; }\n\
         busybox sleep 600\n",
        SERIAL,
    )
    .await;
    let small = expecting().memory_mib(224).fail_on("the work failed");
    let (report, error) = failure(small, &system.url).await;
    assert!(matches!(report.outcome, BootOutcome::FailureSeen { .. }), "{report}");
    assert_hint(&error, "Linux ended a process to free some");
    assert_boots(expecting().memory_mib(1024), &system.url).await;
}

#[tokio::test]
async fn a_kernel_that_has_the_time_to_unpack_its_initrd_boots() {
    let system = System::new(GOOD_INIT, SERIAL).await;
    system.add_zeros(200);
    let large = || expecting().memory_mib(1024);
    // The time runs out while the kernel unpacks. The machine that runs this test decides how long
    // that takes, and may be busier at one time than at another.
    let whole = super::boot(large(), &system.url).await.unwrap();
    whole.ensure_success().unwrap();
    let mut limit = whole.stages[&BootStage::InitReached];
    let mut tries = 0;
    let error = loop {
        let report = super::boot(large().timeout(limit), &system.url).await.unwrap();
        limit = match (report.ensure_success(), report.reached) {
            (Err(error), BootStage::KernelStarted) => break error,
            (_, reached) if reached < BootStage::KernelStarted => limit * 3 / 2,
            _ => limit * 4 / 5,
        };
        tries += 1;
        assert!(tries < 40, "{report}");
    };
    assert_hint(&error, "allow more time, or give the machine more memory: the kernel runs");
    assert_boots(large(), &system.url).await;
}

#[tokio::test]
async fn a_system_with_the_root_device_that_its_command_line_names_boots() {
    let system = System::new(GOOD_INIT, SERIAL).await;
    let enough = assert_boots(expecting(), &system.url).await;
    let script = format!("#!ipxe\nkernel bzImage {SERIAL} root=/dev/nowhere rootwait\nboot\n");
    system.site.write("boot.ipxe", script);
    let (_, error) = failure(expecting().timeout(enough), &system.url).await;
    assert_hint(&error, "check the file systems and `root=` of the configuration");
}

#[tokio::test]
async fn a_system_that_prints_on_the_serial_console_boots() {
    let system = System::new(GOOD_INIT, SERIAL).await;
    let enough = assert_boots(expecting(), &system.url).await;
    system.set_command_line("console=tty0");
    let (report, error) = failure(expecting().timeout(enough), &system.url).await;
    assert_eq!(report.outcome, BootOutcome::TimedOut);
    assert!(matches!(report.reached, BootStage::Kernel | BootStage::Initrd), "{report}");
    assert_hint(&error, "put `console=ttyS0` on the kernel's command line");

    // The kernel prints on both, and `init` on the last one.
    system.set_init("#!/bin/busybox sh\necho NETBOOT-HERE\nbusybox poweroff -f\n");
    system.set_command_line(&format!("{SERIAL} console=tty0"));
    let (report, error) = failure(expecting(), &system.url).await;
    assert_eq!(report.outcome, BootOutcome::MachineStopped);
    assert_hint(&error, "check that `init` prints to the serial console (`console=ttyS0`, as the");
    system.set_command_line(&format!("console=tty0 {SERIAL}"));
    assert_boots(expecting(), &system.url).await;
}
