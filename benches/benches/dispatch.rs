//! The scripts of 100,000 machines, and the linting of scripts, against a plain Tera render of the
//! same text: time, and peak memory in processes of their own.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has nothing to say")]

use std::process::Command;
use std::time::Duration;

use ipxe_script::IpxeBuild;
use netboot_benches::{is_test, medians, print_ratio, small_image, timed};
use netboot_core::Release;
use netboot_ipxe::{Assignment, DispatchForm, Fleet, MachineKey, Renderer, UnknownMachine, lint};
use netboot_testbed::peak_memory;
use serde::Serialize;
use tera::{Context, Tera};

/// Names the work that a process of its own is to do, whose memory is measured.
const WORK: &str = "NETBOOT_BENCH_WORK";

/// The entry of a table for a machine, as a template that nobody checks.
const PLAIN: &str = "\
{% for machine in machines %}
:{{ machine.label }}
set netboot-machine {{ machine.name }}
set netboot-profile worker
set netboot-parameters systemd.hostname={{ machine.name }}
exit 0
{% endfor %}";

fn octets(number: u32) -> [u8; 3] {
    let [_, a, b, c] = number.wrapping_mul(97).wrapping_add(1).to_be_bytes();
    [a, b, c]
}

fn fleet(count: u32) -> Fleet {
    let machines = (0..count).map(|number| {
        let [a, b, c] = octets(number);
        let mac = format!("52:54:00:{a:02x}:{b:02x}:{c:02x}").parse().unwrap();
        let hostname = format!("systemd.hostname=node-{number}");
        Assignment::new(format!("node-{number}"), "worker")
            .unwrap()
            .with_key(MachineKey::Mac(mac))
            .with_kernel_parameter(hostname)
            .unwrap()
    });
    let fleet = Fleet::builder(UnknownMachine::Refuse).form(DispatchForm::Tables);
    fleet.assignments(machines).build().unwrap()
}

fn release(count: u32) -> Release {
    let renderer = Renderer::builder().fleet(fleet(count)).build().unwrap();
    renderer.render_release([small_image("worker")]).unwrap()
}

/// A machine as plain text.
#[derive(Serialize)]
struct Plain {
    label: String,
    name: String,
}

fn plain(count: u32) -> String {
    let mut tera = Tera::new();
    tera.autoescape_on(Vec::<&'static str>::new());
    tera.add_raw_template("machines", PLAIN).unwrap();
    let machines: Vec<Plain> = (0..count)
        .map(|number| {
            let [a, b, c] = octets(number);
            let label = format!("mac-52-54-00-{a:02x}-{b:02x}-{c:02x}");
            Plain { label, name: format!("node-{number}") }
        })
        .collect();
    let mut context = Context::new();
    context.insert("machines", &machines);
    tera.render("machines", &context).unwrap()
}

/// The peak memory of a process that does this work, in KiB.
fn memory_of(work: &str) -> u64 {
    let output = Command::new(std::env::current_exe().unwrap()).env(WORK, work).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

#[expect(clippy::print_stdout, reason = "the figures are what the benchmark is for")]
fn main() {
    let (count, rounds) = if is_test() { (300, 1) } else { (100_000, 3) };
    if let Ok(work) = std::env::var(WORK) {
        let (work, count) = work.split_once(' ').unwrap();
        let count: u32 = count.parse().unwrap();
        match work {
            "fleet" => drop(fleet(count)),
            "release" => drop(release(count)),
            "plain" => drop(plain(count)),
            _ => {}
        }
        println!("{}", peak_memory(std::process::id()));
        return;
    }
    let tables =
        |release: &Release| -> u64 { release.blobs().values().map(|blob| blob.size()).sum() };
    let made = release(count);
    println!(
        "{count} machines: {} blobs of {} bytes; as plain text {} bytes; the script that all run \
         has {} bytes, the manifest {}",
        made.blobs().len(),
        tables(&made),
        plain(count).len(),
        made.files().iter().find(|(path, _)| path.as_str() == "boot.ipxe").unwrap().1.size(),
        made.manifest().to_json().unwrap().len(),
    );

    let known = fleet(count);
    let images = [small_image("worker")];
    let renderer = Renderer::builder().fleet(known).build().unwrap();
    let render = || drop(renderer.render_release(images.iter().cloned()).unwrap());
    let check = || drop(fleet(count));
    let unchecked = || assert!(plain(count).len() > 1000);
    let [rendering, checking, plain_time] =
        medians(rounds, [&mut || timed(render), &mut || timed(check), &mut || timed(unchecked)]);
    print_ratio(("render the dispatch, linted", rendering), ("plain Tera", plain_time));
    print_ratio(("check the fleet", checking), ("plain Tera", plain_time));

    // These are the scripts of the other benchmark, with and without linting.
    let script = Renderer::builder().build().unwrap().render_image(&images[0]).unwrap();
    let build = IpxeBuild::default();
    let scripts = count / 10;
    let lint_all = || {
        for _ in 0..scripts {
            assert!(lint(&script, &build).len() < 100);
        }
    };
    let linted = medians(rounds, [&mut || timed(lint_all)])[0];
    let each = linted / scripts;
    println!("lint: {} scripts a second ({each:?} each)", per_second(scripts, linted));

    for work in ["none", "fleet", "release", "plain"] {
        println!("peak memory, {work}: {} KiB", memory_of(&format!("{work} {count}")));
    }
}

fn per_second(count: u32, time: Duration) -> u64 {
    u64::from(count) * 1_000_000_000 / u64::try_from(time.as_nanos().max(1)).unwrap_or(u64::MAX)
}
