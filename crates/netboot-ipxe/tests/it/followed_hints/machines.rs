//! Keys and names of machines, and menus.

use ipxe_script::IpxeBuild;
use netboot_core::Release;
use netboot_ipxe::{
    AssetTag, Assignment, Error, Fleet, MachineKey, MachineName, MachineUuid, Menu, MenuItem,
    MenuKey, Renderer, Selector, SerialNumber, SettingName, SettingValue, UnknownMachine,
};

use super::follow;
use crate::images::image;

fn mac(last: u8) -> MachineKey {
    MachineKey::Mac(format!("52:54:00:00:00:{last:02x}").parse().unwrap())
}

fn machine(name: &str, key: MachineKey) -> Assignment {
    unknown(name).with_key(key)
}

fn unknown(name: &str) -> Assignment {
    Assignment::new(name, "worker").unwrap()
}

fn fleet<const N: usize>(machines: [Assignment; N]) -> Result<Fleet, Error> {
    Fleet::builder(UnknownMachine::Menu).assignments(machines).build()
}

#[test]
fn keys_as_the_hints_describe_them_are_taken() {
    let name = |text: &str| text.parse::<MachineName>();
    follow(name("Node 1"), "use 1 to 63 lower-case letters", name("node-1"));
    let setting = |text: &str| text.parse::<SettingName>();
    for named in ["manufacturer", "net0/next-server"] {
        follow(setting("${manufacturer}"), named, setting(named));
    }
    let value = |text: &str| text.parse::<SettingValue>();
    follow(value("${x}"), "1 to 128 printable ASCII characters", value(&"x y".repeat(42)));
    let uuid = |text: &str| text.parse::<MachineUuid>();
    let shown = "4c4c4544-0058-4b10-8039-b7c04f4a5132";
    follow(uuid("4c4c4544"), "32 hexadecimal digits in groups of 8, 4, 4, 4 and 12", uuid(shown));
}

#[test]
fn what_ipxe_shows_is_taken_and_else_the_card_identifies_the_machine() {
    let serial = |text: &str| text.parse::<SerialNumber>();
    let tag = |text: &str| text.parse::<AssetTag>();
    let card = || fleet([machine("one", mac(1))]);
    for wrong in ["", "S\u{fc}d 7", &"7".repeat(61)] {
        follow(serial(wrong), "`echo ${serial}`): 1 to 60", serial(&"7CZ1-B2 K9#".repeat(6)[..60]));
        follow(tag(wrong), "`echo ${asset}`): 1 to 60", tag("AT 17 #2"));
        follow(serial(wrong), "identify the machine by the address of its network card", card());
    }
}

#[test]
fn selectors_as_the_hints_describe_them_are_taken() {
    let hint = "give a selector one key, or several of different kinds";
    let product = || MachineKey::setting("product", "R-1").unwrap();
    follow(Selector::new([]), hint, Selector::new([mac(1)]));
    follow(Selector::new([mac(1), mac(2)]), hint, Selector::new([mac(1), product()]));
    let either = unknown("one").with_key(mac(1)).with_key(mac(2));
    let either =
        follow(Selector::new([mac(1), mac(2)]), "give the assignment several", fleet([either]));
    for last in [1, 2] {
        assert!(either.assignment_of(&[mac(last)]).is_some());
    }
    assert!(either.assignment_of(&[mac(3)]).is_none());
}

#[test]
fn fleets_as_the_hints_describe_them_are_taken() {
    let twice = || fleet([machine("one", mac(1)), machine("one", mac(2))]);
    let own = fleet([machine("one", mac(1)), machine("two", mac(2))]);
    follow(twice(), "give each machine its own name", own);
    let cards = fleet([machine("one", mac(1)).with_key(mac(2))]);
    follow(twice(), "several network cards is one assignment with several keys", cards);
    follow(fleet([unknown("one")]), "add a key, such as", fleet([machine("one", mac(1))]));

    let tie = || fleet([machine("one", mac(1)), machine("two", mac(1))]);
    let closer = Selector::new([mac(1), MachineKey::setting("product", "R-1").unwrap()]).unwrap();
    let winner = fleet([unknown("one").with_selector(closer), machine("two", mac(1))]);
    let winner = follow(tie(), "add a key to the selector that should win", winner);
    let keys = [mac(1), MachineKey::setting("product", "R-1").unwrap()];
    assert_eq!(winner.assignment_of(&keys).unwrap().name().as_str(), "one");
    follow(tie(), "or put both in one assignment", fleet([machine("both", mac(1))]));
}

#[test]
fn menus_as_the_hints_describe_them_are_taken() {
    let menu = || Menu::builder("M").unwrap();
    let key = |character| MenuKey::new(character).unwrap();
    let worker = || MenuItem::profile("worker").unwrap();
    let empty = menu().gap().build();
    follow(empty, "add an item", menu().gap().item(worker()).build());
    let pair = |one: MenuItem, other: MenuItem| menu().item(one).item(other).build();
    let with_a = || MenuItem::shell().with_key(key('a'));
    let same = || pair(worker().with_key(key('a')), with_a());
    follow(same(), "give each item its own key", pair(worker().with_key(key('b')), with_a()));
    follow(same(), "or no key", pair(worker(), with_a()));
    let both = pair(worker().with_default_choice(), MenuItem::shell().with_default_choice());
    let one = pair(worker(), MenuItem::shell().with_default_choice());
    follow(both, "make only one item the default choice", one);
    let inside = |menu_inside| menu().item(MenuItem::submenu(menu_inside)).item(worker()).build();
    let three = inside(inside(pair(worker(), worker()).unwrap()).unwrap()).unwrap();
    let five = inside(inside(three.clone()).unwrap());
    follow(five, "move the inner menus up", inside(three));
    for character in ['7', 'w'] {
        follow(MenuKey::new('W'), "use a digit or a lower-case letter", MenuKey::new(character));
    }
}

#[test]
fn a_known_profile_is_taken_and_an_unknown_one_when_its_image_is_there() {
    let release = |profile: &str, images: &[&str]| -> Result<Release, Error> {
        let machine = Assignment::new("one", profile).unwrap();
        let renderer = Renderer::builder().fleet(fleet([machine.with_key(mac(1))]).unwrap());
        let images = images.iter().map(|name| image(name, name, &[], &["initrd"]));
        renderer.build().unwrap().render_release(images)
    };
    let wrong = || release("gateway", &["worker", "storage"]);
    let hint = "choose one of: storage, worker; or add an image of the profile `gateway`";
    for known in ["storage", "worker"] {
        follow(wrong(), hint, release(known, &["worker", "storage"]));
    }
    follow(wrong(), hint, release("gateway", &["worker", "storage", "gateway"]));
    // Without any image there is nothing to choose.
    let menu = |images: &[&str]| {
        let images: Vec<_> = images.iter().map(|name| image(name, name, &[], &["i"])).collect();
        let renderer = Renderer::builder().default_profile("worker");
        renderer.build().unwrap().render_menu(&images)
    };
    let none = menu(&[]).unwrap_err();
    assert_eq!(none.hint().unwrap(), "add an image of the profile `worker`");
    menu(&["worker"]).unwrap();
}

#[test]
fn a_build_that_has_it_takes_what_another_lacks() {
    let renderer = |build: &str, check| {
        let build: IpxeBuild = build.parse().unwrap();
        Renderer::builder().ipxe_build(build).check_digests(check).build()
    };
    let lacking = || renderer("bookworm", true);
    follow(lacking(), "choose an iPXE build that has it", renderer("sid-efi", true));
    follow(lacking(), "or do without it", renderer("bookworm", false));
}
