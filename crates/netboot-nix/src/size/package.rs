//! The package of a store path.

use serde::Serialize;

use crate::derivation_info::DerivationInfo;
use crate::size::package_name::PackageName;

/// A package in one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Package {
    /// The name, without the version.
    pub name: String,
    /// The version.
    pub version: String,
    /// The output of the derivation, unless it is `out`.
    pub output: Option<String>,
}

impl Package {
    /// The package of a store path with this `name`. Its derivation tells more than the name, if
    /// Nix has it. Returns `None` for files that NixOS generates, sources, and packages without a
    /// version.
    pub(super) fn of(name: &str, derivation: Option<&DerivationInfo>) -> Option<Self> {
        let Some(derivation) = derivation else { return Self::guessed(name) };
        // All outputs but `out` have their names behind the name of the derivation.
        let output = name.strip_prefix(&derivation.name).and_then(|rest| rest.strip_prefix('-'));
        let output = output.map(str::to_owned);
        match (&derivation.package, &derivation.version) {
            (Some(package), Some(version)) => {
                // Packages of Python have the interpreter before `pname` in `name`.
                let before = derivation.name.strip_suffix(version.as_str());
                let before = before.and_then(|before| before.strip_suffix('-'));
                let name = before.unwrap_or(package).to_owned();
                Some(Self { name, version: version.clone(), output })
            }
            _ if derivation.is_generated => None,
            _ => Some(Self { output, ..Self::guessed(&derivation.name)? }),
        }
    }

    fn guessed(name: &str) -> Option<Self> {
        let PackageName { package, version } = PackageName::of(name)?;
        let rest = &name[package.len() + 1 + version.len()..];
        let output = rest.strip_prefix('-').map(str::to_owned);
        Some(Self { name: package.to_owned(), version: version.to_owned(), output })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn derivation(name: &str, package: Option<&str>, version: Option<&str>) -> DerivationInfo {
        DerivationInfo {
            name: name.to_owned(),
            package: package.map(str::to_owned),
            version: version.map(str::to_owned),
            is_generated: false,
        }
    }

    #[test]
    fn a_derivation_knows_more_than_a_name() {
        let of = |name, derivation: Option<&DerivationInfo>| {
            let found = Package::of(name, derivation)?;
            Some((found.name, found.version, found.output))
        };
        let is = |name: &str, version: &str, output: Option<&str>| {
            Some((name.to_owned(), version.to_owned(), output.map(str::to_owned)))
        };
        let nss = derivation("nss-cacert-3.117", Some("nss-cacert"), Some("3.117"));
        assert_eq!(
            of("nss-cacert-3.117-p11kit", Some(&nss)),
            is("nss-cacert", "3.117", Some("p11kit"))
        );
        let requests = derivation("python3.12-requests-2.32", Some("requests"), Some("2.32"));
        let expected = is("python3.12-requests", "2.32", None);
        assert_eq!(of("python3.12-requests-2.32", Some(&requests)), expected);
        let odd = derivation("odd-1-3rd", Some("odd-1"), Some("3rd"));
        assert_eq!(of("odd-1-3rd-x2", Some(&odd)), is("odd-1", "3rd", Some("x2")));
        let generated =
            DerivationInfo { is_generated: true, ..derivation("report-7.5", None, None) };
        assert_eq!(of("report-7.5", Some(&generated)), None);
        let plain = derivation("tool-1.0", None, None);
        assert_eq!(of("tool-1.0-odd1", Some(&plain)), is("tool", "1.0", Some("odd1")));
        assert_eq!(of("glibc-2.40-66-getent", None), is("glibc", "2.40-66", Some("getent")));
    }
}
