//! The keys of machines: invalid keys are refused with a hint for their kind, and a script chooses
//! exactly the right machine, for any text of its firmware.

use ipxe_script::settings::{Dialect, Settings};
use ipxe_script::{Script, Version};
use netboot_ipxe::{
    AssetTag, Assignment, Error, Fleet, MachineKey, MachineName, MachineUuid, Renderer,
    SerialNumber, SettingName, SettingValue, UnknownMachine,
};
use proptest::prelude::*;
use tokio::io::AsyncReadExt;

use crate::evaluator::Evaluator;
use crate::evaluator::prediction::Resource;
use crate::images::image;

fn hint<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    let error = result.unwrap_err();
    assert!(matches!(error, Error::InvalidMachineKey { .. }), "{error:?}");
    error.hint().unwrap()
}

#[test]
fn what_is_no_key_is_refused_with_a_hint_for_its_kind() {
    for text in ["", "S\n1", "Ä", &"7".repeat(61)] {
        assert!(hint(text.parse::<SerialNumber>()).contains("${serial}"), "{text}");
        assert!(
            hint(text.parse::<AssetTag>()).contains("that iPXE shows on the machine"),
            "{text}"
        );
    }
    for text in ["", "4c4c4544"] {
        assert!(hint(text.parse::<MachineUuid>()).contains("${uuid}"), "{text}");
    }
    for text in ["", "Node-1", "-a", "a.", "a b", "a/b", "..", "ä", &"a".repeat(64)] {
        assert!(hint(text.parse::<MachineName>()).contains("lower-case"), "{text}");
    }
    for text in ["", "a b", "${x}", "a:string", "/a", "a//b", "-a", &"a".repeat(65)] {
        assert!(hint(text.parse::<SettingName>()).contains("net0/next-server"), "{text}");
    }
    for text in ["", "${x}", "a${", "a\tb", "ü", &"a".repeat(129)] {
        assert!(hint(text.parse::<SettingValue>()).contains("printable ASCII"), "{text}");
    }
}

/// Follows the hint: the address of the network card takes the place of the shared value.
#[test]
fn a_value_that_many_machines_share_is_refused_and_the_card_identifies_the_machine() {
    let shared = |result: Result<MachineKey, Error>| {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::SharedIdentity { .. }), "{error:?}");
        assert!(error.hint().unwrap().contains("the address of its network card"));
    };
    for text in [" ", "To be filled by O.E.M.", "none", "0123456789", "XXXXXXXX"] {
        shared(text.parse().map(MachineKey::Serial));
        shared(text.parse().map(MachineKey::AssetTag));
        for name in ["serial", "asset", "board-serial", "smbios/serial"] {
            shared(MachineKey::setting(name, text));
        }
    }
    let board = "03000200-0400-0500-0006-000700080009";
    shared(board.parse().map(MachineKey::Uuid));
    shared(MachineKey::setting("uuid", board));
    let setting = MachineKey::Setting {
        name: "asset".parse().unwrap(),
        value: "No Asset Tag".parse().unwrap(),
    };
    let fleet = |key| {
        let one = Assignment::new("one", "worker").unwrap().with_key(key);
        Fleet::builder(UnknownMachine::Refuse).assignment(one).build()
    };
    shared(fleet(setting).map(|_| unreachable!()));
    fleet(MachineKey::Mac("52:54:00:12:34:56".parse().unwrap())).unwrap();
}

/// Follows the hint: the UUID takes the place of the address.
#[test]
fn an_address_that_many_cards_share_is_refused_and_the_uuid_identifies_the_machine() {
    let fleet = |key| {
        let one = Assignment::new("one", "worker").unwrap().with_key(key);
        Fleet::builder(UnknownMachine::Refuse).assignment(one).build()
    };
    for text in ["88:88:88:88:87:88", "00:11:22:33:44:55", "00:e0:4c:53:44:58"] {
        let setting = MachineKey::setting("net1/mac", text).map(|_| unreachable!());
        for refused in [fleet(MachineKey::Mac(text.parse().unwrap())), setting] {
            let error = refused.unwrap_err();
            assert!(matches!(error, Error::SharedIdentity { .. }), "{error:?}");
            assert!(error.hint().unwrap().contains("by its UUID or serial number"), "{error}");
        }
    }
    let uuid = "4c4c4544-0058-4b10-8039-b7c04f4a5132".parse().unwrap();
    fleet(MachineKey::Uuid(uuid)).unwrap();
    MachineKey::setting("net1/mac", "52:54:00:12:34:56").unwrap();
}

/// Follows both hints.
#[test]
fn one_uuid_in_two_orders_of_its_octets_is_one_machine() {
    let shown: MachineUuid = "4c4c4544-0058-4b10-8039-b7c04f4a5132".parse().unwrap();
    let swapped: MachineUuid = "44454c4c-5800-104b-8039-b7c04f4a5132".parse().unwrap();
    assert_eq!(shown.octets_swapped(), swapped);
    let machine = |name: &str, uuids: &[MachineUuid]| {
        let machine = Assignment::new(name, "worker").unwrap();
        uuids.iter().fold(machine, |machine, uuid| machine.with_key(MachineKey::Uuid(*uuid)))
    };
    let fleet = |machines: Vec<Assignment>| {
        Fleet::builder(UnknownMachine::Refuse).assignments(machines).build()
    };
    let twice = fleet(vec![machine("one", &[shown]), machine("two", &[swapped])]).unwrap_err();
    assert!(matches!(&twice, Error::SwappedUuid { .. }), "{twice:?}");
    assert!(twice.hint().unwrap().contains("give one machine both keys"));
    let both = fleet(vec![machine("one", &[shown, swapped])]).unwrap();
    assert!(both.assignment_of(&[MachineKey::Uuid(swapped)]).is_some());
    fleet(vec![machine("one", &[shown])]).unwrap();
}

/// The script that sends on the machines of a fleet, which has one machine with this key.
fn dispatch(key: MachineKey) -> String {
    let one = Assignment::new("one", "worker").unwrap().with_key(key);
    let fleet = Fleet::builder(UnknownMachine::Refuse).assignment(one).build().unwrap();
    let renderer = Renderer::builder().fleet(fleet).build().unwrap();
    let release = renderer.render_release([image("worker", "W", &[], &["initrd"])]).unwrap();
    let script = release.files()[&"boot.ipxe".parse().unwrap()].clone();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut text = String::new();
        script.open().await.unwrap().read_to_string(&mut text).await.unwrap();
        text
    })
}

/// Returns true if a machine with this setting boots the image of the one machine of the fleet.
fn boots(script: &str, name: &str, value: &str) -> bool {
    let mut settings = Settings::new(Dialect::bios(Version::V2019));
    settings.set("buildarch", "x86_64").unwrap();
    settings.set(name, value).unwrap();
    let evaluator = Evaluator::new(settings.build()).with_settings(settings);
    let evaluator = evaluator.with_location("http://boot/releases/1/boot.ipxe");
    let prediction = evaluator.predict(&Script::parse(script), |_| Resource::Missing);
    let fetches: Vec<String> = prediction.fetches.iter().map(ToString::to_string).collect();
    fetches == ["http://boot/releases/1/worker/netboot.ipxe"]
}

/// Texts that firmware may have, with a meaning for iPXE.
fn firmware_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        2 => "[a-zA-Z0-9]{1,3}",
        1 => prop::sample::select(vec![
            " ", "  ", "#", "&&", "||", ";", "\\", "-", "--", "\"", "$", "{", "}", "%20", "=", ":",
        ]).prop_map(str::to_owned),
    ];
    let text = prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat());
    text.prop_filter("iPXE expands it", |text| !text.contains("${"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_script_takes_the_machine_that_was_meant(
        wanted in firmware_text(),
        others in prop::collection::vec(firmware_text(), 8),
    ) {
        let mut keys = vec![("product", MachineKey::setting("product", &wanted).unwrap())];
        keys.extend(wanted.parse().ok().map(|serial| ("serial", MachineKey::Serial(serial))));
        keys.extend(wanted.parse().ok().map(|tag| ("asset", MachineKey::AssetTag(tag))));
        for (name, key) in keys {
            let script = dispatch(key);
            prop_assert!(boots(&script, name, &wanted), "{script}");
            let edges = [format!("{wanted} "), format!(" {wanted}"), wanted.to_lowercase() + "x"];
            for other in others.iter().chain(&edges).filter(|other| **other != wanted) {
                prop_assert!(!boots(&script, name, other), "{other:?}: {script}");
            }
        }
    }
}
