//! Menus: their exact scripts, and the mistakes that are refused.

use ipxe_script::IpxeBuild;
use netboot_ipxe::{Error, LocalDisk, Menu, MenuItem, MenuKey, MenuProblem, Renderer, lint};

use crate::golden_file::assert_golden;
use crate::images::image;

fn key(character: char) -> MenuKey {
    MenuKey::new(character).unwrap()
}

fn profile(name: &str) -> MenuItem {
    MenuItem::profile(name).unwrap()
}

fn render(menu: Menu) -> Result<String, Error> {
    let images = [image("worker", "The worker", &[], &["initrd"]), image("b", "B", &[], &["i"])];
    Renderer::builder().menu(menu).build()?.render_menu(&images)
}

#[test]
fn a_menu_with_everything() {
    let inner = Menu::builder("Inner").unwrap().item(MenuItem::reboot()).build().unwrap();
    let tools = Menu::builder("Tools")
        .unwrap()
        .item(MenuItem::submenu(inner))
        .item(MenuItem::shell().with_key(key('s')).with_default_choice())
        .item(MenuItem::local_disk(LocalDisk::FirstDisk).with_title("Disk 0").unwrap())
        .build()
        .unwrap();
    let menu = Menu::builder("Rack 3")
        .unwrap()
        .heading("Images")
        .unwrap()
        .item(profile("worker").with_key(key('w')))
        .item(
            profile("b")
                .with_title("Another title")
                .unwrap()
                .with_key(key('2'))
                .with_default_choice(),
        )
        .gap()
        .item(MenuItem::submenu(tools).with_key(key('t')))
        .item(MenuItem::local_disk(LocalDisk::NextBootDevice))
        .build()
        .unwrap();
    let script = render(menu).unwrap();
    assert_golden("menu-with-everything.ipxe", &script);
    for build in IpxeBuild::all() {
        assert_eq!(lint(&script, &build), [], "{}", build.name());
    }
}

#[test]
fn a_menu_that_cannot_be_shown_is_refused() {
    let problem = |build: Result<Menu, Error>| match build.unwrap_err() {
        error @ Error::InvalidMenu { .. } => {
            assert!(error.hint().is_some());
            let Error::InvalidMenu { problem, .. } = error else { unreachable!() };
            problem
        }
        other => panic!("{other:?}"),
    };
    let menu = || Menu::builder("M").unwrap();
    assert_eq!(problem(menu().gap().build()), MenuProblem::Empty);
    let twice =
        menu().item(profile("a").with_key(key('a'))).item(MenuItem::shell().with_key(key('a')));
    assert_eq!(problem(twice.build()), MenuProblem::DuplicateKey('a'));
    let defaults = menu().item(profile("a").with_default_choice());
    let defaults = defaults.item(MenuItem::shell().with_default_choice());
    assert_eq!(problem(defaults.build()), MenuProblem::TwoDefaults);
    let mut deep = menu().item(MenuItem::shell()).build().unwrap();
    for _ in 0..3 {
        deep = menu().item(MenuItem::submenu(deep)).build().unwrap();
    }
    let deeper = menu().item(MenuItem::submenu(deep)).build();
    assert_eq!(problem(deeper), MenuProblem::TooDeep { limit: 4 });
    for character in ['A', '#', ' ', '\u{e9}'] {
        assert!(matches!(MenuKey::new(character), Err(Error::InvalidMenuKey { .. })));
    }
    for text in ["", "a # b", "-x", "a\nb", "${x}"] {
        assert!(menu().heading(text).is_err() && profile("a").with_title(text).is_err(), "{text}");
    }
}

#[test]
fn a_menu_names_only_what_is_there() {
    let error = render(Menu::builder("M").unwrap().item(profile("c")).build().unwrap());
    let error = error.unwrap_err();
    assert!(matches!(error, Error::UnknownProfile { .. }), "{error:?}");
    assert_eq!(
        error.hint().unwrap(),
        "choose one of: b, worker; or add an image of the profile `c`"
    );

    let images = [image("worker", "The worker", &[], &["initrd"])];
    let renderer = Renderer::builder().default_profile("c").build().unwrap();
    let error = renderer.render_menu(&images).unwrap_err();
    assert!(matches!(error, Error::UnknownProfile { .. }), "{error:?}");
    assert!(error.to_string().starts_with("the menu's default needs the profile `c`"), "{error}");
}
