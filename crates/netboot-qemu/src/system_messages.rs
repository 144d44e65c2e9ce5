//! The words of a system that cannot boot: of systemd, of util-linux, and of NixOS's scripted
//! stage 1.

/// The words of a system that waits for a person instead of booting. They are from systemd's units
/// `emergency.service` and `rescue.service` and its targets, from util-linux's `sulogin`, from
/// NixOS's `stage-1-init.sh`, and from a systemd that cannot go on (`src/core/crash-handler.c`).
const WAITS: [&str; 16] = [
    "You are in emergency mode",
    "You are in rescue mode",
    "Entering emergency mode",
    "Entering rescue mode",
    "Reached target Emergency Mode",
    "Reached target Rescue Mode",
    "Reached target emergency.target",
    "Reached target rescue.target",
    "Give root password for ",
    "Press Enter for maintenance",
    "Press Enter for system maintenance",
    "Press Enter for emergency mode",
    "the root account is locked",
    "An error occurred in stage 1 of the boot process",
    "[!!!!!!]",
    "Freezing execution",
];

/// NixOS's unit that registers the store paths of a network-booted system with Nix
/// (`nixos/modules/installer/netboot/netboot.nix`). Without it, no profile and no garbage
/// collection works.
const REGISTRATION: [&str; 2] = ["register-nix-paths", "Register Nix Store Paths"];

/// Returns true if a line says that the system does not boot.
pub(crate) fn is_system_failing(line: &str) -> bool {
    let registration = REGISTRATION.iter().any(|unit| line.contains(unit));
    let failed = line.contains("Failed to start") || line.contains("Failed with result");
    WAITS.iter().any(|words| line.contains(words)) || registration && failed
}

/// Returns the remedy for a system that does not boot. `lines` are the last lines before it.
pub(crate) fn system_hint(lines: &[&str]) -> &'static str {
    let said = |words: &str| lines.iter().any(|line| line.contains(words));
    if REGISTRATION.iter().any(|unit| said(unit)) {
        "build the image again with NixOS's netboot module: the store has no \
         `nix-path-registration`, or Nix could not read it"
    } else if said("Dependency failed for") || said("Failed to mount") || said("Failed to start") {
        "read the lines with `Failed` and `Dependency failed` above: a unit that the system needs \
         did not start"
    } else if said("is locked") {
        "boot with `systemd.setenv=SYSTEMD_SULOGIN_FORCE=1` to get a shell without a password, and \
         read the messages above: the system stopped, and root has no password"
    } else {
        "read the messages above: the system stopped and waits for a person; if the image is meant \
         to, call allow_emergency_mode"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_that_waits_for_a_person_fails() {
        for line in [
            "You are in emergency mode. After logging in, type \"journalctl -xb\" to view",
            "You are in rescue mode. After logging in, type \"journalctl -xb\" to view",
            "[  OK  ] Reached target Emergency Mode.",
            "[  OK  ] Reached target emergency.target - Emergency Mode.",
            "Give root password for maintenance",
            "Give root password for login: ",
            "Cannot open access to console, the root account is locked.",
            "Press Enter for system maintenance",
            "An error occurred in stage 1 of the boot process, which must mount the",
            "[!!!!!!] Failed to load default target, freezing.",
            "systemd[1]: Freezing execution.",
            "[FAILED] Failed to start register-nix-paths.service.",
            "[FAILED] Failed to start Register Nix Store Paths.",
            "systemd[1]: register-nix-paths.service: Failed with result 'exit-code'.",
        ] {
            assert!(is_system_failing(line), "{line}");
        }
        for line in [
            "[  OK  ] Started Emergency Shell.",
            "[  OK  ] Finished register-nix-paths.service.",
            "         Starting register-nix-paths.service...",
            "[FAILED] Failed to start chronyd.service - NTP daemon.",
            "[ TIME ] Timed out waiting for device dev-disk-by\\x2dlabel-data.device.",
            "Welcome to NixOS 26.11 (Zokor)!",
            "nixos login:",
        ] {
            assert!(!is_system_failing(line), "{line}");
        }
    }

    #[test]
    fn the_remedy_is_for_the_cause_above() {
        let hint = system_hint;
        let waits = "You are in emergency mode.";
        assert!(hint(&["[FAILED] Failed to mount /sysroot.", waits]).contains("a unit"));
        let failed = "[FAILED] Failed to start register-nix-paths.service.";
        assert!(hint(&[failed]).contains("nix-path-registration"));
        let locked = "Cannot open access to console, the root account is locked.";
        assert!(hint(&[locked]).contains("SYSTEMD_SULOGIN_FORCE"));
        assert!(hint(&[waits]).contains("allow_emergency_mode"));
    }
}
