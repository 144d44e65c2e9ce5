//! The reasons for which nixpkgs refuses a package.

/// A package that nixpkgs refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefusedPackage {
    /// The name with the version, such as `openssl-1.1.1w`.
    pub name: String,
    /// The reason.
    pub refusal: PackageRefusal,
}

/// The reason for which nixpkgs refuses to evaluate a package (nixpkgs,
/// `pkgs/stdenv/generic/check-meta.nix`).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PackageRefusal {
    /// The package has an unfree license.
    Unfree,
    /// The package has known vulnerabilities.
    Insecure,
    /// The package is marked as broken.
    Broken,
    /// The package does not support the system that the configuration is for.
    UnsupportedSystem,
    /// Parts of the package are not built from source.
    NotFromSource,
    /// The configuration has the package's license in `blocklistedLicenses`.
    Blocklisted,
    /// The package has another problem that the configuration turns into an error.
    Problem {
        /// The name of the problem, such as `removal`.
        name: String,
    },
}

impl PackageRefusal {
    /// A remedy. Nixpkgs names environment variables, which a pure evaluation cannot read.
    pub(super) fn hint(&self, package: &str) -> String {
        let Some((path, value)) = self.option(package) else {
            return format!(
                "leave `{package}` out of the configuration, or take its license out of \
                 `nixpkgs.config.blocklistedLicenses`"
            );
        };
        let setting = match self {
            // JSON has no functions, so `settings` can only allow all.
            Self::Unfree => format!(
                "nixpkgs.config.allowUnfreePredicate = package: builtins.elem (lib.getName \
                 package) [ \"{}\" ];",
                without_version(package)
            ),
            _ => format!("nixpkgs.config.{} = {};", path.join("."), in_nix(&value)),
        };
        let nested = |value, name: &&str| serde_json::json!({ *name: value });
        let json = ["nixpkgs", "config"].iter().chain(&path).rev().fold(value, nested);
        format!(
            "leave `{package}` out of the configuration, or set `{setting}` in a module of it or \
             where the flake makes `pkgs`, or give `{json}` to `settings` of `Overrides`; \
             environment variables have no effect on a flake"
        )
    }

    /// The path of an option below `nixpkgs.config` that allows the package, and its value.
    fn option<'a>(&'a self, package: &'a str) -> Option<(Vec<&'a str>, serde_json::Value)> {
        Some(match self {
            Self::Unfree => (vec!["allowUnfree"], true.into()),
            Self::Insecure => (vec!["permittedInsecurePackages"], vec![package].into()),
            Self::Broken => (vec!["allowBroken"], true.into()),
            Self::UnsupportedSystem => (vec!["allowUnsupportedSystem"], true.into()),
            Self::NotFromSource => (vec!["allowNonSource"], true.into()),
            Self::Problem { name } => {
                (vec!["problems", "handlers", without_version(package), name], "warn".into())
            }
            Self::Blocklisted => return None,
        })
    }
}

/// The name of a package without its version: everything before the first dash that no letter
/// follows (Nix manual, `builtins.parseDrvName`).
fn without_version(package: &str) -> &str {
    let begins_version = |index: &usize| {
        let next = package[index + 1..].chars().next();
        next.is_some_and(|next| !next.is_ascii_alphabetic())
    };
    let end = package.match_indices('-').map(|(index, _)| index).find(begins_version);
    &package[..end.unwrap_or(package.len())]
}

/// A boolean, a text or a list of texts in the Nix language.
fn in_nix(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Array(elements) => {
            let elements: Vec<String> = elements.iter().map(ToString::to_string).collect();
            format!("[ {} ]", elements.join(" "))
        }
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_begins_after_the_first_dash_without_a_letter() {
        for (package, name) in [
            ("openssl-1.1.1w", "openssl"),
            ("steam-unwrapped-1.0.0.81", "steam-unwrapped"),
            ("zfs-kernel-2.3.0-6.12", "zfs-kernel"),
            ("b43-firmware-5.1", "b43-firmware"),
            ("a-", "a-"),
            ("a", "a"),
        ] {
            assert_eq!(without_version(package), name);
        }
    }
}
