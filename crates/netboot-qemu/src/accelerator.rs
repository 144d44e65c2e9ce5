//! What executes a guest's instructions, and whether KVM really does.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use netboot_process::Command;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

/// How long a guest may take to show its first sign under KVM; a working one takes a tenth.
const PROBE_TIME: Duration = Duration::from_secs(3);

/// What executes a guest's instructions.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Accelerator {
    /// KVM where a guest really runs with it, otherwise TCG.
    ///
    /// `/dev/kvm` may be there and not work, inside another virtual machine above all, so a guest
    /// without a disk is started for a moment and has to show its firmware's first line.
    #[default]
    Auto,
    /// The processor itself, through Linux.
    Kvm,
    /// QEMU's translator, which works everywhere and takes several times as long.
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
    /// KVM or TCG.
    pub(crate) async fn resolve(self, program: &Path) -> Self {
        match self {
            Self::Auto if kvm_works(program).await => Self::Kvm,
            Self::Auto => Self::Tcg,
            chosen => chosen,
        }
    }

    pub(crate) fn arguments(self) -> &'static [&'static str] {
        match self {
            // The default processor model is refused or crippled by some nested KVM.
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
            if text.windows(7).any(|window| window == b"SeaBIOS") {
                return true;
            }
        }
        false
    };
    let works = timeout(PROBE_TIME, sign).await.unwrap_or(false);
    tracing::debug!(works, "probed KVM");
    // It ends by the signal or has ended; a failure to wait leaves nothing to be done.
    let _ = child.terminate(Duration::ZERO).await;
    works
}
