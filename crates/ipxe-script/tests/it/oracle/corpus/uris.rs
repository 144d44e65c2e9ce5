//! URIs, in which the builds differ.

use crate::oracle::corpus::{Case, case};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "relative paths",
            "imgfetch a/b\nimgfetch ./c\nimgfetch ../d\nimgfetch ../../e\n\
            imgfetch ../../../f\nimgfetch ././g\nimgfetch .././h",
        ),
        case(
            "dots within a path",
            "imgfetch a/../b\nimgfetch a/./c\nimgfetch .hidden\nimgfetch ..d\n\
            imgfetch ...\nimgfetch a/..",
        ),
        case("dots alone", "imgfetch .\nimgfetch ..\nimgfetch ./\nimgfetch ../"),
        case("absolute paths", "imgfetch /a/b\nimgfetch //c/d\nimgfetch /\nimgfetch /a/../b"),
        case("a path with two slashes", "imgfetch a//b\nimgfetch /c//d/"),
        case(
            "queries",
            "imgfetch a?b=c&d=e\nimgfetch f?\nimgfetch ?g\nimgfetch h?i?j\nimgfetch k?l/m",
        ),
        case("fragments", "imgfetch a#b\nimgfetch c?d#e\nimgfetch f#g#h"),
        case("parameters", "imgfetch a##params\nimgfetch b##params=c\nimgfetch d?e##params"),
        case("percent-escapes of letters", "imgfetch %61%62\nimgfetch a%2ec\nimgfetch %2e%2e/d"),
        case(
            "percent-escapes of what is special",
            "imgfetch a%2fb\nimgfetch c%3fd\nimgfetch e%23f\n\
            imgfetch g%25h\nimgfetch i%20j\nimgfetch k%3al\nimgfetch m%40n",
        ),
        case(
            "percent-escapes in a query",
            "imgfetch a?b%26c\nimgfetch d?e%3df\nimgfetch g?h%2bi\n\
            imgfetch j?k%20l",
        ),
        case("percent-escapes of more than ASCII", "imgfetch gr%c3%bcn"),
        case("percent-escapes that are none", "imgfetch a%\nimgfetch b%g\nimgfetch d%zz"),
        case("a percent-escape of NUL", "imgfetch a%00b\nimgfetch c?d%00e"),
        case("letters beyond ASCII", "imgfetch grün"),
        case(
            "braces and other characters",
            "imgfetch {a}\nimgfetch b|c\nimgfetch d^e\nimgfetch f\"g\n\
            imgfetch h<i>\nimgfetch j\\k\nimgfetch l`m\nimgfetch $n",
        ),
        case(
            "characters with a meaning",
            "imgfetch a;b\nimgfetch c,d=e&f\nimgfetch g+h\n\
            imgfetch i@j\nimgfetch k!*'()\nimgfetch ~l",
        ),
        case(
            "a colon in a path",
            "imgfetch a/b:c || imgfetch no-colon\nimgfetch ./d:e || imgfetch e\n\
            imgfetch 1:f || imgfetch f",
        ),
        case(
            "a scheme that is unknown",
            "imgfetch nonsense://a/b || imgfetch a\n\
            imgfetch nonsense:b || imgfetch b\nimgfetch : || imgfetch c",
        ),
        case(
            "a URI from settings",
            "set m1 dir\nset m2 a.b\nimgfetch ${m1}/${m2}?x=${m1}&y=${unset}",
        ),
        case(
            "a URI with an encoded setting",
            "set m3:uristring a%20b%26c%2fd\n\
            imgfetch e?f=${m3}\nimgfetch g?h=${m3:uristring}\nimgfetch i/${m3}",
        ),
        case(
            "a URI with a space from a setting",
            "set m4:uristring a%20b\nimgfetch c${m4:string}d",
        ),
        case(
            "a URI with control characters",
            "set m5:hexraw 61090a0d1b62\nimgfetch --name f \
            c${m5:string}d || imgfetch e",
        ),
        case("an empty URI", "imgfetch ${unset}\nimgfetch ${unset}x"),
        case(
            "a URI of a number sign from a setting",
            "set m6:hexraw 23\nimgfetch a${m6:string}b\n\
            imgfetch ${m6:string}",
        ),
        case("a long path", format!("imgfetch {}/b", "a".repeat(2000))),
        case("a long query", format!("imgfetch a?{}", "b=c&".repeat(2000))),
    ]
}
