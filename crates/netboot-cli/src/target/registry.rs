//! A repository of a registry as a URL: `oci://HOST[:PORT]/REPOSITORY`.

use std::path::PathBuf;

use netboot_publish::{OciCredentials, OciStore, OciStoreBuilder};

use super::certificates;
use super::location::{Refusal, credentials};
use crate::configuration::target_entry::TargetTable;
use crate::error::Error;

/// A repository and the settings of its registry.
#[derive(Debug, Clone)]
pub(super) struct Registry {
    repository: String,
    allow_http: Option<bool>,
    ca_certificate_file: Option<PathBuf>,
    credentials_file: Option<PathBuf>,
}

impl Registry {
    /// Reads the URL and checks the settings.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let rest = text.strip_prefix("oci://").unwrap_or(text);
        let (repository, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, name) = repository.split_once('/').unwrap_or((repository, ""));
        if host.contains('@') {
            return Err(credentials());
        }
        if let Some((name, _)) = name.split_once(['@', ':']) {
            let hint = format!("write `oci://{host}/{name}`: netboot makes the tags");
            return Err(Refusal::new("it names a tag or a digest", hint));
        }
        let allow_http = match query {
            "" => None,
            "allow-http=true" => Some(true),
            "allow-http=false" => Some(false),
            _ => {
                let hint = "write `?allow-http=true` if the registry has no TLS, or nothing";
                return Err(Refusal::new("a repository has one parameter, `allow-http`", hint));
            }
        };
        let repository = repository.to_owned();
        let registry =
            Self { repository, allow_http, ca_certificate_file: None, credentials_file: None };
        registry.settings().check().map_err(|error| Refusal {
            problem: error.to_string(),
            hint: Some("write `oci://HOST/REPOSITORY` or `oci://HOST:PORT/REPOSITORY`".to_owned()),
        })?;
        Ok(registry)
    }

    /// Adds the settings of a table.
    pub(super) fn with(mut self, table: &TargetTable) -> Result<Self, Refusal> {
        if self.allow_http.is_some() && table.allow_http.is_some() {
            let hint = "remove `allow-http` from the location or from the table";
            return Err(Refusal::new("its location has `allow-http` as well", hint));
        }
        self.allow_http = self.allow_http.or(table.allow_http);
        self.ca_certificate_file.clone_from(&table.ca_certificate_file);
        self.credentials_file.clone_from(&table.credentials_file);
        Ok(self)
    }

    /// The store, which is not connected yet. This reads the certificates.
    pub(super) fn store(&self) -> Result<OciStoreBuilder, Error> {
        let store = self.settings();
        Ok(match &self.ca_certificate_file {
            Some(path) => store.ca_certificate(certificates::read(path)?),
            None => store,
        })
    }

    fn settings(&self) -> OciStoreBuilder {
        let mut store = OciStore::builder(&self.repository);
        if let Some(allow) = self.allow_http {
            store = store.plain_http(allow);
        }
        if let Some(path) = &self.credentials_file {
            store = store.credentials(OciCredentials::File(path.clone()));
        }
        store
    }
}
