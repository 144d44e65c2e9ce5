//! Initrds in each format that programs make, whole and damaged.

mod damages;
mod formats;
mod members;
mod parts;

use netboot_core::inspect::{require_first_program, without_directory};
use netboot_core::{Architecture, BootSpec, Error, InitPath};

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

/// Returns the reason for which the inspection refuses an initrd.
async fn refusal(initrd: &[u8]) -> Option<String> {
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
    let boot = BootSpec::new(Architecture::X86_64, init, Vec::new()).unwrap();
    let initrds = [summary];
    match require_first_program(&"worker".parse().unwrap(), &boot, &initrds) {
        Ok(()) => {}
        Err(Error::FirstProgram { problem, .. }) => return Some(format!("`/init`: {problem}")),
        Err(error) => panic!("{error:?}"),
    }
    let lost = without_directory(&initrds).pop().and_then(|lost| lost.first().copied());
    lost.map(|path| format!("`{path}` is lost without its directory"))
}

#[tokio::test]
async fn inspection_says_what_linux_does() {
    let mut rows = Rows::default();
    formats::add(&mut rows);
    parts::add(&mut rows);
    damages::add(&mut rows);
    members::add(&mut rows);
    let mut rows = rows.0;
    for row in &mut rows {
        row.refusal = refusal(&row.initrd).await;
    }
    check("initrds.md", "Initrds in Linux, and in the inspection", &rows, SAMPLE);
}
