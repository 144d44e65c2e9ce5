//! The whole way, from the kernel command line to the registered store.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use netboot_closure::boot_parameter::{BootParameters, CardAddress, StoreChoice};
use netboot_closure::console::{
    ConsoleLine, ConsoleText, Failure, FailureCause, ShortDigest, StoreForm, StoreProgress,
    StoreSummary, Warning,
};
use netboot_closure::{Index, IndexEntry};

use crate::assembly::Assembly;
use crate::blob_cache::{BlobCache, NoCache};
use crate::card;
use crate::cause::cause;
use crate::disk_cache::{DiskCache, DiskCacheOptions, Notice};
use crate::error::Error;
use crate::fetch::{Network, Tell};
use crate::index;
use crate::memory::available;
use crate::progress::Progress;
use crate::report::Reporter;
use crate::settings::Settings;
use crate::store::{self, Store};
use crate::store_directory::{StoreDirectory, failed};
use crate::watch::Watch;

/// The greatest length of a kernel command line in bytes. Linux has 4,096 at most.
const COMMAND_LINE_LIMIT: u64 = 64 << 10;

/// The time that the disk may take for one step. A disk that spins up takes some seconds.
const DISK_PATIENCE: Duration = Duration::from_secs(15);

/// Assembles the closure that the kernel command line names, and tells what happens. This blocks
/// its thread.
///
/// # Errors
/// The last word about the boot, which cannot go on. Threads may still be running then, so the
/// program should end.
pub fn run(settings: &Settings, tell: Arc<Tell>) -> Result<StoreSummary, Box<Failure>> {
    let start = Instant::now();
    tell(&ConsoleLine::Started { version: ConsoleText::new(env!("CARGO_PKG_VERSION")) });
    let mut boot = Boot { settings, tell, wanted: None, reporter: None };
    let result = boot.run(start);
    let reporter = boot.reporter.take();
    let result = match result {
        Ok(summary) => {
            (boot.tell)(&ConsoleLine::Finished { summary });
            Ok(summary)
        }
        Err(cause) => {
            let failure = boot.last_word(cause);
            (boot.tell)(&ConsoleLine::Failed { failure: failure.clone() });
            Err(Box::new(failure))
        }
    };
    if let Some(reporter) = reporter {
        reporter.finish(settings.report_wait);
    }
    result
}

/// A boot that is on its way.
struct Boot<'a> {
    settings: &'a Settings,
    tell: Arc<Tell>,
    /// The card that the boot loader used.
    wanted: Option<CardAddress>,
    reporter: Option<Reporter>,
}

impl Boot<'_> {
    fn run(&mut self, start: Instant) -> Result<StoreSummary, FailureCause> {
        let Settings { command_line, connections, patience, .. } = self.settings;
        let parameters = read_limited(command_line, COMMAND_LINE_LIMIT)?;
        let parameters = BootParameters::from_command_line(&parameters).map_err(|error| {
            FailureCause::ParameterMalformed { reason: ConsoleText::new(error.to_string()) }
        })?;
        let wanted_index = parameters.index.ok_or(FailureCause::IndexParameterMissing)?;
        if parameters.from.is_empty() {
            return Err(FailureCause::SourceParameterMissing);
        }
        for parameter in &parameters.unusable_from {
            let warning = Warning::SourceUnusable { parameter: ConsoleText::new(parameter) };
            (self.tell)(&ConsoleLine::Warning { warning });
        }
        self.wanted = parameters.boot_interface;
        if let Some(wanted) = self.wanted {
            card::wait_for_address(wanted, &self.settings.interfaces, patience.total())?;
        }
        self.report_to(&parameters);

        let cache = self.open_cache(&parameters);
        // The time without progress counts from here on.
        let watch = Arc::new(Watch::new());
        let network = Arc::new(Network::new(
            parameters.from.clone(),
            *patience,
            connections.get(),
            watch.clone(),
            self.tell.clone(),
        ));
        let index = index::get(&network, cache.as_deref(), wanted_index)?;
        if let Some(cache) = &cache {
            let blobs = index.entries().iter().map(|entry| entry.blob);
            cache.need(blobs.chain([wanted_index]));
        }
        let sizes = index.entries().iter().map(|entry| entry.blob_size);
        let total = StoreProgress {
            all_paths: index.entries().len() as u64,
            all_bytes: sizes.fold(0, u64::saturating_add),
            ..StoreProgress::default()
        };
        (self.tell)(&ConsoleLine::Index {
            digest: ShortDigest::from(&wanted_index),
            paths: total.all_paths,
            bytes: total.all_bytes,
            unpacked_bytes: index.unpacked_bytes(),
        });

        let (store, directory) = self.prepare(&parameters, &index)?;
        let missing = take_over(&directory, &index, &watch)?;
        let form = form_of(&store);
        let blobs: Arc<dyn BlobCache> = match &cache {
            Some(cache) => cache.clone(),
            None => Arc::new(NoCache),
        };
        let assembly = Assembly::new(network, directory.clone(), blobs, missing);
        let mut progress = Progress::new(self.tell.clone());
        assembly.run(connections.get(), total, form, |now| {
            progress.look(now);
            store.check().map_err(|error| cause(&error, parameters.store))
        })?;
        if !directory.has_init(&index) {
            return Err(FailureCause::InitMissing { init: ConsoleText::new(index.init()) });
        }
        directory.register(&index)?;
        store.finish().map_err(|error| cause(&error, parameters.store))?;
        if let Some(cache) = cache {
            cache.finish();
        }
        let counts = watch.counts();
        Ok(StoreSummary {
            milliseconds: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
            paths: counts.paths,
            from_network: counts.from_network,
            from_disk: counts.from_disk,
            retries: counts.retries,
        })
    }

    /// Opens the disk cache, if there is one. Whatever is wrong with it, the boot goes on.
    fn open_cache(&self, parameters: &BootParameters) -> Option<Arc<DiskCache>> {
        let program = self.settings.disk_cache_worker.clone()?;
        let is_asked = parameters.store == StoreChoice::Disk;
        let label = parameters.cache.clone();
        let options = DiskCacheOptions {
            label: label.as_str().to_owned(),
            budget: parameters.cache_budget.map(|mebibytes| u64::from(mebibytes.get()) << 20),
            wait: if is_asked { self.settings.disk_wait } else { Duration::ZERO },
            patience: DISK_PATIENCE,
            program: (program, Vec::new()),
        };
        let (tell, has_told) = (self.tell.clone(), Arc::new(AtomicBool::new(false)));
        let notice: Arc<Notice> = {
            let (tell, label, has_told) = (tell.clone(), label.clone(), has_told.clone());
            Arc::new(move |reason: &str| {
                has_told.store(true, Ordering::Relaxed);
                let (label, reason) = (label.clone(), ConsoleText::new(reason));
                tell(&ConsoleLine::Warning { warning: Warning::CacheUnusable { label, reason } });
            })
        };
        let cache = DiskCache::open(&options, &notice);
        if cache.is_none() && is_asked && !has_told.load(Ordering::Relaxed) {
            tell(&ConsoleLine::Warning { warning: Warning::CacheMissing { label } });
        }
        cache.map(Arc::new)
    }

    fn warn_of_form(&self, reason: &str) {
        let warning = Warning::FormOfStore { reason: ConsoleText::new(reason) };
        (self.tell)(&ConsoleLine::Warning { warning });
    }

    /// Chooses the form of the store, and prepares the directory for the closure.
    fn prepare(
        &self,
        parameters: &BootParameters,
        index: &Index,
    ) -> Result<(Store, StoreDirectory), FailureCause> {
        let Settings { memory, connections, into, mount, .. } = self.settings;
        let connections = connections.get() as u64;
        Store::remove_leftover(into);
        let available = available(memory).map_err(|error| failed("read", memory, &error))?;
        // An earlier run may have left store paths in memory. They are used again.
        let there =
            index.entries().iter().filter(|entry| into.join(entry.path.base_name()).exists());
        let used = there.fold(0, |sum: u64, entry| sum.saturating_add(entry.unpacked_bytes));
        let available = available.saturating_add(used);
        let store = Store::prepare(parameters.store, into, index, connections, available, *mount);
        if let Err(error @ Error::Memory { .. }) = &store {
            self.warn_of_form(&error.to_string());
        }
        let store = store.map_err(|error| cause(&error, parameters.store))?;
        if let Some(notice) = store.notice() {
            self.warn_of_form(notice);
        }
        let form = form_of(&store);
        (self.tell)(&ConsoleLine::Memory { needed: store.needed(), available, form });
        Ok((store, StoreDirectory::open(into)?))
    }

    /// Reports all lines from now on, if the parameters say where.
    fn report_to(&mut self, parameters: &BootParameters) {
        if let Some(parameter) = &parameters.unusable_report {
            let reason = ConsoleText::new(format!("{parameter} is no http:// URL"));
            let warning = Warning::ReportNotDelivered { reason };
            (self.tell)(&ConsoleLine::Warning { warning });
        }
        let Some(url) = parameters.report.clone() else { return };
        let reporter = Reporter::new(self.tell.clone());
        self.tell = reporter.tell_and_report(self.tell.clone(), url, self.cards());
        self.reporter = Some(reporter);
    }

    /// The addresses that the machine names itself by.
    fn cards(&self) -> Vec<CardAddress> {
        let interfaces = card::interfaces(&self.settings.interfaces);
        let cards = interfaces.iter().filter(|interface| interface.is_card);
        let mut addresses: Vec<CardAddress> = self.wanted.into_iter().collect();
        addresses.extend(cards.filter_map(|interface| interface.address));
        addresses.dedup();
        addresses
    }

    fn last_word(&self, cause: FailureCause) -> Failure {
        let interfaces = card::interfaces(&self.settings.interfaces);
        let booted = card::find(self.wanted, &interfaces);
        Failure {
            cause,
            card: booted.card,
            address: booted.ip,
            available_memory: available(&self.settings.memory).ok(),
        }
    }
}

fn form_of(store: &Store) -> StoreForm {
    match store.form() {
        store::StoreForm::Tmpfs => StoreForm::Tmpfs,
        store::StoreForm::Zram(_) => StoreForm::Zram,
    }
}

/// Keeps the store paths that an earlier run has completed. Returns the others.
fn take_over(
    directory: &StoreDirectory,
    index: &Index,
    watch: &Watch,
) -> Result<Vec<IndexEntry>, FailureCause> {
    let mut missing = Vec::new();
    for entry in index.entries() {
        if directory.has(entry)? {
            watch.completed(entry.blob_size);
        } else {
            missing.push(entry.clone());
        }
    }
    Ok(missing)
}

/// Reads a text file, up to a limit.
fn read_limited(path: &Path, limit: u64) -> Result<String, FailureCause> {
    use std::io::Read;
    let mut text = String::new();
    fs::File::open(path)
        .and_then(|file| file.take(limit).read_to_string(&mut text))
        .map_err(|error| failed("read", path, &error))?;
    Ok(text)
}
