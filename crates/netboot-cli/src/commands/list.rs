//! `netboot list`: the releases of a target.

use clap::Args;
use netboot_core::Report;
use netboot_publish::HistoryEntry;
use serde_json::json;

use crate::answer::Answer;
use crate::session::Session;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The target: a directory, `s3://BUCKET/PREFIX`, `USER@HOST:/PATH`,
    /// `rsync://HOST/MODULE/PATH`, or a name from netboot.toml.
    target: String,
}

impl Arguments {
    /// Lists the releases that were live, newest first, and then the other staged releases.
    pub(crate) async fn run(self, session: &Session) -> Result<Answer, Report> {
        let publisher = session.target(&self.target)?.publisher().await?;
        let history = publisher.history().await?;
        let mut staged = publisher.releases().await?;
        for entry in &history {
            staged.remove(&entry.release);
        }
        let line = |entry: &HistoryEntry| {
            format!("{} {}", entry.release, if entry.live { "live" } else { "was live" })
        };
        let mut lines: Vec<String> = history.iter().map(line).collect();
        lines.extend(staged.iter().map(|release| format!("{release} staged, never live")));
        let live = history.iter().find(|entry| entry.live).map(|entry| entry.release.to_string());
        Ok(Answer::new(lines.join("\n"), json!({ "live": live })))
    }
}
