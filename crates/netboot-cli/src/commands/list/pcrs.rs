//! Shows the PCRs that the UKIs of a target's releases lead to.

use std::fmt::Write as _;
use std::path::Path;

use netboot_core::{ProfileName, ReleaseId, Report, Sha256Digest};
use netboot_publish::Publisher;
use netboot_uki::{BootPath, EfiProgram, MeasuredUki, PredictedPcrs};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::error::Error;
use crate::published_target::until_cancelled;
use crate::session::Session;

/// The description of the object that `--pcrs --json` prints.
pub(super) const JSON: &str = "\
The values of --pcrs are those of the SHA-256 bank when the kernel starts. A
boot option that the firmware tried before changes PCR 4, kernel parameters
from outside the UKI change PCR 12, and systemd extends PCR 11 later, at each
phase of the boot.

With --pcrs and --json, instead:
  target  the target, as it was written
  ukis    the UKIs of the releases. Each has:
    release  the id of the release
    profile  the profile of the image
    sha256   the digest of the UKI
    boots    the ways to boot it: objects with secure_boot, by_ipxe and
             pcrs (the values by number)";

/// A way in which machines come to a UKI.
#[derive(Debug)]
pub(super) struct Boot {
    path: BootPath,
    is_by_ipxe: bool,
}

/// A UKI of a release, with the PCRs for each way to boot it.
#[derive(Debug)]
pub(super) struct ListedUki<'a> {
    release: ReleaseId,
    profile: ProfileName,
    sha256: Sha256Digest,
    boots: Vec<(&'a Boot, PredictedPcrs)>,
}

/// The ways that an operator asks for. By iPXE there is one only: the arguments that iPXE gives to
/// the UKI count without Secure Boot, and are unknown here.
///
/// # Errors
/// If the file is no EFI program.
pub(super) fn boots(ipxe: Option<&Path>) -> Result<Vec<Boot>, Report> {
    let Some(path) = ipxe else {
        let paths = [BootPath::secure_boot(), BootPath::without_secure_boot()];
        return Ok(paths.map(|path| Boot { path, is_by_ipxe: false }).into());
    };
    let ipxe = EfiProgram::open(path).map_err(Error::of_option("--ipxe"))?;
    Ok(vec![Boot { path: BootPath::secure_boot().ipxe(&ipxe), is_by_ipxe: true }])
}

/// Reads the UKIs of one release, or of all releases, and predicts the PCRs. A release whose
/// manifest cannot be used is left out with a warning, unless it was asked for.
///
/// # Errors
/// If the target cannot be read, or if no one can predict the PCRs of a UKI.
pub(super) async fn read<'a>(
    publisher: &Publisher,
    release: Option<ReleaseId>,
    boots: &'a [Boot],
    session: &Session,
) -> Result<Vec<ListedUki<'a>>, Report> {
    let releases = match release {
        Some(release) => [release].into(),
        None => until_cancelled(session, publisher.releases()).await?,
    };
    let mut listed = Vec::new();
    for one in releases {
        let images = match until_cancelled(session, publisher.images(one)).await {
            Err(problem) if release.is_none() && !session.context.cancellation().is_cancelled() => {
                session.progress.line(&format!("warning: {problem:?}"));
                continue;
            }
            images => images?,
        };
        for image in images {
            let Some(uki) = image.uki() else { continue };
            let measured = MeasuredUki::of_artifact(uki.as_ref(), &session.context);
            let measured = until_cancelled(session, measured).await?;
            let mut predicted = Vec::new();
            for boot in boots {
                predicted.push((boot, measured.predict(&boot.path)?));
            }
            listed.push(ListedUki {
                release: one,
                profile: image.profile().clone(),
                sha256: uki.sha256(),
                boots: predicted,
            });
        }
    }
    Ok(listed)
}

/// Shows the values.
pub(super) fn answer(target: &str, ukis: &[ListedUki<'_>]) -> Answer {
    let texts: Vec<String> = ukis.iter().map(text).collect();
    let text = if texts.is_empty() { "No image has a UKI.".to_owned() } else { texts.join("\n") };
    let ukis: Vec<Value> = ukis.iter().map(object).collect();
    Answer::new(text, json!({ "target": target, "ukis": ukis }))
}

fn object(uki: &ListedUki<'_>) -> Value {
    let boots = uki.boots.iter().map(|(boot, pcrs)| {
        json!({
            "secure_boot": boot.path.is_secure_boot(),
            "by_ipxe": boot.is_by_ipxe,
            "pcrs": { "4": pcrs.pcr_4, "11": pcrs.pcr_11, "12": pcrs.pcr_12 },
        })
    });
    json!({
        "release": uki.release,
        "profile": uki.profile,
        "sha256": uki.sha256,
        "boots": boots.collect::<Vec<_>>(),
    })
}

fn text(uki: &ListedUki<'_>) -> String {
    let mut text = format!("{} of release {}\n", uki.profile, uki.release.short());
    for (boot, pcrs) in &uki.boots {
        let by = if boot.is_by_ipxe { "iPXE" } else { "the firmware" };
        let with = if boot.path.is_secure_boot() { "with" } else { "without" };
        // Writing to a text never fails.
        let _ = writeln!(text, "  started by {by}, {with} Secure Boot");
        for (number, value) in [(4, pcrs.pcr_4), (11, pcrs.pcr_11), (12, pcrs.pcr_12)] {
            let _ = writeln!(text, "    PCR {number:<2} {value}");
        }
    }
    text
}
