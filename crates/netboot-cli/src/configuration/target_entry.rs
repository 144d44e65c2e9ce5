//! An entry of `[targets]`.

use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// An entry of `[targets]`: a location, or a table with a location and its settings.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
#[non_exhaustive]
pub enum TargetEntry {
    /// The location: a directory, `s3://BUCKET/PREFIX`, `oci://HOST/REPOSITORY`,
    /// `USER@HOST:/PATH`, or `rsync://HOST/MODULE/PATH`.
    Location(String),
    /// A location with its settings.
    Table(Box<TargetTable>),
}

/// A location with its settings. The settings of a bucket may also be parameters of its location.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct TargetTable {
    /// The location: a directory, `s3://BUCKET/PREFIX`, `oci://HOST/REPOSITORY`,
    /// `USER@HOST:/PATH`, or `rsync://HOST/MODULE/PATH`.
    pub location: String,

    /// Of a bucket: the URL of the server. The default is Amazon's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Of a bucket: the region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Of a bucket: true if its name is a part of the path, false if it is a part of the host name.
    /// The default is true if there is an endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_style: Option<bool>,
    /// Of a bucket: the URL at which machines see the target. The default is the URL of the bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// Of a bucket or a repository: true if the server speaks plain HTTP. The default is false, and
    /// true for a registry on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_http: Option<bool>,
    /// Of a bucket: false if the server refuses checksums in the headers of uploads. The default is
    /// true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_checksums: Option<bool>,
    /// Of a bucket: false if the server cannot delete several objects in one request. The default
    /// is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_delete: Option<bool>,
    /// Of a bucket or a repository: a file with certificates of authorities that sign the server's
    /// certificate, besides those of the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_certificate_file: Option<PathBuf>,
    /// Of a bucket: a file with access keys, such as `~/.aws/credentials`. The default are the
    /// variables `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, and what else Amazon's programs
    /// find. Of a repository: a file with logins, such as `~/.docker/config.json`. The default are
    /// the files of podman and docker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials_file: Option<PathBuf>,
    /// Of a bucket: the profile in `credentials-file`. The default is `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,

    /// Of a directory of another machine: the port of its ssh or rsync server. The default is 22 or
    /// 873.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Of a directory behind ssh: the private key to log in with. The default is the key that ssh
    /// finds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_file: Option<PathBuf>,
    /// Of a directory behind ssh: the file with the keys of hosts. The default is the user's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_hosts_file: Option<PathBuf>,
    /// Of a directory behind ssh: the only key that the host may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_key: Option<String>,
    /// Of a directory of an rsync daemon: a file with the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
}

impl TargetEntry {
    /// The location.
    pub fn location(&self) -> &str {
        match self {
            Self::Location(location) => location,
            Self::Table(table) => &table.location,
        }
    }

    /// The location and its settings.
    pub(crate) fn table(&self) -> TargetTable {
        match self {
            Self::Location(location) => {
                TargetTable { location: location.clone(), ..TargetTable::default() }
            }
            Self::Table(table) => TargetTable::clone(table),
        }
    }
}

/// Reads either form. An error names the key of a table, which an untagged enum cannot.
impl<'de> Deserialize<'de> for TargetEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = TargetEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a location, or a table with a location")
    }

    fn visit_str<E>(self, location: &str) -> Result<TargetEntry, E> {
        Ok(TargetEntry::Location(location.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TargetEntry, A::Error> {
        let table = TargetTable::deserialize(MapAccessDeserializer::new(map))?;
        Ok(TargetEntry::Table(Box::new(table)))
    }
}
