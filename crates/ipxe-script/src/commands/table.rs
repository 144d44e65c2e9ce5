//! The commands of iPXE that a script can use (`src/hci/commands`, `src/core/exec.c` and
//! `src/image/script.c` of iPXE).

use crate::commands::syntax::{
    ARGUMENT_LIMIT, CommandSyntax, OptionSyntax, OptionValue, ValueForm,
};
use crate::dialect::Version;

const fn flag(long: &'static str, short: u8) -> OptionSyntax {
    OptionSyntax { long, short, value: OptionValue::None, since: Version::V2019 }
}

const fn with(long: &'static str, short: u8, form: ValueForm) -> OptionSyntax {
    OptionSyntax { long, short, value: OptionValue::Required(form), since: Version::V2019 }
}

const fn since(version: Version, option: OptionSyntax) -> OptionSyntax {
    OptionSyntax { since: version, ..option }
}

type Options = &'static [OptionSyntax];

const fn command(
    name: &'static str,
    all_options: Options,
    minimum: usize,
    maximum: usize,
) -> CommandSyntax {
    CommandSyntax { name, all_options, minimum, maximum, since: Version::V2019 }
}

const fn later(command: CommandSyntax) -> CommandSyntax {
    CommandSyntax { since: Version::V1_21, ..command }
}

const TIMEOUT: OptionSyntax = with("timeout", b't', ValueForm::Number);
const NAME: OptionSyntax = with("name", b'n', ValueForm::Text);
const KEEP: OptionSyntax = flag("keep", b'k');
const AUTOFREE: OptionSyntax = flag("autofree", b'a');

const IMAGE: Options = &[NAME, TIMEOUT, AUTOFREE];
const EXECUTE: Options = &[NAME, TIMEOUT, AUTOFREE, flag("replace", b'r')];
const INTERFACE: Options =
    &[with("configurator", b'c', ValueForm::Device), since(Version::V1_21, TIMEOUT)];
const CERTIFICATE: Options = &[with("subject", b's', ValueForm::Text)];
const CERTIFICATE_STORE: Options = &[with("subject", b's', ValueForm::Text), KEEP];
const DIGEST: Options = &[since(Version::V2_0, with("set", b's', ValueForm::Setting))];
const DIALOGUE: Options = &[NAME, flag("delete", b'd')];
const ITEM: Options = &[
    with("menu", b'm', ValueForm::Text),
    since(Version::V1_21, with("form", b'f', ValueForm::Text)),
    with("key", b'k', ValueForm::Key),
    flag("default", b'd'),
    since(Version::V1_21, flag("secret", b's')),
    flag("gap", b'g'),
];
const CHOOSE: Options = &[
    with("menu", b'm', ValueForm::Text),
    with("default", b'd', ValueForm::Text),
    TIMEOUT,
    since(Version::V1_21, with("retimeout", b'r', ValueForm::Number)),
    KEEP,
];
const DRIVE: OptionSyntax = with("drive", b'd', ValueForm::Number);
const DESCRIBE: OptionSyntax = flag("no-describe", b'n');
const SANBOOT: Options = &[
    DRIVE,
    DESCRIBE,
    KEEP,
    with("filename", b'f', ValueForm::Text),
    since(Version::V1_21, with("extra", b'e', ValueForm::Text)),
    since(Version::V1_21, with("label", b'l', ValueForm::Text)),
    since(Version::V1_21, with("uuid", b'u', ValueForm::Text)),
];
const CONSOLE: Options = &[
    with("x", b'x', ValueForm::Number),
    with("y", b'y', ValueForm::Number),
    with("left", b'l', ValueForm::Number),
    with("right", b'r', ValueForm::Number),
    with("top", b't', ValueForm::Number),
    with("bottom", b'b', ValueForm::Number),
    with("depth", b'd', ValueForm::Number),
    with("picture", b'p', ValueForm::Text),
    KEEP,
];
const CPUID: Options = &[flag("ext", b'e'), flag("amd", b'a'), flag("ecx", b'c')];
const PING: Options = &[
    with("size", b's', ValueForm::Number),
    TIMEOUT,
    with("count", b'c', ValueForm::Number),
    flag("quiet", b'q'),
];
const SHIM: Options =
    &[TIMEOUT, flag("require-loader", b'l'), flag("allow-pxe", b'p'), flag("allow-sbat", b's')];
const TRUST: Options = &[flag("allow", b'a'), flag("permanent", b'p')];
const VERIFY: Options = &[with("signer", b's', ValueForm::Text), KEEP, TIMEOUT];
const EXTRACT: Options = &[NAME, KEEP, TIMEOUT];
const REBOOT: Options = &[flag("warm", b'w'), since(Version::V1_21, flag("setup", b's'))];
const PARAM: Options =
    &[with("params", b'p', ValueForm::Text), since(Version::V1_21, flag("header", b'H'))];
const COLOUR: Options =
    &[with("basic", b'b', ValueForm::Number), with("rgb", b'r', ValueForm::Number)];
const COLOUR_PAIR: Options =
    &[with("foreground", b'f', ValueForm::Number), with("background", b'b', ValueForm::Number)];
const VLAN: Options =
    &[with("tag", b't', ValueForm::Number), with("priority", b'p', ValueForm::Number)];
const READ: Options = &[since(Version::V1_21, TIMEOUT)];
const ANY: usize = ARGUMENT_LIMIT;

/// All commands, ordered by name. `shell` and `help` are left out: they ignore their arguments.
pub(crate) static COMMANDS: [CommandSyntax; 81] = [
    command("autoboot", &[], 0, ANY),
    command("boot", EXECUTE, 0, ANY),
    command("certfree", CERTIFICATE, 0, 0),
    command("certstat", CERTIFICATE, 0, 0),
    command("certstore", CERTIFICATE_STORE, 0, 1),
    command("chain", EXECUTE, 0, ANY),
    command("choose", CHOOSE, 1, 1),
    command("clear", &[], 1, 1),
    command("colour", COLOUR, 1, 1),
    command("config", &[], 0, 1),
    command("console", CONSOLE, 0, 0),
    command("cpair", COLOUR_PAIR, 1, 1),
    command("cpuid", CPUID, 1, 1),
    command("dhcp", INTERFACE, 0, ANY),
    command("echo", &[flag("n", b'n')], 0, ANY),
    command("exit", &[], 0, 1),
    later(command("fdt", &[TIMEOUT], 0, 1)),
    later(command("form", DIALOGUE, 0, ANY)),
    command("goto", &[], 1, 1),
    command("ibstat", &[], 0, 0),
    command("ifclose", &[], 0, ANY),
    command("ifconf", INTERFACE, 0, ANY),
    later(command("iflinkwait", &[TIMEOUT], 0, ANY)),
    command("ifopen", &[], 0, ANY),
    command("ifstat", &[], 0, ANY),
    command("imgargs", IMAGE, 1, ANY),
    later(command("imgdecrypt", EXTRACT, 2, 2)),
    command("imgexec", EXECUTE, 0, ANY),
    later(command("imgextract", EXTRACT, 1, 1)),
    command("imgfetch", IMAGE, 1, ANY),
    command("imgfree", &[], 0, ANY),
    command("imgload", IMAGE, 1, ANY),
    later(command("imgmem", &[NAME], 2, 2)),
    command("imgselect", IMAGE, 1, ANY),
    command("imgstat", &[], 0, ANY),
    command("imgtrust", TRUST, 0, 0),
    command("imgverify", VERIFY, 2, 2),
    command("inc", &[], 1, 2),
    command("initrd", IMAGE, 1, ANY),
    command("ipstat", &[], 0, 0),
    command("iseq", &[], 2, 2),
    command("isset", &[], 1, 1),
    command("item", ITEM, 0, ANY),
    command("iwlist", &[], 0, ANY),
    command("iwstat", &[], 0, ANY),
    command("kernel", IMAGE, 1, ANY),
    command("login", &[], 0, 0),
    command("md5sum", DIGEST, 1, ANY),
    command("menu", DIALOGUE, 0, ANY),
    command("module", IMAGE, 1, ANY),
    command("nslookup", &[], 2, 2),
    command("nstat", &[], 0, 0),
    command("ntp", &[], 1, 1),
    command("param", PARAM, 1, ANY),
    command("params", DIALOGUE, 0, 0),
    later(command("pciscan", &[], 1, 1)),
    command("ping", PING, 1, 1),
    command("poweroff", &[], 0, 0),
    later(command("present", &[with("form", b'f', ValueForm::Text), KEEP], 0, 0)),
    command("prompt", &[with("key", b'k', ValueForm::Key), TIMEOUT], 0, ANY),
    command("pxebs", &[], 2, 2),
    command("read", READ, 1, 1),
    command("reboot", REBOOT, 0, 0),
    command("route", &[], 0, 0),
    command("sanboot", SANBOOT, 0, ANY),
    command("sanhook", &[DRIVE, DESCRIBE], 1, ANY),
    command("sanunhook", &[DRIVE], 0, 0),
    command("set", &[], 1, ANY),
    command("sha1sum", DIGEST, 1, ANY),
    command("sha224sum", DIGEST, 1, ANY),
    command("sha256sum", DIGEST, 1, ANY),
    command("sha384sum", DIGEST, 1, ANY),
    command("sha512sum", DIGEST, 1, ANY),
    later(command("shim", SHIM, 0, 1)),
    command("show", &[], 1, 1),
    command("sleep", &[], 1, 1),
    command("sync", &[TIMEOUT], 0, 0),
    command("time", &[], 1, ANY),
    later(command("usbscan", &[], 1, 1)),
    command("vcreate", VLAN, 1, 1),
    command("vdestroy", &[], 1, 1),
];

impl CommandSyntax {
    /// Finds the command of this name in a version.
    pub fn find(name: &[u8], version: Version) -> Option<&'static Self> {
        let index = COMMANDS.binary_search_by(|command| command.name.as_bytes().cmp(name)).ok()?;
        COMMANDS.get(index).filter(|command| command.since <= version)
    }

    /// All commands of a version, ordered by name.
    pub fn all(version: Version) -> impl Iterator<Item = &'static Self> {
        COMMANDS.iter().filter(move |command| command.since <= version)
    }
}
