//! What to do when a machine did not come far enough.

use crate::{BootOutcome, BootStage, Fetch, FetchOutcome};

/// The remedy that fits how a boot ended and where.
pub(crate) fn boot_hint(
    outcome: &BootOutcome,
    reached: BootStage,
    failed_fetch: Option<&Fetch>,
) -> Option<String> {
    Some(match outcome {
        BootOutcome::Succeeded => return None,
        BootOutcome::Panicked { line } => panic_hint(line).to_owned(),
        BootOutcome::FailureSeen { .. } => {
            "read on the console what went before it; the text was given to fail_on".to_owned()
        }
        BootOutcome::MachineStopped | BootOutcome::TimedOut | BootOutcome::FirmwareGaveUp { .. } => {
            match failed_fetch {
                Some(fetch) => fetch_hint(fetch),
                None => stage_hint(reached, outcome).to_owned(),
            }
        }
    })
}

fn panic_hint(line: &str) -> &'static str {
    if line.contains("No working init found") || line.contains("Requested init") {
        "the initrd has no `init` that starts: `init=` names a path that is not in it, the file is \
         not executable, or its interpreter is missing; take kernel, initrd and `init=` from one \
         build"
    } else if line.contains("Unable to mount root fs") {
        "the kernel got no initrd: let the script fetch it, name it with `--name`, and put \
         `initrd=<name>` on the kernel's command line, which UEFI needs"
    } else if line.contains("Attempted to kill init") {
        "`init` ended: what it printed before that says why"
    } else if line.contains("out of memory") || line.contains("Out of memory") {
        "give the machine more memory: the initrd is unpacked into it"
    } else {
        "read the kernel's messages before the panic; a damaged initrd and too little memory are \
         the usual causes"
    }
}

fn fetch_hint(fetch: &Fetch) -> String {
    let url = &fetch.url;
    match &fetch.outcome {
        FetchOutcome::Failed { message, page } if message.contains("No such file") => format!(
            "the server answered 404 for `{url}`: publish the file, or correct the URL in the \
             script ({page})"
        ),
        FetchOutcome::Failed { message, page } => {
            format!("fetching `{url}` failed ({message}); {page} explains it")
        }
        FetchOutcome::Unfinished | FetchOutcome::Complete => format!(
            "`{url}` did not arrive in time: see that the server answers, and allow more time for \
             a large file"
        ),
    }
}

fn stage_hint(reached: BootStage, outcome: &BootOutcome) -> &'static str {
    match reached {
        BootStage::Started => {
            "the firmware did not come to iPXE and DHCP: allow more time, and see that QEMU's \
             network card has its iPXE ROM (Debian, Ubuntu: ipxe-qemu)"
        }
        BootStage::Dhcp => {
            "iPXE has an address and no script: see that the server of the URL runs and that this \
             machine reaches it"
        }
        BootStage::Script if matches!(outcome, BootOutcome::TimedOut) => {
            "the script ran and fetched no kernel: it waits at a menu or a prompt (see press), or \
             sleeps"
        }
        BootStage::Script => {
            "the script ended before it fetched a kernel: see its messages on the console"
        }
        BootStage::Kernel | BootStage::Initrd => {
            "the kernel showed nothing on the serial console: put `console=ttyS0` on its command \
             line, and see that iPXE accepted kernel and initrd"
        }
        BootStage::KernelStarted => {
            "the kernel runs and did not start `init`: allow more time, or give the machine more \
             memory"
        }
        BootStage::InitReached | BootStage::MarkersSeen => {
            "`init` runs and did not print what is expected: see that it prints to the serial \
             console (`console=ttyS0`, as the last `console=`), and allow more time"
        }
    }
}
