//! The keys that may sign releases, and how many of them have to.

use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::error::Error;
use crate::signature::TrustedKey;

/// A set of distinct public keys, and the number of them that have to sign a release: the
/// *threshold*.
///
/// The threshold is one unless [`with_threshold`](Self::with_threshold) sets it. With a threshold
/// of two of three keys, one key can be lost, or be in the hands of an attacker, without harm.
///
/// A *pointer* needs the signature of one of the keys, whatever the threshold is. It can only name
/// a release, and that release needs the threshold. Its script has to be the script that the
/// release's manifest says, and its counter keeps an old pointer from being used again.
///
/// ```
/// use netboot_publish::{TrustedKey, TrustedKeys};
///
/// let key = TrustedKey::parse("RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3")?;
/// let keys = TrustedKeys::new([&key])?;
/// assert_eq!(keys.threshold(), 1);
/// assert!(keys.with_threshold(2).is_err(), "there is only one key");
/// assert!(TrustedKeys::new([&key, &key]).is_err(), "they are not distinct");
/// # Ok::<(), netboot_publish::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKeys {
    keys: Arc<[TrustedKey]>,
    threshold: NonZeroUsize,
}

impl TrustedKeys {
    /// Makes a set of keys, of which one has to sign.
    ///
    /// # Errors
    /// [`Error::InvalidTrustedKeys`] if there is no key, or if two keys verify the same
    /// signatures, even if their minisign key ids differ.
    pub fn new(keys: impl IntoIterator<Item: Into<TrustedKey>>) -> Result<Self, Error> {
        let keys: Arc<[TrustedKey]> = keys.into_iter().map(Into::into).collect();
        let invalid = |problem| Err(Error::InvalidTrustedKeys { problem });
        for (position, key) in keys.iter().enumerate() {
            if keys[..position].iter().any(|other| other.is_twin(key)) {
                return invalid(format!("`{key}` is there twice"));
            }
        }
        if keys.is_empty() {
            return invalid("there is no key".to_owned());
        }
        Ok(Self { keys, threshold: NonZeroUsize::MIN })
    }

    /// Sets how many keys have to sign a release.
    ///
    /// # Errors
    /// [`Error::InvalidTrustedKeys`] if the threshold is zero, or greater than the number of keys.
    pub fn with_threshold(self, threshold: usize) -> Result<Self, Error> {
        let number = self.keys.len();
        match NonZeroUsize::new(threshold) {
            Some(threshold) if threshold.get() <= number => Ok(Self { threshold, ..self }),
            _ => {
                let problem = format!("{threshold} of {number} keys cannot be required to sign");
                Err(Error::InvalidTrustedKeys { problem })
            }
        }
    }

    /// The keys.
    pub fn keys(&self) -> &[TrustedKey] {
        &self.keys
    }

    /// The keys, of which one has to sign.
    pub(crate) fn any(&self) -> Self {
        Self { threshold: NonZeroUsize::MIN, ..self.clone() }
    }

    /// Makes a set of keys, of which one has to sign. Returns `None` if there is no key.
    pub(crate) fn any_of<'a>(keys: impl Iterator<Item = &'a TrustedKey>) -> Option<Self> {
        let keys: Arc<[TrustedKey]> = keys.cloned().collect();
        (!keys.is_empty()).then_some(Self { keys, threshold: NonZeroUsize::MIN })
    }

    /// The number of keys that have to sign a release.
    pub fn threshold(&self) -> usize {
        self.threshold.get()
    }
}

/// A single key, which has to sign.
impl From<TrustedKey> for TrustedKeys {
    fn from(key: TrustedKey) -> Self {
        Self { keys: Arc::new([key]), threshold: NonZeroUsize::MIN }
    }
}

/// A single key, which has to sign, such as [`Signer::public_key`](crate::Signer::public_key)
/// returns.
impl From<&TrustedKey> for TrustedKeys {
    fn from(key: &TrustedKey) -> Self {
        key.clone().into()
    }
}

/// Lets several publishers, for example of several sites, take the same keys.
impl From<&Self> for TrustedKeys {
    fn from(keys: &Self) -> Self {
        keys.clone()
    }
}
