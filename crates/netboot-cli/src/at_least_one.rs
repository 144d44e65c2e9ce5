//! Numbers on the command line of which none would mean nothing.

use std::fmt::Display;
use std::str::FromStr;

/// Reads a number of at least 1.
pub(crate) fn at_least_one<N>(text: &str) -> Result<N, String>
where
    N: FromStr<Err: Display> + PartialOrd + From<u8>,
{
    let number: N = text.parse().map_err(|error: N::Err| error.to_string())?;
    if number < N::from(1) { Err("write a number of at least 1".to_owned()) } else { Ok(number) }
}
