//! A size report as a table.

use std::fmt;

use bytesize::ByteSize;
use netboot_core::counted;

use crate::size::SizeReport;
use crate::size::store_path::{StorePathSize, name};

/// The number of store paths in the table.
const SHOWN_PATHS: usize = 20;

impl fmt::Display for SizeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: a machine fetches {} (kernel {}, initrds {}{}), {} its budget of {}",
            self.profile,
            size(self.fetched()),
            size(self.kernel),
            size(self.initrds),
            match self.fetched_closure {
                0 => String::new(),
                bytes => format!(", closure {}", size(bytes)),
            },
            if self.is_over_budget() { "over" } else { "within" },
            size(self.budget),
        )?;
        let paths = counted(self.paths.len(), "store path");
        writeln!(f, "{} in {paths}; the largest:", size(self.closure))?;
        let has_blobs = self.fetched_closure > 0;
        let compressed =
            |text: &str| if has_blobs { format!(" {text:>11}") } else { String::new() };
        let heading = compressed("compressed");
        writeln!(f, "{:>11}{heading} {:>11}  path, and why it is there", "own", "closure")?;
        for path in self.paths.iter().take(SHOWN_PATHS) {
            let (own, closure) = (size(path.own_size), size(path.closure_size));
            let blob = compressed(&path.blob.map_or("-".to_owned(), |blob| size(blob.size)));
            let (name, why) = (path.name(), path.brought_in_by());
            writeln!(f, "{own:>11}{blob} {closure:>11}  {name} ({why})")?;
        }
        for duplicate in &self.duplicates {
            let versions: Vec<&str> = duplicate.versions.keys().map(String::as_str).collect();
            let (package, excess) = (&duplicate.package, size(duplicate.excess));
            let versions = versions.join(", ");
            writeln!(f, "{package} is there in several versions ({versions}): one saves {excess}")?;
        }
        for finding in &self.findings {
            let largest = finding.chain.last().map_or("", |path| name(path));
            let (saves, why) = (size(finding.saves), between(&finding.chain));
            let problem = finding.problem;
            writeln!(f, "{problem}: leaving it out saves {saves}: {largest} ({why})")?;
            writeln!(f, "  what to do: {}", finding.hint())?;
        }
        Ok(())
    }
}

impl fmt::Display for StorePathSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.name(), size(self.own_size), self.brought_in_by())
    }
}

impl StorePathSize {
    /// The names of the store paths between the system and this path.
    fn brought_in_by(&self) -> String {
        between(&self.chain)
    }
}

/// The names of the store paths between both ends of a chain.
fn between(chain: &[String]) -> String {
    let chain: Vec<&str> = chain.iter().skip(1).map(|path| name(path)).collect();
    match chain.split_last() {
        Some((_, [])) => "the system needs it directly".to_owned(),
        Some((_, before)) => before.join(" > "),
        None => "the system".to_owned(),
    }
}

fn size(bytes: u64) -> String {
    ByteSize::b(bytes).display().iec().to_string()
}
