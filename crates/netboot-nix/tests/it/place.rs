//! A hermetic Nix, flakes, and builders for them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use netboot_core::{Context, Event, Image, Profile, ProfileSpec};
use netboot_nix::{NixBuilder, NixBuilderOptions};
use netboot_testbed::{HermeticNix, Testbed, write_program};
use tempfile::TempDir;

mod caller;
mod daemon;
mod nix_version;
mod web_server;

pub(crate) use self::{
    caller::{be_the_caller, caller, is_the_caller},
    daemon::Daemon,
    nix_version::{NixVersion, Programs, with_nix_versions},
    web_server::WebServer,
};

pub(crate) struct Place {
    nix: HermeticNix,
    programs: Programs,
    directory: TempDir,
}

impl Place {
    /// A place with the Nix of this machine, or the Nix that `NETBOOT_NIX` names.
    pub(crate) fn new() -> Self {
        Self::with(Programs::of_environment())
    }

    /// A place with this version of Nix.
    pub(crate) fn of(version: NixVersion) -> Self {
        Self::with(version.programs())
    }

    fn with(programs: Programs) -> Self {
        Self { nix: HermeticNix::new(), programs, directory: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().canonicalize().unwrap()
    }

    /// The test flake of this repository, which boots.
    pub(crate) fn test_flake(&self) -> String {
        Testbed::locate().write_flake(&self.path().join("flake"), "nix")
    }

    /// A flake with these `outputs`.
    pub(crate) fn flake(&self, outputs: &str) -> String {
        let flake = self.path().join("own");
        fs::create_dir_all(&flake).unwrap();
        fs::write(flake.join("flake.nix"), format!("{{ outputs = {{ self }}: {outputs}; }}"))
            .unwrap();
        format!("path:{}", flake.display())
    }

    /// The variables that make Nix use this place's store.
    pub(crate) fn environment(&self) -> BTreeMap<&'static str, String> {
        self.nix.environment().into_iter().collect()
    }

    /// The place's `NIX_CONFIG`, followed by these lines.
    pub(crate) fn settings(&self, lines: &str) -> String {
        format!("{}\n{lines}", self.environment()["NIX_CONFIG"])
    }

    /// A command of Nix for this place's store.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.nix_program(program));
        command.envs(self.environment());
        command
    }

    /// The path of a Nix program.
    pub(crate) fn nix_program(&self, name: &str) -> PathBuf {
        self.programs.program(name)
    }

    /// Replaces a Nix program with a shell script, for [`Self::builder_with_programs`]. The script
    /// has the path of the real program in `$real`.
    pub(crate) fn nix_script(&self, name: &str, script: &str) {
        for program in ["nix", "nix-store"] {
            let real = self.nix_program(program).display().to_string();
            let is_it = program == name;
            if is_it || !self.path().join("bin").join(program).exists() {
                let script = if is_it { script } else { "exec $real \"$@\"" };
                self.program(program, &format!("real={real}\n{script}"));
            }
        }
    }

    /// A builder that uses the scripts of [`Self::nix_script`].
    pub(crate) fn builder_with_programs(&self, flake: &str) -> NixBuilderOptions {
        self.builder(flake).program_directory(self.path().join("bin"))
    }

    /// A search path that has this shell script first, as the program `name`.
    pub(crate) fn program(&self, name: &str, script: &str) -> OsString {
        let bin = self.path().join("bin");
        fs::create_dir_all(&bin).unwrap();
        write_program(&bin.join(name), &format!("#!/bin/sh\n{script}\n"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let directories = std::iter::once(bin).chain(std::env::split_paths(&path));
        std::env::join_paths(directories).unwrap()
    }

    pub(crate) fn builder(&self, flake: &str) -> NixBuilderOptions {
        let mut builder = NixBuilder::options(flake).state_directory(self.path().join("state"));
        if let Some(directory) = self.programs.directory() {
            builder = builder.program_directory(directory);
        }
        self.environment().into_iter().fold(builder, |b, (name, value)| b.environment(name, value))
    }
}

/// Nix code of a configuration with three parts that this shell script builds.
pub(crate) fn configuration(name: &str, script: &str) -> String {
    let part = |part: &str| {
        format!(
            r#"derivation {{ name = "{part}-{name}"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" ''{script}'' ]; }}"#
        )
    };
    format!(
        r#"{{
          system.build.kernel = {}; system.build.netbootRamdisk = {}; system.build.toplevel = {};
          system.boot.loader.kernelFile = "bzImage"; boot.kernelParams = [ "loglevel=4" ];
        }}"#,
        part("linux"),
        part("initrd"),
        part("system")
    )
}

/// Nix code of the minimal configuration of an image: a kernel that is only a header, an initrd
/// with the files that `fill` puts under `root`, and an init. The attribute set `overrides` is
/// merged over `config`, which has the name `it` there.
pub(crate) fn least_configuration(name: &str, fill: &str, overrides: &str) -> String {
    let busybox = Testbed::locate().busybox().display().to_string();
    let part = |part: &str, attributes: &str, script: &str| {
        format!(
            r#"derivation {{
              name = "{part}-{name}"; system = "x86_64-linux"; builder = "{busybox}";
              args = [ "sh" "-e" "-c" ''
                busybox() {{ "{busybox}" "$@"; }}
                echo building {part}-{name}
                busybox mkdir "$out"
                {script}
              '' ]; {attributes}
            }}"#
        )
    };
    // Offsets of the x86 boot protocol: the sector's signature, `HdrS`, the version, and at 0x236
    // the flag of a 64-bit kernel.
    let kernel = part(
        "linux",
        "",
        r#"{ busybox head -c 510 /dev/zero; printf '\125\252\353\0HdrS\017\002';
             busybox head -c 46 /dev/zero; printf '\001';
             busybox head -c 2048 /dev/zero; } > "$out/bzImage""#,
    );
    let system = part("system", "", r#"echo init > "$out/init""#);
    let initrd = part(
        "initrd",
        "inherit system_;",
        &format!(
            r#"busybox mkdir -p root; {fill}
               cd root; busybox find . | busybox cpio -o -H newc > "$out/initrd""#
        ),
    );
    format!(
        r#"(let system_ = {system}; it = {{
          system.build = {{ kernel = {kernel}; netbootRamdisk = {initrd}; toplevel = system_; }};
          system.boot.loader.kernelFile = "bzImage"; boot.kernelParams = [ "loglevel=4" ];
        }}; in it // {overrides})"#
    )
}

/// Nix code of a configuration with these modules and packages, which can be extended like a NixOS
/// configuration.
pub(crate) fn extensible(modules: &[&str], packages: &str) -> String {
    let modules: Vec<String> = modules.iter().map(|module| format!("({module})")).collect();
    let system = include_str!("../../../../tests/flake/module-system.nix");
    format!("(({system}) {{ modules = [ {} ]; pkgs = {packages}; }})", modules.join(" "))
}

/// Puts the init of the configuration into its initrd.
pub(crate) const WITH_INIT: &str =
    r#"busybox mkdir -p "root$system_"; busybox cp "$system_/init" "root$system_/init""#;

/// In NixOS's initrds the store is a file like this one, which Netboot does not read.
pub(crate) const STORE_IMAGE: &str = "echo squashfs > root/nix-store.squashfs";

pub(crate) fn profiles(names: &[&str]) -> Vec<Arc<dyn Profile>> {
    names.iter().map(|name| Arc::new(profile(name)) as Arc<dyn Profile>).collect()
}

pub(crate) fn profile(name: &str) -> ProfileSpec {
    ProfileSpec::new(name).unwrap()
}

pub(crate) fn manifest(image: &Image) -> String {
    format!("{:?}", image.manifest())
}

/// A context that keeps its events.
pub(crate) fn recording() -> (Context, Arc<Mutex<Vec<Event>>>) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let sink = events.clone();
    let context = Context::new().with_events(move |event| sink.lock().unwrap().push(event));
    (context, events)
}

pub(crate) fn read(path: impl AsRef<Path>) -> String {
    String::from_utf8(fs::read(path).unwrap()).unwrap()
}

/// The processes with `text` in their environment or arguments.
pub(crate) fn processes_with(text: &str) -> Vec<String> {
    let holds = |path: &Path, file: &str| {
        fs::read(path.join(file)).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(text))
    };
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok())
        .filter(|entry| entry.file_name().to_string_lossy() != std::process::id().to_string())
        .filter(|entry| holds(&entry.path(), "environ") || holds(&entry.path(), "cmdline"))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}
