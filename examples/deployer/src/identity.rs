//! The identity that a machine claims in its query.

use std::str::FromStr;

use netboot_core::MacAddress;
use netboot_ipxe::{AssetTag, Error, MachineKey, MachineUuid, SerialNumber};
use url::form_urlencoded;

/// The maximum number of network cards in a query. Each is looked up.
const MOST_CARDS: usize = 16;
/// The maximum number of sentences about values that many machines share.
const MOST_SHARED: usize = 4;
/// The maximum length of a query, in bytes. iPXE sends about 200 bytes.
const LONGEST_QUERY: usize = 4096;

/// The keys in a machine's query that a fleet can look up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Its network cards. The one that it boots from is first.
    pub(crate) macs: Vec<MacAddress>,
    /// Its UUID.
    pub(crate) uuid: Option<MachineUuid>,
    /// Its serial number.
    pub(crate) serial: Option<SerialNumber>,
    /// Its asset tag.
    pub(crate) asset_tag: Option<AssetTag>,
    /// A sentence for each value that identifies nothing, because many machines share it.
    pub(crate) shared: Vec<String>,
}

impl Identity {
    /// Parses a query as iPXE sends it. A MAC address has colons (`${net0/mac}`) or hyphens
    /// (`:hexhyp`). Serial numbers and asset tags are text, or hexadecimal octets in `serial-hex`
    /// and `asset-hex`. A parameter is empty if the machine does not have the value. `mac` can be
    /// repeated, once for each network card.
    ///
    /// Values that many machines share (zeros, `To be filled by O.E.M.`, `88:88:88:88:87:88`)
    /// identify nothing. They are no keys, and [`shared`](Self::shared) names them. An unreadable
    /// address is an error, and so is an unexpanded `${`.
    ///
    /// # Errors
    /// A text for the console that says what is wrong.
    pub(crate) fn parse(query: &str) -> Result<Self, String> {
        if query.len() > LONGEST_QUERY {
            return Err(format!("the query has more than {LONGEST_QUERY} bytes"));
        }
        let mut identity = Self::default();
        // iPXE escapes a space as %20 and does not escape a plus. Forms do the opposite.
        let query = query.replace('+', "%2B");
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            if name == "mac" {
                let mac: MacAddress = value.parse().map_err(|_| unreadable(&name, value))?;
                if let Err(error) = MachineKey::Mac(mac).check_identity() {
                    identity.note(&error);
                    continue;
                }
                if identity.macs.len() == MOST_CARDS {
                    return Err(format!("more than {MOST_CARDS} MAC addresses are given"));
                }
                if !identity.macs.contains(&mac) {
                    identity.macs.push(mac);
                }
                continue;
            }
            if value.contains("${") {
                return Err(unreadable(&name, value));
            }
            match name.as_ref() {
                "uuid" => identity.uuid = identity.key(value),
                "serial" => identity.serial = identity.key(value),
                "asset" => identity.asset_tag = identity.key(value),
                "serial-hex" => identity.serial = text_of(value).and_then(|t| identity.key(&t)),
                "asset-hex" => identity.asset_tag = text_of(value).and_then(|t| identity.key(&t)),
                // The architecture decides nothing here, and other scripts may send anything.
                _ => {}
            }
        }
        Ok(identity)
    }

    /// Reads a key. One that cannot be read is left out.
    fn key<T: FromStr<Err = Error>>(&mut self, text: &str) -> Option<T> {
        text.parse().inspect_err(|error| self.note(error)).ok()
    }

    /// Notes that many machines share a value.
    fn note(&mut self, error: &Error) {
        let is_shared = matches!(error, Error::SharedIdentity { .. });
        let text = error.to_string();
        if is_shared && self.shared.len() < MOST_SHARED && !self.shared.contains(&text) {
            self.shared.push(text);
        }
    }

    /// The keys of the machine.
    pub(crate) fn keys(&self) -> Vec<MachineKey> {
        let macs = self.macs.iter().copied().map(MachineKey::Mac);
        let others = [
            self.uuid.map(MachineKey::Uuid),
            self.serial.clone().map(MachineKey::Serial),
            self.asset_tag.clone().map(MachineKey::AssetTag),
        ];
        macs.chain(others.into_iter().flatten()).collect()
    }

    /// A name for an unknown machine: its first MAC address, or else its UUID.
    pub(crate) fn own_name(&self) -> Option<String> {
        self.name_separated_by(":")
    }

    /// Its name in scripts, which do not allow colons in the name of a machine.
    pub(crate) fn script_name(&self) -> Option<String> {
        self.name_separated_by("-")
    }

    fn name_separated_by(&self, separator: &str) -> Option<String> {
        let mac = self.macs.first().map(|mac| mac.separated_by(separator));
        mac.or_else(|| self.uuid.map(|uuid| uuid.to_string()))
    }
}

fn unreadable(name: &str, value: &str) -> String {
    // iPXE shows this text on a console.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '.' | '/');
    let shown = |text: &str| -> String {
        text.chars().take(40).map(|c| if plain(c) { c } else { '?' }).collect()
    };
    format!("the parameter {} cannot be read: {}", shown(name), shown(value))
}

/// Decodes hexadecimal octets as text, without the padding of firmware.
fn text_of(digits: &str) -> Option<String> {
    let octets = hex::decode(digits).ok()?;
    let text = String::from_utf8(octets).ok()?;
    Some(text.trim_end_matches('\0').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(query: &str) -> Vec<String> {
        Identity::parse(query).unwrap().keys().iter().map(ToString::to_string).collect()
    }

    const MAC: &str = "MAC address 52:54:00:ab:cd:01";
    const UUID: &str = "UUID 12345678-9abc-4def-8012-3456789abcde";

    #[test]
    fn every_form_that_ipxe_sends_is_read() {
        let uuid = "12345678-9abc-4def-8012-3456789abcde";
        for mac in ["52:54:00:ab:cd:01", "52-54-00-ab-cd-01", "52%3A54%3A00%3AAB%3ACD%3A01"] {
            assert_eq!(keys(&format!("mac={mac}&uuid={uuid}")), [MAC, UUID]);
        }
        let serial = "serial number S/N 7 #1 + ${uuid}";
        let digits = hex::encode("S/N 7 #1 + ${uuid}");
        assert_eq!(keys(&format!("serial-hex={digits}&arch=x86_64")), [serial]);
        assert_eq!(keys("serial=S%2FN%207%20%231+2"), ["serial number S/N 7 #1+2"]);
        assert_eq!(keys(&format!("asset-hex={}", hex::encode("T\0\0"))), ["asset tag T"]);
        assert_eq!(keys("asset=T&colour=blue"), ["asset tag T"]);
    }

    #[test]
    fn missing_values_are_left_out() {
        for query in [
            "",
            "mac=&uuid=&serial=&asset=",
            "uuid=00000000-0000-0000-0000-000000000000",
            "serial=To%20be%20filled%20by%20O.E.M.",
            "serial-hex=zz&asset-hex=ff",
            // iPXE of 2019 escapes an octet beyond ASCII like this.
            "serial=%FFFFFFC3",
        ] {
            assert!(keys(query).is_empty(), "{query}");
        }
    }

    #[test]
    fn values_that_many_machines_share_are_named() {
        let query = "mac=88:88:88:88:87:88&serial=None&asset=Amazon%20EC2&mac=52:54:00:ab:cd:01";
        let identity = Identity::parse(query).unwrap();
        assert_eq!(keys(query), [MAC]);
        for text in ["MAC address \"88:88:88:88:87:88\"", "serial number \"None\"", "Amazon EC2"] {
            assert!(identity.shared.iter().any(|shared| shared.contains(text)), "{identity:?}");
        }
        let many: Vec<String> = (1..9).map(|n| format!("mac=00:00:00:00:00:{n:02x}")).collect();
        assert_eq!(Identity::parse(&many.join("&")).unwrap().shared.len(), MOST_SHARED);
    }

    #[test]
    fn every_card_counts_once() {
        let two = keys("mac=52:54:00:ab:cd:01&mac=52:54:00:ab:cd:02&mac=52-54-00-ab-cd-01");
        assert_eq!(two, [MAC, "MAC address 52:54:00:ab:cd:02"]);
        let many: Vec<String> = (1..18).map(|n| format!("mac=52:54:00:00:00:{n:02x}")).collect();
        assert!(Identity::parse(&many.join("&")).is_err());
    }

    #[test]
    fn meaningless_values_are_errors() {
        for query in [
            "mac=${net0/mac}",
            "mac=%24%7Bnet0/mac%7D",
            "mac=525400abcd01",
            "mac=ff:ff:ff:ff:ff:ff",
            "mac=worker",
            "uuid=${uuid}",
            "serial=$%7Bserial}",
        ] {
            assert!(Identity::parse(query).is_err(), "{query}");
        }
        assert!(Identity::parse(&"a".repeat(5000)).is_err());
        // The message is shown on a console, so it contains no special characters of the query.
        let said = Identity::parse("a%0Ashell%20%3Cb%3E=${x}").unwrap_err();
        assert_eq!(said, "the parameter a?shell??b? cannot be read: ??x?");
    }
}
