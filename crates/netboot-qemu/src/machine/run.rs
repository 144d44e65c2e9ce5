//! One boot, from the first byte of the console to the report.

use std::collections::VecDeque;
use std::pin::pin;
use std::time::{Duration, Instant};

use netboot_core::{Architecture, Context, Event, Phase, Unit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, sleep_until, timeout};

use crate::accelerator::Accelerator;
use crate::boot_outcome::BootOutcome;
use crate::boot_report::BootReport;
use crate::error::Error;
use crate::expectations::Expectations;
use crate::firmware::Firmware;
use crate::key;
use crate::machine::process::Qemu;
use crate::terminal::{Shown, Terminal};
use crate::watcher::Watcher;

/// The time that the console is read after the outcome is known, for the rest of the decisive line
/// and the lines that a panic prints after it.
const AFTERGLOW: Duration = Duration::from_millis(250);

/// The time between two keys. `SeaBIOS` reads the serial port at each tick of 55 ms, and has room
/// for 15 keys. It would lose the end of a text that arrives at once.
const STROKE_TIME: Duration = Duration::from_millis(20);

/// The settings of one boot.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) url: &'a str,
    pub(super) hidden_script: Option<String>,
    pub(super) architecture: Architecture,
    pub(super) firmware: Firmware,
    pub(super) accelerator: Accelerator,
    pub(super) timeout: Duration,
    pub(super) expectations: Expectations,
}

/// The state of reading the console.
struct Reading<'a> {
    watcher: Watcher,
    terminal: Terminal,
    started: Instant,
    context: &'a Context,
}

impl Reading<'_> {
    fn take(&mut self, bytes: &[u8]) {
        let (watcher, time, context) = (&mut self.watcher, self.started.elapsed(), self.context);
        self.terminal.feed(bytes, &mut |terminal, shown| {
            watcher.take(shown, time, terminal);
            report_line(context, shown);
            report_progress(context, watcher);
        });
    }

    fn finish(&mut self) {
        let (watcher, time, context) = (&mut self.watcher, self.started.elapsed(), self.context);
        watcher.note_unfinished();
        self.terminal.finish(&mut |terminal, shown| {
            watcher.take(shown, time, terminal);
            report_line(context, shown);
            report_progress(context, watcher);
        });
    }
}

/// Reports how much of its store the machine has.
fn report_progress(context: &Context, watcher: &mut Watcher) {
    let Some(progress) = watcher.store.take_progress() else { return };
    let counts = [
        ("store paths", progress.paths, progress.all_paths, Unit::Items),
        ("store", progress.bytes, progress.all_bytes, Unit::Bytes),
    ];
    for (subject, done, total, unit) in counts {
        let (subject, total) = (subject.to_owned(), Some(total));
        let phase = Phase::Booting;
        context.emit(Event::Progress { phase, profile: None, subject, done, total, unit });
    }
}

fn report_line(context: &Context, shown: Shown<'_>) {
    if let Shown::Finished(line) = shown
        && !line.is_empty()
    {
        let (origin, line) = ("console".to_owned(), line.to_owned());
        context.emit(Event::Log { profile: None, origin, line });
    }
}

impl Run<'_> {
    pub(super) async fn watch(
        self,
        mut qemu: Qemu,
        started: Instant,
        context: &Context,
    ) -> Result<BootReport, Error> {
        let command_line = qemu.command_line();
        let mut reading = Reading {
            watcher: Watcher::new(self.expectations.clone(), self.url, self.hidden_script.clone()),
            terminal: Watcher::terminal(self.firmware),
            started,
            context,
        };
        let mut time_over = pin!(sleep(self.timeout.saturating_sub(started.elapsed())));
        let closed = tokio::select! {
            closed = read_console(&mut qemu, &mut reading) => Some(closed),
            () = &mut time_over => None,
            () = context.cancellation().cancelled() => {
                qemu.end().await?;
                return Err(Error::Cancelled);
            }
        };
        let outcome = match closed {
            // The rest of the console is optional, so an error or a timeout is ignored.
            Some(Ok(())) if reading.watcher.outcome.is_some() => {
                let _ = timeout(AFTERGLOW, read_rest(&mut qemu, &mut reading)).await;
                qemu.end().await?;
                None
            }
            Some(Ok(())) => tokio::select! {
                waited = qemu.wait() => {
                    waited?;
                    Some(BootOutcome::MachineStopped)
                }
                () = &mut time_over => {
                    qemu.end().await?;
                    Some(BootOutcome::TimedOut)
                }
                () = context.cancellation().cancelled() => {
                    qemu.end().await?;
                    return Err(Error::Cancelled);
                }
            },
            Some(Err(error)) => {
                qemu.end().await?;
                return Err(error);
            }
            None => {
                qemu.end().await?;
                Some(BootOutcome::TimedOut)
            }
        };
        let duration = started.elapsed();
        reading.finish();
        let mut watcher = reading.watcher;
        // The last line may still decide the outcome.
        let outcome = watcher.outcome.take().or(outcome).unwrap_or(BootOutcome::MachineStopped);
        Ok(BootReport {
            url: self.url.to_owned(),
            architecture: self.architecture,
            firmware: self.firmware,
            accelerator: self.accelerator,
            outcome,
            reached: watcher.reached(),
            missing: watcher.missing(),
            store: watcher.store.status().cloned(),
            duration,
            command_line,
            console: watcher.take_transcript(),
            refusals: std::mem::take(&mut watcher.refusals),
            locked_down: watcher.locked_down,
            stages: watcher.stages,
            fetched: watcher.fetched,
        })
    }
}

/// Reads until the outcome is known or the console is closed, and presses the keys that are due.
async fn read_console(qemu: &mut Qemu, reading: &mut Reading<'_>) -> Result<(), Error> {
    let mut buffer = vec![0; 16 * 1024];
    let mut strokes = VecDeque::new();
    let mut next = tokio::time::Instant::now();
    while reading.watcher.outcome.is_none() {
        tokio::select! {
            read = qemu.console.read(&mut buffer) => {
                let length = read.map_err(|source| qemu.console_error(source))?;
                if length == 0 {
                    break;
                }
                reading.take(buffer.get(..length).unwrap_or_default());
                let due = reading.watcher.take_due_keys();
                strokes.extend(due.iter().flat_map(|keys| key::strokes(keys)).map(str::to_owned));
            }
            () = sleep_until(next), if !strokes.is_empty() => {
                let stroke = strokes.pop_front().unwrap_or_default();
                // The machine may have just stopped. Then the console is about to close.
                if qemu.keyboard.write_all(stroke.as_bytes()).await.is_err() {
                    strokes.clear();
                }
                next = tokio::time::Instant::now() + STROKE_TIME;
            }
        }
    }
    Ok(())
}

/// Reads until the console is closed.
async fn read_rest(qemu: &mut Qemu, reading: &mut Reading<'_>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = qemu.console.read(&mut buffer).await {
        reading.take(buffer.get(..length).unwrap_or_default());
    }
}
