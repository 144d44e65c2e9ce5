//! The accelerators that execute a guest's instructions, and the test that KVM works.

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use netboot_core::Architecture;
use netboot_process::{Child, Command, Pipes};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

/// The maximum time for a guest to get through its firmware. Where KVM works, it takes about a
/// tenth of this time.
const PROBE_TIME: Duration = Duration::from_secs(3);

/// The last words of the firmware of a guest without a disk.
const SIGN: &[u8] = b"No bootable device";

/// The way to execute a guest's instructions.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Accelerator {
    /// KVM if it works, otherwise TCG.
    ///
    /// `/dev/kvm` may exist without working, above all inside another virtual machine, and it may
    /// work more slowly than TCG. So Netboot starts a guest without a disk under each for a moment,
    /// and compares how long their firmware takes. It does so for `x86_64`, and uses TCG for other
    /// architectures.
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
    pub(crate) async fn resolve(self, program: &Path, architecture: Architecture) -> Self {
        match self {
            Self::Auto if architecture == Architecture::X86_64 && kvm_works(program).await => {
                Self::Kvm
            }
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

/// Returns true if a guest gets through its firmware under KVM, in at most twice the time that it
/// takes under TCG.
async fn kvm_works(program: &Path) -> bool {
    if !Path::new("/dev/kvm").exists() {
        return false;
    }
    let Some(mut kvm) = Guest::start(program, Accelerator::Kvm) else { return false };
    let Some(mut tcg) = Guest::start(program, Accelerator::Tcg) else { return false };
    let started = Instant::now();
    let in_time = async {
        tokio::select! {
            biased;
            ended = kvm.ends_its_firmware() => return ended,
            _ = tcg.ends_its_firmware() => {}
        }
        timeout(started.elapsed(), kvm.ends_its_firmware()).await.unwrap_or(false)
    };
    let works = timeout(PROBE_TIME, in_time).await.unwrap_or(false);
    tracing::debug!(works, "probed KVM");
    tokio::join!(kvm.end(), tcg.end());
    works
}

/// A guest without a disk and without a network card.
struct Guest {
    child: Child,
    pipes: Pipes,
    /// The end of its output.
    text: Vec<u8>,
}

impl Guest {
    fn start(program: &Path, accelerator: Accelerator) -> Option<Self> {
        let command = Command::new(program)
            .args(accelerator.arguments())
            .args(["-machine", "pc,graphics=off", "-m", "64", "-display", "none", "-nodefaults"])
            .args(["-no-user-config", "-no-reboot", "-chardev", "stdio,id=console,signal=off"])
            .args(["-serial", "chardev:console"])
            .grace(Duration::ZERO);
        let (child, pipes) = command.start_with_pipes().ok()?;
        Some(Self { child, pipes, text: Vec::new() })
    }

    /// Reads until the firmware says that it has nothing to boot. Returns false if the guest ends
    /// before. The future may be dropped and made again.
    async fn ends_its_firmware(&mut self) -> bool {
        let mut buffer = [0; 1024];
        while let Ok(length @ 1..) = self.pipes.output.read(&mut buffer).await {
            self.text.extend_from_slice(buffer.get(..length).unwrap_or_default());
            if self.text.windows(SIGN.len()).any(|window| window == SIGN) {
                return true;
            }
            // The beginning of the sign may have been read.
            self.text.drain(..self.text.len().saturating_sub(SIGN.len()));
        }
        false
    }

    async fn end(self) {
        // The guest is no longer needed, and there is no remedy for a failure to end it.
        let _ = self.child.terminate(Duration::ZERO).await;
    }
}
