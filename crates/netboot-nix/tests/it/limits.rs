//! Flakes and builders that want all memory, all time, or the operator's eyes.

use std::error::Error as _;
use std::time::{Duration, Instant};

use foreign_text::ForeignText;
use netboot_core::{Builder, CancellationToken, Context, Event, Report};
use netboot_nix::{Error, NixBuilderOptions};
use netboot_testbed::{TestProcess, is_long, peak_memory, with_enough_time};

use crate::place::{
    Place, be_the_caller, caller, configuration, is_the_caller, processes_with, profile, recording,
};

/// Nix code that searches a text for longer than anyone waits. Nix does not look for signals while
/// it does so.
const ENDLESS: &str =
    r#"builtins.match "(x+x+)+y" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx""#;

/// Nix code that allocates without end.
const INSATIABLE: &str = "let grow = n: xs: if n == 0 then xs else grow (n - 1) (xs ++ xs); in builtins.length (grow 60 [ 1 2 3 4 ])";

fn flake(place: &Place, code: &str) -> String {
    place.flake(&format!("{{ nixosConfigurations.netboot-x.config = throw (toString ({code})); }}"))
}

async fn error_of(builder: NixBuilderOptions) -> Error {
    let error = builder.build().unwrap().build(&profile("x"), &Context::new()).await.unwrap_err();
    let inner = error.source().and_then(|source| source.downcast_ref::<Error>());
    inner.unwrap_or_else(|| panic!("no error of Nix: {error:?}")).clone()
}

#[tokio::test]
async fn a_flake_that_allocates_without_end_is_stopped_by_its_limit() {
    let place = Place::new();
    let builder = place.builder(&flake(&place, INSATIABLE)).evaluation_memory(600 << 20);
    let error = error_of(builder).await;
    let Error::EvaluationTooLarge { attribute, limit, .. } = &error else { panic!("{error:?}") };
    assert_eq!((attribute.as_str(), *limit), ("nixosConfigurations.netboot-x", 600 << 20));
    assert!(error.to_string().contains("may have 600 MiB"), "{error}");
    assert!(error.hint().unwrap().contains("`evaluation_memory`"));
}

#[tokio::test]
async fn a_flake_that_computes_without_end_is_stopped_by_its_limit() {
    let place = Place::new();
    let flake = flake(&place, ENDLESS);
    let evaluate = async |limit| error_of(place.builder(&flake).evaluation_time(limit)).await;
    // The limit holds for the locking of the flake too.
    let is_locked = |error: &Error| {
        let Error::EvaluationTooSlow { attribute, .. } = error else { panic!("{error:?}") };
        attribute == "nixosConfigurations.netboot-x"
    };
    let (error, limit) = with_enough_time(Duration::from_secs(3), evaluate, is_locked).await;
    assert!(is_locked(&error), "{error}");
    let end = format!("took longer than {} s", limit.as_secs());
    assert!(error.to_string().ends_with(&end), "{error}");
    assert!(error.hint().unwrap().contains("`evaluation_time`"));
}

#[tokio::test]
async fn an_evaluation_that_needs_more_memory_gets_it() {
    let place = Place::new();
    let large = "builtins.seq (builtins.length (builtins.genList (n: n) 20000000)) [ ]";
    let overrides = format!("{{ boot.kernelParams = {large}; }}");
    let least = crate::place::least_configuration("x", crate::place::WITH_INIT, &overrides);
    let flake = place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {least}; }}"));
    let builder = |mebibytes: u64| place.builder(&flake).evaluation_memory(mebibytes << 20);
    let error = error_of(builder(600)).await;
    assert!(matches!(error, Error::EvaluationTooLarge { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("above 600 MiB"), "{:?}", error.hint());
    builder(4096).build().unwrap().build(&profile("x"), &Context::new()).await.unwrap();
}

#[tokio::test]
async fn an_evaluation_that_needs_more_time_gets_it() {
    let place = Place::new();
    let least = crate::place::least_configuration("x", crate::place::WITH_INIT, "{ }");
    let flake = place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {least}; }}"));
    // The network stalls while Nix evaluates.
    place.nix_script("nix", "if [ $1 = eval ]; then sleep 2; fi; exec $real \"$@\"");
    let builder =
        |seconds| place.builder_with_programs(&flake).evaluation_time(Duration::from_secs(seconds));
    let error = error_of(builder(1)).await;
    assert!(matches!(error, Error::EvaluationTooSlow { .. }), "{error:?}");
    assert!(error.hint().unwrap().ends_with("above 1 s"), "{:?}", error.hint());
    builder(600).build().unwrap().build(&profile("x"), &Context::new()).await.unwrap();
}

#[tokio::test]
async fn a_cancelled_evaluation_ends_soon() {
    let place = Place::new();
    let store = place.environment().remove("NIX_STORE_DIR").unwrap();
    let grace = Duration::from_secs(3600);
    let builder = place.builder(&flake(&place, ENDLESS)).grace(grace).build().unwrap();
    let token = CancellationToken::new();
    let context = Context::new().with_cancellation(token.clone());
    let build = tokio::spawn(async move { builder.build(&profile("x"), &context).await });
    // It has used half a second of a processor: it searches (proc(5); a tick is 10 ms).
    let evaluates = |process: &String| {
        let line = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let ticks = stat.rsplit(") ").next().and_then(|fields| fields.split(' ').nth(11));
        let ticks = ticks.and_then(|ticks| ticks.parse().ok()).unwrap_or(0);
        String::from_utf8_lossy(&line).contains("\0eval\0") && ticks > 50
    };
    while !processes_with(&store).iter().any(evaluates) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let cancelled = Instant::now();
    token.cancel();
    let error = build.await.unwrap().unwrap_err();
    assert!(matches!(error, netboot_core::Error::Cancelled), "{error:?}");
    assert!(cancelled.elapsed() < grace / 2, "{:?}", cancelled.elapsed());
    assert!(processes_with(&store).is_empty());
}

/// The memory of a process of its own is measured.
#[tokio::test]
async fn a_builder_s_endless_line_needs_little_memory() {
    let name = "limits::a_builder_s_endless_line_needs_little_memory";
    if !TestProcess::new(name).is_this() {
        return;
    }
    let size: u64 = if is_long() { 300 << 20 } else { 10 << 20 };
    let place = Place::new();
    // Only one builder prints it, since Nix reads a long line slowly.
    let line = format!("/bin/head -c {size} /dev/zero | /usr/bin/tr '\\0' x");
    let script = format!("case $name in linux*) {line};; esac; echo; echo end; exit 1");
    let configuration = configuration("long", &script);
    let flake =
        place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {configuration}; }}"));
    let builder = place.builder(&flake).build().unwrap();
    let (context, events) = recording();
    let error = builder.build(&profile("x"), &context).await.unwrap_err();
    let shown = Report::from(error).in_full();
    assert!(shown.len() < 200_000 && shown.contains("\n  | end"), "{} bytes", shown.len());
    for event in events.lock().unwrap().iter() {
        assert!(event.to_string().len() < ForeignText::LIMIT + 100);
    }
    let peak = peak_memory(std::process::id());
    assert!(peak < 60 * 1024, "{peak} KiB");
}

#[tokio::test]
async fn a_builder_forges_no_line_and_controls_no_terminal() {
    let place = Place::new();
    let forged = r"printf 'a\rerror: forged\n\033[2Kerror: erased\n\033]0;title\007b\342\200\256c\n' >&2; exit 1";
    let configuration = configuration("forger", forged);
    let flake =
        place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {configuration}; }}"));
    let builder = place.builder(&flake).build().unwrap();
    let (context, events) = recording();
    let error = builder.build(&profile("x"), &context).await.unwrap_err();
    let mut shown: Vec<String> = events.lock().unwrap().iter().map(Event::to_string).collect();
    assert!(shown.iter().any(|line| line.ends_with("> error: forged")), "{shown:?}");
    assert!(shown.iter().any(|line| line.ends_with("> bc")), "{shown:?}");
    shown.push(Report::from(error).in_full());
    for text in &shown {
        let lines: Vec<&str> = text.split('\n').collect();
        assert!(lines[1..].iter().all(|line| line.starts_with("  ")), "{text}");
        let is_bad = |character: char| character.is_control() || character == '\u{202e}';
        assert!(!lines.iter().any(|line| line.contains(is_bad)), "{text:?}");
        assert!(!lines[0].starts_with("error: forged") && !lines[0].starts_with("error: erased"));
    }
}

#[tokio::test]
async fn neither_nix_nor_its_builders_get_a_secret_of_their_caller() {
    if is_the_caller() {
        return be_the_caller(Duration::from_secs(15)).await;
    }
    let place = Place::new();
    let marker = format!("netboot-environment-{}", place.path().file_name().unwrap().display());
    let configuration = configuration("sleeper", &format!("M={marker}; /bin/sleep 600"));
    let flake =
        place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {configuration}; }}"));
    place.nix_script("nix", "exec $real \"$@\"");
    let name = "limits::neither_nix_nor_its_builders_get_a_secret_of_their_caller";
    let mut caller = caller(name, &place, &flake);
    while processes_with(&marker).is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let store = place.environment().remove("NIX_STORE_DIR").unwrap();
    let children: Vec<String> = processes_with(&store)
        .into_iter()
        .chain(processes_with(&marker))
        .filter(|process| *process != caller.id().to_string())
        .collect();
    let with_secret = |process: &&String| {
        let environment = std::fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
        let arguments = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&[environment, arguments].concat()).contains("a-secret-of-tests")
    };
    assert!(children.len() >= 2, "{children:?}");
    let leaked: Vec<&String> = children.iter().filter(with_secret).collect();
    caller.kill().unwrap();
    caller.wait().unwrap();
    assert!(leaked.is_empty(), "{leaked:?}");
}
