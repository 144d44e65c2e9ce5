//! Options, which are looked for after settings are expanded.

use crate::oracle::corpus::{Case, case};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("a short option", "kernel -n k a b c"),
        case("a short option with its value attached", "kernel -nk a b c"),
        case("a long option", "kernel --name k a b c"),
        case("a long option with an equals sign", "kernel --name=k a b c"),
        case("a long option with an empty value", "imgfetch --name= a b"),
        case("a long option, abbreviated", "kernel --nam k a || imgfetch b"),
        case("a long option in upper case", "kernel --NAME k a || imgfetch b"),
        case("a long option with letters behind", "kernel --names k a || imgfetch b"),
        case("a flag with a value", "imgfetch --autofree=yes a || imgfetch b"),
        case("a flag", "imgfetch --autofree a b"),
        case("two flags in one word", "imgfetch -ah a || imgfetch b"),
        case("a flag and an option in one word", "imgfetch -an k a b"),
        case("a flag and an option with its value in one word", "imgfetch -ank a b"),
        case("an option without a value", "kernel a || imgfetch b --name"),
        case("an option without a value before nothing", "imgfetch --name || imgfetch b"),
        case("an option whose value is an option", "imgfetch --name -x a || imgfetch b"),
        case("an option whose value is an option, attached", "imgfetch --name=-x a b"),
        case("an option whose value is two hyphens", "imgfetch --name -- a || imgfetch b"),
        case("an option twice", "imgfetch --name one --name two a b"),
        case("an unknown short option", "imgfetch -x a || imgfetch b"),
        case("an unknown long option", "imgfetch --nonsense a || imgfetch b"),
        case("an option of another command", "imgfetch --replace a || imgfetch b"),
        case("a hyphen alone", "imgfetch - a || imgfetch b"),
        case("a hyphen as an argument", "imgfetch a - b"),
        case("two hyphens", "imgfetch -- a b"),
        case("two hyphens, then an option", "imgfetch -- -a b"),
        case("two hyphens twice", "imgfetch -- -- b"),
        case("two hyphens behind the first argument", "imgfetch a -- b"),
        case("options behind the first argument", "imgfetch a --name k -x --help b"),
        case("three hyphens", "imgfetch --- a || imgfetch b"),
        case("help", "imgfetch --help || imgfetch a\nimgfetch -h || imgfetch b"),
        case("a timeout", "imgfetch --timeout 5000 a\nimgfetch -t 0x10000 b"),
        case("a timeout that is no number", "imgfetch --timeout x a || imgfetch b"),
        case(
            "a timeout that is empty",
            "imgfetch --timeout ${unset} a && imgfetch b || imgfetch c",
        ),
        case("an option from a setting", "set j1 --name\nimgfetch ${j1} k a b"),
        case(
            "an option with its value from a setting",
            "set j2:uristring --name%20k\n\
            imgfetch ${j2:string} a || imgfetch b",
        ),
        case("an option with an equals sign from a setting", "set j3 --name=k\nimgfetch ${j3} a b"),
        case(
            "a value with a space from a setting",
            "set j4:uristring a%20name\n\
            imgfetch --name ${j4:string} b c",
        ),
        case(
            "a URI with a hyphen from a setting",
            "set j5 -dir/a\nimgfetch ${j5} || imgfetch -- ${j5}",
        ),
        case("an empty word before options", "imgfetch ${unset} --name k a"),
        case("an empty value of an option", "imgfetch --name ${unset} a b"),
        case(
            "options of echo",
            "echo -n = a\necho b\necho -- -n\necho -x || imgfetch a\n\
            echo = -n",
        ),
        case(
            "options of goto",
            "goto -x || imgfetch a\ngoto a b || imgfetch b\ngoto || imgfetch c",
        ),
        case(
            "options of exit",
            "exit -1 || imgfetch a\nexit a || imgfetch b\nexit 0 0 || imgfetch c",
        ),
        case(
            "options of commands without any",
            "isset --x || imgfetch a\nimgfree -x || imgfetch b\n\
            clear --help || imgfetch c",
        ),
        case("sleep", "sleep 0 && imgfetch a\nsleep x || imgfetch b\nsleep || imgfetch c"),
    ]
}
