//! Kinds of mistakes in a configuration.

use crate::error::package_refusal::RefusedPackage;

/// The kind of mistake that stops the evaluation of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EvaluationProblem {
    /// The configuration itself says what is wrong, with `throw` or an assertion. Unknown messages
    /// of Nix also have this kind.
    Thrown,
    /// The configuration calls `abort`.
    Aborted,
    /// A name is not defined.
    UndefinedVariable {
        /// The name.
        name: String,
    },
    /// A set has no such attribute.
    MissingAttribute {
        /// The attribute.
        name: String,
    },
    /// A value needs itself.
    InfiniteRecursion,
    /// Calls are nested too deeply, for example in an endless recursion.
    StackOverflow,
    /// A file is not valid Nix code.
    Syntax,
    /// A value does not have the type that the code needs.
    WrongType,
    /// The flake's source does not contain a file.
    MissingFile {
        /// The path of the file, relative to the root of the source if it is below it.
        path: String,
    },
    /// The configuration reads a file outside of the flake, or something else that may change.
    Impure,
    /// The evaluation needs a derivation to be built, which the builder does not allow.
    ImportFromDerivation {
        /// The derivation.
        derivation: String,
    },
    /// A source that the flake's code fetches does not have the hash that the code states.
    HashMismatch {
        /// The URL or path.
        source: String,
    },
    /// An override does not fit the configuration.
    Override {
        /// The setting of [`Overrides`](crate::Overrides), such as `kernel_parameter`, or `module`
        /// with the name of its file.
        setting: String,
    },
    /// Nixpkgs needs a newer Nix.
    NixTooOld {
        /// The oldest version that nixpkgs takes, if it names one.
        required: Option<String>,
    },
    /// Nixpkgs refuses a package of the configuration.
    PackageRefused {
        /// The package and the reason.
        package: Box<RefusedPackage>,
    },
    /// The evaluation needs a derivation whose build failed.
    ImportFailed {
        /// The derivation.
        derivation: String,
    },
}

impl EvaluationProblem {
    /// A remedy for the mistake.
    pub(super) fn hint(&self) -> String {
        match self {
            Self::Thrown => {
                "do what the message asks for; `nix eval --json --show-trace` on \
                 `config.system.build.toplevel.drvPath` of the configuration shows where it comes from"
                    .to_owned()
            }
            Self::Aborted => {
                "remove the call of `abort`; `nix eval --json --show-trace` on \
                 `config.system.build.toplevel.drvPath` of the configuration shows where it is"
                    .to_owned()
            }
            Self::UndefinedVariable { name } => {
                format!("define `{name}`, add it to the function's arguments, or correct its name")
            }
            Self::MissingAttribute { name } => {
                format!("correct the name `{name}`, or define the attribute")
            }
            Self::InfiniteRecursion => {
                "look for an option that is defined by its own value; `lib.mkIf` and `lib.mkMerge` \
                 help in modules; `nix eval --json --show-trace` on \
                 `config.system.build.toplevel.drvPath` of the configuration shows the circle"
                    .to_owned()
            }
            Self::StackOverflow => {
                "look for a function that calls itself endlessly; `nix eval --json --show-trace` on \
                 `config.system.build.toplevel.drvPath` of the configuration shows it"
                    .to_owned()
            }
            Self::Syntax => "correct the Nix code at the place in the message".to_owned(),
            Self::WrongType => {
                "correct the configuration; `nix eval --json --show-trace` on \
                 `config.system.build.toplevel.drvPath` of the configuration shows where"
                    .to_owned()
            }
            Self::MissingFile { path } => format!(
                "correct the path `{path}`, or add the file to the flake's source; in a git \
                 repository, also run `git add --force` on it, which adds ignored files too"
            ),
            Self::Impure => {
                "copy the file into the flake, or make its source an input of the flake".to_owned()
            }
            Self::ImportFromDerivation { .. } => {
                "change the configuration so that its evaluation builds nothing, or allow that \
                 with `import_from_derivation(true)` of the builder"
                    .to_owned()
            }
            Self::HashMismatch { source } => format!(
                "if the new content of `{source}` is right, replace its `sha256` or `narHash` in \
                 the flake's code with the other hash in the message; a path within the flake \
                 needs none"
            ),
            Self::Override { setting } => format!(
                "correct `{setting}` of `Overrides`; a value that goes over one of the \
                 configuration is `lib.mkForce …` in a module, and `{{ \"_type\": \"override\", \
                 \"priority\": 50, \"content\": … }}` in `settings`"
            ),
            Self::NixTooOld { required } => format!(
                "install {}, and put it first on PATH or give its directory with \
                 `program_directory`; Debian 13 has Nix 2.26, and Debian 12 has 2.8",
                at_least(required.as_deref())
            ),
            Self::PackageRefused { package } => package.refusal.hint(&package.name),
            Self::ImportFailed { derivation } => {
                format!(
                    "see `nix log {derivation}`, and correct the derivation; the evaluation needs it"
                )
            }
        }
    }
}

fn at_least(version: Option<&str>) -> String {
    version.map_or("a newer Nix".to_owned(), |version| format!("Nix {version} or newer"))
}
