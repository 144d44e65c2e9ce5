//! A bucket as a URL: `s3://BUCKET/PREFIX?endpoint=URL&region=NAME`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use netboot_core::ReleasePath;
use netboot_publish::{S3Credentials, S3Store, S3StoreBuilder};
use percent_encoding::percent_decode_str;
use url::form_urlencoded;

use super::certificates;
use super::credentials::CredentialsFile;
use super::location::{Refusal, credentials};
use crate::configuration::target_entry::TargetTable;
use crate::error::Error;
use crate::spelling::closest;

/// The parameters that a location may have.
const PARAMETERS: [&str; 7] = [
    "endpoint",
    "region",
    "path-style",
    "public-url",
    "allow-http",
    "server-checksums",
    "batch-delete",
];

/// A bucket and the settings of its server.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    name: String,
    prefix: Option<ReleasePath>,
    endpoint: Option<String>,
    region: Option<String>,
    public_url: Option<String>,
    path_style: Option<bool>,
    allow_http: Option<bool>,
    server_checksums: Option<bool>,
    batch_delete: Option<bool>,
    ca_certificate_file: Option<PathBuf>,
    credentials: Option<CredentialsFile>,
}

impl Bucket {
    /// Reads the URL and checks the settings.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let rest = text.strip_prefix("s3://").unwrap_or(text);
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        // A bucket's name may have a colon, which a URL's host may not: `tenant:bucket` of Ceph.
        let (name, prefix) = place.split_once('/').unwrap_or((place, ""));
        if name.contains('@') {
            return Err(credentials());
        }
        if query.is_empty() && place.contains('&') {
            let hint = "write `?` before the first parameter, and `&` before each further one";
            return Err(Refusal::new("it has a `&` without a `?` before it", hint));
        }
        let prefix = percent_decode_str(prefix.trim_end_matches('/')).decode_utf8();
        let prefix = prefix.map_err(|_| Refusal::from("its prefix is not UTF-8"))?;
        let prefix = match &*prefix {
            "" => None,
            prefix => Some(ReleasePath::new(prefix).map_err(|error| {
                Refusal::new(format!("its prefix: {error}"), error.kind.rule())
            })?),
        };
        let mut bucket = Self {
            name: name.to_owned(),
            prefix,
            endpoint: None,
            region: None,
            public_url: None,
            path_style: None,
            allow_http: None,
            server_checksums: None,
            batch_delete: None,
            ca_certificate_file: None,
            credentials: None,
        };
        let mut seen = BTreeSet::new();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            if let Some(parameter) = PARAMETERS.iter().find(|parameter| **parameter == key) {
                let problem = if !seen.insert(*parameter) {
                    "is in it twice"
                } else if value.is_empty() {
                    "has no value"
                } else {
                    ""
                };
                if !problem.is_empty() {
                    let hint = format!("write `{parameter}=VALUE` once, or leave it out");
                    return Err(Refusal::new(format!("`{parameter}` {problem}"), hint));
                }
            }
            match &*key {
                "endpoint" => bucket.endpoint = Some(value),
                "region" => bucket.region = Some(value),
                "public-url" => bucket.public_url = Some(value),
                "path-style" => bucket.path_style = Some(switch(&key, &value)?),
                "allow-http" => bucket.allow_http = Some(switch(&key, &value)?),
                "server-checksums" => bucket.server_checksums = Some(switch(&key, &value)?),
                "batch-delete" => bucket.batch_delete = Some(switch(&key, &value)?),
                _ => return Err(unknown(&key)),
            }
        }
        let separator = if query.is_empty() { '?' } else { '&' };
        bucket.check(&format!("`{separator}allow-http=true` to it"))?;
        Ok(bucket)
    }

    /// Adds the settings of a table.
    pub(super) fn with(mut self, table: &TargetTable) -> Result<Self, Refusal> {
        add("endpoint", &mut self.endpoint, table.endpoint.as_ref())?;
        add("region", &mut self.region, table.region.as_ref())?;
        add("public-url", &mut self.public_url, table.public_url.as_ref())?;
        add("path-style", &mut self.path_style, table.path_style.as_ref())?;
        add("allow-http", &mut self.allow_http, table.allow_http.as_ref())?;
        let checksums = table.server_checksums.as_ref();
        add("server-checksums", &mut self.server_checksums, checksums)?;
        add("batch-delete", &mut self.batch_delete, table.batch_delete.as_ref())?;
        self.ca_certificate_file.clone_from(&table.ca_certificate_file);
        let profile = table.profile.clone();
        self.credentials = match &table.credentials_file {
            Some(path) => {
                let profile = profile.unwrap_or_else(|| "default".to_owned());
                Some(CredentialsFile { path: path.clone(), profile })
            }
            None if profile.is_some() => {
                let hint = "name the file that has the profile with `credentials-file`";
                return Err(Refusal::new("`profile` needs `credentials-file`", hint));
            }
            None => None,
        };
        self.check("`allow-http = true` to its table")?;
        Ok(self)
    }

    /// Checks the settings. `allow` says what to add where to allow an endpoint without TLS.
    fn check(&self, allow: &str) -> Result<(), Refusal> {
        let Err(error) = self.settings().check() else { return Ok(()) };
        // Nothing else is wrong.
        let lacks_tls = self.settings().allow_http(true).check().is_ok();
        let hint = if lacks_tls {
            Some(format!("write `https://` for the endpoint, or add {allow} if it has no TLS"))
        } else {
            error.hint().filter(|_| !error.to_string().starts_with("the bucket "))
        };
        Err(Refusal { problem: error.to_string(), hint })
    }

    /// The store, which is not connected yet. This reads the certificates.
    pub(super) fn store(&self) -> Result<S3StoreBuilder, Error> {
        let store = self.settings();
        Ok(match &self.ca_certificate_file {
            Some(path) => store.ca_certificate(certificates::read(path)?),
            None => store,
        })
    }

    fn settings(&self) -> S3StoreBuilder {
        let mut store =
            S3Store::builder(&self.name).allow_http(self.allow_http.unwrap_or_default());
        if let Some(endpoint) = &self.endpoint {
            store = store.endpoint(endpoint);
        }
        if let Some(region) = &self.region {
            store = store.region(region);
        }
        if let Some(prefix) = &self.prefix {
            store = store.prefix(prefix.clone());
        }
        if let Some(path_style) = self.path_style {
            store = store.path_style(path_style);
        }
        if let Some(able) = self.server_checksums {
            store = store.server_checksums(able);
        }
        if let Some(able) = self.batch_delete {
            store = store.batch_delete(able);
        }
        if let Some(url) = &self.public_url {
            store = store.public_url(url);
        }
        if let Some(file) = &self.credentials {
            store = store.credentials(S3Credentials::Provider(Arc::new(file.clone())));
        }
        store
    }
}

/// The refusal of a parameter that a bucket does not have.
fn unknown(key: &str) -> Refusal {
    let all = PARAMETERS.join(", ");
    let hint = match closest(key, PARAMETERS) {
        Some(meant) => format!("did you mean `{meant}`? The parameters are {all}"),
        None => format!("remove it, or write one of the parameters {all}"),
    };
    Refusal::new(format!("a bucket has no parameter `{key}`"), hint)
}

fn switch(key: &str, value: &str) -> Result<bool, Refusal> {
    let hint = || format!("write `{key}=true` or `{key}=false`");
    value.parse().map_err(|_| Refusal::new(format!("`{key}` is not `{value}`"), hint()))
}

/// Sets a setting that the location does not have.
fn add<T: Clone>(key: &str, setting: &mut Option<T>, value: Option<&T>) -> Result<(), Refusal> {
    if setting.is_some() && value.is_some() {
        let hint = format!("remove `{key}` from the location or from the table");
        return Err(Refusal::new(format!("its location has `{key}` as well"), hint));
    }
    if let Some(value) = value {
        *setting = Some(value.clone());
    }
    Ok(())
}
