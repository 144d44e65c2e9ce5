//! Reading the structures of a TPM, which are big-endian (TPM 2.0 Library, Part 1, section "Data
//! Marshaling").

/// The bytes of a structure that are not read yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bytes<'a> {
    rest: &'a [u8],
}

/// A fault of a structure, as a clause.
pub(crate) type Problem = &'static str;

const CUT_OFF: Problem = "it is cut off";

impl<'a> Bytes<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Problem> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(CUT_OFF)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        self.take(N)?.try_into().map_err(|_| CUT_OFF)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Problem> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Problem> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Problem> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Problem> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// Reads a field that begins with its length (`TPM2B_…`).
    pub(crate) fn sized(&mut self) -> Result<&'a [u8], Problem> {
        let length = self.u16()?;
        self.take(length.into())
    }

    /// Reads a number of the curve P-256. TPMs may leave out zeros at its start.
    pub(crate) fn p256_number(&mut self) -> Result<[u8; 32], Problem> {
        let (number, mut all) = (self.sized()?, [0; 32]);
        let start = all.len().checked_sub(number.len()).ok_or("a number of it is too large")?;
        all[start..].copy_from_slice(number);
        Ok(all)
    }

    /// Fails unless this number comes next.
    pub(crate) fn expect(&mut self, number: u16, otherwise: Problem) -> Result<(), Problem> {
        if self.u16()? == number { Ok(()) } else { Err(otherwise) }
    }

    /// Fails if bytes are left.
    pub(crate) fn end(&self) -> Result<(), Problem> {
        if self.rest.is_empty() { Ok(()) } else { Err("bytes follow it") }
    }
}
