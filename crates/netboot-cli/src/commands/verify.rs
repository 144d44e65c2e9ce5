//! `netboot verify`: compares a target with what it should have.

use clap::Args;
use netboot_core::{Report, counted};
use netboot_publish::{Error, PublicUrl, VerifyDepth, VerifyReport, VerifyScope};
use serde_json::{Value, json};
use url::Url;

use crate::answer::{Answer, FOUND};
use crate::misuse::OfCommandLine;
use crate::published_target::{PublishedTarget, unless_cancelled};
use crate::publisher_options::ReaderOptions;
use crate::publisher_settings::ReaderSettings;
use crate::session::Session;
use crate::shown_findings;
use crate::web_url::web_url;

/// The description of the answer, without the object of a finding.
const ANSWER: &str = "\
Prints the findings, with what to do about each. The exit code is 3 if there are
any.

With --json:
  target  the target, as it was written
  clean   true if there is no finding
  checks  one for the target, and one for each URL. Each has:
    place         the target, or the URL
    releases      the ids of the releases that were verified
    objects       the number of their files
    hashed_bytes  the number of bytes that were read
    findings      the damage. Each has:";

#[derive(Debug, Args)]
#[command(after_long_help = format!("{ANSWER}\n{}", shown_findings::JSON))]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: PublishedTarget,

    /// Compare sizes only, instead of reading every byte.
    #[arg(long)]
    quick: bool,

    /// Also verify this URL, which serves the target: machines may see an older release, or find
    /// files missing.
    #[arg(long, value_name = "URL", value_parser = web_url)]
    public_url: Option<Url>,

    #[command(flatten)]
    options: ReaderOptions,
}

/// The report about one place.
struct Check {
    place: String,
    report: VerifyReport,
}

impl Arguments {
    /// Verifies the target, and the URL. A URL as the target is verified as machines see it.
    pub(crate) async fn run(self, session: &Session) -> Result<Answer, Report> {
        let settings = self.options.read(session)?;
        let urls = self.public_url.iter().map(|url| open(url.as_str(), &settings));
        let urls = urls.collect::<Result<Vec<_>, _>>()?;
        let depth = if self.quick { VerifyDepth::Listing } else { VerifyDepth::Content };
        let (context, mut checks) = (&session.context, Vec::new());
        if is_url(self.target.as_str()) {
            for url in [open(self.target.as_str(), &settings)?].iter().chain(&urls) {
                let report = cancellable(session, url.verify(depth, context).await)?;
                checks.push(Check { place: url.to_string(), report });
            }
        } else {
            let publisher = self.target.read(&settings, session).await?;
            let report = publisher.verify(VerifyScope::Everything, depth, context).await;
            let report = cancellable(session, report)?;
            checks.push(Check { place: self.target.as_str().to_owned(), report });
            for url in &urls {
                let report = publisher.verify_public(url, depth, context).await;
                let report = cancellable(session, report)?;
                checks.push(Check { place: url.to_string(), report });
            }
        }
        let is_clean = checks.iter().all(|check| check.report.is_clean());
        let object = json!({
            "target": self.target.as_str(),
            "clean": is_clean,
            "checks": checks.iter().map(object).collect::<Vec<_>>(),
        });
        let text: Vec<String> = checks.iter().map(text).collect();
        let answer = Answer::new(text.join("\n"), object);
        Ok(if is_clean { answer } else { answer.with_exit_code(FOUND) })
    }
}

fn cancellable(
    session: &Session,
    report: Result<VerifyReport, Error>,
) -> Result<VerifyReport, Report> {
    unless_cancelled(session, report, || "the target is not verified completely".to_owned())
}

fn is_url(target: &str) -> bool {
    target.starts_with("http://") || target.starts_with("https://")
}

fn open(url: &str, settings: &ReaderSettings) -> Result<PublicUrl, Report> {
    Ok(settings.apply_to_url(PublicUrl::new(url).of_command_line()?))
}

fn text(check: &Check) -> String {
    let VerifyReport { releases, objects, findings, .. } = &check.report;
    let outcome = match findings.len() {
        0 => "nothing wrong".to_owned(),
        count => counted(count, "finding").to_string(),
    };
    let (releases, objects) = (counted(releases.len(), "release"), counted(*objects, "file"));
    let mut text = format!("{}: {releases} with {objects}: {outcome}", check.place);
    shown_findings::add_text(&mut text, findings);
    text
}

fn object(check: &Check) -> Value {
    json!({
        "place": check.place,
        "releases": check.report.releases,
        "objects": check.report.objects,
        "hashed_bytes": check.report.hashed_bytes,
        "findings": shown_findings::objects(&check.report.findings),
    })
}
