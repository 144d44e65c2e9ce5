//! Measures programs, such as publishers.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use netboot_core::{Architecture, ArtifactKind, BootSpec, Context, FileArtifact, FileName};
use netboot_core::{Image, InitPath, ProfileSpec, Release};
use netboot_ipxe::Renderer;
use netboot_publish::{LocalStore, Publisher, RsyncStore, RsyncTarget, S3Keys, S3Store};

/// Tells a publisher process its target, the kernel and the initrd.
const TASK: &str = "NETBOOT_BENCH_TASK";

/// The bucket of the target.
pub const BUCKET: &str = "images";

/// The resources that a program used.
#[derive(Debug, Clone, Default)]
pub struct Run {
    /// The time from its start to its end.
    pub wall: Duration,
    /// Its peak memory in KiB: `VmHWM` of proc(5).
    pub peak: u64,
    /// Its output.
    pub output: String,
}

/// Runs a program to its end.
///
/// # Panics
/// If it cannot be started, or fails.
pub fn run(command: &mut Command) -> Run {
    let begin = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let reading = thread::spawn(move || {
        let (mut output, mut errors) = (String::new(), String::new());
        stdout.read_to_string(&mut output).unwrap();
        stderr.read_to_string(&mut errors).unwrap();
        (output, errors)
    });
    let mut peak = 0;
    let ended = loop {
        // The value never decreases, so only the last one before the end counts.
        peak = fs::read_to_string(&status).ok().and_then(|text| high_water(&text)).unwrap_or(peak);
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        thread::sleep(Duration::from_millis(2));
    };
    let wall = begin.elapsed();
    let (output, errors) = reading.join().unwrap();
    assert!(ended.success(), "{command:?}: {output}{errors}");
    Run { wall, peak, output }
}

fn high_water(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// The resources that publishing in a separate process used.
#[derive(Debug, Clone, Default)]
pub struct Published {
    /// The time to hash the files, which is independent of the number of targets.
    pub hash: Duration,
    /// The time for everything else.
    pub publish: Duration,
    /// The whole process.
    pub run: Run,
}

/// Publishes a kernel and an initrd in a separate process. `place` is `local DIRECTORY`,
/// `s3 ADDRESS PREFIX` or `rsync PORT PATH`.
///
/// # Panics
/// If it fails.
pub fn publish(place: &str, kernel: &Path, initrd: &Path) -> Published {
    let task = [place, kernel.to_str().unwrap(), initrd.to_str().unwrap()].join("\n");
    let run = run(Command::new(std::env::current_exe().unwrap()).env(TASK, task));
    let mut times = run.output.split_whitespace().map(|text| text.parse().unwrap());
    let mut time = || Duration::from_micros(times.next().unwrap());
    Published { hash: time(), publish: time(), run }
}

/// Publishes, if this is the process that [`publish`] started.
///
/// # Panics
/// If it fails.
#[expect(clippy::print_stdout, reason = "it is read by the process that started this one")]
pub fn is_publisher() -> bool {
    let Ok(task) = std::env::var(TASK) else { return false };
    let mut lines = task.lines();
    let (place, kernel, initrd) =
        (lines.next().unwrap(), lines.next().unwrap(), lines.next().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let begin = Instant::now();
        let release = release(Path::new(kernel), Path::new(initrd)).await;
        let hash = begin.elapsed();
        let begin = Instant::now();
        publisher(place).await.publish(&release, &Context::new()).await.unwrap();
        println!("{} {}", hash.as_micros(), begin.elapsed().as_micros());
    });
    true
}

async fn publisher(place: &str) -> Publisher {
    let words: Vec<&str> = place.split(' ').collect();
    match words[0] {
        "local" => Publisher::new(LocalStore::new(words[1])),
        "s3" => {
            let builder = S3Store::builder(BUCKET)
                .endpoint(format!("http://{}", words[1]))
                .allow_http(true)
                .credentials(S3Keys::new("netboot-tests", "a secret of the tests"))
                .prefix(words[2]);
            Publisher::new(builder.build().await.unwrap())
        }
        _ => {
            let port = words[1].parse().unwrap();
            let target = RsyncTarget::daemon("127.0.0.1", port, "pub", words[2]).unwrap();
            Publisher::new(RsyncStore::open(target).unwrap())
        }
    }
}

async fn release(kernel: &Path, initrd: &Path) -> Release {
    let open = async |kind, name: &str, path| {
        let name = FileName::new(name).unwrap();
        Arc::new(FileArtifact::open(kind, name, path, &Context::new()).await.unwrap())
    };
    let init = InitPath::new("/nix/store/0a1b2c3d-nixos-system-worker/init").unwrap();
    let boot = BootSpec::new(Architecture::X86_64, init, Vec::<&str>::new()).unwrap();
    let profile = ProfileSpec::new("worker").unwrap();
    let image = Image::builder(&profile, boot)
        .kernel(open(ArtifactKind::Kernel, "bzImage", kernel).await)
        .initrd(open(ArtifactKind::Initrd, "initrd", initrd).await)
        .build()
        .unwrap();
    Renderer::builder().build().unwrap().render_release([image]).unwrap()
}
