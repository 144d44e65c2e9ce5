//! The machines of a publication, compared with those that are live at a target.

use std::collections::BTreeSet;

use netboot_core::{ReleaseId, Report};
use netboot_ipxe::MachineName;
use netboot_publish::Publisher;

use crate::published_machines::{LostMachines, machines_of};

/// The machines that a publication lists.
#[derive(Debug)]
pub(crate) struct ListedMachines {
    pub(crate) names: BTreeSet<MachineName>,
    /// True if somebody wants a release without machines.
    pub(crate) may_be_left_out: bool,
}

impl ListedMachines {
    /// Refuses to leave out all machines of the live release, unless somebody wants that.
    pub(super) async fn require(
        &self,
        publisher: &Publisher,
        live: Option<&ReleaseId>,
    ) -> Result<(), Report> {
        if self.names.is_empty() && !self.may_be_left_out {
            self.lost(publisher, live).await?;
        }
        Ok(())
    }

    /// Tells in a clause which machines of the live release are left out.
    ///
    /// # Errors
    /// If all of them would be left out, and nobody wants that; if the target cannot be read.
    pub(super) async fn lost(
        &self,
        publisher: &Publisher,
        live: Option<&ReleaseId>,
    ) -> Result<Option<String>, Report> {
        let Some(live) = live else { return Ok(None) };
        let Some(lost) = LostMachines::of(&machines_of(publisher, live).await?, &self.names) else {
            return Ok(None);
        };
        if self.names.is_empty() && !self.may_be_left_out {
            return Err(Report::message(
                format!("no machines are listed, and the live release has scripts for {lost}"),
                "list them in `[machines]` of netboot.toml, or name the file that does: \
                 `--machines FILE`; to leave them out on purpose, give `--without-machines`",
            ));
        }
        Ok(Some(format!("{lost} of the live release will have no script of their own any more")))
    }
}
