//! Settings of a machine that it cannot have.

use std::time::Duration;

use netboot_core::{Architecture, Context};
use netboot_qemu::{Error, Firmware, Machine, MachineBuilder, NetworkCard, SystemIdentity};

use super::assert_hint;

fn refused(builder: MachineBuilder, words: &str) {
    let error = builder.build().unwrap_err();
    assert!(matches!(error, Error::InvalidSetting { .. }), "{error}");
    assert_hint(&error, words);
}

fn identity(uuid: &str) -> SystemIdentity {
    let mut identity = SystemIdentity::default();
    identity.uuid = Some(uuid.into());
    identity
}

#[test]
fn a_setting_that_was_changed_as_the_hint_says_is_taken() {
    let machine = Machine::builder;
    refused(machine().name("a b"), "change the name: use 1 to 128 letters, digits, `-`, `_`");
    machine().name("a_b-1.x").build().unwrap();

    refused(machine().memory_mib(127), "change the memory: use at least 128 MiB");
    machine().memory_mib(128).build().unwrap();

    for number in [0, 65] {
        refused(machine().cpus(number), "use 1 to 64");
    }
    machine().cpus(1).build().unwrap();
    machine().cpus(64).build().unwrap();

    refused(machine().timeout(Duration::ZERO), "use a longer time");
    machine().timeout(Duration::from_millis(1)).build().unwrap();

    let arm = || machine().architecture(Architecture::Aarch64);
    let secure = Firmware::UefiSecureBoot;
    refused(arm().firmware(Firmware::Bios), "use UEFI, because only x86_64 machines have a BIOS");
    arm().firmware(Firmware::Uefi).build().unwrap();
    arm().firmware(secure).firmware_variables("keys").build().unwrap();
    refused(arm().tpm("swtpm"), "change the TPM: leave it out");
    arm().build().unwrap();
    machine().firmware(secure).firmware_variables("keys").build().unwrap();

    refused(machine().identity(identity("12 34")), "32 digits in groups for a UUID");
    let uuid = "4c4c4544-0042-3510-8051-b4c04f4d3232";
    machine().identity(identity(uuid)).build().unwrap();

    refused(machine().expect("one\ntwo"), "use a text that fits in one line of the console");
    machine().expect("one").expect("two").build().unwrap();
}

/// Each card boots in the way that the other one does not. The tests of such boots use them.
#[tokio::test]
async fn a_network_card_that_the_hint_names_is_taken() {
    let url = "http://127.0.0.1:9/program.efi".parse().unwrap();
    let context = Context::new();
    let with = |card| {
        let machine = Machine::builder().firmware(Firmware::Uefi).network_card(card);
        machine.qemu_program("/no/such/qemu").build().unwrap()
    };
    let taken = |error| assert!(matches!(error, Error::QemuMissing { .. }), "{error}");
    let virtio = with(NetworkCard::Virtio);
    assert_hint(&virtio.boot(&url, &context).await.unwrap_err(), "use another one under UEFI");
    taken(virtio.boot_by_http(&url, &context).await.unwrap_err());
    for card in [NetworkCard::E1000, NetworkCard::Vmxnet3] {
        let other = with(card);
        assert_hint(&other.boot_by_http(&url, &context).await.unwrap_err(), "use virtio, since");
        taken(other.boot(&url, &context).await.unwrap_err());
    }
}
