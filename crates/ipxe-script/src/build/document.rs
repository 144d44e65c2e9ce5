//! Builds in files: the name of a known build, or everything that a build has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::build::built_in;
use crate::build::capabilities::Capabilities;
use crate::build::capability::{ImageFormat, Platform, Protocol, Quirk};
use crate::build::ipxe_build::IpxeBuild;
use crate::dialect::Version;

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Document {
    Name(String),
    Whole(Whole),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    name: String,
    version: String,
    platforms: BTreeSet<Platform>,
    commands: BTreeMap<String, BTreeSet<String>>,
    protocols: BTreeSet<Protocol>,
    image_formats: BTreeSet<ImageFormat>,
    settings: BTreeSet<String>,
    quirks: BTreeSet<Quirk>,
}

const VERSIONS: [(&str, Version); 3] =
    [("2019", Version::V2019), ("1.21", Version::V1_21), ("2.0", Version::V2_0)];

impl Serialize for IpxeBuild {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let it = Capabilities::clone(&self.0);
        if built_in::find(&it.name).is_some_and(|known| known == *self) {
            return Document::Name(it.name).serialize(serializer);
        }
        let version = VERSIONS.iter().find(|(_, version)| *version == it.version);
        let whole = Whole {
            name: it.name,
            version: version.map_or("2019", |(name, _)| name).to_owned(),
            platforms: it.platforms,
            commands: it.commands,
            protocols: it.protocols,
            image_formats: it.image_formats,
            settings: it.settings,
            quirks: it.quirks,
        };
        Document::Whole(whole).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for IpxeBuild {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let whole = match Document::deserialize(deserializer)? {
            Document::Name(name) => return name.parse().map_err(de::Error::custom),
            Document::Whole(whole) => whole,
        };
        let known = VERSIONS.iter().find(|(name, _)| *name == whole.version);
        let Some((_, version)) = known else {
            let version = whole.version;
            return Err(de::Error::custom(format!("the version `{version}` of iPXE is not known")));
        };
        let capabilities = Capabilities {
            name: whole.name,
            version: *version,
            platforms: whole.platforms,
            commands: whole.commands,
            protocols: whole.protocols,
            image_formats: whole.image_formats,
            settings: whole.settings,
            quirks: whole.quirks,
        };
        capabilities.check().map_err(de::Error::custom)?;
        Ok(Self(Arc::new(capabilities)))
    }
}
