//! Parsing and formatting of MAC addresses.

use netboot_core::{BackendError, MacAddress, ValueKind};
use proptest::prelude::*;

#[test]
fn both_separators_and_cases_parse_and_display_as_ipxe_does() {
    for text in ["52:54:00:AB:cd:01", "52-54-00-ab-CD-01"] {
        let mac: MacAddress = text.parse().unwrap();
        assert_eq!(mac.to_string(), "52:54:00:ab:cd:01");
        assert_eq!(mac.separated_by("-"), "52-54-00-ab-cd-01");
        assert_eq!(mac.separated_by(""), "525400abcd01");
    }
}

#[test]
fn what_no_card_has_is_refused() {
    for text in [
        "",
        "52:54:00:12:34",
        "52:54:00:12:34:56:78",
        "52:54-00:12:34:56",
        "52:54:00:12:34:5g",
        "5:254:00:12:34:56",
        "+2:54:00:12:34:56",
        "01:00:5e:00:00:01",
        "ff:ff:ff:ff:ff:ff",
        "00:00:00:00:00:00",
        "52:54:00:12:34:56\n",
    ] {
        let error = text.parse::<MacAddress>().unwrap_err();
        assert!(error.hint().is_some(), "{text}");
        assert_eq!((error.kind, error.value.as_str()), (ValueKind::MacAddress, text));
    }
}

proptest! {
    #[test]
    fn an_address_survives_its_text(mut octets: [u8; 6]) {
        octets[0] &= 0xfe;
        prop_assume!(octets != [0; 6]);
        let address = MacAddress::new(octets).unwrap();
        prop_assert_eq!(address.to_string().parse::<MacAddress>().unwrap(), address);
        prop_assert_eq!(address.octets(), octets);
    }
}
