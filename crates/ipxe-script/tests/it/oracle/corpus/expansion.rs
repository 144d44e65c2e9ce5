//! `${…}`: nesting, repetition, types, and what stays as it is.

use crate::oracle::corpus::{Case, case};

#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(super) fn cases() -> Vec<Case> {
    vec![
        case("a setting in an argument", "set e1 v\nimgfetch a ${e1} x${e1}y ${e1}${e1}"),
        case("a setting in a URI", "set e2 dir/file\nimgfetch ${e2}"),
        case("a setting that is not set", "imgfetch a [${unset}] ${unset} b"),
        case("a setting without a name", "imgfetch a [${}] b"),
        case("an expansion that is not closed", "imgfetch a ${ ${b c} d ${"),
        case("an expansion across words", "set e3 v\nimgfetch a ${e3 } ${ e3} ${e3\t}"),
        case("a brace without an expansion", "imgfetch a } {b} $c} d}$"),
        case("dollars before an expansion", "set e4 v\nimgfetch a $${e4} $$${e4}$ ${$e4}"),
        case("nested expansions", "set e5 e6\nset e6 v\nimgfetch a ${${e5}} x${${e5}}y"),
        case("nested within a name", "set e7 x\nset e8x v\nimgfetch a ${e8${e7}} ${${e7}8}"),
        case("nested three deep", "set e9 ea\nset ea eb\nset eb v\nimgfetch a ${${${e9}}}"),
        case("nested, the inner is not set", "set ec v\nimgfetch a [${ec${unset}}]"),
        case("nested, the outer stays open", "set ed v\nimgfetch a ${x${ed}"),
        case(
            "a value that has an expansion",
            "set ee:uristring %24%7bef%7d\nset ef v\n\
            imgfetch a ${ee:string} [${ee}]",
        ),
        case(
            "a value that has an expansion, encoded",
            "set eg:uristring %24%7bunset%7d\n\
            imgfetch a [${eg:uristring}] ${eg:hexraw}",
        ),
        case(
            "a value that closes an expansion",
            "set eh:hexraw 7d\nset ei v\n\
            imgfetch a ${ei${eh:string} b",
        ),
        case(
            "a value that opens an expansion",
            "set ej:hexraw 247b\nset ek v\n\
            imgfetch a ${ej:string}ek} b",
        ),
        case(
            "a value that is half of an opening",
            "set el:hexraw 24\nset em v\n\
            imgfetch a ${el:string}{em} b",
        ),
        case(
            "a setting that refers to itself",
            "set en:uristring %24%7ben:string%7d\n\
            imgfetch before\nimgfetch a ${en:string}",
        ),
        case(
            "settings that refer to each other",
            "set eo:uristring x%24%7bep:string%7d\n\
            set ep:uristring %24%7beo:string%7d\nimgfetch a ${ep:string}",
        ),
        case(
            "a self-reference that is not used",
            "set eq:uristring %24%7beq:string%7d\n\
            isset ${unset} && imgfetch ${eq:string} ||\nimgfetch a",
        ),
        case("an unknown type", "set er v\nimgfetch a [${er:nonsense}] [${er:}] [${er:STRING}]"),
        case("an unknown scope", "set es v\nimgfetch a [${nowhere/es}] [${/es}] [${es/}]"),
        case("a type with a colon in it", "set et v\nimgfetch a [${et:string:string}]"),
        case("a slash behind the colon", "set eu v\nimgfetch a [${eu:string/x}]"),
        case(
            "string as all types",
            "set ev Ab1\nimgfetch a ${ev:string} ${ev:uristring} \
            ${ev:hex} ${ev:hexhyp} ${ev:hexraw} ${ev:base64} ${ev:int8} ${ev:int16} ${ev:int32} \
            ${ev:uint8} ${ev:uint16} ${ev:uint32} [${ev:ipv4}] [${ev:uuid}] ${ev:busdevfn}",
        ),
        case(
            "four bytes as all types",
            "set ew:hexraw fffe0180\nimgfetch a ${ew} ${ew:hex} \
            ${ew:hexhyp} ${ew:base64} ${ew:int8} ${ew:int16} ${ew:int32} ${ew:uint8} \
            ${ew:uint16} ${ew:uint32} ${ew:ipv4} [${ew:uuid}] ${ew:busdevfn}",
        ),
        case(
            "five bytes as numbers",
            "set ex:hexraw 0000000005\nset ey:hexraw ff00000005\n\
            set ez:hexraw 0100000005\nimgfetch a ${ex:int32} ${ex:uint32} [${ey:int32}] \
            [${ey:uint32}] [${ez:int32}]",
        ),
        case(
            "sixteen bytes as a UUID",
            "set f1:hexraw 00112233445566778899aabbccddeeff\n\
            imgfetch a ${f1:uuid} [${f1:guid}] ${f1:hexhyp} ${f1:base64} ${f1:ipv4} ${f1:ipv6}",
        ),
        case(
            "bytes that are special in URIs",
            "set f2:uristring %20%23%25%26%2f%3a%3d%3f%40%7e\n\
            imgfetch a ${f2} ${f2:hexraw} ${f2:uristring}",
        ),
        case(
            "double spaces from a setting",
            "set f3:uristring a%20%20b%20\n\
            imgfetch a [${f3:string}] c",
        ),
        case("bytes beyond ASCII, encoded", "set f4:hexraw c3bc80ff\nimgfetch a ${f4:uristring}"),
        case(
            "a NUL in a value",
            "set f5:hexraw 610062\nimgfetch a [${f5:string}] ${f5:hex} \
            ${f5:uristring} ${f5:base64}",
        ),
        case(
            "base64 of one, two and three bytes",
            "set f6:hexraw 66\nset f7:hexraw 666f\n\
            set f8:hexraw 666f6f\nimgfetch a ${f6:base64} ${f7:base64} ${f8:base64}",
        ),
        case("expansions are no separators", "set f9:uristring %3b\nimgfetch a ${f9:string} b"),
        case(
            "an expansion in a label's definition",
            "set fa v\n:x${fa} imgfetch no\ngoto xv ||\n\
            imgfetch a",
        ),
        case(
            "an expansion in the argument of goto",
            "set fb v\ngoto x${fb}\nimgfetch no\n\
            :xv imgfetch a",
        ),
        case("an expansion is no option by itself", "set fc -n\nkernel ${fc} b c || imgfetch d"),
        case("an expansion at the end of a word of 200", {
            format!("set fd v\nimgfetch a {}${{fd}}", "x".repeat(198))
        }),
        case("a hundred expansions in a word", {
            format!("set fe v\nimgfetch a {}", "${fe}-".repeat(100))
        }),
        case("fifty nested expansions", {
            let (open, close) = ("${".repeat(50), "}".repeat(50));
            format!("set ff ff\nimgfetch a {open}ff{close}")
        }),
    ]
}
