//! Serial numbers, asset tags and UUIDs that many machines share, because their vendors left them
//! unset. They are recognised by their class: a list of texts never ends.

use uuid::Uuid;

/// Words of vendors for a text that is not set, as letters and digits in lower case.
const WORDS: [&str; 57] = [
    // Azure's asset tag of every machine.
    "77837084326590858269328677",
    "alibabacloud",
    "amazonec2",
    "asset",
    "assettag",
    "assettagnum",
    "badindex",
    "blank",
    "board",
    "chassis",
    "default",
    "demo",
    "digitalocean",
    "empty",
    "example",
    "generic",
    "googlecloud",
    "googlecomputeengine",
    "invalid",
    "na",
    "nil",
    "no",
    "noasset",
    "noassetinformation",
    "none",
    "noserial",
    "nosn",
    "notavailable",
    "notset",
    "null",
    "number",
    "oem",
    "openstack",
    "oraclecloudcom",
    "pending",
    "qemu",
    "sample",
    "sernum",
    "serial",
    "serialnum",
    "serialno",
    "sn",
    "standard",
    "string",
    "systemname",
    "tag",
    "tbd",
    "test",
    "todo",
    "unavailable",
    "undefined",
    "unknown",
    "unset",
    "virtualbox",
    "vmware",
    "void",
    "xx",
];

/// Phrases that no serial number has in it.
const PHRASES: [&str; 21] = [
    "assetinformation",
    "assettag",
    "badindex",
    "changeme",
    "defaultstring",
    "filledby",
    "noasset",
    "noserial",
    "notapplicable",
    "notavailable",
    "notassigned",
    "notpresent",
    "notprovided",
    "notsettable",
    "notspecified",
    "outofspec",
    "placeholder",
    "serialnumber",
    "tobefilled",
    "tobeset",
    "unspecified",
];

/// Words that stand in front of digits.
const PREFIXES: [&str; 8] = ["assettag", "asset", "number", "serial", "sernum", "sn", "tag", "no"];

/// UUIDs of boards whose vendors gave all of them one UUID.
const UUIDS: [u128; 4] = [
    0x1000_0000_0000_8000_0040_0000_0000_0000,
    0x0300_0200_0400_0500_0006_0007_0008_0009,
    0x1234_5678_1234_5678_90ab_cdde_efaa_bbcc,
    // Dell's form for a machine with a service tag of spaces.
    0x4c4c_4544_0000_2010_8020_80c0_4f20_2020,
];

/// Returns true if a serial number or asset tag is one that vendors leave in place.
pub(super) fn is_shared_text(text: &str) -> bool {
    let letters = text.chars().filter(char::is_ascii_alphanumeric);
    let said: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
    let without_digit = said.strip_suffix(['0', '1']);
    let is_word = |word: &str| WORDS.contains(&word);
    let rest = PREFIXES.iter().find_map(|prefix| said.strip_prefix(prefix)).unwrap_or(&said);
    // Nothing is left of a text that is only punctuation.
    said.is_empty()
        || is_word(&said)
        || without_digit.is_some_and(is_word)
        || said.starts_with("default")
        || PHRASES.iter().any(|phrase| said.contains(phrase))
        || is_repeated(rest)
        || is_counting(rest)
        || has_equal_parts(&said)
        || has_counted_number(&said)
}

/// A part that stands there three times or more: `123123123`, `1212121212`.
fn has_equal_parts(said: &str) -> bool {
    let is_part = |length: usize| {
        let mut parts = said.as_bytes().chunks(length);
        parts.all(|part| part == &said.as_bytes()[..length])
    };
    (2..=said.len() / 3).any(is_part)
}

/// A few letters before digits that begin with a count of eight: `BSN12345678901234567`.
fn has_counted_number(said: &str) -> bool {
    let digits = said.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
    let is_number = digits.bytes().all(|digit| digit.is_ascii_digit());
    said.len() - digits.len() <= 8 && is_number && digits.get(..8).is_some_and(is_counting)
}

/// Zeros of any number, or another character three times or more.
fn is_repeated(said: &str) -> bool {
    let Some(first) = said.chars().next() else { return false };
    said.chars().all(|letter| letter == first) && (first == '0' || said.len() > 2)
}

/// Digits that count up or down, also beyond 9: `0123456789`, `1234567890`, `123456789abcdef`.
pub(super) fn is_counting(said: &str) -> bool {
    // People number their machines, but hardly from 1234.
    let least = if said.starts_with(['0', '1']) { 4 } else { 6 };
    let backwards: String = said.chars().rev().collect();
    said.len() >= least && (counts_up(said) || counts_up(&backwards))
}

/// Hexadecimal digits that each count on from the one before. 0 follows 9 and `f`.
fn counts_up(said: &str) -> bool {
    let digits: Option<Vec<u32>> = said.chars().map(|digit| digit.to_digit(16)).collect();
    digits.is_some_and(|digits| {
        digits.windows(2).all(|pair| pair[1] == (pair[0] + 1) % 16 || pair == [9, 0])
    })
}

/// Returns true if a UUID is one that vendors leave in place, in either order of its octets.
pub(super) fn is_shared_uuid(uuid: Uuid) -> bool {
    [uuid, swapped(uuid)].into_iter().any(|uuid| {
        UUIDS.contains(&uuid.as_u128())
            || has_equal_octets(uuid)
            || has_regular_octets(uuid)
            || has_regular_groups(uuid)
    })
}

/// The UUID with the octets of its first three fields in the other order. SMBIOS 2.6 and later
/// stores these fields with the least significant octet first (DSP0134, 7.2.1). Earlier firmware
/// does not say which order it has.
pub(super) fn swapped(uuid: Uuid) -> Uuid {
    Uuid::from_bytes(uuid.to_bytes_le())
}

/// One octet everywhere, but for one or two places. In SMBIOS, only zeros or only ones mean that
/// the machine has no UUID (DSP0134, 7.2.1). Some vendors count in the last octet.
fn has_equal_octets(uuid: Uuid) -> bool {
    let differ = |octet| uuid.as_bytes().iter().filter(|found| **found != octet).count();
    uuid.as_bytes().iter().any(|octet| differ(*octet) <= 2)
}

/// Octets with a constant difference: `fefefefe…`, `00010203…`, `00112233…`.
fn has_regular_octets(uuid: Uuid) -> bool {
    let octets = uuid.as_bytes();
    let difference = octets[1].wrapping_sub(octets[0]);
    octets.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == difference)
}

/// Groups of digits that each repeat one digit or count: `11111111-2222-…`, `12345678-1234-…`.
fn has_regular_groups(uuid: Uuid) -> bool {
    let text = uuid.hyphenated().to_string();
    text.split('-').all(|group| is_repeated(group) || is_counting(group) || counts_up(group))
        || is_counting(&text.replace('-', ""))
        || uuid.as_bytes()[..8] == uuid.as_bytes()[8..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_vendors_leave_in_place_are_recognised() {
        for text in [
            "",
            " ",
            "--",
            "...",
            "0",
            "00000000",
            "0000-0000",
            "XXXXXXX",
            "xxx-xxx",
            "........",
            "To Be Filled By O.E.M.",
            "To be filled by O.E.M",
            "TO BE FILLED",
            "Filled by OEM",
            "Default string",
            "DEFAULT",
            "Default",
            "System Serial Number",
            "SystemSerialNumber",
            "Chassis Serial Number",
            "Base Board Serial Number",
            "Type2 - Board Serial Number",
            "Not Specified",
            "Not Applicable",
            "Not Available",
            "Not Settable",
            "Not Present",
            "N/A",
            "n.a.",
            "NA",
            "None",
            "none",
            "NULL",
            "(null)",
            "Unknown",
            "UNKNOWN",
            "Invalid",
            "INVALID",
            "OEM",
            "O.E.M.",
            "Empty",
            "<BAD INDEX>",
            "<OUT OF SPEC>",
            "Unspecified",
            "0123456789",
            "123456789",
            "1234567890",
            "1234567",
            "12345678",
            "123-456-789",
            "0123456789ABCDEF",
            "123456789ABCDEF",
            "9876543210",
            "87654321",
            "1234",
            "12345",
            "SN0123456789",
            "SN: 12345678",
            "Asset-1234567890",
            "Asset Tag",
            "No Asset Tag",
            "AssetTagNum0",
            "SerNum0",
            "SerNum00",
            "Serial Number",
            "S/N",
            "serial",
            "1111111",
            "NotSpecified",
            "No Asset Information",
            "sn00000000",
            "BSN12345678901234567",
            "MB-1234567890",
            "ATN12345678901234556",
            "123123123",
            "1212121212",
            "Undefined",
            "TBD",
            "*",
            "$(",
            "7783-7084-3265-9085-8269-3286-77",
            "OracleCloud.com",
            "Amazon EC2",
            "Google Compute Engine",
            "DigitalOcean",
        ] {
            assert!(is_shared_text(text), "{text}");
        }
    }

    #[test]
    fn real_serial_numbers_and_asset_tags_are_taken() {
        for text in [
            "7XK9JQ2",
            "CN7792158N00DF",
            "J1234567",
            "SGH519XKRP",
            "CZJ2390V1L",
            "MXQ64701TD",
            "S4AHWX12",
            "PF1ABCDE",
            "J302PF9V",
            "A263315X5B15044",
            "VM154S012345",
            "QEMU-0001",
            "ec2f1c2a-6b1d-0f2e-9f3a-1b2c3d4e5f60",
            "GoogleCloud-2F4B7D9C1A3E5F60",
            "7783-7084-3265-9085-8269-3286-78",
            "VMware-56 4d 1f 6a c2 0e 7b 93-5a 11 8e 0d 3f 6b 2c 19",
            "rack-3-unit-17",
            "IT-00421",
            "1",
            "7",
            "42",
            "77",
            "4567",
            "100234",
            "ABC123",
            "5CG1234ABC",
            "1234567X",
            "2345",
            "0001",
            "0042",
            "123457",
            "NODE-01",
            "SN-93281",
            "NOTE-12",
            "TAG-4711",
            "DEFIANT",
        ] {
            assert!(!is_shared_text(text), "{text}");
        }
    }

    #[test]
    fn uuids_that_vendors_leave_in_place_are_recognised_in_both_orders() {
        for text in [
            "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            "ffffff00-ffff-ffff-ffff-ffffffffffff",
            "00000000-0000-0000-0000-000000000001",
            "03000200-0400-0500-0006-000700080009",
            "12345678-1234-5678-90ab-cddeefaabbcc",
            "12345678-1234-1234-1234-123456789abc",
            "12345678-1234-5678-9abc-123456789abc",
            "fefefefe-fefe-fefe-fefe-fefefefefefe",
            "11111111-1111-1111-1111-111111111111",
            "11111111-2222-3333-4444-555555555555",
            "00010203-0405-0607-0809-0a0b0c0d0e0f",
            "00112233-4455-6677-8899-aabbccddeeff",
            "01234567-89ab-cdef-0123-456789abcdef",
            "4c4c4544-0000-2010-8020-80c04f202020",
            "10000000-0000-8000-0040-000000000000",
            "88888888-8888-8888-8888-878888888888",
            "deadbeef-dead-beef-dead-beefdeadbeef",
            "12345678-1234-5678-1234-567812345678",
        ] {
            let uuid: Uuid = text.parse().unwrap();
            assert!(is_shared_uuid(uuid), "{text}");
            assert!(is_shared_uuid(swapped(uuid)), "{text}, swapped");
            assert_eq!(swapped(swapped(uuid)), uuid);
        }
    }

    #[test]
    fn real_uuids_are_taken() {
        for text in [
            "4c4c4544-0058-4b10-8039-b7c04f4a5132",
            "30373237-3132-4d32-3235-313930325248",
            "00000000-0000-0000-0000-ac1f6b8c1a2e",
            "564d1f6a-c20e-7b93-5a11-8e0d3f6b2c19",
            "b2a0c7d4-6a5e-11ec-8f3b-525400123456",
            "01020304-0506-4708-890a-0b0c0d0e0f10",
        ] {
            assert!(!is_shared_uuid(text.parse().unwrap()), "{text}");
        }
    }

    proptest::proptest! {
        /// A random UUID and a random serial number are never taken for a vendor's.
        #[test]
        fn what_is_random_is_taken(bits: u128, serial in "[A-HJ-NP-Z0-9]{9,14}") {
            let uuid = uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid();
            let is_varied = |octets: &[u8]| {
                octets.iter().collect::<std::collections::BTreeSet<_>>().len() > 4
            };
            proptest::prop_assume!(is_varied(&bits.to_be_bytes()) && is_varied(serial.as_bytes()));
            proptest::prop_assert!(!is_shared_uuid(uuid));
            proptest::prop_assert!(!is_shared_text(&serial) || is_counting(&serial.to_lowercase()));
        }
    }
}
