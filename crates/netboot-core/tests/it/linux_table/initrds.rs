//! Initrds in each format that programs make, whole and damaged.

mod damages;
mod filters;
mod formats;
mod members;
mod parts;

use std::fs;

use netboot_core::inspect::{
    InitrdSummary, check_xz_filters, require_first_program, without_directory,
};
use netboot_core::{Architecture, BootSpec, Context, Error, Event, InitPath, ProfileName};
use netboot_testbed::Testbed;
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::archives::USUAL;
use super::{Row, check};
use crate::boot_files::initrd::inspect;

/// The number of rows that an ordinary run boots.
const SAMPLE: usize = 10;

/// The paths in an initrd of two parts.
const LONGER: [&str; 4] = ["early", "busybox", "init", "last"];

#[derive(Default)]
pub(super) struct Rows(pub(super) Vec<Row>);

impl Rows {
    pub(super) fn add(&mut self, name: &str, initrd: Vec<u8>) -> &mut Row {
        self.0.push(Row {
            name: name.to_owned(),
            kernel: None,
            initrd,
            expected: USUAL.to_vec(),
            refusal: None,
            difference: None,
        });
        self.0.last_mut().unwrap()
    }

    /// Adds an initrd of which the first part holds `early`.
    pub(super) fn add_longer(&mut self, name: &str, parts: &[&[u8]]) -> &mut Row {
        let row = self.add(name, parts.concat());
        row.expected = LONGER.to_vec();
        row
    }
}

/// Returns the reason for which the inspection refuses an initrd, or warns of it, with a kernel.
async fn refusal(initrd: &[u8], kernel: &[u8]) -> Option<String> {
    let summary = match inspect(initrd).await {
        Ok(summary) => summary,
        Err(Error::DamagedInitrd { problem, .. }) => return Some(format!("damaged: {problem}")),
        Err(Error::UnbootableInitrd { format, .. }) => {
            return Some(format!("unbootable: {format}"));
        }
        Err(Error::EmptyArtifact { .. }) => return Some("empty".to_owned()),
        Err(error) => panic!("{error:?}"),
    };
    let init = InitPath::new("/nix/store/0a-nixos-system/init").unwrap();
    let boot = BootSpec::new(Architecture::X86_64, init, Vec::<&str>::new()).unwrap();
    let worker = "worker".parse().unwrap();
    if let Some(told) = filters_told(&summary, &worker, kernel).await {
        return Some(told);
    }
    let initrds = [summary];
    match require_first_program(&worker, &boot, &initrds) {
        Ok(()) => {}
        Err(Error::FirstProgram { problem, .. }) => return Some(format!("`/init`: {problem}")),
        Err(error) => panic!("{error:?}"),
    }
    let lost = without_directory(&initrds).pop().and_then(|lost| lost.first().copied());
    lost.map(|path| format!("`{path}` is lost without its directory"))
}

/// Returns what the inspection says about the filters of an initrd and a kernel.
async fn filters_told(
    summary: &InitrdSummary,
    worker: &ProfileName,
    kernel: &[u8],
) -> Option<String> {
    let place = TempDir::new().unwrap();
    let path = place.path().join("kernel");
    fs::write(&path, kernel).unwrap();
    let (sender, mut events) = mpsc::unbounded_channel();
    let context = Context::new().with_events(sender);
    let (kernel, initrd) = ((path.as_path(), Architecture::X86_64), ("initrd".as_ref(), summary));
    match check_xz_filters(worker, kernel, initrd, &context).await {
        Ok(()) => {}
        Err(Error::KernelTooOld { version, filter, .. }) => {
            return Some(format!("too old: Linux {version} does not know {filter}"));
        }
        Err(error) => panic!("{error:?}"),
    }
    let Ok(Event::Warning { message, .. }) = events.try_recv() else { return None };
    let (_, need) = message.split_once(" only ").unwrap();
    Some(format!("a warning: only {need}"))
}

#[tokio::test]
async fn inspection_says_what_linux_does() {
    let mut rows = Rows::default();
    formats::add(&mut rows);
    filters::add(&mut rows);
    parts::add(&mut rows);
    damages::add(&mut rows);
    members::add(&mut rows);
    let mut rows = rows.0;
    let usual = fs::read(Testbed::locate().kernel()).unwrap();
    for row in &mut rows {
        row.refusal = refusal(&row.initrd, row.kernel.as_ref().unwrap_or(&usual)).await;
    }
    check("initrds.md", "Initrds in Linux, and in the inspection", &rows, SAMPLE);
}
