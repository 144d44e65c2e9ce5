//! The answers of matchbox: `golden/interchange/matchbox-answers` has the answers of matchbox 0.9.0
//! at `/ipxe?mac=…` with `golden/interchange/matchbox` as its data directory.

use std::collections::BTreeMap;
use std::path::Path;

use netboot_ipxe::interchange::PayloadBase;
use netboot_ipxe::interchange::matchbox::{DataDirectory, NetBoot};

use super::order::select;
use super::{golden, manifest};

/// Returns the script that matchbox renders from a profile (`ipxeTemplate` in its `http/ipxe.go`).
fn script(boot: &NetBoot) -> String {
    let mut script = format!("#!ipxe\nkernel {}", boot.kernel);
    for argument in &boot.args {
        script = script + " " + argument;
    }
    for initrd in &boot.initrd {
        script = script + "\ninitrd " + initrd;
    }
    script + "\nboot\n"
}

#[test]
fn each_machine_gets_the_script_that_real_matchbox_made() {
    let fleet = golden::fleet_with_default();
    let base = PayloadBase::matchbox_assets();
    let data = DataDirectory::export(&manifest(&fleet), &fleet, &base).unwrap();
    let answers =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/interchange/matchbox-answers");
    for last in ["01", "02", "03", "04", "99"] {
        let mac = format!("52:54:00:00:00:{last}");
        let labels = BTreeMap::from([("mac".to_owned(), mac.clone())]);
        let group = select(data.groups(), &labels).unwrap();
        let made = script(&data.profiles()[&group.profile].boot);
        let file = answers.join(format!("{}.ipxe", mac.replace(':', "-")));
        assert_eq!(made, std::fs::read_to_string(&file).unwrap(), "{}", file.display());
    }
}
