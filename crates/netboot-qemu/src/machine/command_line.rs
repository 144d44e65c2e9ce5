//! The arguments of QEMU.

use std::path::{Path, PathBuf};

use netboot_core::MacAddress;

use crate::accelerator::Accelerator;
use crate::firmware::Firmware;
use crate::machine::boot_source::{BootSource, NetworkLink};
use crate::machine::forward::Forward;
use crate::network_card::NetworkCard;
use crate::platform::Platform;
use crate::system_identity::SystemIdentity;
use crate::uefi_files::UefiFiles;

/// The settings that determine QEMU's arguments.
#[derive(Debug)]
pub(super) struct CommandLine<'a> {
    pub(super) name: &'a str,
    pub(super) memory_mib: u32,
    pub(super) cpus: u32,
    /// `None` is the model that suits the firmware and the boot source.
    pub(super) network_card: Option<NetworkCard>,
    pub(super) mac: MacAddress,
    pub(super) disks: &'a [PathBuf],
    /// The disk that the firmware boots from after the network card.
    pub(super) boot_disk: Option<&'a Path>,
    pub(super) identity: &'a SystemIdentity,
    /// The only way out of QEMU's network, if it is isolated.
    pub(super) forward: Option<Forward>,
    pub(super) platform: &'static Platform,
    pub(super) accelerator: Accelerator,
    /// `None` under BIOS.
    pub(super) uefi: Option<&'a UefiFiles>,
    /// The socket of the TPM.
    pub(super) tpm: Option<&'a Path>,
    pub(super) source: &'a BootSource,
}

impl CommandLine<'_> {
    pub(super) fn arguments(&self) -> Vec<String> {
        let mut arguments: Vec<String> = Vec::new();
        let mut add =
            |texts: &[&str]| arguments.extend(texts.iter().map(|text| String::from(*text)));
        add(&["-name", self.name]);
        add(self.accelerator.arguments());
        let firmware = self.uefi.map_or(Firmware::Bios, |files| files.firmware);
        add(&self.platform.arguments(firmware, self.accelerator));
        add(&["-m", &self.memory_mib.to_string(), "-smp", &self.cpus.to_string()]);
        add(&["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"]);
        add(&["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"]);
        let identity = self.identity.arguments();
        add(&identity.iter().map(String::as_str).collect::<Vec<_>>());
        // Without it, Linux waits for entropy, for example for the keys of an SSH server.
        add(&["-device", "virtio-rng-pci"]);
        for (number, image) in self.disks.iter().enumerate() {
            let drive = format!("if=none,id=disk{number},format=raw,file={}", option_value(image));
            add(&["-drive", &drive, "-device", &format!("virtio-blk-pci,drive=disk{number}")]);
        }
        if let Some(image) = self.boot_disk {
            let fat = if image.is_dir() { "fat:" } else { "" };
            let file = option_value(image);
            let drive = format!("if=none,id=boot,format=raw,readonly=on,file={fat}{file}");
            add(&["-drive", &drive, "-device", "virtio-blk-pci,drive=boot,bootindex=9"]);
        }
        if let Some(socket) = self.tpm {
            let socket = option_value(socket);
            add(&["-chardev", &format!("socket,id=tpm,path={socket}")]);
            add(&["-tpmdev", "emulator,id=tpm0,chardev=tpm", "-device", "tpm-crb,tpmdev=tpm0"]);
        }
        let mut card = match self.uefi {
            None => NetworkCard::Virtio,
            // OVMF has its own driver for virtio cards, and then does not offer the card's iPXE.
            Some(files) => {
                let code = option_value(&files.code);
                let variables = option_value(&files.variables);
                if files.firmware == Firmware::UefiSecureBoot && self.platform.has_bios {
                    // Only System Management Mode writes the variables.
                    add(&["-global", "driver=cfi.pflash01,property=secure,value=on"]);
                }
                let code = format!("if=pflash,format=raw,unit=0,readonly=on,file={code}");
                add(&["-drive", &code]);
                add(&["-drive", &format!("if=pflash,format=raw,unit=1,file={variables}")]);
                NetworkCard::E1000
            }
        };
        let mut has_rom = true;
        let user = self.forward.map_or_else(
            || "user,id=n0".to_owned(),
            |forward| format!("user,id=n0,{}", forward.option()),
        );
        let network = match self.source {
            BootSource::Url(url) => format!("{user},bootfile={}", escaped(url)),
            BootSource::Tftp { directory, file } => {
                format!("{user},tftp={},bootfile={file}", option_value(directory))
            }
            BootSource::Ipxe { program, script } => {
                has_rom = false;
                add(&["-kernel", &program.to_string_lossy()]);
                add(&["-initrd", &option_value(script)]);
                user
            }
            BootSource::Drive { directory } => {
                if !self.platform.has_bios {
                    card = NetworkCard::Virtio;
                }
                has_rom = false;
                let file = option_value(directory);
                let drive = format!("if=none,id=d0,format=raw,readonly=on,file=fat:{file}");
                add(&["-drive", &drive, "-device", "virtio-blk-pci,drive=d0,bootindex=0"]);
                user
            }
            BootSource::Dhcp(link) => {
                // UEFI has its own PXE. BIOS uses the PXE of the card, which is iPXE.
                if self.uefi.is_some() {
                    card = NetworkCard::Virtio;
                    has_rom = false;
                }
                link_option(link)
            }
            BootSource::Variables | BootSource::HttpByDhcp(_) => {
                card = NetworkCard::Virtio;
                has_rom = false;
                // The firmware would try PXE first (`OvmfPkg/Library/PxeBcPcdProducerLib`).
                for version in ["IPv4", "IPv6"] {
                    let name = format!("name=opt/org.tianocore/{version}PXESupport,string=n");
                    add(&["-fw_cfg", &name]);
                }
                match self.source {
                    BootSource::HttpByDhcp(link) => link_option(link),
                    _ => user,
                }
            }
        };
        add(&["-netdev", &network]);
        // If any device has a boot index, OVMF does not boot devices without one.
        let index = i32::from(matches!(self.source, BootSource::Drive { .. }));
        let card = self.network_card.unwrap_or(card).device();
        let rom = if has_rom { "" } else { ",romfile=" };
        add(&["-device", &format!("{card}{rom},netdev=n0,bootindex={index},mac={}", self.mac)]);
        arguments
    }
}

fn link_option(link: &NetworkLink) -> String {
    match link {
        NetworkLink::Tap { interface } => {
            let interface = escaped(interface);
            format!("tap,id=n0,ifname={interface},script=no,downscript=no")
        }
        NetworkLink::Sockets { local, remote } => format!(
            "dgram,id=n0,local.type=unix,local.path={},remote.type=unix,remote.path={}",
            option_value(local),
            option_value(remote)
        ),
    }
}

/// Returns a path as a value in an option.
fn option_value(path: &Path) -> String {
    escaped(&path.to_string_lossy())
}

/// Doubles the commas of a value. In QEMU's options, a comma ends a value, and two commas stand for
/// one (QEMU manual, "Introduction").
fn escaped(text: &str) -> String {
    text.replace(',', ",,")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(uefi: Option<&UefiFiles>, source: &BootSource) -> Vec<String> {
        let mac = "52:54:00:00:00:07".parse().unwrap();
        let accelerator = Accelerator::Tcg;
        let identity = &SystemIdentity::default();
        CommandLine {
            name: "n",
            memory_mib: 512,
            cpus: 2,
            network_card: None,
            mac,
            disks: &["/d,e/disk".into()],
            boot_disk: None,
            identity,
            forward: None,
            platform: Platform::X86_64,
            accelerator,
            uefi,
            tpm: None,
            source,
        }
        .arguments()
    }

    #[test]
    fn a_comma_in_a_url_stays_in_the_url() {
        let source = BootSource::Url("http://10.0.2.2/a,hostfwd=tcp::22-:22".to_owned());
        let arguments = arguments(None, &source);
        let network = arguments.iter().find(|argument| argument.starts_with("user,")).unwrap();
        assert_eq!(network, "user,id=n0,bootfile=http://10.0.2.2/a,,hostfwd=tcp::22-:22");
        let card = "virtio-net-pci,netdev=n0,bootindex=0,mac=52:54:00:00:00:07";
        assert!(arguments.iter().any(|argument| argument == card), "{arguments:?}");
    }

    #[test]
    fn on_another_network_firmware_boots_by_itself() {
        let files =
            UefiFiles { code: "/CODE".into(), variables: "/VARS".into(), firmware: Firmware::Uefi };
        let link = NetworkLink::Sockets { local: "/a,b/qemu".into(), remote: "/a,b/wire".into() };
        let network = "dgram,id=n0,local.type=unix,local.path=/a,,b/qemu,remote.type=unix,\
                       remote.path=/a,,b/wire";
        let card = "virtio-net-pci,romfile=,netdev=n0,bootindex=0,mac=52:54:00:00:00:07";
        let by_uefi = arguments(Some(&files), &BootSource::Dhcp(link));
        for expected in [network, card] {
            assert!(by_uefi.iter().any(|argument| argument == expected), "{by_uefi:?}");
        }
        let link = NetworkLink::Tap { interface: "tap0,script=x".into() };
        let by_bios = arguments(None, &BootSource::Dhcp(link));
        let network = "tap,id=n0,ifname=tap0,,script=x,script=no,downscript=no";
        let card = "virtio-net-pci,netdev=n0,bootindex=0,mac=52:54:00:00:00:07";
        for expected in [network, card] {
            assert!(by_bios.iter().any(|argument| argument == expected), "{by_bios:?}");
        }
    }

    #[test]
    fn firmware_is_read_only_and_its_variables_are_not() {
        let files = UefiFiles {
            code: "/a,b/CODE".into(),
            variables: "/c/VARS".into(),
            firmware: Firmware::Uefi,
        };
        let source = BootSource::Tftp { directory: "/t,u".into(), file: "x" };
        let arguments = arguments(Some(&files), &source);
        for expected in [
            "if=pflash,format=raw,unit=0,readonly=on,file=/a,,b/CODE",
            "if=pflash,format=raw,unit=1,file=/c/VARS",
            "user,id=n0,tftp=/t,,u,bootfile=x",
            "if=none,id=disk0,format=raw,file=/d,,e/disk",
            "e1000,netdev=n0,bootindex=0,mac=52:54:00:00:00:07",
        ] {
            assert!(arguments.iter().any(|argument| argument == expected), "{arguments:?}");
        }
    }
}
