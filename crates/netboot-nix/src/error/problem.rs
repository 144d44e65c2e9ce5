//! What kind of mistake keeps a configuration from being evaluated.

/// What kind of mistake keeps a configuration from being evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EvaluationProblem {
    /// The configuration says itself what is wrong, by `throw` or an assertion. What Nix says in
    /// words that are not known is taken for that too.
    Thrown,
    /// `abort` was called.
    Aborted,
    /// A name that nothing defines.
    UndefinedVariable {
        /// The name.
        name: String,
    },
    /// A set has no such attribute.
    MissingAttribute {
        /// The attribute.
        name: String,
    },
    /// A value that needs itself.
    InfiniteRecursion,
    /// Calls that are nested too deeply, as a recursion without an end is.
    StackOverflow,
    /// A text that is not Nix code.
    Syntax,
    /// A value of another type than the code needs.
    WrongType,
    /// A file that the flake's source does not hold.
    MissingFile {
        /// The file, from the root of the source if it is in one.
        path: String,
    },
    /// A file outside of the flake, or something else that would change from day to day.
    Impure,
    /// A derivation would have to be built to go on, which the builder does not allow.
    ImportFromDerivation {
        /// The derivation.
        derivation: String,
    },
    /// A derivation that had to be built to go on failed.
    ImportFailed {
        /// The derivation.
        derivation: String,
    },
    /// A memory limit was hit, or Nix itself broke down.
    OutOfMemory,
}

impl EvaluationProblem {
    /// What to do about it.
    pub(super) fn hint(&self) -> String {
        match self {
            Self::Thrown => {
                "do what the message asks for; `nix eval --show-trace` on the attribute \
                             shows where it comes from"
                    .to_owned()
            }
            Self::Aborted => "remove what calls `abort`; `nix eval --show-trace` on the attribute \
                              shows where it is"
                .to_owned(),
            Self::UndefinedVariable { name } => {
                format!("define `{name}`, add it to the function's arguments, or correct its name")
            }
            Self::MissingAttribute { name } => {
                format!("correct the name `{name}`, or define the attribute where it is looked up")
            }
            Self::InfiniteRecursion => {
                "look for an option that is defined by its own value: `lib.mkIf` and `lib.mkMerge` \
                 help in modules, and `nix eval --show-trace` on the attribute shows the circle"
                    .to_owned()
            }
            Self::StackOverflow => {
                "look for a function that calls itself without an end; `nix eval --show-trace` on \
                 the attribute shows it"
                    .to_owned()
            }
            Self::Syntax => "correct the Nix code where the message points".to_owned(),
            Self::WrongType => {
                "correct the configuration; `nix eval --show-trace` on the attribute shows where"
                    .to_owned()
            }
            Self::MissingFile { path } => format!(
                "the flake's source lacks `{path}`: correct the path, or put the file there and, \
                 in a git repository, `git add` it"
            ),
            Self::Impure => {
                "copy the file into the flake, or make what it comes from an input of the flake"
                    .to_owned()
            }
            Self::ImportFromDerivation { .. } => {
                "the configuration builds something to evaluate itself: change that, or allow it \
                 by `import_from_derivation(true)` of the builder"
                    .to_owned()
            }
            Self::ImportFailed { derivation } => {
                format!("the configuration needs it to be evaluated; see `nix log {derivation}`")
            }
            Self::OutOfMemory => "give the machine more memory, or evaluate fewer profiles at a \
                                  time"
                .to_owned(),
        }
    }
}
