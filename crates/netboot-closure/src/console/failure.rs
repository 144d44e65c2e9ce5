//! The last word of stage 1.

use std::net::IpAddr;

use crate::boot_parameter::CardAddress;
use crate::console::card::Card;
use crate::console::failure_cause::FailureCause;
use crate::console::fetch_problem::FetchProblem;
use crate::console::store_form::StoreForm;
use crate::console::template::template;

/// The last word of stage 1: the cause of a failure, and the machine's state.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a last word has these parts and no others")]
pub struct Failure {
    /// The cause.
    pub cause: FailureCause,
    /// The network card that the machine booted from.
    pub card: Option<Card>,
    /// The address of that card.
    pub address: Option<IpAddr>,
    /// The memory that was available at the end, in bytes.
    pub available_memory: Option<u64>,
}

template!(struct Failure:
    "" cause "; card " card ", address " address ", free memory " available_memory "");

impl Failure {
    /// Returns a remedy, as a sentence for an operator.
    pub fn hint(&self) -> String {
        match &self.cause {
            FailureCause::IndexParameterMissing | FailureCause::SourceParameterMissing => {
                "boot the script that Netboot published for this image: it passes netboot.index \
                 and netboot.from to the kernel"
                    .to_owned()
            }
            FailureCause::ParameterMalformed { .. } => {
                "correct the parameter where it is set: in the image's or the machine's kernel \
                 parameters, or in the iPXE script"
                    .to_owned()
            }
            FailureCause::CardMissing { wanted, .. } => card_hint(*wanted),
            FailureCause::AddressMissing { .. } => {
                "check that the DHCP server answers this card, and that the port of the switch \
                 forwards at once (PortFast): iPXE had an address before"
                    .to_owned()
            }
            FailureCause::FetchFailed { problem, url, .. } => fetch_hint(problem, url.authority()),
            FailureCause::IndexMalformed { .. } => {
                "publish the image again with one version of Netboot: its index and its initrd are \
                 from different versions"
                    .to_owned()
            }
            FailureCause::MemoryTooSmall { needed, available, form } => {
                memory_hint(needed.saturating_sub(*available), *form)
            }
            FailureCause::PathRefused { path, .. } => format!(
                "check the store that built the image with `nix-store --verify-path {path}`, and \
                 publish the image again"
            ),
            FailureCause::ZramStalled { .. } | FailureCause::StoreFull { .. } => {
                "give the machine more memory, or make the closure smaller".to_owned()
            }
            FailureCause::StoreTooSmall { .. } => {
                "give the machine more memory, or mount a tmpfs over the directory of the store, or \
                 make the closure smaller"
                    .to_owned()
            }
            FailureCause::InputOutput { .. } => {
                "read the kernel's messages above; if there are none, test the machine's memory"
                    .to_owned()
            }
            FailureCause::InitMissing { .. } => {
                "build and publish the image again: its index names an init that the closure does \
                 not have"
                    .to_owned()
            }
        }
    }
}

fn card_hint(wanted: CardAddress) -> String {
    format!(
        "put the driver of the card {wanted} into the initrd (`boot.initrd.availableKernelModules` \
         in NixOS); `lspci -k` on a running system shows its name"
    )
}

fn memory_hint(missing: u64, form: StoreForm) -> String {
    let mebibytes = missing.div_ceil(1 << 20);
    match form {
        StoreForm::Tmpfs => format!(
            "give the machine at least {mebibytes} MiB more memory, or let the store go on zram, \
             which needs less: boot with netboot.store=auto, and with the kernel module zram and \
             mke2fs in the initrd"
        ),
        StoreForm::Zram => format!(
            "give the machine at least {mebibytes} MiB more memory, or make the closure smaller"
        ),
    }
}

fn fetch_hint(problem: &FetchProblem, server: &str) -> String {
    match problem {
        FetchProblem::Unreachable { .. } | FetchProblem::Stalled { .. } => format!(
            "check that the web server {server} runs and that this machine's network reaches it; \
             give netboot.from a second time to name a mirror"
        ),
        FetchProblem::Missing => format!(
            "publish the release again, which sends the files that {server} lacks; if it has the \
             file, correct netboot.from, the URL above `blobs/`"
        ),
        FetchProblem::Refused { .. } => {
            format!("allow reading without a password on {server}, and read its log")
        }
        FetchProblem::Malformed { .. } => format!(
            "check that {server} is the web server of the release, and that no proxy changes its \
             answers"
        ),
        FetchProblem::WrongDigest
        | FetchProblem::Truncated { .. }
        | FetchProblem::TooLong { .. } => format!(
            "verify the published release, and publish it again if a file is damaged; if none is, \
             look for a proxy or a cache in front of {server}"
        ),
    }
}
