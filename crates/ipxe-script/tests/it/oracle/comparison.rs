//! Runs a script in the evaluator and in real iPXE, and compares both.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ipxe_script::settings::{Dialect, Settings};
use ipxe_script::{Script, Version};
use netboot_testbed::{IpxeOracle, Observation, OracleCase, OracleFiles};

use crate::evaluator::Evaluator;
use crate::evaluator::prediction::{Ending, ImageState, Prediction, Resource};

/// The largest number of lines that a script runs.
const STEPS: usize = 200;

/// The time in which a script that hangs comes as far as predicted, on any machine.
const ENOUGH: Duration = Duration::from_secs(60);

/// The start of each line of `echo` that is compared.
pub(crate) const PRINTED: &[u8] = b"= ";

/// A build, and the results so far.
pub(crate) struct Comparison {
    oracle: IpxeOracle,
    version: Version,
    /// Names of settings that scripts may have left behind.
    left_behind: BTreeSet<String>,
    /// The time limit of a script that should not hang.
    pub(crate) patience: Duration,
    pub(crate) scripts: usize,
    pub(crate) mismatches: Vec<String>,
}

impl Comparison {
    pub(crate) fn bookworm() -> Self {
        Self::new(IpxeOracle::bookworm(), Version::V2019)
    }

    pub(crate) fn trixie() -> Self {
        Self::new(IpxeOracle::trixie(), Version::V1_21)
    }

    pub(crate) fn sid() -> Self {
        Self::new(IpxeOracle::sid(), Version::V2_0)
    }

    fn new(oracle: IpxeOracle, version: Version) -> Self {
        let (left_behind, mismatches) = (BTreeSet::new(), Vec::new());
        let patience = Duration::from_secs(120);
        Self { oracle, version, left_behind, patience, scripts: 0, mismatches }
    }

    pub(crate) fn version(&self) -> Version {
        self.version
    }

    /// The number of starts of iPXE.
    pub(crate) fn starts(&self) -> usize {
        self.oracle.starts()
    }

    /// Predicts a script that iPXE fetches from the server of the oracle.
    pub(crate) fn predict(&self, script: &[u8]) -> Prediction {
        let build = Dialect::bios(self.version);
        let mut settings = Settings::new(build);
        for scope in SCOPES {
            settings.clear(format!("{scope}/a")).unwrap();
        }
        // The oracle sets these, and scripts may find them by their DHCP option numbers.
        for (name, value) in [("netmask", "255.255.255.0"), ("gateway", "10.0.2.2")] {
            settings.set(format!("net0/{name}"), value).unwrap();
        }
        let evaluator = Evaluator::new(build)
            .with_settings(settings)
            .with_location(self.oracle.location())
            .with_step_limit(STEPS);
        evaluator.predict(&Script::parse(script), |fetch| {
            if fetch.target == IpxeOracle::SCRIPT.as_bytes() {
                return Resource::File(script.to_vec());
            }
            // No other server answers.
            if fetch.scheme != b"http" {
                return Resource::Missing;
            }
            files(&fetch.target).map_or(Resource::Missing, Resource::File)
        })
    }

    /// Runs a script in both, and records the differences. `None` if it cannot be predicted.
    pub(crate) fn run(&mut self, name: &str, script: &[u8]) -> Option<()> {
        let prediction = self.predict(script);
        let hangs = match &prediction.ending {
            Ending::Success | Ending::Failure => false,
            Ending::Hangs => true,
            _ => return None,
        };
        let mut case = OracleCase::new(script, Arc::new(files) as OracleFiles);
        case.forget = SCOPES.iter().map(|scope| format!("{scope}/a")).collect();
        case.forget.extend(self.left_behind.iter().cloned());
        case.patience = if hangs { Duration::from_secs(4) } else { self.patience };
        let mut observation = self.oracle.run(&case);
        self.scripts += 1;
        let mut differences = differences(&prediction, &observation);
        // A busy machine may need longer to come as far as predicted.
        while !differences.is_empty() && hangs && case.patience < ENOUGH {
            case.patience *= 4;
            self.oracle.restart();
            observation = self.oracle.run(&case);
            differences = self::differences(&prediction, &observation);
        }
        if !differences.is_empty() {
            self.mismatches.push(format!(
                "{name} on iPXE {}: {}\n--- the script\n{}\n--- predicted\n{prediction:?}\n\
                 --- observed\n{}",
                self.version,
                differences.join(", "),
                String::from_utf8_lossy(script).escape_debug().to_string().replace("\\n", "\n"),
                describe(&observation),
            ));
        }
        self.clean_up(&prediction, &observation, !differences.is_empty());
        Some(())
    }

    fn clean_up(&mut self, prediction: &Prediction, observation: &Observation, differs: bool) {
        let mut can_be_cleared = true;
        for name in prediction.settings.names() {
            let name = String::from_utf8_lossy(&name).into_owned();
            can_be_cleared &=
                name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b))
                    && !name.starts_with('-');
            if !name.starts_with("net0/") {
                self.left_behind.insert(name);
            }
        }
        if differs || !can_be_cleared || observation.success.is_none() {
            self.oracle.restart();
            self.left_behind.clear();
        }
    }

    /// Fails if there are differences, and prints them.
    pub(crate) fn finish(self) {
        let count = self.mismatches.len();
        assert!(
            count == 0,
            "{count} of {} scripts differ on iPXE {}:\n{}",
            self.scripts,
            self.version,
            self.mismatches.iter().take(8).cloned().collect::<Vec<_>>().join("\n\n")
        );
    }
}

/// Scopes of settings that always exist.
pub(crate) const SCOPES: [&str; 2] = ["here", "there"];

/// The files of the server: scripts, and files of four bytes. Names with `missing` do not exist.
pub(crate) fn files(target: &[u8]) -> Option<Vec<u8>> {
    let name = String::from_utf8_lossy(target);
    if name.contains("missing") {
        return None;
    }
    let script: &[u8] = match name.rsplit('/').next().unwrap_or_default() {
        "good.ipxe" => b"#!ipxe\necho = good\n",
        "bad.ipxe" => b"#!ipxe\necho = bad\nbad-command\n",
        "exit.ipxe" => b"#!ipxe\nexit\necho = never\n",
        "exit-3.ipxe" => b"#!ipxe\nexit 3\n",
        "fetch.ipxe" => b"#!ipxe\nimgfetch inner\nimgfetch /outer x ${a}\n",
        "set.ipxe" => b"#!ipxe\nset a from-inside\n",
        "kernel.ipxe" => b"#!ipxe\nkernel inner with arguments\n",
        "goto.ipxe" => b"#!ipxe\ngoto away ||\necho = not away\n:here\n",
        "nested.ipxe" => b"#!ipxe\nchain good.ipxe\nchain deeper/good.ipxe && chain bad.ipxe ||\n",
        "empty" => b"",
        _ => b"data",
    };
    Some(script.to_vec())
}

fn differences(prediction: &Prediction, observation: &Observation) -> Vec<&'static str> {
    let mut differences = Vec::new();
    let over_http = prediction.fetches.iter().filter(|fetch| fetch.scheme == b"http");
    let fetched = over_http.map(|fetch| &fetch.target);
    if !fetched.eq(&observation.requests) {
        differences.push("the requests differ");
    }
    if prediction.success() != observation.success {
        differences.push("success differs");
    }
    if observation.success.is_none() {
        return differences;
    }
    let printed = |lines: &[Vec<u8>]| -> Vec<Vec<u8>> {
        lines.iter().filter(|line| line.starts_with(PRINTED)).cloned().collect()
    };
    if printed(&prediction.printed) != printed(&observation.lines) {
        differences.push("what was printed differs");
    }
    let listed = observation.images.iter().zip(&prediction.images);
    if observation.images.len() != prediction.images.len()
        || !listed.into_iter().all(|(line, image)| is_listing(line, image))
    {
        differences.push("the images differ");
    }
    differences
}

/// Returns true if a line of `imgstat` describes this image.
fn is_listing(line: &[u8], image: &ImageState) -> bool {
    let tail = image
        .arguments
        .as_ref()
        .map_or(Vec::new(), |arguments| [b" \"", arguments.as_slice(), b"\""].concat());
    let middle = line
        .strip_prefix(image.name.as_slice())
        .and_then(|rest| rest.strip_prefix(b" : "))
        .and_then(|rest| rest.strip_suffix(tail.as_slice()));
    let Some(middle) = middle else { return false };
    let middle = String::from_utf8_lossy(middle);
    let (size, tags) = middle.split_once(" bytes").unwrap_or_default();
    !size.is_empty()
        && size.bytes().all(|byte| byte.is_ascii_digit())
        && (tags.is_empty() || tags.ends_with(']'))
        && tags.contains("[SELECTED]") == image.selected
}

fn describe(observation: &Observation) -> String {
    let texts = |lines: &[Vec<u8>]| -> Vec<String> {
        lines.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect()
    };
    format!(
        "success: {:?}\nrequests: {:?}\nimages: {:?}\nlines: {:?}",
        observation.success,
        texts(&observation.requests),
        texts(&observation.images),
        texts(&observation.lines),
    )
}
