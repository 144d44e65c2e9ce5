//! Every hint of the linter is followed: the script with the finding is changed as the hint says,
//! and then has no finding. `lint_oracle` runs many of these scripts in iPXE.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use ipxe_script::{LintFinding, LintFindingKind};

use crate::lint_build::lint_for_its_machines;

/// Follows a hint: the code of the finding, a part of the hint, and the change that it asks for.
type Row = (&'static str, &'static str, fn(&str) -> String);

/// Replaces a text that the script has.
fn with(script: &str, old: &str, new: &str) -> String {
    assert!(script.contains(old), "{script}");
    script.replacen(old, new, 1)
}

/// Keeps only the first words of each line, and what follows `||`.
fn shortened(script: &str) -> String {
    let shorten = |line: &str| {
        let (command, rest) = line.split_once(" || ").unwrap_or((line, ""));
        let words: Vec<&str> = command.split(' ').take(200).collect();
        let words = words.iter().map(|word| word.chars().take(100).collect::<String>());
        let words = words.collect::<Vec<_>>().join(" ");
        if rest.is_empty() { words } else { format!("{words} || {rest}") }
    };
    script.lines().map(|line| shorten(line) + "\n").collect()
}

/// The hints for the scripts `lint/<code>/bad.ipxe`.
const OF_FILES: &[Row] = &[
    ("magic", "start the script with the line", |it| with(it, "#!iPXE", "#!ipxe")),
    ("carriage-return", "with a space elsewhere", |it| with(it, "\r", " ")),
    ("nul", "remove the NUL", |it| with(it, "\0", "")),
    ("not-ascii", "use ASCII only", |it| with(it, "Grüße", "Gruesse")),
    ("control-character", "replace the character with a space", |it| with(it, "\u{1b}", " ")),
    ("open-end", "add the missing line", |it| format!("{it}two\n")),
    ("continued-comment", "remove the `\\`", |it| with(it, "\\\n", "\n")),
    ("comment-hides-separator", "put another character before", |it| with(it, "#7", "no.#7")),
    ("comment-cuts-arguments", "put another character before", |it| with(it, "#7", "no.#7")),
    ("glued-separator", "a space on each side", |it| with(it, "one&&", "one &&")),
    ("dangling-separator", "add the missing command", |it| with(it, "&&\n", "&& ")),
    ("shell-syntax", "remove it", |it| with(it, "\"My menu\"", "My menu")),
    ("split-expansion", "without spaces", |it| {
        with(it, "echo ${my title}", "set my-title one\necho ${my-title}")
    }),
    ("open-expansion", "put a `}`", |it| with(it, "${serial", "${serial}")),
    ("unknown-command", "put `||` after it", |it| with(it, "poweroff", "poweroff ||")),
    ("unknown-option", "put `--` before", |it| with(it, "--colour", "-- --colour")),
    ("option-value", "a value of the right form", |it| with(it, "5s", "5000")),
    ("malformed-number", "without a unit", |it| with(it, "5s", "5")),
    ("argument-count", "the number of arguments", |it| {
        with(it, "iseq ${serial}", "iseq ${serial} 1")
    }),
    ("too-many-arguments", "remove kernel parameters", shortened),
    ("too-many-words", "split the line", |it| {
        let middle = it.len() / 2;
        let space = middle + it[middle..].find(' ').unwrap();
        format!("{}\necho{}", &it[..space], &it[space..])
    }),
    ("command-line-too-long", "remove kernel parameters", shortened),
    ("misplaced-option", "options before", |it| {
        with(it, "menu.ipxe --autofree", "--autofree menu.ipxe")
    }),
    ("missing-protocol", "a protocol that the build has", |it| with(it, "https:", "http:")),
    ("reencoded-escape", "a name of ASCII letters", |it| with(it, "a%2Fb.ipxe", "a-b.ipxe")),
    ("zero-sleep", "the number of seconds", |it| with(it, "sleep 0", "sleep 3")),
    ("constant-condition", "into `${…}`", |it| with(it, "isset serial", "isset ${serial}")),
    ("undefined-label", "correct its name", |it| {
        with(it, "fialed", "failed") + ":failed\necho it failed\nexit 1\n"
    }),
    ("duplicate-label", "another name", |it| {
        let last = it.rfind(":failed").unwrap();
        format!("{}{}", &it[..last], with(&it[last..], ":failed", ":other"))
    }),
    ("dynamic-label", "put `||` after the jump", |it| {
        with(it, "goto ${net0/mac:hexhyp}", "goto ${net0/mac:hexhyp} || goto unknown")
            + ":unknown\necho unknown\n"
    }),
    ("expansion-in-label", "without an expansion", |it| with(it, ":${serial}", ":4711")),
    ("unreachable", "remove these commands", |it| with(it, "echo never\n", "")),
    ("never-set", "set it, correct its name", |it| {
        with(it, "echo ${titel}", "set titel A\necho ${titel}")
    }),
    ("missing-setting", "an iPXE build that has", |it| {
        with(it, "#!ipxe\n", "#!ipxe\n# build: trixie\n")
    }),
    ("unknown-setting-type", "hexhyp", |it| with(it, "hexhypen", "hexhyp")),
    ("self-reference", "another value", |it| with(it, "247b6c6f6f703a737472696e677d", "31")),
    ("not-a-number", "write `set round:int32 …`", |it| {
        with(it, "set round 0", "set round:int32 0")
    }),
    ("unknown-default", "name an item", |it| with(it, "tow", "two")),
    ("choose-without-items", "add items", |it| with(it, "item --gap", "item one One\nitem --gap")),
    ("item-without-menu", "put a `menu`", |it| with(it, "#!ipxe\n", "#!ipxe\nmenu Images\n")),
    ("nothing-selected", "a `kernel` command succeeds", |it| {
        with(it, "kernel vmlinuz ||", "kernel vmlinuz || goto failed")
    }),
    ("stray-images", "put `imgfree`", |it| with(it, "kernel ", "imgfree\nkernel ")),
    ("unnamed-initrd", "give it a name with `--name`", |it| {
        with(it, "initrd initrd-", "initrd --name initrd initrd-")
    }),
    ("initrd-not-loaded", "add `initrd=initrd`", |it| with(it, "quiet", "initrd=initrd quiet")),
    ("unknown-initrd", "fetch it with", |it| {
        with(it, "boot ||", "initrd --name overlay o || goto failed\nboot ||")
    }),
    ("duplicate-image", "its own `--name`", |it| {
        let it = with(it, "--name initrd two", "--name two two");
        with(&it, "initrd=initrd", "initrd=initrd initrd=two")
    }),
    ("unknown-image", "correct the name", |it| with(it, "imgargs vmlinux", "imgargs vmlinuz")),
    ("unverified-image", "put `imgverify initrd", |it| {
        with(it, "initrd.sig ||\n", "initrd.sig || goto failed\n")
    }),
    ("unsigned-program", "fetch a program that a key of the firmware signed", |it| {
        with(it, "kernel bzImage", "kernel vmlinuz")
    }),
    ("arguments-of-uki", "remove the arguments", |it| with(it, " quiet", "")),
    ("initrd-of-uki", "remove the `initrd` command", |it| {
        with(it, "initrd --name initrd initrd || goto failed\n", "")
    }),
    ("verify-without-trust", "put `imgtrust || goto failed`", |it| {
        with(it, "imgverify", "imgtrust || goto failed\nimgverify")
    }),
    ("closure-without-source", "add `netboot.from=`", |it| {
        with(it, "netboot.index", "netboot.from=http://boot.example/ netboot.index")
    }),
    ("unusable-closure-source", "an absolute `http://` URL", |it| with(it, "https://", "http://")),
    ("malformed-closure-index", "64 hexadecimal digits", |it| {
        with(it, "5f2b8e3f", &"5f2b8e3f".repeat(8))
    }),
    ("closure-without-card", "add `BOOTIF=01-${netX/mac:hexhyp}`", |it| {
        with(it, "netboot.from", "BOOTIF=01-${netX/mac:hexhyp} netboot.from")
    }),
    ("unhandled-failure", "put `|| goto failed` after it", |it| {
        with(it, "chain a.ipxe", "chain a.ipxe || goto failed")
            + "exit 1\n:failed\necho a.ipxe is missing\nexit 1\n"
    }),
    ("exit-to-firmware-menu", "write `exit 1`", |it| {
        it.replace("exit 0\n", "exit\n").replace("exit\n", "exit 1\n")
    }),
    ("endless-retry", "put a `sleep`", |it| with(it, ":again\n", ":again\nsleep 1\n")),
];

/// Lints a script, and the script after the change.
fn follow(name: &str, script: &str, hint: &str, change: fn(&str) -> String) -> String {
    let code = |script: &str| -> Vec<String> {
        let findings = lint_for_its_machines(script.as_bytes());
        findings.iter().map(|it| format!("{it} [{}]", it.kind.code())).collect()
    };
    let findings = lint_for_its_machines(script.as_bytes());
    let said = findings.iter().any(|finding| finding.hint().contains(hint));
    let left = code(&change(script));
    if said && left.is_empty() {
        return String::new();
    }
    let hints: Vec<String> = findings.iter().map(LintFinding::hint).collect();
    format!("{name}: {hints:?}, afterwards {left:?}\n")
}

#[test]
fn a_script_has_no_finding_after_its_hint_was_followed() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lint");
    let mut failures = String::new();
    for (code, hint, change) in OF_FILES {
        let script = fs::read(directory.join(code).join("bad.ipxe")).unwrap();
        failures += &follow(code, &String::from_utf8(script).unwrap(), hint, *change);
    }
    assert!(failures.is_empty(), "{failures}");
    let tried: BTreeSet<&str> = OF_FILES.iter().map(|(code, ..)| *code).collect();
    assert_eq!(tried, LintFindingKind::CODES.iter().copied().collect());
}

#[test]
fn hints_that_depend_on_the_build_can_be_followed() {
    const ROWS: &[Row] = &[
        ("#!ipxe\nehco Hello\n", "correct the name; in iPXE, `help`", |it| {
            with(it, "ehco", "echo")
        }),
        (
            "#!ipxe\nread --timeout 500 a ||\nread --timeout 500 b\n",
            "do without the option",
            |it| with(it, "read --timeout 500 b", "read b"),
        ),
        ("#!ipxe\nread --timeout 500 b\n", "use a later iPXE build", |it| {
            with(it, "#!ipxe\n", "#!ipxe\n# build: trixie\n")
        }),
        ("#!ipxe\npoweroff\n", "an iPXE build that has `poweroff`", |it| {
            with(it, "#!ipxe\n", "#!ipxe\n# build: sid\n")
        }),
        ("#!ipxe\necho ${sit}\n", "or test with `isset`", |it| {
            with(it, "echo", "isset ${sit} || set sit a\necho")
        }),
    ];
    let mut failures = String::new();
    for (script, hint, change) in ROWS {
        failures += &follow(script, script, hint, *change);
    }
    assert!(failures.is_empty(), "{failures}");
}
