//! Hints for machines that fetch their store or ask a DHCP server work when they are followed.

use std::fs;
use std::time::Duration;

use netboot_core::Context;
use netboot_qemu::{BootReport, BootStage, Firmware, Machine};
use netboot_testbed::{FaultProxy, HttpFault, PATIENCE};
use netboot_tests::{BootNetwork, ClosureSite, is_long};

fn assert_hint(report: &BootReport, words: &str) {
    let error = report.ensure_success().unwrap_err();
    let hint = error.hint().unwrap_or_default();
    assert!(hint.contains(words), "{error}\n  what to do: {hint}");
}

#[tokio::test]
async fn a_network_whose_dhcp_server_names_a_script_boots() {
    let network = BootNetwork::new();
    let home = network.directory().join("http");
    fs::create_dir(&home).unwrap();
    fs::write(home.join("boot.ipxe"), "#!ipxe\necho NETBOOT-HERE\nsleep 600\n").unwrap();
    let _http = network.serve_directory(&home);
    let addresses = format!(
        "port=0\ninterface={}\nbind-interfaces\ndhcp-range=10.77.0.100,10.77.0.199\n",
        BootNetwork::INTERFACE
    );
    let boot = async || {
        let plug = network.plug();
        let machine = Machine::builder().memory_mib(256).timeout(PATIENCE);
        let machine = machine.expect("NETBOOT-HERE").build().unwrap();
        machine.boot_by_dhcp(plug.link(), &Context::new()).await.unwrap()
    };
    {
        let _dhcp = network.start_dnsmasq(network.namespace(), &addresses);
        let report = boot().await;
        assert_eq!(report.reached, BootStage::Dhcp, "{report}");
        assert_hint(&report, "make the DHCP server name the URL of a script");
    }
    let with_script = format!("{addresses}dhcp-boot=http://{}/boot.ipxe\n", BootNetwork::ADDRESS);
    let _dhcp = network.start_dnsmasq(network.namespace(), &with_script);
    boot().await.ensure_success().unwrap();
}

#[tokio::test]
async fn a_machine_that_gets_the_time_for_its_store_comes_up() {
    if !is_long() {
        return;
    }
    let site = ClosureSite::new().await;
    let packed = site.pack(&site.usual_system("late"));
    let server = site.serve().await;
    let blobs: Vec<String> = packed.paths().map(|path| format!("/{path}")).collect();
    let proxy = FaultProxy::http(server.address(), move |request, _| {
        let is_blob = blobs.contains(&request.target);
        if is_blob { HttpFault::Cut { after: 0 } } else { HttpFault::None }
    });
    let ports = [proxy.address().port(), server.address().port()];
    let machine = || ClosureSite::machine(Firmware::Bios);
    site.publish(&site.release(&packed, &ports[1..], &[])).await;
    let boot = ClosureSite::boot(ports[1], machine(), "late").await;
    boot.assembled(&packed, "late");

    // Stage 1 waits for its server for longer than this.
    let short = boot.report.duration + Duration::from_secs(20);
    site.publish(&site.release(&packed, &ports[..1], &[])).await;
    let boot = ClosureSite::boot(ports[0], machine().timeout(short), "late").await;
    assert_hint(&boot.report, "allow more time, and read the lines of stage 1 on the console");
    assert!(boot.report.console.contains("netboot | "), "{}", boot.report.console);
}

#[tokio::test]
async fn the_messages_after_the_store_is_whole_say_what_init_does() {
    if !is_long() {
        return;
    }
    let site = ClosureSite::new().await;
    let packed = site.pack(&site.usual_system("present"));
    let server = site.serve().await;
    let port = server.address().port();
    site.publish(&site.release(&packed, &[port], &[])).await;
    let machine = || ClosureSite::machine(Firmware::Bios);
    let boot = ClosureSite::boot(port, machine(), "present").await;
    boot.assembled(&packed, "present");
    let short = boot.report.duration * 2 + Duration::from_secs(5);
    let boot = ClosureSite::boot(port, machine().timeout(short), "another").await;
    assert_hint(&boot.report, "read the messages after stage 1's last line: the store is complete");
    // The messages name the system that came up in place of the expected one.
    let (_, after) = boot.report.console.rsplit_once("netboot | ").unwrap();
    assert!(after.contains("CLOSURE-READY present"), "{after}");
}
