//! Words, separators, and what is not quoting.

use crate::oracle::corpus::{Case, case, raw};

pub(super) fn cases() -> Vec<Case> {
    let words = |count: usize| -> String {
        let words: Vec<String> = (0..count).map(|number| format!("w{number}")).collect();
        words.join(" ")
    };
    vec![
        case("double quotes", "imgfetch a \"b  c\" \"d\""),
        case("single quotes", "imgfetch a 'b  c' 'd # e'"),
        case("an escaped space", "imgfetch a b\\ c d"),
        case("backquotes and dollars", "imgfetch a `b` $(c) $d $ {e}"),
        case("redirections and pipes", "imgfetch a > b < c | d & e >> f"),
        case("a star, a tilde and braces", "imgfetch a * ~ {b,c} [d] ?e"),
        case("separators within words", "imgfetch a b;c d&&e f||g"),
        case("separators with something behind", "imgfetch a b &&& c ||| d ;; e"),
        case("a percent sign and an exclamation mark", "imgfetch a b%20c d! %"),
        case("and after success", "imgfetch a && imgfetch b"),
        case("and after failure", "fail && imgfetch no\nimgfetch no"),
        case("or after success", "imgfetch a || imgfetch no\nimgfetch b"),
        case("or after failure", "fail || imgfetch a\nimgfetch b"),
        case("then after failure", "fail ; imgfetch a\nimgfetch b"),
        case("then, failing last", "imgfetch a ; fail\nimgfetch no"),
        case("or at the end", "fail ||\nimgfetch a"),
        case("and at the end", "imgfetch a &&\nimgfetch b"),
        case("and at the end of a failure", "fail &&\nimgfetch no"),
        case("or, then and", "imgfetch a || imgfetch no && imgfetch b"),
        case("and, then or", "fail && imgfetch no || imgfetch a"),
        case("or, and, or", "fail || imgfetch a && fail || imgfetch b"),
        case("and, and, or", "fail && imgfetch x && imgfetch y || imgfetch b"),
        case("two ors", "fail || fail || imgfetch a"),
        case("an empty command between ors", "fail || || imgfetch no\nimgfetch a"),
        case("an empty command between ands", "imgfetch a && && imgfetch b"),
        case("a separator at the begin", "|| imgfetch no\n&& imgfetch a\n; imgfetch b"),
        case("separators alone", "||\n&&\n;\nimgfetch a"),
        case("a separator from a setting", "set s1 ||\nimgfetch a ${s1} b"),
        case(
            "or from a setting does nothing",
            "set s2 |\nfail ${s2}${s2} imgfetch no\nimgfetch no",
        ),
        case("a comment from a setting", "set s3:uristring %23\nimgfetch a ${s3:string}b c"),
        case("a command from a setting", "set s4 imgfetch\n${s4} a b"),
        case(
            "a command with its argument from a setting",
            "set s5 imgfetch a\n${s5} || imgfetch b",
        ),
        case("an empty command from a setting", "${nothing} || imgfetch a"),
        case("a command in upper case", "IMGFETCH a || imgfetch b"),
        case("a command with a path", "/imgfetch a || ./imgfetch b || imgfetch c"),
        case("an unknown command", "no-such-command\nimgfetch no"),
        case("a label as a command behind another", "imgfetch a ; :label || imgfetch b"),
        case("254 words behind a URI", format!("imgfetch a {}", words(254))),
        case("255 words behind a URI", format!("imgfetch a {} || imgfetch b", words(255))),
        case("255 words behind a kernel", format!("kernel a {} || imgfetch b", words(255))),
        case("254 words and options", format!("kernel -n k --timeout 60000 a {}", words(254))),
        case("255 words of echo", format!("echo = {}\nimgfetch a", words(254))),
        case("256 words of echo", format!("echo = {} || imgfetch a", words(255))),
        case("255 words of set", format!("set s6 {}\nimgfetch a ${{s6}}", words(254))),
        case("256 words of set", format!("set s7 {} || imgfetch b ${{s7}}", words(255))),
        case("a word of 3,000 bytes", format!("imgfetch a {}", "x".repeat(3000))),
        case("a line of 100,000 bytes", format!("imgfetch a b #{}", "x".repeat(100_000))),
        case("a name of 200 bytes", format!("imgfetch {} b", "n".repeat(200))),
        case("a row of exactly 80 columns", format!("echo = {}\necho = b", "x".repeat(78))),
        raw("all printable characters", {
            let all: String = (' '..='~').filter(|c| *c != '#').collect();
            format!("#!ipxe\nimgfetch a x{all}\necho = y{all}\n")
        }),
    ]
}
