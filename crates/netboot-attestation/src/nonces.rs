//! The numbers that make quotes new.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::error::Error;

/// A random number of 256 bits, which a TPM puts into its quote.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Nonce([u8; 32]);

impl Nonce {
    /// A number with these bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes. `tpm2_quote --qualification` takes them as hexadecimal digits.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce(…)")
    }
}

/// The nonces that machines were given and have not used yet. `M` names a machine.
///
/// A machine that asks again gets its nonce again until half of the nonce's life is over. Then it
/// gets a new one beside it. So whoever asks in the name of a machine takes nothing away from it,
/// and a machine has two nonces at most. A nonce is no secret.
///
/// Times are durations since any fixed moment of a clock that never goes back, such as
/// [`Instant::elapsed`](std::time::Instant::elapsed) of a service's start.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use netboot_attestation::Nonces;
///
/// let mut nonces = Nonces::new(1000, Duration::from_secs(60));
/// let nonce = nonces.issue("node01", Duration::from_secs(5))?;
/// nonces.redeem(&"node01", &nonce, Duration::from_secs(20))?;
/// assert!(nonces.redeem(&"node01", &nonce, Duration::from_secs(21)).is_err());
/// # Ok::<(), netboot_attestation::Error>(())
/// ```
#[derive(Debug)]
pub struct Nonces<M> {
    limit: usize,
    life: Duration,
    /// With the time at which each one expires, the oldest first.
    waiting: BTreeMap<M, Vec<(Nonce, Duration)>>,
}

impl<M: Ord> Nonces<M> {
    /// Nonces for at most `limit` machines at once, each of which counts for the time `life`.
    pub fn new(limit: usize, life: Duration) -> Self {
        Self { limit, life, waiting: BTreeMap::new() }
    }

    /// Gives a machine a nonce that counts for half of the life at least. `now` is the time.
    ///
    /// # Errors
    /// [`Error::TooManyNonces`], [`Error::NoRandomness`].
    pub fn issue(&mut self, machine: M, now: Duration) -> Result<Nonce, Error> {
        self.waiting.retain(|_, own| {
            own.retain(|(_, expires)| *expires > now);
            !own.is_empty()
        });
        let newest = self.waiting.get(&machine).and_then(|own| own.last());
        match newest {
            Some((nonce, expires)) if *expires >= now.saturating_add(self.life / 2) => {
                return Ok(*nonce);
            }
            None if self.waiting.len() >= self.limit => {
                return Err(Error::TooManyNonces { limit: self.limit });
            }
            _ => {}
        }
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::NoRandomness)?;
        let nonce = Nonce(bytes);
        self.waiting.entry(machine).or_default().push((nonce, now.saturating_add(self.life)));
        Ok(nonce)
    }

    /// Takes a nonce of a machine back. It counts once. Another nonce than the machine's own takes
    /// nothing back. Verify the signature and the key before, so that nobody else uses up a nonce.
    ///
    /// # Errors
    /// [`Error::OldNonce`] if the machine was not given this nonce, used it before, or was slow.
    pub fn redeem(&mut self, machine: &M, nonce: &Nonce, now: Duration) -> Result<(), Error> {
        let own = self.waiting.get_mut(machine).ok_or(Error::OldNonce)?;
        let place = own.iter().position(|(one, _)| one == nonce).ok_or(Error::OldNonce)?;
        let (_, expires) = own.remove(place);
        if expires > now { Ok(()) } else { Err(Error::OldNonce) }
    }
}
