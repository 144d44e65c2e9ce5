//! A hint for each error.

use std::path::Path;

use foreign_text::ForeignText;

use netboot_core::BackendError;

use crate::error::Error;
use crate::error::text_form::TextForm;

impl BackendError for Error {
    fn hint(&self) -> Option<String> {
        Self::hint(self)
    }

    fn class(&self) -> netboot_core::ErrorClass {
        Self::class(self)
    }
}

impl Error {
    /// A remedy for the error.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::FlakeNotFound { .. }
            | Self::LockFileOutdated { .. }
            | Self::Git { .. }
            | Self::FlakeUnusable { .. }
            | Self::SourceChanged { .. } => self.hint_of_source()?,
            Self::BuildFailed { .. }
            | Self::HashMismatch { .. }
            | Self::TimedOut { .. }
            | Self::UnsupportedSystem { .. }
            | Self::NoBuilder { .. }
            | Self::DerivationCollected { .. }
            | Self::Unsigned { .. }
            | Self::InitrdOutOfStep { .. }
            | Self::OutputMissing { .. }
            | Self::FileTooLarge { .. }
            | Self::CopyFailed { .. }
            | Self::NoToplevel { .. } => self.hint_of_build()?,
            Self::NixMissing { .. }
            | Self::Spawn { .. }
            | Self::Network { .. }
            | Self::DiskFull { .. }
            | Self::PermissionDenied { .. }
            | Self::DaemonUnreachable { .. }
            | Self::Interrupted { .. }
            | Self::CommandFailed { .. }
            | Self::UnreadableOutput { .. }
            | Self::Io { .. } => self.hint_of_machine()?,
            _ => self.hint_of_configuration()?,
        })
    }

    fn hint_of_source(&self) -> Option<String> {
        Some(match self {
            Self::FlakeNotFound { .. } => {
                "check the spelling; the directory must have a `flake.nix` that git tracks"
                    .to_owned()
            }
            Self::LockFileOutdated { .. } => {
                "run `nix flake lock` in the flake and commit its `flake.lock`".to_owned()
            }
            Self::Git { refusal } => refusal.hint(),
            Self::FlakeUnusable { problem, .. } => problem.hint(),
            Self::SourceChanged { reference } if reference.contains("narHash=") => {
                "correct `narHash` in the reference, or leave it out".to_owned()
            }
            Self::SourceChanged { .. } => {
                "do not change the flake's directory during a build; build again".to_owned()
            }
            _ => return None,
        })
    }

    fn hint_of_configuration(&self) -> Option<String> {
        Some(match self {
            Self::InvalidText { form: TextForm::FlakeReference, .. } => {
                "give a path, `path:…`, `git+ssh://…` or another reference without `#`".to_owned()
            }
            Self::UnclearReference { suggestion: Some(suggestion), .. } => {
                format!("write `{suggestion}`")
            }
            Self::UnclearReference { .. } => {
                "move the flake to a path of letters, digits and `/._-`, or take Nix 2.26 or later"
                    .to_owned()
            }
            Self::InvalidOption { option, .. } => format!("correct {option}, or leave it out"),
            Self::InvalidText { form: TextForm::Value(kind), .. } => kind.rule().to_owned(),
            Self::InvalidText { form: TextForm::AttributePath, .. } => {
                "write names separated by dots, such as `python3Packages.requests`".to_owned()
            }
            Self::InvalidText { form: TextForm::AuthorizedKey, .. } => {
                "give the whole line of a public key file, such as `~/.ssh/id_ed25519.pub`"
                    .to_owned()
            }
            Self::NotExtensible { .. } => {
                "create the configuration with `nixpkgs.lib.nixosSystem`, or build it without \
                 overrides and with the payload `ramdisk`"
                    .to_owned()
            }
            Self::NoClosureProgram => {
                "give the program with `closure_boot` of the builder, or set the payload of the \
                 profile to `ramdisk`"
                    .to_owned()
            }
            Self::ClosureBootRefused { .. } => {
                "change the configuration as the message says, or set the payload of the profile \
                 to `ramdisk`"
                    .to_owned()
            }
            Self::PolicyViolated { findings, .. } => {
                let mut hints: Vec<String> =
                    findings.iter().map(|finding| finding.problem.hint()).collect();
                hints.dedup();
                format!("{}; or set the policy to warn only", hints.join("; "))
            }
            Self::AttributeMissing { attribute, .. } if attribute.starts_with("pkgs.") => {
                "correct the name in the overrides, or add the package to nixpkgs with an overlay"
                    .to_owned()
            }
            Self::AttributeMissing { attribute, .. } if attribute.ends_with(".systemd.package") => {
                "import NixOS's modules, which set `systemd.package`, or leave `uki_stub` of the \
                 builder and give the file of a stub"
                    .to_owned()
            }
            Self::AttributeMissing { available, .. } if available.is_empty() => {
                "define `nixosConfigurations.netboot-<profile>` in the flake, and import NixOS's \
                 `installer/netboot/netboot-minimal.nix` there"
                    .to_owned()
            }
            Self::AttributeMissing { available, .. } => format!(
                "define it in the flake, or give the profile another configuration with \
                 `configuration` of the builder; the flake has {}",
                available.join(", ")
            ),
            Self::FeatureDisabled { feature, .. } => format!(
                "add `extra-experimental-features = {feature}` to nix.conf, or to NIX_CONFIG in the \
                 builder's environment; if there is a Nix daemon, add it on its machine too"
            ),
            Self::Evaluation { problem, .. } => problem.hint(),
            Self::EvaluationTooLarge { limit, .. } => format!(
                "look for a list or a string in the configuration that grows without end; if the \
                 configuration needs so much, raise `evaluation_memory` of the builder above {} \
                 MiB, give the machine more memory, or evaluate fewer profiles at a time",
                limit >> 20
            ),
            Self::EvaluationTooSlow { limit, .. } => format!(
                "look for an endless computation or a download that stalls; if the configuration \
                 needs so long, raise `evaluation_time` of the builder above {} s",
                limit.as_secs_f64()
            ),
            Self::UnusableValue { .. } => {
                "give it the form that NixOS's netboot modules give it".to_owned()
            }
            Self::ArchitectureMismatch { .. } => {
                "set the profile's architecture, `nixpkgs.hostPlatform` of the configuration, or \
                 the program of closure boot"
                    .to_owned()
            }
            Self::DuplicateProfile => "give each profile its own name".to_owned(),
            _ => return None,
        })
    }

    fn hint_of_build(&self) -> Option<String> {
        Some(match self {
            Self::BuildFailed { build_log, last_lines, reason, .. } => {
                hint_of_failed_build(build_log, last_lines, reason.as_deref())
            }
            Self::HashMismatch { found, .. } => format!(
                "if the new content is right, write its hash `{found}` into the configuration"
            ),
            Self::TimedOut { .. } => {
                "read in the log what hangs, or raise `timeout` or `max-silent-time` in nix.conf"
                    .to_owned()
            }
            Self::UnsupportedSystem { .. } => {
                "build on a machine of that system, configure a remote builder that has it, or \
                 emulate it with `extra-platforms` and binfmt"
                    .to_owned()
            }
            Self::NoBuilder { message, .. } if message.contains("group '") => {
                "install the package that sets Nix up (Debian: `apt-get install \
                 nix-setup-systemd`), or run builders as this user with `build-users-group =` in \
                 nix.conf or in NIX_CONFIG in the builder's environment"
                    .to_owned()
            }
            Self::NoBuilder { .. } => {
                "let this machine build with `max-jobs` in nix.conf, or add a machine to `builders` \
                 that can be reached and has the system"
                    .to_owned()
            }
            Self::DerivationCollected { .. } => {
                "run the garbage collector at another time, or set `keep-derivations` and \
                 `min-free` so that it deletes less; then build again"
                    .to_owned()
            }
            Self::Unsigned { .. } => {
                "add the key of its builder to `trusted-public-keys` in nix.conf, or sign it with \
                 `nix store sign`"
                    .to_owned()
            }
            Self::InitrdOutOfStep { .. } => {
                "put the closure of `toplevel` into `netbootRamdisk`, as NixOS's netboot.nix does \
                 with `netboot.storeContents`; if the initrd gets the system from elsewhere, such \
                 as NFS, HTTP or a disk, give the profile the payload `external`"
                    .to_owned()
            }
            Self::OutputMissing { path, .. } if path.extension() == Some("stub".as_ref()) => {
                "set `systemd.package` to a systemd that was built with its programs for UEFI \
                 (`withBootloader` in nixpkgs), or leave `uki_stub` of the builder and give the \
                 file of a stub"
                    .to_owned()
            }
            Self::OutputMissing { .. } => {
                "import NixOS's netboot modules, or correct `system.boot.loader.kernelFile`"
                    .to_owned()
            }
            Self::FileTooLarge { .. } => {
                "a cpio archive holds only files under 4 GiB; remove the file from the \
                 configuration, and let the machine fetch it after boot"
                    .to_owned()
            }
            Self::CopyFailed { store, .. } => format!(
                "check the spelling of `{store}`; it must be writable, and reachable without a \
                 prompt for a password"
            ),
            Self::NoToplevel { .. } => "build it with a `NixBuilder`".to_owned(),
            _ => return None,
        })
    }

    fn hint_of_machine(&self) -> Option<String> {
        Some(match self {
            Self::NixMissing { .. } => {
                "install Nix (Debian: `apt-get install nix-setup-systemd`), or add its directory to PATH"
                    .to_owned()
            }
            Self::Spawn { .. } => "check that this user may execute the program".to_owned(),
            Self::Network { url, proxy: Some(proxy), .. } => format!(
                "correct the proxy in `{proxy}` in the builder's environment, or name the host in \
                 `no_proxy`; then check the network, the address{} and the credentials",
                url.as_deref().map(|url| format!(" {url}")).unwrap_or_default()
            ),
            Self::Network { url, .. } => format!(
                "check the network, the address{} and the credentials; then try again",
                url.as_deref().map(|url| format!(" {url}")).unwrap_or_default()
            ),
            Self::DiskFull { .. } => {
                "free space or inodes (`df` and `df -i` show both), for example with \
                 `nix-collect-garbage -d`, or give Nix's builders another TMPDIR (since Nix 2.30: \
                 `build-dir` in nix.conf)"
                    .to_owned()
            }
            Self::PermissionDenied { path, message, .. } if message.contains("Read-only") => format!(
                "mount the file system of `{}` so that it can be written, such as with a volume of \
                 the container, or set the directory of Nix that is there to another place",
                path.display()
            ),
            Self::PermissionDenied { path, message, .. }
                if message.contains("No such file") || message.contains("ot a directory") =>
            {
                format!(
                    "create the directories of `{}`, or set the variable of the builder's \
                     environment that names it to a directory of the user that runs Nix",
                    path.display()
                )
            }
            Self::PermissionDenied { path, .. } => format!(
                "give the user that runs Nix access to `{}`, or build as another user",
                path.display()
            ),
            Self::DaemonUnreachable { .. } => {
                "start it (`systemctl start nix-daemon`), or set NIX_REMOTE".to_owned()
            }
            Self::Interrupted { message, .. } if message.starts_with("it crashed") => {
                "use another version of Nix: put it first on PATH or give its directory with \
                 `program_directory`"
                    .to_owned()
            }
            Self::Interrupted { .. } => {
                "build again; if nobody ended Nix, check in the kernel's log if memory ran out"
                    .to_owned()
            }
            Self::CommandFailed { program, .. } | Self::UnreadableOutput { program, .. } => {
                format!("run `{program}` by hand with these arguments to see more")
            }
            Self::Io { path, .. } => {
                format!("check the permissions and the free space at `{}`", path.display())
            }
            _ => return None,
        })
    }
}

fn hint_of_failed_build(
    build_log: &Path,
    last_lines: &[ForeignText],
    reason: Option<&str>,
) -> String {
    let log = build_log.display();
    let said =
        |texts: &[&str]| last_lines.iter().any(|line| texts.iter().any(|text| line.contains(text)));
    if said(&["No space left on device"]) {
        format!(
            "free space for Nix's builders, for example with `nix-collect-garbage -d` or another \
             TMPDIR; the whole log is `{log}`"
        )
    } else if said(&["unable to download '", "Could not resolve host", "curl: ("]) {
        format!("check the network and the address in the log `{log}`; then build again")
    } else if said(&["Permission denied"])
        && reason.is_some_and(|reason| reason.ends_with("code 126"))
    {
        // A shell ends with this code if it may not execute a file (POSIX, "Exit Status").
        format!(
            "give Nix's builders a TMPDIR that is not mounted `noexec` (since Nix 2.30: \
             `build-dir` in nix.conf); if it is not, correct the package; the whole log is `{log}`"
        )
    } else if reason.is_some_and(|reason| reason.contains("signal 9")) {
        format!("check in the kernel's log if memory ran out; the whole log is `{log}`")
    } else {
        format!("read the whole log in `{log}`, and correct the package")
    }
}
