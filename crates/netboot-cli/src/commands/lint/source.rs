//! The texts of the scripts: files, and standard input.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use netboot_core::{Error, Report};
use tokio::sync::oneshot;

use crate::published_target::until_cancelled;
use crate::session::Session;

/// The path that means standard input.
const STANDARD_INPUT: &str = "-";

/// Reads standard input, if it is among `paths`.
///
/// # Errors
/// If the work was cancelled.
pub(super) async fn standard_input(
    paths: &[PathBuf],
    session: &Session,
) -> Result<Option<io::Result<Vec<u8>>>, Report> {
    if !paths.iter().any(|path| is_standard_input(path)) {
        return Ok(None);
    }
    let (sender, receiver) = oneshot::channel();
    // The program does not wait for this thread: somebody may have stopped typing.
    std::thread::spawn(move || {
        let mut text = Vec::new();
        let read = io::stdin().read_to_end(&mut text).map(|_| text);
        // The work may have been cancelled.
        let _ = sender.send(read);
    });
    let reading = async {
        let read = receiver.await.unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()));
        Ok::<_, Report>(Some(read))
    };
    until_cancelled(session, reading).await
}

/// The text of a script. `input` is the text of standard input.
///
/// # Errors
/// If it is a directory or cannot be read.
pub(super) fn text_of(path: &Path, input: Option<&io::Result<Vec<u8>>>) -> Result<Vec<u8>, Report> {
    let failed = |source| Report::from(Error::io("read", path, source));
    match input.filter(|_| is_standard_input(path)) {
        Some(Ok(text)) => Ok(text.clone()),
        Some(Err(error)) => Err(failed(error.kind().into())),
        None if path.is_dir() => Err(Report::message(
            format!("`{}` is a directory", path.display()),
            format!("name the scripts in it: `{}`", path.join("*.ipxe").display()),
        )),
        None => std::fs::read(path).map_err(failed),
    }
}

fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == STANDARD_INPUT
}
