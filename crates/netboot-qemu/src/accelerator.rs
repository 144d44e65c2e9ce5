//! The accelerators that execute a guest's instructions, and the test that KVM works.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use netboot_process::Command;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

/// The maximum time for a guest to show its first output under KVM. Where KVM works, it takes about
/// a tenth of this time.
const PROBE_TIME: Duration = Duration::from_secs(3);

/// The beginning of the output of a guest that works.
const SIGN: &[u8] = b"SeaBIOS";

/// The way to execute a guest's instructions.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Accelerator {
    /// KVM if it works, otherwise TCG.
    ///
    /// `/dev/kvm` may exist without working, above all inside another virtual machine. So Netboot
    /// starts a guest without a disk for a moment, and waits for the first line of its firmware.
    #[default]
    Auto,
    /// The processor itself, with Linux's KVM.
    Kvm,
    /// QEMU's translator. It works everywhere, but takes several times as long.
    Tcg,
}

impl fmt::Display for Accelerator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Auto => "automatic",
            Self::Kvm => "KVM",
            Self::Tcg => "TCG",
        })
    }
}

impl Accelerator {
    /// Replaces [`Auto`](Self::Auto) with KVM or TCG.
    pub(crate) async fn resolve(self, program: &Path) -> Self {
        match self {
            Self::Auto if kvm_works(program).await => Self::Kvm,
            Self::Auto => Self::Tcg,
            chosen => chosen,
        }
    }

    pub(crate) fn arguments(self) -> &'static [&'static str] {
        match self {
            // Some nested KVM refuses or cripples the default processor model.
            Self::Kvm => &["-accel", "kvm", "-cpu", "host"],
            Self::Auto | Self::Tcg => &["-accel", "tcg"],
        }
    }
}

async fn kvm_works(program: &Path) -> bool {
    if !Path::new("/dev/kvm").exists() {
        return false;
    }
    let command = Command::new(program)
        .args(Accelerator::Kvm.arguments())
        .args(["-machine", "pc,graphics=off", "-m", "64", "-display", "none", "-nodefaults"])
        .args(["-no-user-config", "-no-reboot", "-chardev", "stdio,id=console,signal=off"])
        .args(["-serial", "chardev:console"])
        .grace(Duration::ZERO);
    let Ok((child, mut pipes)) = command.start_with_pipes() else { return false };
    let sign = async {
        let mut text = Vec::new();
        let mut buffer = [0; 1024];
        while let Ok(length @ 1..) = pipes.output.read(&mut buffer).await {
            text.extend_from_slice(buffer.get(..length).unwrap_or_default());
            if text.windows(SIGN.len()).any(|window| window == SIGN) {
                return true;
            }
            // The beginning of the sign may have been read.
            text.drain(..text.len().saturating_sub(SIGN.len()));
        }
        false
    };
    let works = timeout(PROBE_TIME, sign).await.unwrap_or(false);
    tracing::debug!(works, "probed KVM");
    // The guest is no longer needed, and there is no remedy for a failure to end it.
    let _ = child.terminate(Duration::ZERO).await;
    works
}
