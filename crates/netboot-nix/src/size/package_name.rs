//! The package and version in the name of a store path.

/// Names of outputs that nixpkgs appends to the version of a package.
const OUTPUTS: [&str; 14] = [
    "bin", "data", "debug", "dev", "devdoc", "dist", "doc", "getent", "info", "lib", "man", "out",
    "static", "terminfo",
];

/// The name and version of a package, from the name of a store path.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PackageName<'a> {
    pub(super) package: &'a str,
    pub(super) version: &'a str,
}

impl<'a> PackageName<'a> {
    /// Splits a name as Nix does: the version starts after the first hyphen that is not followed by
    /// a letter (Nix manual, `builtins.parseDrvName`). The name of an output is not part of the
    /// version. Returns `None` if there is no version.
    pub(super) fn of(name: &'a str) -> Option<Self> {
        let (position, _) = name.match_indices('-').find(|(position, _)| {
            name[position + 1..].chars().next().is_some_and(|next| !next.is_alphabetic())
        })?;
        let (package, version) = (&name[..position], &name[position + 1..]);
        let version = match version.rsplit_once('-') {
            Some((before, output)) if OUTPUTS.contains(&output) => before,
            _ => version,
        };
        Some(Self { package, version })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_begin_where_nix_sees_them() {
        let of = |name| PackageName::of(name).map(|found| (found.package, found.version));
        assert_eq!(of("glibc-2.39-52"), Some(("glibc", "2.39-52")));
        assert_eq!(of("glibc-2.39-52-bin"), Some(("glibc", "2.39-52")));
        assert_eq!(of("python3.11-requests-2.31"), Some(("python3.11-requests", "2.31")));
        assert_eq!(of("nixos-system-worker"), None);
        assert_eq!(of("unit-sshd.service"), None);
        assert_eq!(of("x-"), None);
    }
}
