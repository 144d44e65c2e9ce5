//! The parts of a prebuilt image, and how to find them in a directory.

use std::path::{Path, PathBuf};

use crate::architecture::Architecture;
use crate::blocking::blocking;
use crate::command_line::{InitPath, KernelParameter, split_parameters};
use crate::error::Error;
use crate::invalid_value::InvalidValue;
use crate::prebuilt::closure::ClosureFiles;
use crate::prebuilt::file_names::BootFiles;
use crate::regular_file::read_text;

/// The maximum size in bytes of the files `init`, `kernel-params` and `netboot.ipxe`.
const TEXT_LIMIT: u64 = 1024 * 1024;

/// The ends of the names of archives, such as nixos-images' `nixos-kexec-installer-….tar.gz`.
const ARCHIVES: [&str; 5] = [".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.zst"];

/// The starts of parameters that each script gets anew: those of the boot loader, and those of a
/// closure, whose machines fetch from the place of the script.
const RENDERED: [&str; 5] = ["init=", "initrd=", "netboot.index=", "netboot.from=", "BOOTIF="];

/// The parts of an image before they are checked.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    pub(super) kernel: PathBuf,
    pub(super) initrds: Vec<PathBuf>,
    pub(super) init: InitPath,
    pub(super) kernel_parameters: Vec<KernelParameter>,
    pub(super) closure: Option<ClosureFiles>,
}

impl Parts {
    /// Finds the parts of an image in a directory of a known layout.
    pub(super) async fn find(directory: &Path, architecture: Architecture) -> Result<Self, Error> {
        let metadata = tokio::fs::metadata(directory).await;
        if !metadata.map_err(|source| Error::io("open", directory, source))?.is_dir() {
            let name = directory.to_string_lossy();
            let is_archive = ARCHIVES.iter().any(|end| name.ends_with(end));
            let problem = if is_archive { "it is an archive" } else { "it is not a directory" };
            return Err(unrecognised(directory, problem.to_owned()));
        }
        let (listed, system) = (directory.to_owned(), architecture.nix_system());
        let files = blocking(move || BootFiles::list(&listed, architecture)).await?;
        let (kernel, initrd) = (files.kernel()?, files.initrd()?);
        let plain = directory.join("netboot.ipxe");
        let with_system = directory.join(format!("netboot-{system}.ipxe"));
        let has_system = initrd.to_string_lossy().ends_with(&system);
        let script = match (plain.is_file(), with_system.is_file()) {
            (true, true) if has_system => with_system,
            (false, true) => with_system,
            _ => plain,
        };

        let (init, line) = (directory.join("init"), directory.join("kernel-params"));
        let (init, kernel_parameters) = if init.is_file() {
            let (init, line) = (read(&init).await?, read(&line).await?);
            (InitPath::new(init.trim())?, parameters(split_parameters(&line))?)
        } else if script.is_file() {
            parse_script(&read(&script).await?).ok_or_else(|| {
                unrecognised(&script, "it has no `kernel` line with `init=`".to_owned())
            })??
        } else {
            let name = script.file_name().unwrap_or_default().display();
            return Err(unrecognised(
                directory,
                format!("it contains neither `init` nor `{name}`"),
            ));
        };
        let closure = ClosureFiles::find(directory).await?;
        Ok(Self { kernel, initrds: vec![initrd], init, kernel_parameters, closure })
    }
}

fn unrecognised(path: &Path, problem: String) -> Error {
    Error::UnrecognisedImage { path: path.to_owned(), problem }
}

async fn read(path: &Path) -> Result<String, Error> {
    read_text(path, TEXT_LIMIT).await
}

/// Reads `init=` and the parameters from the `kernel` line of an iPXE script that NixOS or Netboot
/// wrote. It leaves out the parameters that each script gets anew, and `${cmdline}`, which stands
/// for the text that an operator types.
fn parse_script(script: &str) -> Option<Result<(InitPath, Vec<KernelParameter>), InvalidValue>> {
    script.lines().map(str::trim).find_map(|line| {
        let command = line.strip_prefix("kernel ")?.split(" || ").next()?;
        let mut words = split_parameters(command);
        // Skips the options, some of which take a value, and the kernel's URL (iPXE's
        // `imgmgmt_cmd.c`).
        loop {
            match words.next()? {
                "--name" | "-n" | "--timeout" | "-t" => words.next()?,
                option if option.starts_with('-') => option,
                _ => break,
            };
        }
        let arguments: Vec<&str> = words.collect();
        let init = arguments.iter().find_map(|word| word.strip_prefix("init="))?;
        Some(InitPath::new(init).and_then(|init| Ok((init, parameters(arguments)?))))
    })
}

fn parameters<'a>(
    words: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<KernelParameter>, InvalidValue> {
    let is_ours = |word: &str| {
        RENDERED.iter().any(|name| word.starts_with(name)) || word == "ip=:::::BOOTIF:dhcp"
    };
    words
        .into_iter()
        .filter(|word| !word.contains("${") && !is_ours(word))
        .map(KernelParameter::new)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_line(script: &str) -> (String, Vec<String>) {
        let (init, parameters) = parse_script(script).unwrap().unwrap();
        (init.to_string(), parameters.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_script_of_nixos_is_read() {
        let script = "#!ipxe\n# Use the cmdline variable to allow the user to specify custom kernel params\n\
            # when chainloading this script from other iPXE scripts like netboot.xyz\n\
            kernel bzImage init=/nix/store/0a-nixos/init initrd=initrd loglevel=4 lsm=\"a b\" ${cmdline}\n\
            initrd initrd\nboot\n";
        let (init, parameters) = read_line(script);
        assert_eq!(init, "/nix/store/0a-nixos/init");
        assert_eq!(parameters, ["loglevel=4", "lsm=\"a b\""]);
    }

    #[test]
    fn the_script_of_netboot_is_read() {
        let script = "#!ipxe\nkernel --name bzImage bzImage init=/i initrd=initrd root=fstab || goto failed\n";
        assert_eq!(read_line(script), ("/i".to_owned(), vec!["root=fstab".to_owned()]));
    }

    #[test]
    fn the_parameters_of_a_closure_belong_to_its_script() {
        let script = "#!ipxe\nkernel bzImage init=/i initrd=initrd BOOTIF=01-${netX/mac:hexhyp} \
            ip=:::::BOOTIF:dhcp netboot.store=zram netboot.from=http://10.0.0.1/ netboot.index=0a\n";
        assert_eq!(read_line(script).1, ["netboot.store=zram"]);
    }

    #[test]
    fn options_and_what_stands_before_init_are_told_apart() {
        let script = "#!ipxe\nkernel memtest\n\
            kernel -a -n vmlinuz -t 5000 http://10.0.0.1/bzImage panic=5 initrd=initrd init=/i quiet\n";
        let (init, parameters) = read_line(script);
        assert_eq!((init.as_str(), parameters), ("/i", vec!["panic=5".into(), "quiet".into()]));
    }

    #[test]
    fn a_script_without_init_is_none() {
        for script in ["", "kernel ", "kernel --name", "kernel init=/i", "#kernel x init=/i"] {
            assert!(parse_script(script).is_none(), "{script}");
        }
        assert!(parse_script("#!ipxe\nkernel memtest\n").is_none());
    }
}
