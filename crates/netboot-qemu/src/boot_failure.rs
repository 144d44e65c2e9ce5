//! Why a boot was no success, and what to do about it.

use std::fmt;

use crate::{BootOutcome, BootStage, Fetch, FetchOutcome, Firmware};

/// What a boot that did not succeed leaves behind; the cause of
/// [`Error::BootFailed`](crate::Error::BootFailed).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BootFailure {
    /// The URL, as the guest saw it.
    pub url: String,
    /// The machine's firmware.
    pub firmware: Firmware,
    /// How the boot ended.
    pub outcome: BootOutcome,
    /// How far it came.
    pub reached: BootStage,
    /// The expected texts that were not seen.
    pub missing: Vec<String>,
    /// The fetch that did not succeed, if the boot ended at one.
    pub failed_fetch: Option<Fetch>,
    /// The last 20 lines of the console, up to the one that decided the boot if one did.
    pub last_lines: Vec<String>,
}

impl fmt::Display for BootFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, firmware, outcome, reached, missing, last_lines, .. } = self;
        write!(f, "the {firmware} machine that booted `{url}` {outcome}; it came to: {reached}")?;
        for marker in missing {
            write!(f, "\n  not seen: {marker}")?;
        }
        for line in last_lines {
            write!(f, "\n  | {line}")?;
        }
        Ok(())
    }
}

impl BootFailure {
    /// What to do about it, as a sentence for an operator; it depends on how the boot ended and
    /// where.
    pub fn hint(&self) -> Option<String> {
        Some(match &self.outcome {
            BootOutcome::Succeeded => return None,
            BootOutcome::Panicked { line } => panic_hint(line).to_owned(),
            BootOutcome::FailureSeen { .. } => {
                "read on the console what went before it; the text was given to fail_on".to_owned()
            }
            BootOutcome::MachineStopped
            | BootOutcome::TimedOut
            | BootOutcome::FirmwareGaveUp { .. } => match &self.failed_fetch {
                Some(fetch) => fetch_hint(fetch),
                None => stage_hint(self.reached, &self.outcome).to_owned(),
            },
        })
    }
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
