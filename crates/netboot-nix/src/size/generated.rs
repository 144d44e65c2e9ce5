//! The names of store paths that are no packages.

/// The beginnings of the names that NixOS gives to the files of a system.
const BEGINNINGS: [&str; 10] = [
    "X-Reload-Triggers-",
    "X-Restart-Triggers-",
    "etc-",
    "fc-",
    "initrd-",
    "nixos-system-",
    "security-wrapper-",
    "stage-",
    "unit-script-",
    "users-groups-",
];

/// The endings of files: configuration, systemd's units, scripts, sources, archives and images.
const ENDINGS: [&str; 73] = [
    "automount",
    "bash",
    "bin",
    "bz2",
    "c",
    "cer",
    "cfg",
    "conf",
    "cpio",
    "crt",
    "css",
    "csv",
    "d",
    "db",
    "deb",
    "desktop",
    "diff",
    "drv",
    "efi",
    "fish",
    "fw",
    "gem",
    "gz",
    "h",
    "html",
    "img",
    "ini",
    "iso",
    "jar",
    "js",
    "json",
    "key",
    "lib",
    "link",
    "lock",
    "lua",
    "lz",
    "lz4",
    "md",
    "mount",
    "netdev",
    "network",
    "nix",
    "nspawn",
    "pam",
    "patch",
    "path",
    "pem",
    "pl",
    "pub",
    "py",
    "rb",
    "rpm",
    "rules",
    "scope",
    "service",
    "sh",
    "slice",
    "socket",
    "sql",
    "squashfs",
    "swap",
    "tar",
    "target",
    "tgz",
    "timer",
    "toml",
    "txt",
    "whl",
    "xml",
    "xz",
    "yaml",
    "yml",
];

/// Whole names that look like a package with a version: the configuration of D-Bus, NixOS's
/// channel, and a directory of polkit.
const WHOLE: [&str; 3] = ["dbus-1", "dbus-1.0", "polkit-1"];

/// Returns true if a store path with this name is a file that NixOS generates or a source, and not
/// a package.
pub(super) fn is_generated(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    let is_channel = |rest: &str| rest.starts_with(|first: char| first.is_ascii_digit());
    BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
        || ending.is_some_and(|ending| ENDINGS.contains(&ending))
        || WHOLE.contains(&name)
        // The installer's channel is named after NixOS's version.
        || name.strip_prefix("nixos-").is_some_and(is_channel)
}
