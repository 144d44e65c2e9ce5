//! Hardware addresses that many network cards share, because nobody gave the card its own.

use netboot_core::MacAddress;

use crate::dispatch::shared_identity::is_counting;

/// Addresses of chips without a memory of their own, which no rule below finds.
const ADDRESSES: [[u8; 6]; 7] = [
    // Realtek's USB chips and their copies.
    [0x00, 0xe0, 0x4c, 0x53, 0x44, 0x58],
    [0x00, 0xe0, 0x4c, 0x36, 0x00, 0x01],
    // Davicom's USB chips and their copies.
    [0x00, 0x60, 0x6e, 0x00, 0xf1, 0x7d],
    // Microsoft's adapters for connections by telephone.
    [0x44, 0x45, 0x53, 0x54, 0x00, 0x00],
    [0x44, 0x45, 0x53, 0x54, 0x42, 0x00],
    // Words that people write in place of an address.
    [0xde, 0xad, 0xbe, 0xef, 0xca, 0xfe],
    [0x00, 0xde, 0xad, 0xbe, 0xef, 0x00],
];

/// Returns true if an address is one that many cards have. The last three octets number the cards
/// of one vendor (IEEE 802, section 8.2): zeros and ones are no number there.
pub(super) fn is_shared_address(address: MacAddress) -> bool {
    let octets = address.octets();
    ADDRESSES.contains(&octets)
        || matches!(octets, [.., 0, 0, 0] | [.., 0xff, 0xff, 0xff])
        || has_equal_octets(octets)
        || has_constant_difference(&octets[1..])
        || counts(&octets)
        || counts(&octets[1..])
        || has_equal_parts(octets)
}

/// One octet everywhere, but for one place: `88:88:88:88:87:88`.
fn has_equal_octets(octets: [u8; 6]) -> bool {
    octets.iter().any(|octet| octets.iter().filter(|other| *other != octet).count() <= 1)
}

/// Octets with a constant difference: `00:11:22:33:44:55`, `02:aa:bb:cc:dd:ee`. The first octet
/// may have the bit of a local address instead.
fn has_constant_difference(octets: &[u8]) -> bool {
    let difference = octets[1].wrapping_sub(octets[0]);
    octets.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == difference)
}

/// Digits that count up or down: `12:34:56:78:9a:bc`, `00:12:34:56:78:90`.
fn counts(octets: &[u8]) -> bool {
    let digits = octets.iter().flat_map(|octet| [octet >> 4, octet & 0xf]);
    let digits: String =
        digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect();
    is_counting(&digits)
}

/// Parts that stand there again: `de:ad:de:ad:de:ad`, `aa:bb:cc:aa:bb:cc`.
fn has_equal_parts(octets: [u8; 6]) -> bool {
    [2, 3].into_iter().any(|length| octets.chunks(length).all(|part| part == &octets[..length]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_shared(text: &str) -> bool {
        is_shared_address(text.parse().unwrap())
    }

    #[test]
    fn addresses_that_many_cards_have_are_recognised() {
        for text in [
            "88:88:88:88:87:88",
            "00:e0:4c:53:44:58",
            "00:60:6e:00:f1:7d",
            "00:11:22:33:44:55",
            "02:11:22:33:44:55",
            "00:aa:bb:cc:dd:ee",
            "aa:bb:cc:dd:ee:ff",
            "a0:b0:c0:d0:e0:f0",
            "1a:2b:3c:4d:5e:6f",
            "66:55:44:33:22:11",
            "00:01:02:03:04:05",
            "0a:0b:0c:0d:0e:0f",
            "12:34:56:78:9a:bc",
            "12:34:56:78:90:12",
            "00:12:34:56:78:9a",
            "00:12:34:56:78:90",
            "fe:dc:ba:98:76:54",
            "00:00:00:00:00:01",
            "02:00:00:00:00:00",
            "02:02:02:02:02:02",
            "fe:ff:ff:ff:ff:ff",
            "00:a0:c9:00:00:00",
            "b8:27:eb:00:00:00",
            "00:e0:4c:ff:ff:ff",
            "44:45:53:54:00:00",
            "de:ad:be:ef:ca:fe",
            "de:ad:de:ad:de:ad",
            "aa:bb:cc:aa:bb:cc",
        ] {
            assert!(is_shared(text), "{text}");
        }
    }

    #[test]
    fn addresses_of_one_card_are_taken() {
        for text in [
            // The default of QEMU, which one machine of a network may have.
            "52:54:00:12:34:56",
            "52:54:00:00:00:01",
            "02:00:00:00:00:01",
            "00:e0:4c:68:00:01",
            "00:1b:21:3c:9d:e4",
            "ac:1f:6b:8c:1a:2e",
            "00:25:90:00:00:01",
            "0c:c4:7a:ff:ff:fe",
            "de:ad:be:ef:00:01",
            "b8:27:eb:11:22:34",
            "3c:ec:ef:00:11:23",
        ] {
            assert!(!is_shared(text), "{text}");
        }
    }
}
