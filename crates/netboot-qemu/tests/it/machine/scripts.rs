//! Real iPXE runs scripts under BIOS and UEFI, and the report says how they ended.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use netboot_core::{Context, Event, Phase};
use netboot_qemu::{
    BootOutcome, BootReport, BootStage, Error, FetchOutcome, Firmware, NetworkAccess, key,
};
use netboot_testbed::with_enough_time;

use crate::machine::site::{Site, machine};

#[tokio::test]
async fn a_marker_is_seen() {
    let site = Site::with_script("#!ipxe\necho NETBOOT-HERE ${net0/mac}\nsleep 600\n").await;
    let machine = machine(Firmware::Bios).mac("52:54:00:c0:ff:ee");
    let report = site.boot(machine.expect("NETBOOT-HERE 52:54:00:c0:ff:ee"), "boot.ipxe").await;

    report.ensure_success().unwrap();
    assert_eq!(report.outcome, BootOutcome::Succeeded);
    assert_eq!(report.reached, BootStage::MarkersSeen);
    assert_eq!(report.firmware, Firmware::Bios);
    let stages: Vec<_> = report.stages.keys().copied().collect();
    let expected = [BootStage::Started, BootStage::Dhcp, BootStage::Script, BootStage::MarkersSeen];
    assert_eq!(stages, expected);
    assert!(report.missing.is_empty());
    assert_eq!(report.fetched.len(), 1);
    assert_eq!(report.fetched[0].url, report.url);
    assert!(report.fetched[0].succeeded());
    assert_eq!(report.url, format!("http://10.0.2.100:{}/boot.ipxe", site.server.address().port()));
    let requests = site.server.requests();
    assert!(requests.iter().any(|request| request.path == "/boot.ipxe" && request.status == 200));
}

async fn a_file_that_is_missing_ends_the_boot(firmware: Firmware) {
    // This is longer than a line of the console.
    let blob = format!("releases/{0}/blobs/{0}", "0123456789abcdef".repeat(4));
    let site = Site::with_script(&format!("#!ipxe\nkernel {blob}\nboot\n")).await;
    let report = site.boot(machine(firmware).expect("NETBOOT-HERE"), "boot.ipxe").await;

    assert!(matches!(report.outcome, BootOutcome::FirmwareGaveUp { .. }), "{:?}", report.outcome);
    assert_eq!(report.reached, BootStage::Script, "{report}\n{}", report.console);
    assert_eq!(report.missing, ["NETBOOT-HERE"]);
    assert_eq!(report.fetched.len(), 2, "{:?}", report.fetched);
    assert_eq!(report.fetched[1].url, blob);
    let FetchOutcome::Failed { message, page } = &report.fetched[1].outcome else {
        panic!("{:?}", report.fetched);
    };
    assert_eq!(message, "No such file or directory");
    assert!(page.starts_with("http://ipxe.org/"), "{page}");

    let error = report.ensure_success().unwrap_err();
    let said = error.to_string();
    assert!(
        said.contains("last stage: script") && said.contains("not seen: NETBOOT-HERE"),
        "{said}"
    );
    assert!(said.contains("No such file or directory"), "{said}");
    let hint = error.hint().unwrap();
    assert!(hint.contains("404") && hint.contains(&blob), "{hint}");
}

#[tokio::test]
async fn a_file_that_is_missing_ends_the_boot_by_bios() {
    a_file_that_is_missing_ends_the_boot(Firmware::Bios).await;
}

#[tokio::test]
async fn a_file_that_is_missing_ends_the_boot_by_uefi() {
    a_file_that_is_missing_ends_the_boot(Firmware::Uefi).await;
}

#[tokio::test]
async fn a_script_that_is_missing_is_told_apart_from_one_that_ends() {
    let site = Site::with_script("#!ipxe\nexit\n").await;
    let (missing, ended) = tokio::join!(
        site.boot(machine(Firmware::Bios).expect("NETBOOT-HERE"), "missing.ipxe"),
        site.boot(machine(Firmware::Bios).expect("NETBOOT-HERE"), "boot.ipxe")
    );
    assert_eq!(missing.reached, BootStage::Dhcp);
    let hint = missing.ensure_success().unwrap_err().hint().unwrap();
    assert!(hint.contains("404") && hint.contains("/missing.ipxe"), "{hint}");

    assert!(matches!(ended.outcome, BootOutcome::FirmwareGaveUp { .. }), "{:?}", ended.outcome);
    assert_eq!(ended.reached, BootStage::Script);
    let hint = ended.ensure_success().unwrap_err().hint().unwrap();
    assert!(hint.contains("ended before it fetched a kernel"), "{hint}");
}

/// Returns the hint for a boot from this URL, which iPXE cannot fetch.
async fn hint_for(url: &str, access: NetworkAccess) -> String {
    let machine = machine(Firmware::Bios).network_access(access).build().unwrap();
    let report = machine.boot(&url.parse().unwrap(), &Context::new()).await.unwrap();
    assert_eq!(report.reached, BootStage::Dhcp, "{report}");
    report.ensure_success().unwrap_err().hint().unwrap()
}

#[tokio::test]
async fn a_server_that_does_not_run_is_told_from_a_protocol_that_is_not_there() {
    // Nothing uses the port of tcpmux (RFC 1078).
    let (isolated, plain, encrypted) = tokio::join!(
        hint_for("http://127.0.0.1:1/boot.ipxe", NetworkAccess::WebServer),
        hint_for("http://127.0.0.1:1/boot.ipxe", NetworkAccess::Unrestricted),
        hint_for("https://127.0.0.1:1/boot.ipxe", NetworkAccess::Unrestricted)
    );
    for plain in [isolated, plain] {
        assert!(plain.contains("no server listens at") && plain.contains(":1/boot"), "{plain}");
    }
    assert!(encrypted.contains("serve the file over plain http"), "{encrypted}");
}

#[tokio::test]
async fn the_time_is_kept_and_the_missing_marker_named() {
    let site = Site::with_script("#!ipxe\necho FIRST\nsleep 600\n").await;
    let boot = async |limit| {
        let machine = machine(Firmware::Bios).timeout(limit).expect("SECOND").expect("FIRST");
        site.boot(machine, "boot.ipxe").await
    };
    let reached_the_script = |report: &BootReport| report.missing == ["SECOND"];
    let (report, limit) = with_enough_time(Duration::from_secs(20), boot, reached_the_script).await;
    assert_eq!(report.outcome, BootOutcome::TimedOut);
    assert_eq!(report.reached, BootStage::Script);
    assert_eq!(report.missing, ["SECOND"]);
    assert!(report.duration >= limit);
    assert!(report.duration < limit * 2, "{:?}", report.duration);
    let hint = report.ensure_success().unwrap_err().hint().unwrap();
    assert!(hint.contains("menu or a prompt"), "{hint}");
}

#[tokio::test]
async fn a_text_of_the_callers_ends_the_boot() {
    let site = Site::with_script("#!ipxe\necho it is BROKEN here\nsleep 600\n").await;
    let report = site
        .boot(machine(Firmware::Bios).expect("NETBOOT-HERE").fail_on("BROKEN"), "boot.ipxe")
        .await;
    let line = "it is BROKEN here".to_owned();
    assert_eq!(report.outcome, BootOutcome::FailureSeen { line });
    assert!(report.ensure_success().is_err());
}

async fn keys_choose_in_a_menu(firmware: Firmware) {
    let site = Site::with_script(
        "#!ipxe\n\
         menu Which one\n\
         item first The first one\n\
         item second The second one\n\
         item third The third one\n\
         choose chosen\n\
         echo CHOSEN-${chosen}\n\
         prompt --key y Sure?\n\
         echo SURE\n\
         sleep 600\n",
    )
    .await;
    let machine = machine(firmware)
        .press("The third one", format!("{}{}", key::DOWN, key::ENTER))
        .press("Sure?", "y")
        .expect("CHOSEN-second")
        .expect("SURE");
    site.boot(machine, "boot.ipxe").await.ensure_success().unwrap();
}

#[tokio::test]
async fn keys_choose_in_a_menu_by_bios() {
    keys_choose_in_a_menu(Firmware::Bios).await;
}

#[tokio::test]
async fn keys_choose_in_a_menu_by_uefi() {
    keys_choose_in_a_menu(Firmware::Uefi).await;
}

#[tokio::test]
async fn a_url_that_is_too_long_for_dhcp_boots_too() {
    let site = Site::new().await;
    let script =
        format!("releases/{}/{}/netboot.ipxe", "0123456789abcdef".repeat(4), "p".repeat(63));
    site.write(&script, "#!ipxe\nchain next.ipxe\n");
    let next = script.replace("netboot.ipxe", "next.ipxe");
    site.write(&next, "#!ipxe\necho NETBOOT-HERE\nsleep 600\n");
    let report = site.boot(machine(Firmware::Bios).expect("NETBOOT-HERE"), &script).await;
    report.ensure_success().unwrap();
    let urls: Vec<&str> = report.fetched.iter().map(|fetch| fetch.url.as_str()).collect();
    assert_eq!(urls, [report.url.as_str(), "next.ipxe"]);
    assert!(report.url.len() > 127);
}

#[tokio::test]
async fn console_lines_are_events_of_the_phase() {
    let site = Site::with_script("#!ipxe\necho NETBOOT-HERE\nsleep 600\n").await;
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = events.clone();
    let context = Context::new().with_events(move |event| seen.lock().unwrap().push(event));
    let machine = machine(Firmware::Bios).expect("NETBOOT-HERE").build().unwrap();
    machine.boot(&site.server.url("boot.ipxe"), &context).await.unwrap();
    let events = events.lock().unwrap();
    let phase = Phase::Booting;
    assert_eq!(events.first(), Some(&Event::PhaseStarted { phase, profile: None }));
    assert_eq!(events.last(), Some(&Event::PhaseFinished { phase, profile: None }));
    let (origin, line) = ("console".to_owned(), "NETBOOT-HERE".to_owned());
    assert!(events.contains(&Event::Log { profile: None, origin, line }), "{events:?}");
}

#[tokio::test]
async fn a_url_that_no_guest_can_boot_is_refused() {
    let machine = machine(Firmware::Bios).build().unwrap();
    for url in ["file:///boot.ipxe", "https://127.0.0.1/boot.ipxe"] {
        let error = machine.boot(&url.parse().unwrap(), &Context::new()).await.unwrap_err();
        assert!(matches!(error, Error::UnusableUrl { .. }), "{error}");
    }
    let url = "http://no-such-host.invalid/boot.ipxe".parse().unwrap();
    let error = machine.boot(&url, &Context::new()).await.unwrap_err();
    assert!(matches!(error, Error::UnknownHost { .. }), "{error}");
}

#[tokio::test]
async fn a_boot_that_the_emulation_failed_is_begun_again_and_at_last_reported() {
    // Linux prints this if TCG's timer was too slow for it. Here, iPXE prints it each time.
    let panic = "Kernel panic - not syncing: IO-APIC + timer doesn't work!";
    let site = Site::with_script(&format!("#!ipxe\necho {panic}\nsleep 600\n")).await;
    let warnings = Arc::new(Mutex::new(0));
    let count = warnings.clone();
    let context = Context::new().with_events(move |event| {
        if let Event::Warning { .. } = event {
            *count.lock().unwrap() += 1;
        }
    });
    let machine = machine(Firmware::Bios).accelerator(netboot_qemu::Accelerator::Tcg);
    let url = site.server.url("boot.ipxe");
    let report = machine.build().unwrap().boot(&url, &context).await.unwrap();
    assert!(matches!(&report.outcome, BootOutcome::Panicked { line } if line == panic), "{report}");
    assert_eq!(*warnings.lock().unwrap(), 2);
    let boots = site
        .server
        .requests()
        .iter()
        .filter(|r| r.path == "/boot.ipxe" && r.method == "GET")
        .count();
    assert!(boots >= 3, "{boots}");
}
