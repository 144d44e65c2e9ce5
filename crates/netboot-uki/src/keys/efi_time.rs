//! Times in variables of firmware.

use std::time::SystemTime;

use time::OffsetDateTime;

use crate::error::Error;

/// The years that certificates and firmware can both state.
const YEARS: std::ops::RangeInclusive<i32> = 1950..=9000;

/// The date and the time of day, in UTC.
pub(crate) fn utc(time: SystemTime) -> Result<OffsetDateTime, Error> {
    // The conversion of the crate panics beyond its range.
    let seconds = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()),
        Err(before) => i64::try_from(before.duration().as_secs()).map(|seconds| -seconds),
    };
    let time = seconds.ok().and_then(|it| OffsetDateTime::from_unix_timestamp(it).ok());
    time.filter(|time| YEARS.contains(&time.year())).ok_or(Error::Time)
}

/// `EFI_TIME` in UTC and whole seconds, with all other fields zero, as the time of a variable must
/// be (UEFI Specification 2.10, section 8.2.2).
pub(crate) fn efi_time(time: OffsetDateTime) -> Result<[u8; 16], Error> {
    let year = u16::try_from(time.year()).map_err(|_| Error::Time)?.to_le_bytes();
    let (month, day) = (time.month().into(), time.day());
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    let mut bytes = [0; 16];
    bytes[..7].copy_from_slice(&[year[0], year[1], month, day, hour, minute, second]);
    Ok(bytes)
}
