//! The menu on real iPXE: with keys, by default, and after a requested profile failed.

use std::time::Duration;

use netboot_ipxe::{LocalDisk, Menu, MenuItem, MenuKey, RendererBuilder};
use netboot_qemu::{Firmware, Machine, key};
use netboot_tests::SmallSite;

fn menu() -> RendererBuilder {
    let key = |character| MenuKey::new(character).unwrap();
    let profile = |name: &str| MenuItem::profile(name).unwrap();
    let tools = Menu::builder("Tools of the rack")
        .unwrap()
        .item(
            profile("gateway")
                .with_title("A gateway, by way of the tools")
                .unwrap()
                .with_key(key('g')),
        )
        .item(MenuItem::shell().with_key(key('c')))
        .build()
        .unwrap();
    let menu = Menu::builder("Rack 3")
        .unwrap()
        .heading("Images of the rack")
        .unwrap()
        .item(profile("worker").with_key(key('w')))
        .item(profile("gateway").with_key(key('g')).with_default_choice())
        .gap()
        .item(MenuItem::submenu(tools).with_key(key('t')))
        .item(MenuItem::local_disk(LocalDisk::NextBootDevice).with_key(key('l')))
        .build()
        .unwrap();
    SmallSite::renderer().menu(menu)
}

/// The menu for keys, which a busy computer sends late: its default starts after all keys.
fn patient_menu() -> RendererBuilder {
    menu().menu_timeout(Duration::from_secs(600))
}

#[tokio::test]
async fn keys_lead_through_submenus_and_back() {
    let site = SmallSite::publish(patient_menu(), &["worker", "gateway"]).await;
    // Enter the submenu, leave it with Ctrl-C, enter it again, and go to iPXE's command line.
    let machine = Machine::builder()
        .press("Images of the rack", "t")
        .press("Tools of the rack", key::CTRL_C)
        .press("Images of the rack", "t")
        .press("Tools of the rack", "c")
        .press("iPXE>", "exit\r")
        .press("Images of the rack", "w");
    let report =
        site.boot("boot.ipxe", machine, &["type exit to come back", "Netboot starts worker"]).await;
    assert!(report.console.contains("A gateway, by way of the tools"), "{}", report.console);
    assert!(!report.console.contains("Netboot starts gateway"), "{}", report.console);
}

#[tokio::test]
async fn the_default_choice_starts_by_itself_and_uefi_shows_the_same_menu() {
    let site = SmallSite::publish(menu(), &["worker", "gateway"]).await;
    let expected = ["Images of the rack", "Netboot starts gateway"];
    let report = site.boot("boot.ipxe", Machine::builder(), &expected).await;
    assert!(!report.console.contains("Netboot starts worker"), "{}", report.console);

    let site = SmallSite::publish(patient_menu(), &["worker", "gateway"]).await;
    let machine = Machine::builder().firmware(Firmware::Uefi).press("Images of the rack", "w");
    site.boot("boot.ipxe", machine, &["Netboot starts worker"]).await;
}

#[tokio::test]
async fn the_local_disk_is_left_to_the_firmware() {
    let site = SmallSite::publish(patient_menu(), &["worker", "gateway"]).await;
    let machine = Machine::builder().press("Images of the rack", "l");
    let report = site.boot("boot.ipxe", machine, &["No more network devices"]).await;
    assert!(!report.console.contains("Netboot starts"), "{}", report.console);
    assert_eq!(site.fetches("boot.ipxe"), 1);
}

#[tokio::test]
async fn a_machine_whose_profile_fails_tries_again_by_itself() {
    let site = SmallSite::publish(menu(), &["worker", "gateway"]).await;
    // The menu waits for three seconds, the entry for one and then two.
    let expected = [
        "worker does not start after 1 attempts",
        "Rack 3: worker does not start",
        "trying again in 1 seconds",
        "trying again in 2 seconds",
    ];
    let report = site.boot("worker/netboot.ipxe", Machine::builder(), &expected).await;
    assert!(!report.console.contains("Netboot starts gateway"), "{}", report.console);
    // Each attempt fetches the pointer again, so a new release helps.
    assert!(site.fetches("current.ipxe") >= 2);
}
