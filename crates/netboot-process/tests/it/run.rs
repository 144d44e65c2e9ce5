//! The input, environment and results of runs.

use std::future::pending;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use netboot_process::{Command, Error, LastLines};
use tokio::io::{AsyncRead, ReadBuf};

use crate::marker::{Marker, PATIENCE};

fn shell<'a>(script: &str) -> Command<'a> {
    Command::new("sh").args(["-c", script])
}

#[tokio::test]
async fn full_pipes_on_all_sides_do_not_block() {
    let input = vec![b'x'; 4 * 1024 * 1024];
    let finished = shell("tee /dev/stderr").run_with_input(&input[..], pending()).await.unwrap();
    assert!(finished.status.success());
    assert_eq!(finished.output.len(), input.len());
    let lines = finished.last_lines.to_vec();
    assert_eq!(lines.len(), 1);
    let cut = lines[0].split_once(" … (").unwrap().1;
    assert!(lines[0].len() <= 16 * 1024 && cut.ends_with(" more bytes)"), "{cut}");
}

#[tokio::test]
async fn lines_come_in_order_and_the_last_one_needs_no_end() {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let finished = shell("printf 'a\\rb\\r\\nc\\n\\nd'; printf 'e\\n\\033[31mf' >&2")
        .on_output_line(|line| output.push(line.to_owned()))
        .on_error_line(|line| errors.push(line.to_owned()))
        .run(pending())
        .await
        .unwrap();
    assert_eq!(output, ["a", "b", "c", "", "d"]);
    assert_eq!(errors, ["e", "\u{1b}[31mf"]);
    assert_eq!(finished.last_lines.to_vec(), ["e", "f"]);
    assert!(finished.output.is_empty());
}

#[tokio::test]
async fn a_line_is_as_long_as_is_asked_for() {
    let mut lines = Vec::new();
    let script = "head -c 100000 /dev/zero | tr '\\0' x; echo; echo y";
    let keep = |line: &str| lines.push(line.len());
    let finished = shell(script).line_limit(50_000).on_output_line(keep).run(pending()).await;
    finished.unwrap();
    assert_eq!(lines, [50_000 + " … (50000 more bytes)".len(), 1]);
}

#[tokio::test]
async fn the_last_twenty_lines_are_kept() {
    let finished = shell("seq 1000 >&2").run(pending()).await.unwrap();
    let expected: Vec<String> = (981..=1000).map(|number: u32| number.to_string()).collect();
    assert_eq!(finished.last_lines.to_vec(), expected);
    assert_eq!(finished.last_lines.to_string(), expected.join("\n  | "));
    assert_eq!(LastLines::of(&format!("x\n{}\n", expected.join("\r\n"))).to_vec(), expected);
}

#[tokio::test]
async fn more_output_than_is_asked_for_ends_the_program() {
    let marker = Marker::new();
    let endless = marker.shell("yes").grace(Duration::ZERO).output_limit(1000);
    let error = endless.run(pending()).await.unwrap_err();
    assert!(matches!(error, Error::TooMuchOutput { limit: 1000, .. }), "{error:?}");
    assert_eq!(error.to_string(), "`sh` printed more than 1000 bytes");
    marker.wait_for_end();
    let exact = shell("printf abc").output_limit(3).run(pending()).await.unwrap();
    assert_eq!(exact.output, b"abc");
}

#[tokio::test]
async fn a_program_that_runs_too_long_is_ended() {
    let marker = Marker::new();
    let limit = Duration::from_millis(100);
    let slow = marker.shell("trap '' TERM; while :; do sleep 0.05; done").time_limit(limit);
    let error = slow.grace(limit).run(pending()).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
    assert_eq!(error.to_string(), "`sh` ran longer than 0.1 s");
    marker.wait_for_end();
}

#[tokio::test]
async fn a_program_cannot_allocate_more_than_its_limit() {
    let script = "x=$(head -c 100000000 /dev/zero | tr '\\0' x); echo ${#x}";
    let free = shell(script).run(pending()).await.unwrap();
    assert_eq!(free.output, b"100000000\n");
    let limited = shell(script).memory_limit(50_000_000).run(pending()).await.unwrap();
    assert!(limited.output != free.output, "{:?}", limited.status);
}

#[tokio::test]
async fn the_directory_is_the_one_that_was_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().canonicalize().unwrap();
    let finished = Command::new("/bin/pwd").current_dir(&place).run(pending()).await.unwrap();
    assert_eq!(String::from_utf8(finished.output).unwrap().trim_end(), place.to_str().unwrap());
}

#[tokio::test]
async fn without_input_a_program_reads_nothing() {
    let finished = Command::new("cat").run(pending()).await.unwrap();
    assert!(finished.status.success() && finished.output.is_empty());
}

#[tokio::test]
async fn a_program_may_close_its_input_early() {
    let endless = tokio::io::repeat(b'x');
    let finished = shell("head -c 3").run_with_input(endless, pending()).await.unwrap();
    assert_eq!(finished.output, b"xxx");
    // The run does not wait for an input that never comes.
    let (silent, _writer) = tokio::io::simplex(16);
    let finished = shell("echo x").run_with_input(silent, pending()).await.unwrap();
    assert_eq!(finished.output, b"x\n");
}

/// An input that fails.
struct Broken;

impl AsyncRead for Broken {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
    }
}

#[tokio::test]
async fn an_input_that_breaks_ends_the_program() {
    let marker = Marker::new();
    let command = marker.shell("cat; sleep 600").grace(Duration::ZERO);
    let error = command.run_with_input(Broken, pending()).await.unwrap_err();
    let Error::Input { source, .. } = &error else { panic!("{error:?}") };
    assert_eq!(source.kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(error.to_string(), "cannot read the input for `sh`");
    marker.wait_for_end();
}

#[tokio::test]
async fn a_program_that_is_missing_has_a_hint() {
    let error = Command::new("netboot-no-such-program").run(pending()).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot start `netboot-no-such-program`");
    let hint = error.hint().unwrap();
    assert!(hint.starts_with("install `netboot-no-such-program`"), "{hint}");
    assert_eq!(error.program().to_str(), Some("netboot-no-such-program"));
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NotFound);

    let error = Command::new("/dev/null").run(pending()).await.unwrap_err();
    assert!(error.hint().unwrap().contains("may execute"), "{error:?}");
}

/// Follows the hints: the program is installed, may be executed, and its directory exists.
#[tokio::test]
async fn a_program_that_is_where_the_hints_say_runs() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("tool");
    let place = directory.path().join("place");
    let command = || Command::new(&program).current_dir(&place);
    let hint = async || command().run(pending()).await.unwrap_err().hint().unwrap();
    let install = format!("install `{}`", program.display());
    assert!(hint().await.starts_with(&install));
    // A child that another test starts at this moment must not inherit the open file: Linux would
    // refuse to run it.
    let write = ["-c", r#"printf '#!/bin/sh\npwd\n' > "$0""#];
    let written = std::process::Command::new("sh").args(write).arg(&program).status();
    assert!(written.unwrap().success());
    assert!(hint().await.contains("the working directory of the program exists"));
    std::fs::create_dir(&place).unwrap();
    assert_eq!(hint().await, format!("check that this user may execute `{}`", program.display()));
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let finished = command().run(pending()).await.unwrap();
    assert!(String::from_utf8(finished.output).unwrap().trim_end().ends_with("place"));
}

/// Makes the test below run in a process of its own.
const FEW: &str = "NETBOOT_TEST_FEW_PROCESSES";

/// Follows the hint in a process that may not start others at first.
#[test]
fn a_user_who_may_start_processes_runs_the_program() {
    if std::env::var_os(FEW).is_none() {
        let test = "run::a_user_who_may_start_processes_runs_the_program";
        // The limit does not hold for root, so another user tries.
        let mut other = std::process::Command::new("setpriv");
        if rustix::process::geteuid().is_root() {
            other.args(["--reuid", "64123", "--regid", "64123", "--clear-groups"]);
        }
        other.arg("--").arg(std::env::current_exe().unwrap());
        let output = other.args(["--exact", test, "--nocapture"]).env(FEW, "1").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let run = || Command::new("true").run(pending());
        run().await.unwrap();
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nproc);
        let set = |current| {
            let limit = rustix::process::Rlimit { current, ..limit };
            rustix::process::setrlimit(rustix::process::Resource::Nproc, limit).unwrap();
        };
        set(Some(1));
        let error = run().await.unwrap_err();
        let hint = error.hint().unwrap();
        assert!(hint.contains("raise the limit on processes of this user (`ulimit -u`)"), "{hint}");
        set(limit.current);
        run().await.unwrap();
    });
}

#[tokio::test]
async fn a_process_that_holds_the_pipes_keeps_nobody_waiting_and_is_ended() {
    let marker = Marker::new();
    let started = Instant::now();
    let finished = marker.shell("sleep 600 & echo begun").run(pending()).await.unwrap();
    assert!(finished.status.success());
    assert_eq!(finished.output, b"begun\n");
    assert!(started.elapsed() < PATIENCE);
    marker.wait_for_end();
}

#[tokio::test]
async fn a_process_that_holds_no_pipe_is_left_alone() {
    let marker = Marker::new();
    let script = "sleep 600 < /dev/null > /dev/null 2>&1 & echo $!";
    let started = Instant::now();
    let finished = marker.shell(script).run(pending()).await.unwrap();
    // The shell's child closes the pipes before it becomes the program.
    while marker.processes() != ["sleep 600 "] {
        assert!(started.elapsed() < PATIENCE, "{:?}", marker.processes());
    }
    let number = String::from_utf8(finished.output).unwrap();
    let number = number.trim().parse().ok().and_then(rustix::process::Pid::from_raw).unwrap();
    rustix::process::kill_process(number, rustix::process::Signal::KILL).unwrap();
    marker.wait_for_end();
}
