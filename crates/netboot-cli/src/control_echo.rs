//! The echo of Ctrl-C on a terminal.

use std::fmt;
use std::io::stderr;

use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

/// The terminal of standard error, which does not show `^C` when somebody presses Ctrl-C. The two
/// letters would move the cursor away from the rows, and the rows could not be removed. Dropping
/// this restores the terminal.
pub(crate) struct ControlEcho {
    before: Option<Termios>,
}

impl ControlEcho {
    /// Turns the echo off, unless the program runs in the background: a terminal stops a program
    /// there that changes its settings.
    pub(crate) fn off() -> Self {
        let terminal = stderr();
        let is_in_front = tcgetpgrp(&terminal).is_ok_and(|group| group == getpgrp());
        let before = tcgetattr(&terminal).ok().filter(|_| is_in_front);
        if let Some(before) = &before {
            let mut without = before.clone();
            without.local_modes.remove(LocalModes::ECHOCTL);
            // Without it, a row may be left behind.
            let _ = tcsetattr(&terminal, OptionalActions::Now, &without);
        }
        Self { before }
    }

    /// Restores the terminal.
    pub(crate) fn restore(&mut self) {
        if let Some(before) = self.before.take() {
            // The terminal may be gone.
            let _ = tcsetattr(stderr(), OptionalActions::Now, &before);
        }
    }
}

impl Drop for ControlEcho {
    fn drop(&mut self) {
        self.restore();
    }
}

impl fmt::Debug for ControlEcho {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlEcho").field("is_off", &self.before.is_some()).finish()
    }
}
