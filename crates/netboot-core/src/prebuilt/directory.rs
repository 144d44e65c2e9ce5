use std::path::{Path, PathBuf};

use super::Parts;
use crate::{Architecture, Error, InitPath, KernelParameter};

/// Finds the parts of an image in a directory of a known layout.
pub(super) async fn find_parts(
    directory: &Path,
    architecture: Architecture,
) -> Result<Parts, Error> {
    if !directory.is_dir() {
        let source = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(Error::io("open", directory, source));
    }
    let kernel = architecture.kernel_file_name();
    let system = architecture.nix_system();
    let plain = [kernel.to_owned(), "initrd".to_owned(), "netboot.ipxe".to_owned()];
    let with_system = [
        format!("{kernel}-{system}"),
        format!("initrd-{system}"),
        format!("netboot-{system}.ipxe"),
    ];
    let [kernel, initrd, script] = [plain, with_system]
        .map(|names| names.map(|name| directory.join(name)))
        .into_iter()
        .find(|[kernel, initrd, _]| kernel.is_file() && initrd.is_file())
        .ok_or_else(|| {
            let names = format!("`{kernel}` and `initrd`, with or without `-{system}`");
            unrecognised(directory, format!("there are no {names}"))
        })?;

    let (init, parameters) = (directory.join("init"), directory.join("kernel-params"));
    let (init, kernel_parameters) = if init.is_file() {
        let (init, parameters) = (read(&init).await?, read(&parameters).await?);
        (InitPath::new(init.trim())?, parse_parameters(parameters.trim())?)
    } else if script.is_file() {
        parse_script(&read(&script).await?).ok_or_else(|| {
            unrecognised(&script, "no `kernel` line of it has `init=`".to_owned())
        })??
    } else {
        let name = script.file_name().unwrap_or_default().display();
        return Err(unrecognised(directory, format!("there is no `init` and no `{name}`")));
    };
    Ok(Parts { kernel, initrds: vec![initrd], init, kernel_parameters })
}

fn unrecognised(path: &Path, problem: String) -> Error {
    Error::UnrecognisedImage { path: path.to_owned(), problem }
}

async fn read(path: &PathBuf) -> Result<String, Error> {
    tokio::fs::read_to_string(path).await.map_err(|source| Error::io("read", path, source))
}

/// Reads `init=` and the parameters of the `kernel` line of an iPXE script that NixOS or Netboot
/// wrote. `initrd=` is the boot loader's, and `${cmdline}` is what an operator types.
fn parse_script(script: &str) -> Option<Result<(InitPath, Vec<KernelParameter>), Error>> {
    let line = script
        .lines()
        .map(str::trim)
        .find(|line| line.starts_with("kernel ") && line.contains(" init="))?;
    let command = line.split(" || ").next().unwrap_or(line);
    let (_, from_init) = command.split_once(" init=")?;
    let (init, rest) = from_init.split_once(' ').unwrap_or((from_init, ""));
    Some(InitPath::new(init).and_then(|init| Ok((init, parse_parameters(rest)?))))
}

/// Splits a command line as a kernel does: at spaces outside double quotes.
fn parse_parameters(line: &str) -> Result<Vec<KernelParameter>, Error> {
    let mut quoted = false;
    line.split(|character: char| {
        quoted ^= character == '"';
        character.is_ascii_whitespace() && !quoted
    })
    .filter(|word| !word.is_empty() && !word.contains("${"))
    .filter(|word| !word.starts_with("initrd=") && !word.starts_with("init="))
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
    fn a_script_without_init_is_none() {
        assert!(parse_script("#!ipxe\nkernel memtest\n").is_none());
    }
}
