//! Predicts what a script does, by the rules of `ipxe_script`. The oracle tests compare the
//! predictions with real iPXE.

mod execution;
mod images;
pub(crate) mod prediction;
mod uri;

use ipxe_script::settings::{Dialect, Settings};
use ipxe_script::{LogicalLine, Script, Token};

use self::images::{Images, is_program};
use self::prediction::{Ending, Fetch, Prediction, Resource};
use self::uri::Uri;

/// The largest depth of nested scripts.
const DEPTH_LIMIT: usize = 16;

/// Predicts what iPXE does with a script.
///
/// It knows the commands that fetch, select, start and free images, the commands that change, test
/// and print settings, and `goto` and `exit`. At any other command of iPXE, the script ends as
/// [`Ending::Unpredictable`].
#[derive(Debug, Clone)]
pub(crate) struct Evaluator {
    build: Dialect,
    settings: Settings,
    location: Option<Uri>,
    step_limit: usize,
}

impl Evaluator {
    /// Creates an evaluator without settings, for a script without a URI.
    pub(crate) fn new(build: Dialect) -> Self {
        Self { build, settings: Settings::new(build), location: None, step_limit: 10_000 }
    }

    /// Sets the settings of the machine, and their dialect.
    pub(crate) fn with_settings(self, settings: Settings) -> Self {
        Self { build: settings.build(), settings, ..self }
    }

    /// Sets the URI of the script, to which its URIs are relative.
    pub(crate) fn with_location(self, uri: impl AsRef<[u8]>) -> Self {
        Self { location: Some(Uri::parse(uri.as_ref(), self.build.version)), ..self }
    }

    /// Sets the number of lines after which a script counts as endless. The default is 10,000.
    pub(crate) fn with_step_limit(self, step_limit: usize) -> Self {
        Self { step_limit, ..self }
    }

    /// Runs the script. `serve` gives the result of each download, in the order of the downloads.
    pub(crate) fn predict(
        &self,
        script: &Script,
        mut serve: impl FnMut(&Fetch) -> Resource,
    ) -> Prediction {
        let mut run = Run {
            build: self.build,
            settings: self.settings.clone(),
            location: self.location.clone(),
            next_server: next_server(&self.settings),
            images: Images::default(),
            fetches: Vec::new(),
            printed: Vec::new(),
            pending: Vec::new(),
            steps: self.step_limit,
            last_line: None,
            frames: Vec::new(),
            serve: &mut serve,
        };
        let ending = match run.start(script) {
            Ok(true) => Ending::Success,
            Ok(false) => Ending::Failure,
            Err(ending) => ending,
        };
        if !run.pending.is_empty() {
            run.printed.push(std::mem::take(&mut run.pending));
        }
        Prediction {
            fetches: run.fetches,
            printed: run.printed,
            images: run.images.states(),
            ending,
            last_line: run.last_line,
            settings: run.settings,
        }
    }
}

/// A running script.
pub(crate) struct Frame {
    pub(crate) script: Script,
    /// The image that runs in its place after it has stopped.
    pub(crate) replacement: Option<usize>,
}

/// The step that follows a command or a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// The next command or line runs. True if this one succeeded.
    Next(bool),
    /// The line with this index runs.
    Goto(usize),
    /// The script stops.
    Stop(bool),
}

/// iPXE while it runs a script.
pub(crate) struct Run<'a> {
    pub(crate) build: Dialect,
    pub(crate) settings: Settings,
    pub(crate) location: Option<Uri>,
    /// The last address that the setting `next-server` had.
    pub(crate) next_server: Option<[u8; 4]>,
    pub(crate) images: Images,
    pub(crate) fetches: Vec<Fetch>,
    pub(crate) printed: Vec<Vec<u8>>,
    /// The text that `echo -n` has printed.
    pub(crate) pending: Vec<u8>,
    steps: usize,
    last_line: Option<usize>,
    pub(crate) frames: Vec<Frame>,
    pub(crate) serve: &'a mut dyn FnMut(&Fetch) -> Resource,
}

impl Run<'_> {
    fn start(&mut self, script: &Script) -> Result<bool, Ending> {
        if script.magic().is_err() {
            if is_program(script.source(), self.build) {
                return Err(Ending::Boots { name: Vec::new(), arguments: Vec::new() });
            }
            return Ok(false);
        }
        self.frames.push(Frame { script: script.clone(), replacement: None });
        let success = self.run_script()?;
        let replacement = self.frames.pop().and_then(|frame| frame.replacement);
        replacement.map_or(Ok(success), |image| self.execute_image(image))
    }

    /// Starts an image. A script runs, and a program ends the prediction.
    pub(crate) fn execute_image(&mut self, image: usize) -> Result<bool, Ending> {
        let mut next = image;
        loop {
            let build = self.build;
            let Some(image) = self.images.get(next) else { return Ok(false) };
            if !image.is_executable(build) {
                if image.autofree {
                    self.images.take(next);
                }
                return Ok(false);
            }
            let Some(image) = self.images.take(next) else { return Ok(false) };
            if !image.is_script() {
                let arguments = image.arguments.unwrap_or_default();
                return Err(Ending::Boots { name: image.name, arguments });
            }
            if self.frames.len() >= DEPTH_LIMIT {
                return Err(Ending::TooLong);
            }
            let before = self.location.replace(image.uri.clone());
            self.frames.push(Frame { script: Script::parse(&image.content), replacement: None });
            let success = self.run_script()?;
            self.location = before;
            if let Some(replacement) = self.frames.pop().and_then(|frame| frame.replacement) {
                next = replacement;
                continue;
            }
            if !image.autofree {
                self.images.put_back(image);
            }
            return Ok(success);
        }
    }

    /// Runs the script of the last frame: `process_script` in iPXE's `src/image/script.c`.
    fn run_script(&mut self) -> Result<bool, Ending> {
        let Some(script) = self.frames.last().map(|frame| frame.script.clone()) else {
            return Ok(false);
        };
        let outermost = self.frames.len() == 1;
        let mut next = 0;
        while let Some(line) = script.lines().get(next) {
            self.steps = self.steps.checked_sub(1).ok_or(Ending::TooLong)?;
            if outermost {
                self.last_line = Some(next);
            }
            if line.is_open() {
                return Ok(false);
            }
            match self.run_line(line)? {
                Flow::Next(true) => next += 1,
                Flow::Goto(index) => next = index,
                Flow::Next(false) => return Ok(false),
                Flow::Stop(success) => return Ok(success),
            }
        }
        if outermost {
            self.last_line = None;
        }
        Ok(true)
    }

    /// Runs the commands of a line: `system` in iPXE's `src/core/exec.c`.
    fn run_line(&mut self, line: &LogicalLine) -> Result<Flow, Ending> {
        let mut success = true;
        for command in line.commands() {
            let separator = command.separator();
            if !separator.is_none_or(|separator| separator.continues_after(success)) {
                continue;
            }
            let expand = |word: &Token| self.settings.expand(word.bytes());
            let words: Result<Vec<Vec<u8>>, _> = command.tokens().iter().map(expand).collect();
            let words = words.map_err(|_| Ending::Hangs)?;
            match self.execute(&words)? {
                Flow::Next(outcome) => success = outcome,
                other => return Ok(other),
            }
        }
        Ok(Flow::Next(success))
    }
}

/// The address of the TFTP server, to which iPXE makes URIs relative.
pub(crate) fn next_server(settings: &Settings) -> Option<[u8; 4]> {
    let digits = settings.get("next-server:hexraw");
    let number = u32::from_str_radix(std::str::from_utf8(digits.get(..8)?).ok()?, 16).ok()?;
    (number != 0).then_some(number.to_be_bytes())
}
