//! `set`, `clear`, `inc`, `isset`, `iseq`, types, scopes and names that iPXE knows.

use crate::oracle::corpus::{Case, case};

#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(super) fn cases() -> Vec<Case> {
    vec![
        case("set with many words", "set g1 a  b   c\nimgfetch a [${g1}]"),
        case("set without a value", "set g2 v\nset g2\nimgfetch a [${g2}]"),
        case("set to an empty value", "set g3 v\nset g3 ${unset}\nimgfetch a [${g3}]"),
        case("set without a name", "set || imgfetch a"),
        case("set of an empty name", "set ${unset} v && imgfetch a [${}] || imgfetch b"),
        case("clear", "set g4 v\nclear g4\nclear never-set\nimgfetch a [${g4}]"),
        case("clear of two", "set g5 v\nclear g5 g6 || imgfetch a ${g5}"),
        case("a value of a number sign", "set g6 #v\nimgfetch a [${g6}]"),
        case("an option as a value", "set g7 -v\nimgfetch a [${g7}]"),
        case("an option as a name", "set -x v || imgfetch a"),
        case("a name behind two hyphens", "set -- g8 v\nimgfetch a [${g8}]"),
        case(
            "inc of what is not set",
            "inc g9\nimgfetch a [${g9}] ${g9:hexraw}\ninc g9 5\n\
            imgfetch a [${g9}]",
        ),
        case("inc of a number", "set ga:int32 7\ninc ga\ninc ga 10\nimgfetch a ${ga}"),
        case("inc of a string", "set gb 7\ninc gb || imgfetch a [${gb}]"),
        case("inc of a string by type", "set gc 7\ninc gc:int8\nimgfetch a [${gc}] ${gc:hexraw}"),
        case("inc with a base", "set gd:int32 0\ninc gd 0x10\ninc gd 010\nimgfetch a ${gd}"),
        case(
            "inc by what is no number",
            "set ge:int32 1\ninc ge x || inc ge 1x || imgfetch a ${ge}",
        ),
        case(
            "inc by nothing",
            "set gf:int32 1\ninc gf ${unset} && imgfetch a ${gf} || \
            imgfetch b ${gf}",
        ),
        case(
            "inc by less than nothing",
            "set gg:int32 5\ninc gg -2 || imgfetch a\n\
            inc -- gg -2\nimgfetch b ${gg}",
        ),
        case(
            "inc over a byte",
            "set gh:int8 127\ninc gh\nset gi:uint8 255\ninc gi\n\
            imgfetch a ${gh} [${gi}] ${gi:hexraw}",
        ),
        case(
            "numbers with bases and signs",
            "set gj:int32 0x1F\nset gk:int32 017\n\
            set gl:int32 -5\nset gm:int32 +5\nset gn:uint32 -1\nset go:int16 70000\n\
            imgfetch a ${gj} ${gk} ${gl} ${gm} ${gn} ${go}",
        ),
        case(
            "numbers that are none",
            "set gp:int32 x || imgfetch a\nset gq:int32 1x || imgfetch b\n\
            set gr:int32 09 || imgfetch c\nset gs:int32 0x && imgfetch d ${gs}",
        ),
        case(
            "numbers of more than 32 bits",
            "set gt:uint32 4294967297\nset gu:int32 2147483648\n\
            imgfetch a ${gt} ${gu}",
        ),
        case(
            "hex with and without colons",
            "set gv:hex 0a:0B:c0\nset gw:hex 0a0b || imgfetch a\n\
            set gx:hexhyp 0a-0b\nset gy:hexraw 0a0B\nimgfetch b ${gv} [${gw}] ${gx} ${gy}",
        ),
        case(
            "hex that is none",
            "set gz:hexraw 0a0 || imgfetch a\nset h1:hex 0a: || imgfetch b\n\
            set h2:hexraw 0g || imgfetch c\nset h3:hexraw 0a 0b || imgfetch d",
        ),
        case(
            "base64 values",
            "set h4:base64 Zm9v\nset h5:base64 Zm8=\nset h6:base64 Zg==\n\
            imgfetch a ${h4:string} ${h5:string} ${h6:string} ${h4}",
        ),
        case(
            "base64 that is none",
            "set h7:base64 Z || imgfetch a\nset h8:base64 Zm8 || imgfetch b\n\
            set h9:base64 Zm8=x || imgfetch c\nset ha:base64 Z*== || imgfetch d",
        ),
        case("base64 with spaces", "set hb:base64 Zm 9v\nimgfetch a ${hb:string}"),
        case(
            "IPv4 addresses",
            "set hc:ipv4 10.1.2.3\nset hd:ipv4 0x10.010.0.1\n\
            imgfetch a ${hc} ${hc:hexraw} ${hd}",
        ),
        case(
            "IPv4 addresses that are none",
            "set he:ipv4 10.1.2 || imgfetch a\n\
            set hf:ipv4 10.1.2.256 || imgfetch b\nset hg:ipv4 10.1.2.3.4 || imgfetch c\n\
            set hh:ipv4 10.1.2.x || imgfetch d",
        ),
        case(
            "a UUID",
            "set hi:uuid 00112233-4455-6677-8899-aabbccddeeff && \
            imgfetch a ${hi} ${hi:hexraw} || imgfetch b",
        ),
        case(
            "a GUID",
            "set hj:guid 00112233-4455-6677-8899-aabbccddeeff && \
            imgfetch a ${hj} ${hj:hexraw} ${hj:uuid} || imgfetch b",
        ),
        case(
            "a UUID that is none",
            "set hk:uuid 0011 || imgfetch a\n\
            set hl:uuid 00112233445566778899aabbccddeeff && imgfetch b ${hl} || imgfetch c",
        ),
        case("a type that is only printed", "set hm:busdevfn 0000:00:03.0 || imgfetch a"),
        case("an unknown type", "set hn:nonsense v || imgfetch a [${hn}]"),
        case("percent-escapes", "set ho:uristring a%20b%2fc%2Fd%zz%4\nimgfetch a [${ho:hexraw}]"),
        case(
            "percent-escapes with a sign",
            "set hp:uristring %+41%-g\n\
            imgfetch a ${hp:hexraw}",
        ),
        case("a percent sign at the end", "set hq:uristring a%\nimgfetch a ${hq:string} ${hq}"),
        case(
            "the type stays with the value",
            "set hr:hexraw 4142\nimgfetch a ${hr} ${hr:string}\n\
            set hr x\nimgfetch a ${hr}",
        ),
        case(
            "scopes",
            "set here/hs inner\nimgfetch a [${hs}] [${here/hs}] [${there/hs}]\n\
            set hs outer\nimgfetch a [${hs}] [${here/hs}]",
        ),
        case(
            "scopes within scopes",
            "set out.in/ht v\nimgfetch a [${ht}] [${out/ht}] \
            [${out.in/ht}] [${in/ht}]",
        ),
        case(
            "two scopes, the first wins",
            "set there/hu two\nset here/hu one\nimgfetch a ${hu}\n\
            clear here/hu\nimgfetch a ${hu}",
        ),
        case(
            "a scope of higher priority",
            "set low/hv low\nset high/hv high\n\
            set high/priority 5\nimgfetch a ${hv}\nset low/priority 9\nimgfetch a ${hv}",
        ),
        case(
            "inc in a scope that is not",
            "inc nowhere/hw || imgfetch a\n\
            set somewhere/hx x\ninc somewhere/hw\nimgfetch b ${hw}",
        ),
        case(
            "DHCP options by number",
            "set 12 name\nimgfetch a ${hostname} ${12} ${0xc} [${12:hex}]\n\
            set hostname other\nimgfetch a ${12}",
        ),
        case("an unknown DHCP option", "set 250 v\nimgfetch a ${250} ${0xfa} [${251}]"),
        case(
            "an encapsulated option",
            "set 175.251 v\nimgfetch a ${175.251} [${251}] ${0xaf.0xfb}",
        ),
        case(
            "a setting with a type of its own",
            "set filename:hexraw 4142\nimgfetch a ${filename}\n\
            set filename name\nimgfetch a ${filename}",
        ),
        case(
            "a MAC address",
            "set mac 52:54:00:ab:cd:ef\nimgfetch a ${mac} ${mac:hexhyp} \
            ${mac:hexraw}\nset mac 525400 || imgfetch b",
        ),
        case(
            "an address in a setting that iPXE knows",
            "set gateway 192.0.2.1\nimgfetch a ${gateway} ${gateway:hexraw}\n\
             set gateway x || imgfetch b",
        ),
        case(
            "the TFTP server, to which 1.21 and before make URIs relative",
            "set next-server 192.0.2.1\nimgfetch --timeout 300 a && exit || exit 7",
        ),
        case(
            "isset",
            "set hy v\nisset ${hy} && imgfetch a\nisset ${unset} || imgfetch b\n\
            isset hy && imgfetch c",
        ),
        case("isset of too much", "isset a b || imgfetch a\nisset || imgfetch b"),
        case("isset of an option", "isset -x || imgfetch a\nisset -- -x && imgfetch b"),
        case(
            "iseq",
            "set hz v\niseq ${hz} v && imgfetch a\niseq ${hz} w || imgfetch b\n\
            iseq ${unset} ${unset} && imgfetch c",
        ),
        case(
            "iseq of too much",
            "set i1:uristring a%20b\niseq ${i1:string} ${i1:string} && \
            imgfetch a\niseq a b c || imgfetch b\niseq a || imgfetch c",
        ),
        case(
            "iseq of numbers",
            "set i2:int32 0x10\niseq ${i2} 16 && imgfetch a\n\
            iseq ${i2:uint32} 0x10 && imgfetch b\niseq 010 8 || imgfetch c",
        ),
        case("iseq is about letters", "iseq A a || imgfetch a\niseq a a && imgfetch b"),
        case("a name with a dot and an underscore", "set i_3.x-y v\nimgfetch a ${i_3.x-y}"),
        case("a name in upper case", "set I4 v\nimgfetch a [${I4}] [${i4}]"),
        case("show", "set i5 v\nshow i5 && imgfetch a\nshow i6-unset || imgfetch b"),
        case(
            "settings that a script inside leaves",
            "set a before\nchain set.ipxe\nimgfetch x ${a}",
        ),
    ]
}
