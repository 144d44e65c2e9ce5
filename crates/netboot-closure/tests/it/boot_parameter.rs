//! The kernel parameters: what is printed is read, and all other values are refused.

use netboot_closure::boot_parameter::{
    BootParameter, BootParameters, CacheLabel, CardAddress, HttpUrl, StoreChoice,
};
use netboot_closure::{Error, Sha256};
use proptest::prelude::*;

fn parameters() -> impl Strategy<Value = BootParameter> {
    let url = || {
        "http://([a-z][a-z0-9.-]{0,9}|\\[::1\\])(:[1-9][0-9]{0,3})?(/[a-z./]{0,30})?"
            .prop_map(|url| url.parse::<HttpUrl>().unwrap())
    };
    prop_oneof![
        any::<[u8; 32]>().prop_map(|bytes| BootParameter::Index(Sha256::from_bytes(bytes))),
        url().prop_map(BootParameter::From),
        url().prop_map(BootParameter::Report),
        prop::sample::select(vec!["auto", "tmpfs", "zram", "disk"])
            .prop_map(|choice| BootParameter::Store(choice.parse().unwrap())),
        "[a-z0-9][a-zA-Z0-9._-]{0,63}"
            .prop_map(|label| BootParameter::Cache(label.parse().unwrap())),
        (1..=u32::MAX).prop_map(|size| BootParameter::CacheBudget(size.try_into().unwrap())),
        any::<[u8; 6]>()
            .prop_map(|bytes| BootParameter::BootInterface(CardAddress::from_bytes(bytes))),
    ]
}

proptest! {
    #[test]
    fn a_parameter_is_read_as_it_was_printed(parameter in parameters()) {
        let text = parameter.to_string();
        prop_assert_eq!(text.parse::<BootParameter>().unwrap(), parameter);
        prop_assert!(BootParameters::from_command_line(&text).is_ok());
    }

    #[test]
    fn any_command_line_is_judged(text: String, value in "[ -~]{0,40}") {
        let _ = BootParameters::from_command_line(&text);
        for name in ["index", "from", "store", "cache", "cache-budget", "report"] {
            let text = format!("netboot.{name}={value}");
            if let Ok(parameter) = text.parse::<BootParameter>() {
                prop_assert_eq!(parameter.to_string(), text);
            }
        }
    }
}

#[test]
fn the_last_of_a_name_counts_and_every_source() {
    let line = "netboot.store=tmpfs netboot.from=http://a/ \"netboot.from=http://b:8/x\" \
                netboot.store=\"disk\" netboot.cache=x=y netboot.cache=fast dyndbg=\"a b\" \
                BOOTIF=01-52-54-00-AB-cd-ef netboot.report=https://a/ not.netboot.index=1\n";
    let read = BootParameters::from_command_line(line).unwrap();
    assert_eq!(read.from, ["http://a/".parse().unwrap(), "http://b:8/x".parse().unwrap()]);
    assert_eq!((read.store, read.cache.as_str(), read.index), (StoreChoice::Disk, "fast", None));
    assert_eq!(read.boot_interface.unwrap().to_string(), "52:54:00:ab:cd:ef");
    assert_eq!(read.unusable_report.unwrap(), "netboot.report=https://a/");
    assert_eq!(BootParameters::default().cache, CacheLabel::default());
}

/// Others may append to a signed command line. They cannot name another index.
#[test]
fn one_index_counts() {
    let (first, other) = ("11".repeat(32), "22".repeat(32));
    let read = |line: &str| BootParameters::from_command_line(line);
    let twice = read(&format!("netboot.index={first} netboot.index={first}")).unwrap();
    assert_eq!(twice.index, Some(Sha256::from_bytes([0x11; 32])));
    for other in [&other, "", "x"] {
        let error = read(&format!("netboot.index={first} netboot.index={other}")).unwrap_err();
        assert!(error.to_string().contains("the only digest of an index"), "{error}");
    }
}

#[test]
fn a_malformed_source_is_left_out_if_there_is_another_one() {
    let line = "netboot.from=https://a/x/../ netboot.from=http://b/ netboot.from=../../../";
    let read = BootParameters::from_command_line(line).unwrap();
    assert_eq!(read.from, ["http://b/".parse().unwrap()]);
    assert_eq!(read.unusable_from, ["netboot.from=https://a/x/../", "netboot.from=../../../"]);
    let none = "netboot.from=https://a/ netboot.from=../../../";
    let error = BootParameters::from_command_line(none).unwrap_err();
    assert!(error.to_string().contains("https://a/"), "{error}");
}

#[test]
fn malformed_values_are_refused_by_name() {
    let long = format!("netboot.from=http://a/{}", "x".repeat(2048));
    for parameter in [
        "netboot.index=abc",
        "netboot.index=",
        "netboot.from=https://a/",
        "netboot.from=http://",
        "netboot.from=http:///x",
        "netboot.from=http://user:password@a/",
        "netboot.from=http://a:0/",
        "netboot.from=http://a:65536/",
        "netboot.from=http://a:+8/",
        "netboot.from=http://[::1/",
        "netboot.from=http://[x]/",
        "netboot.from=http://a/?x",
        "netboot.from=http://a/#x",
        "netboot.from=http://a/ä",
        "netboot.from=http://a/|",
        "netboot.from=/blobs",
        &long,
        "netboot.store=ramdisk",
        "netboot.cache=../x",
        "netboot.cache=",
        "netboot.cache-budget=0",
        "netboot.cache-budget=4G",
        "BOOTIF=52:54:00:12:34:56",
        "BOOTIF=06-52-54-00-12-34-56",
        "BOOTIF=01-52-54-00-12-34",
        "BOOTIF=01-52-54-00-12-34-56-78",
        "BOOTIF=01-+2-54-00-12-34-56",
    ] {
        let shown = parameter.replace("user:password", "***");
        match BootParameters::from_command_line(parameter) {
            Err(Error::BootParameter { text, .. }) => assert!(shown.starts_with(&text)),
            other => panic!("{parameter}: {other:?}"),
        }
    }
}

#[test]
fn blobs_lie_below_the_root_that_a_script_names() {
    let digest = Sha256::from_bytes([0x11; 32]);
    for (root, expected) in [
        ("http://a", "http://a/blobs/"),
        ("http://a:81/", "http://a:81/blobs/"),
        ("http://a/netboot", "http://a/netboot/blobs/"),
        ("http://a/n/releases/r/worker/../../../", "http://a/n/blobs/"),
        ("http://a/n/./x//../../../../..", "http://a/blobs/"),
    ] {
        let url: HttpUrl = root.parse().unwrap();
        assert_eq!(url.blob(&digest).to_string(), format!("{expected}{digest}"));
    }
}
