//! The options for keys: whose signatures count, and the key to sign with.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use netboot_core::Report;
use netboot_publish::{MinisignKey, TrustedKey, TrustedKeys};

use crate::at_least_one::at_least_one;
use crate::error::Error;
use crate::misuse::{Misuse, OfCommandLine, first_given};
use crate::session::Session;

/// The maximum size of a file with a password, in bytes.
const PASSWORD_LIMIT: u64 = 64 * 1024;

/// The keys whose signatures count.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Pointer and keys")]
pub(crate) struct TrustOptions {
    /// The file of a public key of minisign whose signatures count. Can be repeated. The default is
    /// the keys of netboot.toml. Without any, releases need no signature, and pointers only that of
    /// the key that signs.
    #[arg(long = "key", value_name = "FILE")]
    keys: Vec<PathBuf>,

    /// The number of keys that must have signed a release. The default is 1.
    #[arg(long, value_name = "NUMBER", value_parser = at_least_one::<usize>)]
    threshold: Option<usize>,
}

/// The key to sign with.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Pointer and keys")]
pub(crate) struct SignerOptions {
    /// The file of a secret key of minisign, to sign with. Can be repeated. The key of netboot.toml
    /// signs as well.
    #[arg(long, value_name = "FILE")]
    sign: Vec<PathBuf>,

    /// A file with the password of a secret key. Can be repeated, in the order of the keys that
    /// have a password.
    #[arg(long = "password-file", value_name = "FILE", requires = "sign")]
    password_files: Vec<PathBuf>,
}

impl TrustOptions {
    /// The first of these options that is on the command line.
    pub(crate) fn given(&self) -> Option<&'static str> {
        first_given([("--key", !self.keys.is_empty()), ("--threshold", self.threshold.is_some())])
    }

    /// Reads the files of the keys.
    ///
    /// # Errors
    /// If a file cannot be read, or the keys make no sense.
    pub(crate) fn read(&self, session: &Session) -> Result<Option<TrustedKeys>, Report> {
        let given = self.keys.iter().map(TrustedKey::read).collect::<Result<Vec<_>, _>>();
        let given = given.map_err(Error::of_option("--key")).of_command_line()?;
        let keys = if given.is_empty() {
            session.configuration()?.trusted_keys()?
        } else {
            Some(TrustedKeys::new(given).of_command_line()?)
        };
        match (keys, self.threshold) {
            (keys, None) => Ok(keys),
            (Some(keys), Some(threshold)) => {
                keys.with_threshold(threshold).of_command_line().map(Some)
            }
            (None, Some(_)) => Err(Misuse::report(
                "`--threshold` has no effect without keys",
                "name the public keys whose signatures count, each with `--key FILE`",
            )),
        }
    }
}

impl SignerOptions {
    /// True if one of these options is on the command line.
    pub(crate) fn is_given(&self) -> bool {
        !self.sign.is_empty()
    }

    /// Reads the files of the keys. A command does this before it works, so that a wrong password
    /// ends it at once.
    ///
    /// # Errors
    /// If a file cannot be read, a key cannot be used, or a password has no key.
    pub(crate) fn read(&self) -> Result<Vec<Arc<MinisignKey>>, Report> {
        let mut passwords = self.password_files.iter();
        let mut keys = Vec::new();
        for path in &self.sign {
            let key = match MinisignKey::read(path, None) {
                Err(netboot_publish::Error::KeyLocked) => {
                    let password = passwords.next().map(read_password).transpose()?;
                    MinisignKey::read(path, password.as_deref())
                }
                key => key,
            };
            keys.push(Arc::new(key.map_err(Error::of_option("--sign")).of_command_line()?));
        }
        if let Some(path) = passwords.next() {
            // A file that cannot be read is the mistake to tell first.
            read_password(path)?;
            return Err(Misuse::report(
                format!("`--password-file {}` has no effect: no key needs it", path.display()),
                "give one file for each secret key that has a password, and no other",
            ));
        }
        Ok(keys)
    }

    /// Returns true if there is a key to sign with, here or in netboot.toml.
    ///
    /// # Errors
    /// The errors of the configuration.
    pub(crate) fn has_signer(&self, session: &Session) -> Result<bool, Error> {
        let signing = session.configuration()?.signing.as_ref();
        Ok(!self.sign.is_empty() || signing.is_some_and(|it| it.key_file.is_some()))
    }

    /// Checks that there is a key to sign with.
    ///
    /// # Errors
    /// [`Error::NoSigner`]; the errors of the configuration.
    pub(crate) fn require_signer(&self, session: &Session) -> Result<(), Error> {
        if self.has_signer(session)? { Ok(()) } else { Err(Error::NoSigner) }
    }
}

fn read_password(path: &PathBuf) -> Result<String, Report> {
    let text = netboot_core::read_regular_text(path, PASSWORD_LIMIT)
        .map_err(Error::of_option("--password-file"))
        .of_command_line()?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
