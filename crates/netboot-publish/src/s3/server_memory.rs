//! A file that remembers the abilities of servers, so that not every program has to test them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

/// The time after which a server is tested again: somebody may have updated it.
const TRUSTED_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The longest wait for another program that writes the file.
const LOCK_TIME: Duration = Duration::from_secs(5);

/// The maximum size of the file in bytes.
const SIZE_LIMIT: u64 = 64 * 1024;

/// The maximum number of servers in the file.
const SERVERS: usize = 100;

/// The abilities of a server. The default is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Abilities {
    pub(super) compare_and_swap: bool,
    /// Refuses content that has another SHA-256 than the request says.
    pub(super) checks_content: bool,
}

/// The result of a test of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KnownServer {
    pub(super) abilities: Abilities,
    /// The header `Server` of its answers. Empty if they had none.
    pub(super) software: String,
    /// The time of the test in seconds since 1970.
    pub(super) tested: u64,
}

impl KnownServer {
    pub(super) fn new(abilities: Abilities, software: String) -> Self {
        Self { abilities, software, tested: seconds_now() }
    }
}

type KnownServers = BTreeMap<String, KnownServer>;

/// A file of JSON with the results of tests, by the URLs of buckets.
///
/// The file only saves requests. So a file that cannot be read or written is no error, and the
/// store tests the server.
#[derive(Debug, Clone)]
pub(super) struct ServerMemory(PathBuf);

impl ServerMemory {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// The result for a bucket, unless it is too old. The time of a clock that went backwards
    /// counts as too old.
    pub(super) async fn recall(&self, bucket_url: &str) -> Option<KnownServer> {
        let (path, bucket_url) = (self.0.clone(), bucket_url.to_owned());
        let recalled = netboot_core::blocking(move || {
            Ok::<_, netboot_core::Error>(read(&path).remove(&bucket_url))
        });
        let known = recalled.await.ok().flatten()?;
        let age = seconds_now().checked_sub(known.tested)?;
        (age < TRUSTED_FOR.as_secs()).then_some(known)
    }

    /// Remembers a result, or forgets it.
    pub(super) async fn remember(&self, bucket_url: &str, known: Option<KnownServer>) {
        let (path, bucket_url) = (self.0.clone(), bucket_url.to_owned());
        let written = netboot_core::blocking(move || {
            let failed = |source| netboot_core::Error::io("write", &path, source);
            // Another program must not write back what this one forgets.
            let _lock = lock(&path).map_err(failed)?;
            let mut servers = read(&path);
            match known {
                Some(known) => servers.insert(bucket_url, known),
                None => servers.remove(&bucket_url),
            };
            while servers.len() > SERVERS {
                let oldest = servers.iter().min_by_key(|(_, known)| known.tested);
                let Some(oldest) = oldest.map(|(url, _)| url.clone()) else { break };
                servers.remove(&oldest);
            }
            write(&path, &servers).map_err(failed)
        });
        if let Err(error) = written.await {
            tracing::warn!(%error, file = %self.0.display(), "cannot remember a server");
        }
    }
}

fn seconds_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Reads the file. A file that is missing, too large or damaged is as good as an empty one.
fn read(path: &Path) -> KnownServers {
    let json = netboot_core::read_regular_file(path, SIZE_LIMIT).unwrap_or_default();
    serde_json::from_slice(&json).unwrap_or_default()
}

/// Creates the directory of the file, and waits until no other program writes the file. The lock
/// file stays, since another program may have opened it.
fn lock(path: &Path) -> io::Result<File> {
    fs::create_dir_all(directory(path))?;
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock = File::options().write(true).create(true).truncate(false).open(name)?;
    // A program that was stopped must not stop this one.
    let begin = Instant::now();
    while let Err(error) = lock.try_lock() {
        if begin.elapsed() > LOCK_TIME {
            return Err(error.into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(lock)
}

fn directory(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| *parent != Path::new(""));
    parent.unwrap_or(Path::new("."))
}

fn write(path: &Path, servers: &KnownServers) -> io::Result<()> {
    let mut file = NamedTempFile::new_in(directory(path))?;
    file.write_all(&serde_json::to_vec_pretty(servers)?)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;

    #[tokio::test]
    async fn nobody_undoes_what_another_one_remembers_or_forgets() {
        let state = tempfile::tempdir().unwrap();
        let memory = || ServerMemory::new(state.path().join("netboot/servers.json"));
        let known = || Some(KnownServer::new(Abilities::default(), "software".to_owned()));
        memory().remember("http://s3.example.org/old", known()).await;
        let urls: Vec<String> =
            (0..20).map(|number| format!("http://s3.example.org/{number}")).collect();
        let (others, old) = (memory(), memory());
        let remember = urls.iter().map(|url| others.remember(url, known()));
        tokio::join!(join_all(remember), old.remember("http://s3.example.org/old", None));
        for url in &urls {
            assert!(memory().recall(url).await.is_some(), "{url}");
        }
        assert_eq!(memory().recall("http://s3.example.org/old").await, None);
    }
}
