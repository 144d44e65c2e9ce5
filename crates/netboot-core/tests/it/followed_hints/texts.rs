//! Texts that are no values of their kind, and the texts that the hints describe.

use std::fmt::Debug;
use std::str::FromStr;

use netboot_core::{
    Architecture, Error, FileName, InitPath, InvalidValue, KernelCommandLine, KernelParameter,
    MacAddress, PointerName, PointerTemplate, ProfileName, ProfileSpec, ReleaseId, ReleasePath,
    ServiceName, Sha256Digest, SiteName, StorePathDigest, Title,
};

use super::assert_hint;
use crate::sample;

/// Checks that the first texts are refused with this remedy, and that the others, which follow it,
/// are values.
fn follow<T>(words: &str, refused: &[&str], taken: &[&str])
where
    T: FromStr<Err = InvalidValue> + Debug,
{
    for text in refused {
        let error = text.parse::<T>().unwrap_err();
        assert_hint(&error, words);
    }
    for text in taken {
        text.parse::<T>().unwrap();
    }
}

#[test]
fn a_text_that_was_written_as_the_hint_says_is_taken() {
    let names = "use 1 to 63 lower-case letters, digits, `-` and `_`; begin and end with a letter";
    let refused = ["", "Worker", "a b", "-a", "a-", "current"];
    let taken = ["a", "worker-1", "all_in_one"];
    follow::<ProfileName>(names, &refused[..5], &taken);
    follow::<PointerName>(names, &refused[..5], &taken);
    follow::<ServiceName>(names, &refused[..5], &taken);
    follow::<SiteName>(names, &refused[..5], &taken);
    follow::<ProfileName>("do not use `releases` or `blobs`", &["blobs", "releases"], &["blobs-1"]);
    follow::<PointerName>(
        "do not use `boot` or `autoexec`",
        &["boot", "autoexec"],
        &["boot-1", "blobs"],
    );

    let title = "use 1 to 100 characters without control characters";
    follow::<Title>(title, &["", "a\nb", &"x".repeat(101)], &["Worker: größer", &"x".repeat(100)]);

    let file = "use 1 to 128 letters, digits, `.`, `_` and `-`; begin with a letter or digit";
    follow::<FileName>(file, &["", ".hidden", "a/b", "a b"], &["bzImage", "0.x_-", "a.tar.gz"]);

    let path = "use a relative path of at most 512 bytes whose parts, separated by `/`, are file";
    follow::<ReleasePath>(path, &["/a", "a//b", "../a", "a/"], &["worker/netboot.ipxe", "a/b/c"]);

    let parameter = "use 1 to 1024 printable ASCII characters; put white space between double";
    follow::<KernelParameter>(
        parameter,
        &["", "a b", "ü", "init=/bin/sh", "initrd=x"],
        &["quiet", "a=\"b c\"", "console=ttyS0,115200n8"],
    );

    let init = "give the absolute path of the configuration's init, such as `/nix/store/<hash>-";
    let taken = ["/nix/store/6gz0cnpmx3scb0rbx8fs5ph5jbyjbhrn-nixos-system-worker/init", "/init"];
    follow::<InitPath>(init, &["init", "/nix/store/*-nixos-system/init", ""], &taken);

    let digest = "give the 64 hexadecimal digits of a SHA-256";
    follow::<Sha256Digest>(digest, &["", "abc", &"g".repeat(64)], &[&"0a".repeat(32)]);
    follow::<ReleaseId>(digest, &["", "0a0a0a0a0a0a"], &[&"0a".repeat(32)]);

    let store_path =
        "give the first 32 characters of a store path's name, as `/nix/store` lists it";
    follow::<StorePathDigest>(
        store_path,
        &["hello-2.12", "eeee0cnpmx3scb0rbx8fs5ph5jbyjbhr"],
        &[&"6gz0cnpmx3scb0rbx8fs5ph5jbyjbhrn-hello"[..32]],
    );

    let systems =
        "use x86_64, aarch64, riscv64, armv7l, powerpc64le or loongarch64, or a Nix system";
    follow::<Architecture>(
        systems,
        &["amd64", "i386", "x86_64-darwin"],
        &["x86_64", "aarch64", "riscv64", "armv7l", "powerpc64le", "loongarch64", "x86_64-linux"],
    );

    let mac =
        "write six pairs of hexadecimal digits, such as 52:54:00:12:34:56; do not use a group";
    let refused = ["52:54:00:12:34", "01:00:5e:00:00:01", "00:00:00:00:00:00", "g2:54:00:12:34:56"];
    follow::<MacAddress>(mac, &refused, &["52:54:00:12:34:56"]);

    let error = PointerTemplate::new("#!ipxe\nchain releases/x/boot.ipxe\n").unwrap_err();
    assert_hint(&error, "write `@release-id@` where the release's id stands, and the comment");
    sample::pointer();
    let text = format!("{}chain releases/@release-id@/boot.ipxe\n", sample::MARKED);
    assert_hint(&PointerTemplate::new(text.trim_end()).unwrap_err(), "ends with a line feed");
    let note = format!("{text}# netboot note\n");
    assert_hint(&PointerTemplate::new(note).unwrap_err(), "begin no line with `# netboot `");
    assert_hint(&PointerTemplate::new(text.repeat(400)).unwrap_err(), "use at most 16 KiB");
    PointerTemplate::new(text).unwrap();
}

#[test]
fn a_command_line_that_was_shortened_is_taken() {
    let init = InitPath::new("/init").unwrap();
    let parameters: Vec<KernelParameter> =
        (0..3).map(|n| n.to_string().repeat(1000).parse().unwrap()).collect();
    let error = KernelCommandLine::new(&init, &parameters).unwrap_err();
    assert_hint(&error, "shorten or remove kernel parameters");
    KernelCommandLine::new(&init, &parameters[..1]).unwrap();
}

#[test]
fn a_file_of_profiles_that_was_written_as_the_hint_says_is_taken() {
    for text in ["", "profiles = 1\n", "[[profiles]]\ntitle = \"x\"\n"] {
        let error = match ProfileSpec::parse_toml(text, "p.toml") {
            Err(error) => error,
            // A file without profiles is no mistake.
            Ok(profiles) => {
                assert!(profiles.is_empty(), "{text}");
                continue;
            }
        };
        assert_hint(&error, "write a TOML file with a `[[profiles]]` table and at least a `name`");
    }
    let twice = "[[profiles]]\nname = \"a\"\n[[profiles]]\nname = \"a\"\n";
    let error = ProfileSpec::parse_toml(twice, "p.toml").unwrap_err();
    assert!(matches!(error, Error::Duplicate { .. }), "{error:?}");
    assert_hint(&error, "use a different name for each");
    let followed = twice.replacen("\"a\"", "\"b\"", 1);
    assert_eq!(ProfileSpec::parse_toml(&followed, "p.toml").unwrap().len(), 2);
}
