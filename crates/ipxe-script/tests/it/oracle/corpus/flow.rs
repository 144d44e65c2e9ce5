//! Labels, `goto`, `exit` and failure.

use crate::oracle::corpus::{Case, case, raw};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("goto", "goto there\nimgfetch no\n:there\nimgfetch a"),
        case(
            "goto back",
            "set l1:int32 0\n:again\ninc l1\nimgfetch a${l1}\niseq ${l1} 3 || goto again\n\
            imgfetch b",
        ),
        case(
            "goto ends its line",
            "goto there && imgfetch no || imgfetch no ; imgfetch no\n:there",
        ),
        case("goto of a missing label", "goto nowhere\nimgfetch no"),
        case("goto of a missing label, guarded", "goto nowhere || imgfetch a\nimgfetch b"),
        case("goto from within a line", "imgfetch a && goto there\nimgfetch no\n:there imgfetch b"),
        case("a command behind a label", ":here imgfetch a b\nimgfetch c"),
        case(
            "a failing command behind a label",
            ":here fail || imgfetch a\n:there fail\nimgfetch no",
        ),
        case("spaces before a label", "goto there\nimgfetch no\n  \t:there\nimgfetch a"),
        case("a label with odd characters", "goto a:b#c&&d\nimgfetch no\n:a:b#c&&d imgfetch a"),
        case("labels differ by case", "goto Here || imgfetch a\n:here\nimgfetch b"),
        case(
            "two labels of a name",
            "goto there\nimgfetch no\n:there\nimgfetch a\nexit\n:there\n\
            imgfetch b",
        ),
        case(
            "two labels of a name, between them",
            "set l2:int32 0\n:x inc l2\niseq ${l2} 3 && exit\n\
            imgfetch a${l2}\ngoto x\n:x imgfetch no",
        ),
        case("an empty label", "goto ${unset}\nimgfetch no\n:\nimgfetch a"),
        case("an empty label and a command", "goto ${unset}\nimgfetch no\n: imgfetch a"),
        case("an empty label that is not there", "goto ${unset} || imgfetch a"),
        case("a label in a comment", "goto there || imgfetch a\n# :there\n#:there"),
        case("a label behind a command", "goto there || imgfetch a\nimgfetch b :there"),
        case(
            "a label that a continuation begins",
            "goto there\nimgfetch no\n:the\\\nre imgfetch a",
        ),
        case(
            "a label that a comment's continuation swallows",
            "goto there || imgfetch a\n# b \\\n\
            :there imgfetch no\nimgfetch c",
        ),
        case("a label in a line that a NUL ends", "goto there || imgfetch a\n\0:there imgfetch no"),
        case("a label and CR LF", "goto there\r\nimgfetch no\r\n:there\r\nimgfetch a"),
        case("a label and a CR before a word", "goto there\nimgfetch no\n:there\rimgfetch a"),
        raw("a label in an open line", "#!ipxe\ngoto there || imgfetch a\nexit\n:there \\\n"),
        raw("a label in the last line", "#!ipxe\ngoto there\nimgfetch no\n:there"),
        case("a label of bytes beyond ASCII", "goto grün\nimgfetch no\n:grün imgfetch a"),
        case("a label with an escape in it", "goto a\\b\nimgfetch no\n:a\\b imgfetch a"),
        case(
            "goto from a setting",
            "set l3 a\ngoto mac-${l3} || goto nobody\n:nobody imgfetch no\n\
            exit\n:mac-a\nimgfetch a",
        ),
        case(
            "goto from a setting, otherwise",
            "set l4 b\ngoto mac-${l4} ||\nimgfetch a\nexit\n\
            :mac-a imgfetch no",
        ),
        case(
            "goto with a value of two words",
            "set l5:uristring a%20b\n\
            goto ${l5:string} || imgfetch a\n:a b\nimgfetch c",
        ),
        case("exit", "imgfetch a\nexit\nimgfetch no"),
        case("exit with a status", "imgfetch a\nexit 1\nimgfetch no"),
        case("exit with zero", "imgfetch a\nexit 0 || imgfetch no\nimgfetch no"),
        case("exit within a line", "exit ; imgfetch no"),
        case("exit behind a failure", "fail || exit\nimgfetch no"),
        case("exit with a status from a setting", "set l6 7\nexit ${l6}"),
        case("exit with an empty status", "exit ${unset} || imgfetch a\nimgfetch b"),
        case("exit with what is no number", "exit x\nimgfetch no"),
        case("failure", "imgfetch a\nfail\nimgfetch no"),
        case("failure at the end", "imgfetch a\nfail"),
        case("failure that is ignored", "imgfetch a\nfail ||\nimgfetch b"),
        case(
            "failure that is handled by goto",
            "fail || goto failed\nimgfetch no\n:failed\nimgfetch a",
        ),
        case("failure of a set", "set l7:int32 x\nimgfetch no"),
        case(
            "a loop that counts to twenty",
            "set l8:int32 0\n:more\ninc l8 && iseq ${l8} 20 || \
            goto more\nimgfetch a${l8}",
        ),
        case(
            "a retry that is bounded",
            "set l9:int32 0\n:retry\nimgfetch missing-${l9} && goto got ||\n\
            inc l9\niseq ${l9} 3 || goto retry\nimgfetch a\nexit 1\n:got",
        ),
    ]
}
