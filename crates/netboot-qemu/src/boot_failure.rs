//! The details of a failed boot, with a hint for each cause.

use std::fmt;

use foreign_text::ForeignText;
use netboot_closure::console::StoreStatus;
use netboot_core::Architecture;

use crate::boot_cause;
use crate::boot_outcome::BootOutcome;
use crate::boot_stage::BootStage;
use crate::fetch::{Fetch, FetchOutcome};
use crate::firmware::Firmware;
use crate::platform::Platform;
use crate::refusal::{Refusal, Verifier};
use crate::system_messages::system_hint;

/// The details of a failed boot, in [`Error::BootFailed`](crate::Error::BootFailed).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BootFailure {
    /// The URL as the guest saw it, or `dhcp:` and the network if a DHCP server named the URL.
    pub url: String,
    /// The architecture of the machine.
    pub architecture: Architecture,
    /// The firmware of the machine.
    pub firmware: Firmware,
    /// The outcome of the boot.
    pub outcome: BootOutcome,
    /// The last stage that the machine reached.
    pub reached: BootStage,
    /// The expected texts that the console did not show.
    pub missing: Vec<String>,
    /// The fetch that the boot failed at, if there is one.
    pub failed_fetch: Option<Fetch>,
    /// The line that names the cause, if the console showed one. For example, Linux could not
    /// unpack the initrd and continued without the missing files, or a device did not appear.
    pub cause: Option<ForeignText>,
    /// The refusals to run what no trusted key signed, in order.
    pub refusals: Vec<Refusal>,
    /// The messages of stage 1 about the store of the closure, if there are any.
    pub store: Option<Box<StoreStatus>>,
    /// The last 20 lines of the console. If a line decided the outcome, it is the last one here.
    pub last_lines: Vec<ForeignText>,
    /// True if the network card's iPXE booted the machine.
    pub(crate) boots_by_rom: bool,
}

impl fmt::Display for BootFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, firmware, outcome, reached, missing, last_lines, refusals, .. } = self;
        write!(f, "the {firmware} machine that booted `{url}` {outcome}; last stage: {reached}")?;
        if let Some(line) = self.cause.iter().find(|line| !last_lines.contains(*line)) {
            write!(f, "\n  before that: {line}")?;
        }
        for refusal in refusals {
            write!(f, "\n  {refusal}")?;
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
    /// Returns a remedy, as a sentence for an operator. It depends on the outcome and the stage.
    pub fn hint(&self) -> Option<String> {
        let cause = self.cause.as_ref().and_then(|line| boot_cause::hint(line.as_str()));
        if let Some(hint) = cause
            && self.outcome != BootOutcome::Succeeded
        {
            return Some(hint.to_owned());
        }
        // Firmware that refuses a program starts no Linux.
        if self.reached < BootStage::KernelStarted
            && let Some(refusal) = self.last_refusal(|by| by == Verifier::Firmware)
        {
            return Some(refusal.hint().to_owned());
        }
        Some(match &self.outcome {
            BootOutcome::Succeeded => return None,
            BootOutcome::Panicked { line } => panic_hint(line).to_owned(),
            BootOutcome::StoreFailed { .. } => {
                let store = self.store.as_ref().and_then(|store| store.failure.as_ref());
                store?.hint()
            }
            BootOutcome::SystemFailed { .. } => {
                let lines: Vec<&str> = self.last_lines.iter().map(ForeignText::as_str).collect();
                system_hint(&lines).to_owned()
            }
            BootOutcome::FailureSeen { .. } => {
                "read the console before this line; the boot failed because of a text that must not come".to_owned()
            }
            BootOutcome::MachineStopped
            | BootOutcome::TimedOut
            | BootOutcome::FirmwareGaveUp { .. } => match &self.failed_fetch {
                Some(fetch) => fetch_hint(fetch),
                None if self.has_unsupported_scheme() => {
                    "serve the file over plain http: the iPXE of a network card does not support the \
                     URL's scheme, such as https"
                        .to_owned()
                }
                None if self.reached == BootStage::Started
                    && self.boots_by_http()
                    && self.url.starts_with("dhcp:") =>
                {
                    "make the DHCP server answer firmware that boots by HTTP, with the vendor class \
                     `HTTPClient` and the URL of an EFI program, and allow more time: the firmware \
                     got no such answer"
                        .to_owned()
                }
                None if self.reached == BootStage::Dhcp && self.url.starts_with("dhcp:") => {
                    "make the DHCP server name the URL of a script: iPXE got an address from it, \
                     but no script"
                        .to_owned()
                }
                None if self.reached == BootStage::Started && !self.boots_by_rom => {
                    "allow more time: the firmware has no address from DHCP yet".to_owned()
                }
                None => {
                    // A system whose module or addon was refused may do without it.
                    if let Some(refusal) = self.last_refusal(|by| by != Verifier::Firmware) {
                        return Some(refusal.hint().to_owned());
                    }
                    let console = Platform::of(self.architecture)?.console;
                    stage_hint(self.reached, &self.outcome, console)
                }
            },
        })
    }
}

impl BootFailure {
    /// Returns the last refusal by one of some parts of the boot.
    fn last_refusal(&self, by: impl Fn(Verifier) -> bool) -> Option<&Refusal> {
        self.refusals.iter().rfind(|refusal| by(refusal.by))
    }

    /// Returns true if the firmware boots by HTTP itself.
    fn boots_by_http(&self) -> bool {
        self.last_lines.iter().any(|line| line.contains(">>Start HTTP Boot over "))
    }

    /// Returns true if iPXE refused a URL without a request, because it does not support the scheme
    /// (`xfer_open_uri` in iPXE's `src/core/open.c`).
    fn has_unsupported_scheme(&self) -> bool {
        let refused = "Could not start download: Operation not supported";
        self.reached < BootStage::Kernel
            && self.last_lines.iter().any(|line| line.starts_with(refused))
    }
}

fn panic_hint(line: &str) -> &'static str {
    if line.contains("No working init found") || line.contains("Requested init") {
        "take the kernel, the initrd and `init=` from the same build: `init=` names a path that is \
         not in the initrd, the file is not executable, or its interpreter is missing"
    } else if line.contains("Unable to mount root fs") {
        "make the script fetch the initrd, name it with `--name`, and put `initrd=<name>` on the \
         kernel's command line, which UEFI needs: the kernel got no initrd"
    } else if line.contains("Attempted to kill init") {
        "read the messages of `init` before the panic: `init` exited"
    } else if ["out of memory", "Out of memory", "deadlocked on memory"]
        .iter()
        .any(|text| line.contains(text))
    {
        "give the machine more memory: the kernel unpacks the initrd into it"
    } else {
        "read the kernel's messages before the panic; the usual causes are a damaged initrd and too \
         little memory"
    }
}

/// Returns the remedy for a failed fetch. The messages are from iPXE's `src/core/errno.c`, and the
/// numbers from iPXE's error pages.
fn fetch_hint(fetch: &Fetch) -> String {
    let url = &fetch.url;
    let (message, page) = match &fetch.outcome {
        FetchOutcome::Failed { message, page } => (message, page),
        FetchOutcome::FirmwareFailed { message } => {
            return format!(
                "check that a server listens at the port, that it has the file, that it answers \
                 HEAD too, and that the file's name ends in `.efi`: the firmware could not fetch \
                 `{url}` ({message})"
            );
        }
        FetchOutcome::Complete | FetchOutcome::Unfinished => {
            return format!(
                "check that the server answers, and allow more time for a large file: `{url}` did \
                 not arrive in time"
            );
        }
    };
    let said = |text: &str| message.contains(text);
    if said("No such file") {
        format!(
            "publish the file, or correct the URL in the script: the server answered 404 for `{url}` \
             ({page})"
        )
    } else if said("Permission denied") || said("Operation not permitted") {
        // The answers 401 and 403 (`http_response_retry` in iPXE's `src/net/tcp/httpcore.c`).
        format!(
            "allow reading without a password, and give the server's user access to the file: the \
             server refused `{url}` ({page})"
        )
    } else if said("Connection reset") || said("Connection refused") || said("0x420c60") {
        // The last is iPXE's error for a connection that ends without an answer to HTTP, which has
        // no message (`src/net/tcp/httpcore.c`). An isolated machine sees no refused connections.
        format!(
            "start the server, and check the port: no server listens at `{url}`, or the server closed \
             the connection ({page})"
        )
    } else if said("Connection timed out") {
        format!("check that the server runs and is reachable: `{url}` was not answered ({page})")
    } else if said("0x3e11") {
        // The error of iPXE's DNS client, which has no message (`src/net/udp/dns.c`).
        format!("correct the host name: the host of `{url}` has no address in DNS ({page})")
    } else {
        format!("read {page} about the error: iPXE could not fetch `{url}` ({message})")
    }
}

fn stage_hint(reached: BootStage, outcome: &BootOutcome, console: &str) -> String {
    let hint = match reached {
        BootStage::Started => {
            "allow more time, and check that QEMU's network card has its iPXE ROM (Debian, Ubuntu: \
             ipxe-qemu): the firmware did not reach iPXE and DHCP"
        }
        BootStage::Program => {
            return format!(
                "read the lines of the program on the console, and put `console={console}` into the \
                 command line of a unified kernel image: the firmware started the program, but no \
                 kernel and no script of iPXE was seen"
            );
        }
        BootStage::Dhcp => {
            "check that the server of the URL runs and that this machine can reach it: iPXE has an \
             address, but no script"
        }
        BootStage::Script if matches!(outcome, BootOutcome::TimedOut) => {
            "press the keys that the script waits for (see press): it fetched no kernel, but waits at \
             a menu or a prompt, or sleeps"
        }
        BootStage::Script => {
            "read the messages of the script on the console: it ended before it fetched a kernel"
        }
        BootStage::Kernel | BootStage::Initrd => {
            return format!(
                "put `console={console}` on the kernel's command line, and check that iPXE accepted \
                 the kernel and the initrd: the kernel printed nothing on the serial console"
            );
        }
        BootStage::KernelStarted => {
            "allow more time, or give the machine more memory: the kernel runs, but did not start \
             `init`"
        }
        BootStage::StoreStarted | BootStage::IndexVerified => {
            "allow more time, and read the lines of stage 1 on the console, which begin with \
             `netboot |`: it has not fetched the whole store"
        }
        BootStage::StoreComplete => {
            "read the messages after stage 1's last line: the store is complete, but `init` did not \
             print the expected texts"
        }
        BootStage::InitReached | BootStage::MarkersSeen => {
            return format!(
                "check that `init` prints to the serial console (`console={console}`, as the last \
                 `console=`), and allow more time: `init` runs, but did not print the expected texts"
            );
        }
    };
    hint.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch;

    /// A boot by the firmware's own HTTP that ended so.
    fn failure(outcome: BootOutcome, reached: BootStage, lines: &[&str]) -> BootFailure {
        let mut refusals = Vec::new();
        for line in lines {
            Refusal::note(&mut refusals, line);
        }
        BootFailure {
            url: "http://10.0.2.100/x.efi".to_owned(),
            architecture: Architecture::X86_64,
            firmware: Firmware::Uefi,
            outcome,
            reached,
            missing: Vec::new(),
            failed_fetch: None,
            cause: None,
            refusals,
            store: None,
            last_lines: lines.iter().map(|line| ForeignText::from(*line)).collect(),
            boots_by_rom: false,
        }
    }

    #[test]
    fn the_hint_fits_what_names_the_url_and_what_fetches_it() {
        let lines = [">>Start HTTP Boot over IPv4...."];
        let mut boot = failure(BootOutcome::TimedOut, BootStage::Started, &lines);
        let hint = |boot: &BootFailure| boot.hint().unwrap();
        assert!(hint(&boot).contains("has no address from DHCP yet"), "{}", hint(&boot));
        boot.url = "dhcp:tap0".to_owned();
        assert!(hint(&boot).contains("`HTTPClient`"), "{}", hint(&boot));
        boot.last_lines.clear();
        boot.boots_by_rom = true;
        assert!(hint(&boot).contains("its iPXE ROM"), "{}", hint(&boot));
    }

    #[test]
    fn a_refused_module_or_addon_is_the_hint_only_if_nothing_else_is_known() {
        let refusal = "[    5.1] Loading of unsigned module is rejected";
        let panic = "Kernel panic - not syncing: No working init found.";
        let panicked = BootOutcome::Panicked { line: panic.to_owned() };
        for (outcome, words) in [
            (panicked, "take the kernel, the initrd"),
            (BootOutcome::TimedOut, "the kernel's own keys signed"),
            (BootOutcome::MachineStopped, "the kernel's own keys signed"),
        ] {
            let boot = failure(outcome, BootStage::KernelStarted, &[refusal, panic]);
            assert!(boot.hint().unwrap().contains(words), "{:?}", boot.hint());
        }
        let line = "BdsDxe: failed to load Boot00F0 \"x\" from y: Access Denied".to_owned();
        let gave_up = BootOutcome::FirmwareGaveUp { line: line.clone() };
        let boot = failure(gave_up, BootStage::Dhcp, &[&line]);
        assert!(boot.hint().unwrap().contains("sign the program"), "{:?}", boot.hint());
    }

    #[test]
    fn each_failure_that_real_ipxe_printed_has_its_remedy() {
        for (line, expected) in [
            ("x... No such file or directory (http://ipxe.org/2d0c613b)", "publish the file"),
            ("http://10.0.2.2:1/x... Connection reset (http://ipxe.org/0f0a6039)", "port"),
            ("http://10.0.2.100:1/x... Error 0x420c6001 (http://ipxe.org/420c6001)", "port"),
            ("http://10.0.2.77/x...... Connection timed out (http://ipxe.org/4c0a6035)", "runs"),
            ("http://nowhere/x... Error 0x3e11613b (http://ipxe.org/3e11613b)", "DNS"),
            ("x... Permission denied (http://ipxe.org/0212603c)", "password"),
            ("x... Operation not permitted (http://ipxe.org/410c613c)", "password"),
            ("x... Input/output error (http://ipxe.org/1d0c6139)", "http://ipxe.org/1d0c6139"),
        ] {
            let hint = fetch_hint(&fetch::parse(line).unwrap());
            let (url, _) = line.split_once("...").unwrap();
            assert!(hint.contains(expected) && hint.contains(&format!("`{url}`")), "{hint}");
        }
    }
}
