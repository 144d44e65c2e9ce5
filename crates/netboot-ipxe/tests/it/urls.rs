//! URLs in scripts mean the same for every iPXE, including the oldest one.

use ipxe_script::lexical::LexicalProblem;
use netboot_core::ReleasePath;
use netboot_ipxe::{Error, ScriptUrl, ValueKind};
use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use url::Url;

fn absolute(text: &str) -> Result<String, Error> {
    ScriptUrl::absolute(&Url::parse(text).unwrap()).map(|url| url.to_string())
}

/// The escape because of which a URL is refused.
fn refused(text: &str) -> String {
    match absolute(text).unwrap_err() {
        Error::Unprintable {
            kind: ValueKind::Url,
            problem: LexicalProblem::Escape { escape },
            ..
        } => escape,
        other => panic!("{other:?}"),
    }
}

fn decoded(text: &str) -> Vec<u8> {
    percent_decode_str(text).collect()
}

proptest! {
    #[test]
    fn a_url_is_one_word_that_means_nothing_else(
        path in "[ -~\\t\\n\u{e9}]{0,30}",
        query in proptest::option::of("[ -~\\t\\n]{0,30}"),
    ) {
        let mut url = Url::parse("http://boot.example/").unwrap();
        url.set_path(&path);
        url.set_query(query.as_deref());
        let Ok(script_url) = ScriptUrl::try_from(&url) else {
            let text = url.as_str().to_ascii_lowercase();
            let lost = ["%00", "%2b", "%2f", "%26"].into_iter().any(|escape| text.contains(escape));
            let is_foreign = !decoded(&text).is_ascii();
            prop_assert!(lost || is_foreign, "{text} was refused");
            return Ok(());
        };
        let text = script_url.as_str();
        prop_assert!(text.is_ascii() && text.starts_with("http://boot.example/"));
        let forbidden = |c: char| c.is_whitespace() || c.is_control() || "#${}\\\"|;`'".contains(c);
        prop_assert!(!text.contains(forbidden), "{text}");
        // The URL still means the same, even if it is read again.
        let again = Url::parse(text).unwrap();
        prop_assert_eq!(decoded(again.path()), decoded(url.path()));
        prop_assert_eq!(again.query().map(decoded), url.query().map(decoded));
        prop_assert_eq!(ScriptUrl::absolute(&again).unwrap(), script_url);
    }

    #[test]
    fn a_relative_url_leads_from_any_place_to_any_other(
        from in "[a-c]{1,2}(/[a-c]{1,2}){0,3}",
        to in "[a-c]{1,2}(/[a-c]{1,2}){0,3}",
    ) {
        let url = ScriptUrl::relative(
            &ReleasePath::new(&from).unwrap(),
            &ReleasePath::new(&to).unwrap(),
        );
        let base = Url::parse("http://boot.example/x/y/").unwrap().join(&from).unwrap();
        let expected = format!("/x/y/{to}");
        let joined = base.join(url.as_str()).unwrap();
        prop_assert_eq!(joined.path(), expected);
    }
}

#[test]
fn a_relative_url_is_the_shortest() {
    for (from, to, expected) in [
        ("boot.ipxe", "current.ipxe", "current.ipxe"),
        ("worker/netboot.ipxe", "current.ipxe", "../current.ipxe"),
        ("a/b/c", "a/x", "../x"),
        ("a/b", "a/c/d", "c/d"),
        ("releases/1/boot.ipxe", "releases/1/worker/netboot.ipxe", "worker/netboot.ipxe"),
        ("x", "x", "x"),
    ] {
        let url = ScriptUrl::relative(&from.parse().unwrap(), &to.parse().unwrap());
        assert_eq!(url.as_str(), expected);
    }
}

#[test]
fn what_ipxe_would_read_differently_is_encoded() {
    for (text, expected) in [
        ("http://h", "http://h/"),
        ("http://h/a#b", "http://h/a"),
        ("http://h/${x}", "http://h/%24%7Bx%7D"),
        ("http://h/a%20b c", "http://h/a%20b%20c"),
        ("http://h/100%", "http://h/100%25"),
        ("http://h/100%z", "http://h/100%25z"),
        ("http://h/a+b&c", "http://h/a+b&c"),
        ("http://h/?a=b&c=%2F?;", "http://h/?a=b&c=%2F?%3B"),
        ("http://u:p@[::1]:8080/a", "http://u:p@[::1]:8080/a"),
        ("tftp://10.0.2.2/a~b,c", "tftp://10.0.2.2/a~b,c"),
        ("http://\u{fc}.example/", "http://xn--tda.example/"),
    ] {
        assert_eq!(absolute(text).unwrap(), expected);
    }
}

/// Debian bookworm's iPXE was seen to send each of these as something else.
#[test]
fn what_builds_of_2019_lose_is_refused() {
    assert_eq!(refused("http://h/\u{e9}"), "%C3");
    assert_eq!(refused("http://h/%ff"), "%ff");
    assert_eq!(refused("http://h/a%2Fb"), "%2F");
    assert_eq!(refused("http://h/a%2bb"), "%2b");
    assert_eq!(refused("http://h/?a=%2B"), "%2B");
    assert_eq!(refused("http://h/?a=%26"), "%26");
    let error = absolute("http://h/a%2Fb").unwrap_err();
    assert!(error.to_string().contains("%2F") && error.hint().is_some(), "{error}");
}

#[test]
fn an_error_tells_no_password() {
    let error = absolute("https://me:secret@boot.example/a%2Fb").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    let url = Url::parse("https://me:secret@boot.example/").unwrap();
    let error = netboot_ipxe::Renderer::builder().payload_url(&url).unwrap().build().unwrap_err();
    assert!(matches!(error, Error::BuildLacks { .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
}
