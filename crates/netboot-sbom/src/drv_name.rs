//! The package and the version in the name of a store path.

/// The package and the version in the name of a store path, as `builtins.parseDrvName` of Nix reads
/// them.
///
/// ```
/// use netboot_sbom::DrvName;
///
/// let name = DrvName::parse("nix-2.31.1-man");
/// assert_eq!((name.name, name.version), ("nix", "2.31.1-man"));
/// assert_eq!(DrvName::parse("unit-sshd.service").version, "");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct DrvName<'a> {
    /// The package.
    pub name: &'a str,
    /// The version, or an empty text.
    pub version: &'a str,
}

impl<'a> DrvName<'a> {
    /// Splits a name at the first hyphen that a character follows which is no letter of ASCII (Nix,
    /// `src/libstore/names.cc`).
    pub fn parse(name: &'a str) -> Self {
        let bytes = name.as_bytes();
        let begins_version = |(at, _): &(usize, &str)| {
            bytes.get(at + 1).is_some_and(|next| !next.is_ascii_alphabetic())
        };
        match name.match_indices('-').find(begins_version) {
            Some((at, _)) => Self { name: &name[..at], version: &name[at + 1..] },
            None => Self { name, version: "" },
        }
    }

    /// Splits the name of a store path: the part of the path behind the hash.
    pub(crate) fn of_store_path(path: &'a str) -> Self {
        let base = path.rsplit('/').next().unwrap_or(path);
        Self::parse(base.split_once('-').map_or(base, |(_, name)| name))
    }
}
