//! Running a script in the model.

use super::build::Build;
use super::images::{Images, is_program};
use super::prediction::{Ending, Fetch, Prediction, Resource};
use super::settings::Settings;
use super::uri::Uri;
use super::{LogicalLine, Script};

/// How many scripts may run inside each other.
const DEPTH_LIMIT: usize = 16;

/// Predicts what iPXE does with a script.
///
/// It knows the commands that fetch, select, start and free images, those that change, test and
/// print settings, and `goto` and `exit`; a script that comes to another command of iPXE ends as
/// [`Ending::Unpredictable`].
///
/// ```
/// use netboot_ipxe::script::{Build, Evaluator, Resource, Script, Version};
///
/// let script = Script::parse("#!ipxe\nset n bz && kernel ${n}Image a=${n} || goto failed\n");
/// let evaluator = Evaluator::new(Build::bios(Version::V2_0)).with_location("http://boot/x/y.ipxe");
/// let prediction = evaluator.predict(&script, |_| Resource::File(b"kernel".to_vec()));
/// assert_eq!(prediction.fetches[0].to_string(), "http://boot/x/bzImage");
/// assert_eq!(prediction.images[0].arguments.as_deref(), Some(b"a=bz".as_slice()));
/// assert_eq!(prediction.success(), Some(true));
/// ```
#[derive(Debug, Clone)]
pub struct Evaluator {
    build: Build,
    settings: Settings,
    location: Option<Uri>,
    step_limit: usize,
}

impl Evaluator {
    /// An evaluator without settings, for a script from nowhere.
    pub fn new(build: Build) -> Self {
        Self { build, settings: Settings::new(build), location: None, step_limit: 10_000 }
    }

    /// The settings that the machine has; their build's rules are kept.
    #[must_use]
    pub fn with_settings(self, settings: Settings) -> Self {
        Self { build: settings.build(), settings, ..self }
    }

    /// The URI that the script comes from, to which its URIs are relative.
    #[must_use]
    pub fn with_location(self, uri: impl AsRef<[u8]>) -> Self {
        Self { location: Some(Uri::parse(uri.as_ref(), self.build.version)), ..self }
    }

    /// How many lines are looked at before a script counts as one that does not end: 10,000 unless
    /// it is set here.
    #[must_use]
    pub fn with_step_limit(self, step_limit: usize) -> Self {
        Self { step_limit, ..self }
    }

    /// Runs the script. `serve` says what a download brings, and is asked in the order of the
    /// downloads.
    pub fn predict(
        &self,
        script: &Script,
        mut serve: impl FnMut(&Fetch) -> Resource,
    ) -> Prediction {
        let mut run = Run {
            build: self.build,
            settings: self.settings.clone(),
            location: self.location.clone(),
            next_server: self.settings.next_server(),
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

/// A script that runs.
pub(super) struct Frame {
    pub(super) script: Script,
    /// The image that is to run in its place, once it has stopped.
    pub(super) replacement: Option<usize>,
}

/// What happens after a command, or a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// The next one, by whether this one succeeded.
    Next(bool),
    /// The line of this index.
    Goto(usize),
    /// Nothing: the script stops.
    Stop(bool),
}

/// iPXE while it runs a script.
pub(super) struct Run<'a> {
    pub(super) build: Build,
    pub(super) settings: Settings,
    pub(super) location: Option<Uri>,
    /// The last address that the setting `next-server` had.
    pub(super) next_server: Option<[u8; 4]>,
    pub(super) images: Images,
    pub(super) fetches: Vec<Fetch>,
    pub(super) printed: Vec<Vec<u8>>,
    /// What `echo -n` printed.
    pub(super) pending: Vec<u8>,
    steps: usize,
    last_line: Option<usize>,
    pub(super) frames: Vec<Frame>,
    pub(super) serve: &'a mut dyn FnMut(&Fetch) -> Resource,
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

    /// Starts an image: a script runs, and a program ends the prediction.
    pub(super) fn execute_image(&mut self, image: usize) -> Result<bool, Ending> {
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
            let expand = |word: &super::Token| self.settings.expand(word.bytes());
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
