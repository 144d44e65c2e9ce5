//! Why a boot was no success, and what to do about it.

use std::fmt;

use crate::boot_outcome::BootOutcome;
use crate::boot_stage::BootStage;
use crate::fetch::{Fetch, FetchOutcome};
use crate::firmware::Firmware;

/// What a boot that did not succeed leaves behind; the cause of
/// [`Error::BootFailed`](crate::Error::BootFailed).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BootFailure {
    /// The URL, as the guest saw it; `dhcp:` and the network where DHCP named it.
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
    /// The line with which Linux said that it could not unpack the initrd. It goes on without the
    /// files that are missing then, and fails of something else later.
    pub unpacking_failed: Option<String>,
    /// The last 20 lines of the console, up to the one that decided the boot if one did.
    pub last_lines: Vec<String>,
}

impl fmt::Display for BootFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, firmware, outcome, reached, missing, last_lines, .. } = self;
        write!(f, "the {firmware} machine that booted `{url}` {outcome}; it came to: {reached}")?;
        if let Some(line) = self.unpacking_failed.iter().find(|line| !last_lines.contains(line)) {
            write!(f, "\n  before that: {line}")?;
        }
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
        if let Some(line) = &self.unpacking_failed
            && self.outcome != BootOutcome::Succeeded
        {
            return Some(unpacking_hint(line).to_owned());
        }
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
                None if self.fetched_by_no_protocol() => {
                    "iPXE was given a URL of a kind that it cannot fetch: those of network cards \
                     have no HTTPS; serve it over plain http"
                        .to_owned()
                }
                None => stage_hint(self.reached, &self.outcome).to_owned(),
            },
        })
    }
}

impl BootFailure {
    /// Whether iPXE refused a URL before it asked anybody (`xfer_open_uri` in iPXE's
    /// `src/core/open.c`).
    fn fetched_by_no_protocol(&self) -> bool {
        let refused = "Could not start download: Operation not supported";
        self.reached < BootStage::Kernel
            && self.last_lines.iter().any(|line| line.starts_with(refused))
    }
}

/// The messages are those of Linux's `init/initramfs.c`.
fn unpacking_hint(line: &str) -> &'static str {
    if line.contains("write error") {
        "the machine has too little memory for the initrd: give it more (`least_memory_mib` of \
         netboot-core says how much), make the image smaller, or add `rootfstype=ramfs` to its \
         kernel parameters"
    } else if line.contains("not configured") {
        "this kernel cannot unpack the initrd: build the two with one configuration, or compress \
         the initrd otherwise"
    } else {
        "the initrd is damaged, or has a part that does not begin where it should: verify what is \
         published, and build it again if that is sound"
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
    } else if ["out of memory", "Out of memory", "deadlocked on memory"]
        .iter()
        .any(|text| line.contains(text))
    {
        "give the machine more memory: the initrd is unpacked into it"
    } else {
        "read the kernel's messages before the panic; a damaged initrd and too little memory are \
         the usual causes"
    }
}

/// The messages are those of iPXE's `src/core/errno.c`, and the numbers those of its pages.
fn fetch_hint(fetch: &Fetch) -> String {
    let url = &fetch.url;
    let FetchOutcome::Failed { message, page } = &fetch.outcome else {
        return format!(
            "`{url}` did not arrive in time: see that the server answers, and allow more time for \
             a large file"
        );
    };
    let said = |text: &str| message.contains(text);
    if said("No such file") {
        format!(
            "the server answered 404 for `{url}`: publish the file, or correct the URL in the \
             script ({page})"
        )
    } else if said("Permission denied") {
        format!(
            "the server refused `{url}`: let it be read without a password, by the server's own \
             user too ({page})"
        )
    } else if said("Connection reset") || said("Connection refused") {
        format!(
            "nothing listens where `{url}` is, or the server broke off: start it, and see that \
             the port is right ({page})"
        )
    } else if said("Connection timed out") {
        format!("no answer came for `{url}`: see that the server runs and is reached ({page})")
    } else if said("0x3e11") {
        // Its DNS client's, which has no message of its own (`src/net/udp/dns.c`).
        format!("the host of `{url}` has no address in DNS: correct the name ({page})")
    } else {
        format!("fetching `{url}` failed ({message}); {page} explains it")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch;

    #[test]
    fn each_failure_that_real_ipxe_printed_has_its_remedy() {
        for (line, expected) in [
            ("x... No such file or directory (http://ipxe.org/2d0c613b)", "publish the file"),
            ("http://10.0.2.2:1/x... Connection reset (http://ipxe.org/0f0a6039)", "port"),
            ("http://10.0.2.77/x...... Connection timed out (http://ipxe.org/4c0a6035)", "runs"),
            ("http://nowhere/x... Error 0x3e11613b (http://ipxe.org/3e11613b)", "DNS"),
            ("x... Permission denied (http://ipxe.org/0212603c)", "password"),
            ("x... Input/output error (http://ipxe.org/1d0c6139)", "http://ipxe.org/1d0c6139"),
        ] {
            let hint = fetch_hint(&fetch::parse(line).unwrap());
            let (url, _) = line.split_once("...").unwrap();
            assert!(hint.contains(expected) && hint.contains(&format!("`{url}`")), "{hint}");
        }
    }
}
