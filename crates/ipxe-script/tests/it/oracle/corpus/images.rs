//! Images: names, arguments, selection, and scripts that are images.

use crate::oracle::corpus::{Case, case};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("imgfetch and its other names", "imgfetch a 1\nmodule b 2\ninitrd c 3"),
        case("imgselect and its other names", "imgselect a 1\nimgload b 2\nkernel c 3"),
        case("kernel of what is there", "imgfetch --name k a 1 2\nkernel k\nimgfetch b"),
        case("kernel of what is there, with arguments", "imgfetch --name k a 1 2\nkernel k 3"),
        case("kernel twice", "kernel a 1\nkernel a 2\nkernel b 3"),
        case("imgfetch twice", "imgfetch a 1\nimgfetch a 2\nimgargs a 3"),
        case("imgargs", "imgfetch --name k a 1 2\nimgargs k 3 4\nimgargs k 5"),
        case("imgargs without arguments", "imgfetch --name k a 1 2\nimgargs k"),
        case("imgargs of another name", "imgfetch --name k a 1 2\nimgargs kk 3"),
        case("imgargs of what is missing", "imgargs missing 3 || imgfetch a"),
        case(
            "names from URIs",
            "imgfetch dir/a.b.c\nimgfetch d?query\nimgfetch e#fragment\n\
            imgfetch /f/\nimgfetch x%20y",
        ),
        case("two names of one image", "imgfetch --name one a 1\nkernel --name two one 2"),
        case("an empty name", "imgfetch --name= a 1\nkernel ${unset} 2"),
        case("the script's own URI", "kernel ${unset} 1\nimgfetch ${unset} 2"),
        case(
            "a name with spaces",
            "set k1:uristring a%20b\nimgfetch --name ${k1:string} c\n\
            kernel ${k1:string} d",
        ),
        case("a file that is not there", "imgfetch missing || imgfetch a\nkernel missing"),
        case("an empty file", "imgfetch empty && imgfetch a\nkernel empty || imgfetch b"),
        case("arguments that look like a comment", "set k2:hexraw 23\nkernel a ${k2:string}x # y"),
        case("empty arguments", "kernel a ${unset} b ${unset}\nimgfetch b ${unset}"),
        case("imgfree", "imgfetch a\nimgfetch b\nimgfree a\nimgfetch c"),
        case("imgfree of all", "imgfetch a\nkernel b\nimgfree\nimgfetch c\nboot"),
        case(
            "imgfree of some that are not there",
            "imgfetch a\nimgfetch b\nimgfree a no b || \
            imgfetch c",
        ),
        case("imgfree of one of two of a name", "imgfetch a 1\nimgfetch a 2\nimgfree a"),
        case("imgstat", "imgfetch a\nimgstat a && imgfetch b\nimgstat no || imgfetch c\nimgstat"),
        case("boot with nothing selected", "imgfetch a\nboot || imgfetch no\nimgfetch b"),
        case("boot with nothing selected and options", "boot --autofree --name x\nimgfetch a"),
        case("boot of what is missing", "boot missing || imgfetch a"),
        case("chain", "chain good.ipxe\nimgfetch a"),
        case("chain of a script that fails", "chain bad.ipxe || imgfetch a\nimgfetch b"),
        case("chain of a script that fails, unguarded", "chain bad.ipxe\nimgfetch no"),
        case("chain of what is missing", "chain missing.ipxe || imgfetch a"),
        case("chain of an empty file", "chain empty || imgfetch a"),
        case("chain with autofree", "chain --autofree good.ipxe\nchain --autofree bad.ipxe ||"),
        case(
            "chain with a name and arguments",
            "imgfetch a\nchain --name s good.ipxe 1 2\nimgfetch b",
        ),
        case("chain by name", "imgfetch --name s good.ipxe\nimgfetch a\nchain s\nchain s"),
        case("chain of a script that exits", "chain exit.ipxe && imgfetch a"),
        case("chain of a script that exits with a status", "chain exit-3.ipxe || imgfetch a"),
        case("chain of a script that fetches", "chain dir/fetch.ipxe\nimgfetch a"),
        case("chain of a script that fetches, at a root", "chain /fetch.ipxe\nimgfetch a"),
        case("chain of a script that selects", "chain kernel.ipxe\nimgargs inner x"),
        case("chain of a script that chains", "chain dir/nested.ipxe\nimgfetch a"),
        case("chain of a script that jumps", "chain goto.ipxe\nimgfetch a\n:away imgfetch no"),
        case("chain with replace", "chain --replace good.ipxe\nimgfetch no"),
        case("chain with replace, failing", "chain --replace bad.ipxe || imgfetch no\nimgfetch no"),
        case("chain with replace of what is missing", "chain --replace missing || imgfetch a"),
        case("a selected script", "kernel good.ipxe\nboot\nimgfetch a\nboot"),
        case(
            "a selected script with autofree",
            "kernel --autofree good.ipxe\nboot\nboot\nimgfetch a",
        ),
        case(
            "a selected script by another name",
            "kernel --name k good.ipxe x\nimgfetch a\nimgexec",
        ),
        case(
            "boot gives a name and arguments",
            "kernel good.ipxe\nboot --name n\nimgfetch a\n\
            boot n 1 2",
        ),
        case(
            "a kernel that is no program, behind one that is",
            "kernel a x\nkernel empty ||\nimgfetch b",
        ),
        case("a kernel that is no program", "kernel empty x ||\nimgfetch a"),
    ]
}
