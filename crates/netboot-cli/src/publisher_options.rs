//! The options of commands that read or change a target: its pointer and its keys.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use netboot_core::{PointerName, Report};
use netboot_publish::{PointerMemory, PointerMemoryFile};

use crate::error::Error;
use crate::key_options::{SignerOptions, TrustOptions};
use crate::misuse::{Misuse, OfCommandLine, first_given};
use crate::pointer_lifetime::PointerLifetime;
use crate::publisher_settings::{PublisherSettings, ReaderSettings};
use crate::session::Session;

/// The options of commands that read a target.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Pointer and keys")]
pub(crate) struct ReaderOptions {
    /// The pointer: the channel that machines boot from.
    #[arg(long, value_name = "NAME", default_value_t = PointerName::default())]
    pointer: PointerName,

    #[command(flatten)]
    trust: TrustOptions,

    /// A file that remembers pointers, so that nobody can put an older one back unnoticed.
    #[arg(long, value_name = "FILE")]
    pointer_memory: Option<PathBuf>,
}

/// The options of commands that need a pointer, and may sign.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Pointer and keys")]
pub(crate) struct SigningOptions {
    #[command(flatten)]
    reader: ReaderOptions,

    #[command(flatten)]
    signer: SignerOptions,

    /// The number of hours for which a pointer may be trusted after it was written, or `none`. A
    /// pointer that has a best-before date is not replaced without this option.
    #[arg(long, value_name = "HOURS")]
    pointer_lifetime: Option<PointerLifetime>,
}

/// The options of commands that make a release live.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Pointer and keys")]
pub(crate) struct PublisherOptions {
    #[command(flatten)]
    signing: SigningOptions,

    /// Replace a pointer that cannot be trusted. Its history ends.
    #[arg(long)]
    replace_untrusted: bool,

    /// Replace a signed pointer by one that is not signed. Who reads the target with keys then
    /// refuses it.
    #[arg(long)]
    unsigned: bool,

    #[command(flatten)]
    foreign: ForeignOption,
}

/// The option of commands that write entry points.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Pointer and keys")]
pub(crate) struct ForeignOption {
    /// Replace files that netboot did not write in the places of a pointer and of entry points.
    #[arg(long)]
    pub(crate) replace_foreign: bool,
}

impl ReaderOptions {
    /// Reads the files of the options.
    ///
    /// # Errors
    /// If a file cannot be read, the keys make no sense, or an option has no effect.
    pub(crate) fn read(&self, session: &Session) -> Result<ReaderSettings, Report> {
        self.read_of_signer(false, session)
    }

    /// Reads the files of the options. The key of a signer checks pointers as well.
    fn read_of_signer(
        &self,
        has_signer: bool,
        session: &Session,
    ) -> Result<ReaderSettings, Report> {
        let trusted_keys = self.trust.read(session)?;
        if self.pointer_memory.is_some() && trusted_keys.is_none() && !has_signer {
            return Err(Misuse::report(
                "`--pointer-memory` has no effect without keys: only signed pointers are remembered",
                "name the public key that pointers are signed with: `--key FILE`",
            ));
        }
        let memory = match &self.pointer_memory {
            Some(path) => Some(open_memory(path, session).of_command_line()?),
            None => None,
        };
        Ok(ReaderSettings { pointer: self.pointer.clone(), trusted_keys, memory })
    }

    fn given(&self) -> Option<&'static str> {
        match self {
            Self { pointer, .. } if *pointer != PointerName::default() => Some("--pointer"),
            Self { pointer_memory: Some(_), .. } => Some("--pointer-memory"),
            _ => self.trust.given(),
        }
    }
}

impl SigningOptions {
    /// Reads the files of the options. A command does this before it works, so that a wrong
    /// password ends it at once.
    ///
    /// # Errors
    /// If a file cannot be read, the keys make no sense, or an option has no effect.
    pub(crate) fn read(&self, session: &Session) -> Result<PublisherSettings, Report> {
        let reader = self.reader.read_of_signer(self.signer.has_signer(session)?, session)?;
        Ok(PublisherSettings {
            reader,
            signers: self.signer.read()?,
            pointer_lifetime: self.pointer_lifetime,
            unsigned: false,
            replace_untrusted: false,
            replace_foreign: false,
        })
    }

    /// Reads the files of the options of a command that only signs.
    ///
    /// # Errors
    /// The errors of [`read`](Self::read), and [`Error::NoSigner`](crate::Error::NoSigner).
    pub(crate) fn read_to_sign(&self, session: &Session) -> Result<PublisherSettings, Report> {
        self.signer.require_signer(session)?;
        self.read(session)
    }

    /// Reads the files of the options of a command that writes pointers.
    ///
    /// # Errors
    /// The errors of [`read`](Self::read), and if a date would not be signed.
    pub(crate) fn read_to_write(&self, session: &Session) -> Result<PublisherSettings, Report> {
        if self.pointer_lifetime.is_some() && !self.signer.has_signer(session)? {
            return Err(Misuse::report(
                "`--pointer-lifetime` has no effect: nobody trusts a date that is not signed",
                "name the file of the secret key as well: `--sign FILE`",
            ));
        }
        self.read(session)
    }
}

impl PublisherOptions {
    /// Reads the files of the options.
    ///
    /// # Errors
    /// The errors of [`SigningOptions::read_to_write`].
    pub(crate) fn read(&self, session: &Session) -> Result<PublisherSettings, Report> {
        let settings = self.signing.read_to_write(session)?;
        let is_checked =
            settings.reader.trusted_keys.is_some() || self.signing.signer.has_signer(session)?;
        if self.replace_untrusted && !is_checked {
            return Err(Misuse::report(
                "`--replace-untrusted` has no effect without keys: every pointer is trusted",
                "name the secret key that signs the new pointer, `--sign FILE`, or leave out \
                 `--replace-untrusted`",
            ));
        }
        if self.unsigned && is_checked {
            return Err(Misuse::report(
                "`--unsigned` has no effect with keys: the new pointer is signed",
                "leave out `--unsigned`; to leave signing, name no keys, here or in netboot.toml",
            ));
        }
        Ok(PublisherSettings {
            unsigned: self.unsigned,
            replace_untrusted: self.replace_untrusted,
            replace_foreign: self.foreign.replace_foreign,
            ..settings
        })
    }

    /// The first of these options that is on the command line and that only the pointer and the
    /// entry points need.
    pub(crate) fn given_to_go_live(&self) -> Option<&'static str> {
        let options = [
            ("--pointer-lifetime", self.signing.pointer_lifetime.is_some()),
            ("--unsigned", self.unsigned),
            ("--replace-foreign", self.foreign.replace_foreign),
        ];
        first_given(options)
    }

    /// The first of these options that is on the command line.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let Self { signing, replace_untrusted, .. } = self;
        if let Some(option) = self.given_to_go_live() {
            return Some(option);
        }
        let options =
            [("--sign", signing.signer.is_given()), ("--replace-untrusted", *replace_untrusted)];
        first_given(options).or_else(|| signing.reader.given())
    }
}

/// Opens the memory of pointers, and says if a damaged one was set aside.
fn open_memory(path: &Path, session: &Session) -> Result<Arc<dyn PointerMemory>, Report> {
    let memory = PointerMemoryFile::open(path).map_err(Error::of_option("--pointer-memory"))?;
    if let Some(damaged) = memory.set_aside() {
        let damaged = damaged.display();
        session.progress.line(&format!(
            "warning: the memory of pointers was damaged and begins anew; it is now `{damaged}`"
        ));
    }
    Ok(Arc::new(memory))
}
