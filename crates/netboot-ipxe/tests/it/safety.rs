//! Values are in a script as they were typed, or are refused.

use ipxe_script::lexical;
use netboot_core::{Architecture, BootSpec, KernelParameter, Title};
use netboot_ipxe::{Error, MenuText, Renderer};
use proptest::prelude::*;

use crate::images::image;

/// The commands of a script as iPXE reads them: lines are joined at a final backslash, split at
/// white space, cut at a word that starts with `#`, and split at separators. It is written from the
/// documentation of iPXE, independently of the crate.
fn commands(script: &str) -> Vec<Vec<String>> {
    let joined = script.replace("\\\n", "");
    let mut commands = Vec::new();
    for line in joined.split('\n') {
        let mut command = Vec::new();
        for word in line.split([' ', '\t', '\r', '\u{b}', '\u{c}']).filter(|word| !word.is_empty())
        {
            if word.starts_with('#') {
                break;
            }
            if matches!(word, "&&" | "||" | ";") {
                commands.push(std::mem::take(&mut command));
            } else {
                command.push(word.to_owned());
            }
        }
        commands.push(command);
    }
    commands.retain(|command| !command.is_empty());
    commands
}

/// The words after `kernel --name bzImage <url>`.
fn kernel_arguments(script: &str) -> Vec<String> {
    let commands = commands(script);
    let kernel = commands.iter().find(|command| command[0] == "kernel").unwrap();
    kernel[4..].to_vec()
}

/// Texts that contain everything with a meaning for iPXE.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("${".to_owned()),
        Just("}".to_owned()),
        Just("#".to_owned()),
        Just(" ".to_owned()),
        Just("&&".to_owned()),
        Just("||".to_owned()),
        Just(";".to_owned()),
        Just("\\".to_owned()),
        Just("\n".to_owned()),
        Just("-".to_owned()),
        Just("\"".to_owned()),
        "[a-z=.,]{1,4}",
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_kernel_parameter_arrives_as_it_was_typed(texts in prop::collection::vec(hostile(), 1..4)) {
        let accepted: Vec<&str> = texts
            .iter()
            .filter(|text| KernelParameter::new(*text).is_ok())
            .map(String::as_str)
            .collect();
        let image = image("worker", "Worker", &accepted, &["initrd"]);
        match Renderer::builder().build().unwrap().render_standalone(&image) {
            Ok(script) => {
                let line = image.boot().command_line().unwrap().to_string();
                let (init, rest) = line.split_once(' ').unwrap_or((&line, ""));
                let expected = format!("{init} initrd=initrd {rest}");
                prop_assert_eq!(kernel_arguments(&script).join(" "), expected.trim_end());
                let expansion = "${";
                prop_assert!(!line.contains(expansion));
            }
            Err(error) => {
                prop_assert!(matches!(error, Error::Unprintable { .. }), "{error:?}");
                prop_assert!(error.hint().is_some());
            }
        }
    }

    #[test]
    fn a_title_is_shown_as_it_was_typed(text in hostile()) {
        prop_assume!(Title::new(&text).is_ok());
        let image = image("worker", &text, &[], &["initrd"]);
        match Renderer::builder().build().unwrap().render_menu(&[image]) {
            Ok(script) => {
                let commands = commands(&script);
                let item = commands.iter().find(|c| c.get(1).is_some_and(|n| n == "profile-worker"));
                prop_assert_eq!(item.unwrap()[2..].join(" "), text);
            }
            Err(error) => prop_assert!(matches!(error, Error::Unprintable { .. }), "{error:?}"),
        }
    }

    #[test]
    fn nothing_that_is_accepted_is_special(text in hostile()) {
        for accepted in [
            MenuText::new(&text).ok().map(|value| value.to_string()),
            lexical::check(&text).ok().map(|()| text.clone()),
        ].into_iter().flatten() {
            let words: Vec<String> = accepted.split(' ').map(str::to_owned).collect();
            let script = format!("echo {accepted} after\n");
            let commands = commands(&script);
            prop_assert_eq!(commands.len(), 1);
            prop_assert_eq!(&commands[0][1..=words.len()], &words[..]);
            prop_assert_eq!(&accepted, &text);
        }
    }
}

#[test]
fn a_line_that_firmware_would_cut_is_refused() {
    let long = format!("x={}", "y".repeat(990));
    let image = image("worker", "W", &[&long, &format!("{long}z")], &["initrd"]);
    // The parameters alone fit, but not together with `initrd=` and the name of the kernel.
    let error = Renderer::builder().build().unwrap().render_standalone(&image).unwrap_err();
    assert!(matches!(error, Error::CommandLineTooLong { .. }), "{error:?}");
    let spec = BootSpec::new(
        Architecture::X86_64,
        "/init",
        vec![KernelParameter::new("x".repeat(1024)).unwrap(); 2],
    );
    assert!(spec.is_err());
}

#[test]
fn more_words_than_ipxe_takes_are_refused() {
    let many: Vec<String> = (0..254).map(|number| format!("p{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let render = |parameters: &[&str]| {
        let image = image("worker", "W", parameters, &["initrd"]);
        Renderer::builder().build().unwrap().render_standalone(&image)
    };
    assert!(render(&many[..252]).is_ok());
    let error = render(&many).unwrap_err();
    assert!(matches!(error, Error::TooManyArguments { words: 256, .. }), "{error:?}");
}

#[test]
fn a_default_that_is_not_there_is_refused() {
    let renderer = Renderer::builder().default_profile("gateway").build().unwrap();
    let error = renderer.render_menu(&[image("worker", "W", &[], &["initrd"])]).unwrap_err();
    assert!(error.hint().unwrap().contains("worker"), "{error:?}");
}

#[test]
fn a_release_needs_an_image() {
    let error = Renderer::builder().build().unwrap().render_release([]).unwrap_err();
    assert!(matches!(error, Error::Core(netboot_core::Error::EmptyRelease)), "{error:?}");
}
