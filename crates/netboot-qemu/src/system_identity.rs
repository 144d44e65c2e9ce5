//! The identity that a virtual machine reports.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The identity that a machine's firmware reports (SMBIOS types 1 and 3). iPXE scripts can
/// distinguish machines by it.
///
/// ```
/// use netboot_qemu::{Machine, SystemIdentity};
///
/// let identity = SystemIdentity::new().with_serial("SN 7").with_asset_tag("rack 3");
/// let machine = Machine::builder().identity(identity).build()?;
/// # Ok::<(), netboot_qemu::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SystemIdentity {
    /// The UUID with hyphens. The default is random.
    pub uuid: Option<String>,
    /// The serial number. The default is random.
    pub serial: Option<String>,
    /// The asset tag of the chassis.
    pub asset_tag: Option<String>,
    /// The manufacturer. The default is `QEMU`.
    pub manufacturer: Option<String>,
    /// The product name. The default is that of QEMU's machine type.
    pub product: Option<String>,
}

impl SystemIdentity {
    /// Creates an identity with a random UUID and serial number, and QEMU's other defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the UUID, with hyphens.
    #[must_use]
    pub fn with_uuid(mut self, uuid: impl Into<String>) -> Self {
        self.uuid = Some(uuid.into());
        self
    }

    /// Sets the serial number.
    #[must_use]
    pub fn with_serial(mut self, serial: impl Into<String>) -> Self {
        self.serial = Some(serial.into());
        self
    }

    /// Sets the asset tag of the chassis.
    #[must_use]
    pub fn with_asset_tag(mut self, asset_tag: impl Into<String>) -> Self {
        self.asset_tag = Some(asset_tag.into());
        self
    }

    /// Sets the manufacturer.
    #[must_use]
    pub fn with_manufacturer(mut self, manufacturer: impl Into<String>) -> Self {
        self.manufacturer = Some(manufacturer.into());
        self
    }

    /// Sets the product name.
    #[must_use]
    pub fn with_product(mut self, product: impl Into<String>) -> Self {
        self.product = Some(product.into());
        self
    }

    /// Fills in a random UUID and a random serial number if the caller set none.
    pub(crate) fn or_random(mut self) -> Self {
        self.uuid.get_or_insert_with(|| Uuid::new_v4().to_string());
        self.serial.get_or_insert_with(|| format!("netboot-{}", Uuid::new_v4().simple()));
        self
    }

    /// Returns the first text that firmware cannot report, with its name.
    pub(crate) fn unusable(&self) -> Option<(&'static str, &str)> {
        let is_uuid = |text: &str| {
            let groups: Vec<usize> = text.split('-').map(str::len).collect();
            groups == [8, 4, 4, 4, 12] && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
        };
        let is_text = |text: &str| {
            (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic() || c == ' ')
        };
        let uuid = self.uuid.as_deref().filter(|uuid| !is_uuid(uuid)).map(|uuid| ("UUID", uuid));
        let texts = [
            ("serial number", &self.serial),
            ("asset tag", &self.asset_tag),
            ("manufacturer", &self.manufacturer),
            ("product name", &self.product),
        ];
        let mut texts = texts.into_iter().filter_map(|(name, text)| Some((name, text.as_deref()?)));
        uuid.or_else(|| texts.find(|(_, text)| !is_text(text)))
    }

    /// Returns QEMU's arguments for the identity.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        if let Some(uuid) = &self.uuid {
            arguments.extend(["-uuid".to_owned(), uuid.clone()]);
        }
        let system = [
            ("manufacturer", &self.manufacturer),
            ("product", &self.product),
            ("serial", &self.serial),
        ];
        for (kind, fields) in [("1", &system[..]), ("3", &[("asset", &self.asset_tag)][..])] {
            let values = fields.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
            // In QEMU's options, a comma ends a value, and two commas stand for one.
            let values = values.map(|(name, value)| format!("{name}={}", value.replace(',', ",,")));
            let values: Vec<String> = values.collect();
            if !values.is_empty() {
                let value = format!("type={kind},{}", values.join(","));
                arguments.extend(["-smbios".to_owned(), value]);
            }
        }
        arguments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_stays_in_its_text() {
        let identity = SystemIdentity {
            uuid: Some("12345678-9abc-4def-8012-3456789abcde".to_owned()),
            serial: Some("a,uuid=b".to_owned()),
            asset_tag: Some("c d".to_owned()),
            ..SystemIdentity::default()
        };
        assert_eq!(identity.unusable(), None);
        assert_eq!(
            identity.arguments(),
            [
                "-uuid",
                "12345678-9abc-4def-8012-3456789abcde",
                "-smbios",
                "type=1,serial=a,,uuid=b",
                "-smbios",
                "type=3,asset=c d",
            ]
        );
        assert!(SystemIdentity::default().arguments().is_empty());
    }

    #[test]
    fn nobody_is_taken_for_another_machine_by_default() {
        let identity = || SystemIdentity::new().or_random();
        assert_ne!(identity().uuid, identity().uuid);
        assert_ne!(identity().serial, identity().serial);
        assert_eq!(identity().unusable(), None);
        let named = SystemIdentity::new().with_serial("SN 7").or_random();
        assert_eq!(named.serial.as_deref(), Some("SN 7"));
    }

    #[test]
    fn what_cannot_be_told_is_named() {
        let serial = Some("\u{e9}".to_owned());
        let identity = SystemIdentity { serial, ..SystemIdentity::default() };
        assert_eq!(identity.unusable(), Some(("serial number", "\u{e9}")));
        let uuid = Some("12345678".to_owned());
        let identity = SystemIdentity { uuid, ..SystemIdentity::default() };
        assert_eq!(identity.unusable(), Some(("UUID", "12345678")));
    }
}
