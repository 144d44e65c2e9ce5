//! Magic, line ends, continuations, comments, NUL and what is not ASCII.

use crate::oracle::corpus::{Case, case, raw};

/// A script that may have no magic: a BIOS would run it as a program, were it not so long.
fn long(name: &'static str, script: &str) -> Case {
    raw(name, format!("{script}#{}\n", "x".repeat(640_000)))
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        raw("magic and a line feed", "#!ipxe\n"),
        raw("magic of gPXE", "#!gpxe\nimgfetch a\n"),
        raw("magic, a space and words", "#!ipxe imgfetch no\nimgfetch a\n"),
        raw("magic, a tab", "#!ipxe\timgfetch no\nimgfetch a\n"),
        raw("magic and a vertical tab", "#!ipxe\u{b}\nimgfetch a\n"),
        long("magic and more letters", "#!ipxe2\nimgfetch a\n"),
        long("magic and a backslash", "#!ipxe\\\n\nimgfetch a\n"),
        long("magic in upper case", "#!IPXE\nimgfetch a\n"),
        long("magic behind a line feed", "\n#!ipxe\nimgfetch a\n"),
        long("magic behind a space", " #!ipxe\nimgfetch a\n"),
        long("magic behind a byte order mark", "\u{feff}#!ipxe\nimgfetch a\n"),
        raw("magic that continues", "#!ipxe \\\nimgfetch swallowed\nimgfetch a\n"),
        raw("lines that end in CR LF", "#!ipxe\r\nimgfetch a b\r\nimgfetch c d\r\n"),
        raw("lines that end in CR", "#!ipxe\rimgfetch a\rfail\r"),
        raw("no line feed at the end", "#!ipxe\nimgfetch a"),
        raw("no line feed at the end of a failing line", "#!ipxe\nimgfetch a\nfail"),
        case("two CRs at a line's end", "imgfetch a b\r\r\nimgfetch c\r"),
        case("a CR within a line", "imgfetch a\rb c\nimgfetch d"),
        case("tabs, vertical tabs and form feeds", "imgfetch\ta\u{b}b\u{c}c\t \td"),
        case("spaces around a command", "   imgfetch a   b    "),
        case("blank lines", "\n   \n\t\n\r\nimgfetch a"),
        case("a continued command", "imgfetch a one \\\n two\nimgfetch b"),
        case("a continuation within a word", "imgfetch ab\\\ncd e\\\nf"),
        case("a continuation within a setting's name", "set n1 v\nimgfetch x${n\\\n1}y"),
        case("a continuation within a separator", "fail |\\\n| imgfetch a"),
        case("a continuation before CR LF", "imgfetch a \\\r\nb\r\nimgfetch c"),
        case("a backslash and a space", "imgfetch a b\\ \nimgfetch c"),
        case("a backslash within a line", "imgfetch a b\\c \\d"),
        case("two backslashes at a line's end", "imgfetch a b\\\\\nc d"),
        case("two backslashes, then an empty line", "imgfetch a b\\\\\n\nc d\nimgfetch e"),
        case("two backslashes, then CR LF", "imgfetch a b\\\\\n\r\nc d\nimgfetch e"),
        case("a CR kept by a continuation, then dropped", "imgfetch a b\r\\\n\nimgfetch c"),
        case("a CR kept by a continuation, then a word", "imgfetch a b\r\\\nc\nimgfetch d"),
        case("a continuation into an empty line", "imgfetch a \\\n\nimgfetch b"),
        raw("a continuation at the end", "#!ipxe\nimgfetch a\nimgfetch b \\\n"),
        raw("a continuation at the end of the text", "#!ipxe\nimgfetch a\nimgfetch b \\"),
        raw("a continued comment at the end", "#!ipxe\nimgfetch a\n# b \\\n"),
        case("a comment", "# imgfetch no\nimgfetch a"),
        case("a comment without a space", "#imgfetch no\nimgfetch a"),
        case("a comment that continues", "# imgfetch no \\\nimgfetch swallowed\nimgfetch a"),
        case("a comment behind a command", "imgfetch a # b c\nimgfetch d"),
        case("a comment behind arguments", "imgfetch a b #c d"),
        case("a number sign within a word", "imgfetch a b#c d# e"),
        case("a comment before a separator", "fail # || imgfetch no\nimgfetch a"),
        case("a comment behind a separator", "fail || # imgfetch no\nimgfetch a"),
        case("a comment behind a label", ":here # imgfetch no\nimgfetch a"),
        case("a NUL within a line", "imgfetch a b\0c d\nimgfetch e"),
        case("a NUL before a separator", "fail\0 ||\nimgfetch e"),
        case("a NUL, then a backslash", "imgfetch a\0 \\\nimgfetch b\nimgfetch c"),
        case("a NUL at a line's begin", "\0fail\nimgfetch a"),
        case("a NUL within a label", "goto he\nimgfetch no\n:he\0re fail\nimgfetch a"),
        case("letters beyond ASCII in arguments", "imgfetch a grün ß ${} é"),
        case("bytes that are not UTF-8", b"imgfetch a b\xffc \xa0d\x85e"),
        case("a no-break space", "imgfetch a b\u{a0}c"),
        case("a command beyond ASCII", "imgfetchß a || imgfetch b"),
    ]
}
