//! Predicts the effect of each command.

use ipxe_script::commands::{Arguments, CommandSyntax};
use ipxe_script::settings::SettingProblem;
use ipxe_script::{Script, Version};

use super::prediction::{Ending, Fetch, Resource};
use super::uri::Uri;
use super::{Flow, Run, next_server};

impl Run<'_> {
    /// Executes a command with its settings expanded.
    pub(crate) fn execute(&mut self, words: &[Vec<u8>]) -> Result<Flow, Ending> {
        let Some((name, words)) = words.split_first() else { return Ok(Flow::Next(true)) };
        let unpredictable = || Ending::Unpredictable { command: name.clone() };
        let version = self.build.version;
        let Some(syntax) = CommandSyntax::find(name, version) else {
            return match name.as_slice() {
                b"help" => Ok(Flow::Next(true)),
                b"shell" => Err(unpredictable()),
                _ => Ok(Flow::Next(false)),
            };
        };
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        let Ok(arguments) = syntax.parse(&words, version) else { return Ok(Flow::Next(false)) };
        let positional = arguments.positional.as_slice();
        let first = positional.first().copied().unwrap_or_default();
        let rest = positional.get(1..).unwrap_or_default();
        let success = match syntax.name {
            "echo" => {
                self.echo(&positional.join(&b' '), arguments.has("n"));
                true
            }
            "isset" => !first.is_empty(),
            "iseq" => rest.first() == Some(&first),
            "set" | "clear" | "inc" => {
                let changed = match syntax.name {
                    "set" => self.settings.set(first, rest.join(&b' ')),
                    "clear" => self.settings.clear(first),
                    _ => self.increment(first, rest.first().copied()),
                };
                self.apply_settings();
                changed.is_ok()
            }
            "show" => match self.settings.is_set(first) {
                false if self.settings.predefined().any(|name| name.as_bytes() == first) => {
                    return Err(unpredictable());
                }
                shown => shown,
            },
            "sleep" => self.integer(first).is_some(),
            "goto" => {
                let script = self.frames.last().map(|frame| &frame.script);
                match script.and_then(|script| find_label(script, first)) {
                    Some(index) => return Ok(Flow::Goto(index)),
                    None => false,
                }
            }
            "exit" => match positional.first().map(|status| self.integer(status)) {
                None => return Ok(Flow::Stop(true)),
                Some(Some(status)) => return Ok(Flow::Stop(status == 0)),
                Some(None) => false,
            },
            "imgstat" => positional.iter().all(|name| self.images.find(name).is_some()),
            "imgfree" => self.free(positional),
            "imgfetch" | "module" | "initrd" => {
                let image = self.download(first);
                image.is_some_and(|image| self.describe(image, &arguments))
            }
            "kernel" | "imgselect" | "imgload" => {
                let image = self.acquire(first);
                image.is_some_and(|image| self.describe(image, &arguments) && self.select(image))
            }
            "imgargs" => match self.acquire(first) {
                Some(image) => {
                    if let Some(image) = self.images.get(image) {
                        image.arguments = None;
                    }
                    self.describe(image, &arguments)
                }
                None => false,
            },
            "chain" | "imgexec" | "boot" => return self.boot(&arguments),
            _ => return Err(unpredictable()),
        };
        Ok(Flow::Next(success))
    }

    fn echo(&mut self, text: &[u8], without_line_feed: bool) {
        self.pending.extend_from_slice(text);
        if !without_line_feed {
            self.printed.push(std::mem::take(&mut self.pending));
        }
    }

    fn integer(&self, text: &[u8]) -> Option<u32> {
        self.build.version.parse_integer(text)
    }

    fn increment(&mut self, name: &[u8], increment: Option<&[u8]>) -> Result<(), SettingProblem> {
        let increment = increment.map_or(Some(1), |text| self.integer(text));
        self.settings.increment(name, increment.ok_or(SettingProblem::MalformedValue)?)
    }

    /// Makes URIs relative to the TFTP server if it has changed. 1.21 and earlier builds also do so
    /// within scripts (`src/net/udp/tftp.c` of iPXE).
    fn apply_settings(&mut self) {
        let Some(address) = next_server(&self.settings) else { return };
        let version = self.build.version;
        let is_new = self.next_server.replace(address) != Some(address);
        if self.location.is_none() || (is_new && version < Version::V2_0) {
            let [a, b, c, d] = address;
            let uri = format!("tftp://{a}.{b}.{c}.{d}/");
            self.location = Some(Uri::parse(uri.as_bytes(), version));
        }
    }

    /// Frees images by name until a name is unknown. Without names, frees all images.
    fn free(&mut self, names: &[&[u8]]) -> bool {
        if names.is_empty() {
            self.images.clear();
        }
        names.iter().all(|name| match self.images.find(name) {
            Some(image) => self.images.take(image).is_some(),
            None => false,
        })
    }

    /// Finds an image by its name, or downloads it.
    fn acquire(&mut self, text: &[u8]) -> Option<usize> {
        self.images.find(text).or_else(|| self.download(text))
    }

    fn download(&mut self, text: &[u8]) -> Option<usize> {
        let version = self.build.version;
        let uri = Uri::parse(text, version).resolve(self.location.as_ref());
        let scheme = uri.scheme(version)?;
        let known = match scheme.as_slice() {
            b"http" | b"tftp" | b"nfs" => true,
            b"https" => version >= Version::V1_21,
            _ => false,
        };
        if !known {
            return None;
        }
        let fetch = Fetch { scheme, authority: uri.authority(), target: uri.target(version) };
        let resource = (self.serve)(&fetch);
        self.fetches.push(fetch);
        match resource {
            Resource::Missing => None,
            Resource::File(content) => Some(self.images.add(uri.image_name(version), uri, content)),
        }
    }

    /// Gives an image the name and the arguments of a command.
    fn describe(&mut self, image: usize, arguments: &Arguments<'_>) -> bool {
        let Some(image) = self.images.get(image) else { return false };
        if let Some(name) = arguments.value("name") {
            image.name = name.to_vec();
        }
        let words = arguments.positional.get(1..).unwrap_or_default();
        if !words.is_empty() {
            image.arguments = Some(words.join(&b' '));
        }
        image.autofree |= arguments.has("autofree");
        true
    }

    /// Selects an image if iPXE can start it. If not, builds of 2019 still deselect the image that
    /// was selected.
    fn select(&mut self, image: usize) -> bool {
        let build = self.build;
        let executable = self.images.get(image).is_some_and(|image| image.is_executable(build));
        if executable {
            self.images.select(image);
        } else if build.version == Version::V2019 {
            self.images.deselect();
        }
        executable
    }

    /// Executes `boot` or `chain`. Without an image it does nothing and succeeds.
    fn boot(&mut self, arguments: &Arguments<'_>) -> Result<Flow, Ending> {
        let image = match arguments.positional.first() {
            Some(text) => match self.acquire(text) {
                Some(image) => image,
                None => return Ok(Flow::Next(false)),
            },
            None => match self.images.selected() {
                Some(image) => image,
                None => return Ok(Flow::Next(true)),
            },
        };
        self.describe(image, arguments);
        if !arguments.has("replace") {
            return self.execute_image(image).map(Flow::Next);
        }
        let build = self.build;
        let executable = self.images.get(image).is_some_and(|image| image.is_executable(build));
        match self.frames.last_mut() {
            Some(frame) if executable => {
                frame.replacement = Some(image);
                Ok(Flow::Stop(true))
            }
            _ => Ok(Flow::Next(false)),
        }
    }
}

/// The index of the line that `goto` jumps to.
fn find_label(script: &Script, name: &[u8]) -> Option<usize> {
    let is_open = |line: usize| script.lines()[line].is_open();
    let found = script.labels().find(|(label, line)| label.name() == name && !is_open(*line));
    found.map(|(_, line)| line)
}
