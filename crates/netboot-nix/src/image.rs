//! Makes an image from the values and outputs of a configuration.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use netboot_core::inspect::{Presence, check_kernel, check_xz_filters};
use netboot_core::secret_scan::{SecretPolicy, SecretReport, scan_initrd};
use netboot_core::{
    Architecture, ArtifactKind, BootSpec, Closure, Context, FileArtifact, FileName, Image,
    ImageBuilder, InitPath, KernelParameter, Phase, Profile, split_parameters,
};

use crate::error::Error;
use crate::flake_answer::{Licences, Output, Values};
use crate::secrets::store_paths::StorePaths;
use crate::stop::Stop;
use crate::store_contents::StoreContents;

/// The parts of an image, read from a configuration.
#[derive(Debug)]
pub(crate) struct Parts {
    attribute: String,
    architecture: Architecture,
    pub(crate) kernel: Output,
    pub(crate) initrd: Output,
    pub(crate) toplevel: Output,
    /// The systemd with the stub for a UKI, if it was wanted.
    systemd: Option<Output>,
    pub(crate) store_contents: StoreContents,
    pub(crate) licences: Licences,
    kernel_file: FileName,
    kernel_parameters: Vec<KernelParameter>,
}

impl Parts {
    /// Reads the values of the configuration `attribute` for `profile`.
    pub(crate) fn read(
        attribute: &str,
        profile: &dyn Profile,
        values: Values,
    ) -> Result<Self, Stop> {
        let missing = |path: &str| Error::AttributeMissing {
            attribute: format!("{attribute}.config.{path}"),
            available: Vec::new(),
        };
        let kernel = values.kernel.ok_or_else(|| missing("system.build.kernel"))?;
        let initrd = values.initrd.ok_or_else(|| missing("system.build.netbootRamdisk"))?;
        let toplevel = values.toplevel.ok_or_else(|| missing("system.build.toplevel"))?;
        // The store path of every part was checked.
        let store = Path::new(&toplevel.out).parent().unwrap_or(Path::new("/"));
        let known = [&kernel, &initrd, &toplevel];
        let store_contents = StoreContents::read(values.store_contents, store, &known);
        let architecture = profile.architecture();
        // The system of a derivation is the one that builds it, which a cross build tells apart.
        match values.host_platform.as_ref().or(toplevel.system.as_ref()) {
            Some(system) if system.parse().ok() != Some(architecture) => {
                return Err(Error::ArchitectureMismatch {
                    attribute: attribute.to_owned(),
                    expected: architecture,
                    found: system.clone(),
                }
                .into());
            }
            _ => {}
        }
        let kernel_file = kernel_file(attribute, architecture, values.kernel_file)?;
        Ok(Self {
            attribute: attribute.to_owned(),
            architecture,
            kernel,
            initrd,
            toplevel,
            systemd: values.systemd,
            store_contents,
            licences: values.licences.unwrap_or_default(),
            kernel_file,
            kernel_parameters: kernel_parameters(attribute, values.kernel_parameters)?,
        })
    }

    /// The path of the configuration in the flake.
    pub(crate) fn attribute(&self) -> &str {
        &self.attribute
    }

    /// The kernel parameters of the configuration.
    pub(crate) fn kernel_parameters(&self) -> &[KernelParameter] {
        &self.kernel_parameters
    }

    /// The outputs, by their names in the manifest.
    pub(crate) fn outputs(&self) -> BTreeMap<&'static str, Output> {
        BTreeMap::from([
            ("kernel", self.kernel.clone()),
            ("initrd", self.initrd.clone()),
            ("toplevel", self.toplevel.clone()),
        ])
    }

    /// The outputs that are built: those of the manifest, systemd, and those of
    /// `netboot.storeContents`.
    pub(crate) fn built_outputs(&self) -> Vec<Output> {
        let contents = self.store_contents.outputs.iter().cloned();
        self.outputs().into_values().chain(self.systemd.clone()).chain(contents).collect()
    }

    /// The start of a build log: the derivations, the flake and the version of Nix. It has no time,
    /// so that the same build gives the same log.
    pub(crate) fn log_header(&self, locked: &str, nix_version: &str) -> String {
        let mut header = format!("{} of {locked}\nbuilt by Nix {nix_version}\n", self.attribute);
        for (part, output) in self.outputs() {
            // Writing to a String cannot fail.
            let _ = writeln!(header, "{part}: {} -> {}", output.drv, output.out);
        }
        header
    }
}

fn kernel_file(
    attribute: &str,
    architecture: Architecture,
    value: Option<serde_json::Value>,
) -> Result<FileName, Stop> {
    let attribute = format!("{attribute}.config.system.boot.loader.kernelFile");
    let name = match value {
        None => architecture.kernel_file_name().to_owned(),
        Some(serde_json::Value::String(name)) => name,
        Some(_) => {
            let problem = "it is not a string".into();
            return Err(Error::UnusableValue { attribute, problem }.into());
        }
    };
    FileName::new(name).map_err(|error| Error::unusable(attribute, &error).into())
}

fn kernel_parameters(
    attribute: &str,
    value: Option<serde_json::Value>,
) -> Result<Vec<KernelParameter>, Stop> {
    let attribute = format!("{attribute}.config.boot.kernelParams");
    let Some(value) = value else { return Ok(Vec::new()) };
    let texts: Vec<String> = serde_json::from_value(value).map_err(|_| {
        let problem = "it is not a list of strings".into();
        Error::UnusableValue { attribute: attribute.clone(), problem }
    })?;
    // NixOS joins the elements with spaces, so an element may contain several parameters.
    let parameters = texts.iter().flat_map(|text| split_parameters(text)).map(KernelParameter::new);
    parameters.collect::<Result<_, _>>().map_err(|error| Error::unusable(attribute, &error).into())
}

/// The name of systemd's stub for UKIs (`src/boot/meson.build` of systemd), if it has one for the
/// architecture that Netboot knows.
pub(crate) fn stub_name(architecture: Architecture) -> Option<&'static str> {
    match architecture {
        Architecture::X86_64 => Some("linuxx64.efi.stub"),
        Architecture::Aarch64 => Some("linuxaa64.efi.stub"),
        _ => None,
    }
}

/// The stub in a systemd that was built.
fn stub_of(parts: &Parts) -> Result<Option<PathBuf>, Stop> {
    let (Some(systemd), Some(name)) = (&parts.systemd, stub_name(parts.architecture)) else {
        return Ok(None);
    };
    let path = Path::new(&systemd.out).join("lib/systemd/boot/efi").join(name);
    if path.is_file() {
        return Ok(Some(path));
    }
    Err(Error::OutputMissing { attribute: parts.attribute.clone(), path }.into())
}

/// The place of an image's system.
pub(crate) enum System {
    /// The initrd contains it.
    Initrd {
        /// True if the initrd was made from the system of the configuration.
        is_in_step: bool,
    },
    /// The machine fetches it.
    Closure(Closure),
    /// The initrd gets it from a place that the configuration names.
    External,
}

/// Checks the built files and starts the image.
pub(crate) async fn make_image(
    profile: &dyn Profile,
    parts: Parts,
    system: System,
    log: &Path,
    (report, policy, paths): (&mut SecretReport<'_>, &SecretPolicy, Arc<StorePaths>),
    context: &Context,
) -> Result<ImageBuilder, Stop> {
    let context = &context.for_profile(profile.name());
    let _phase = context.phase(Phase::Hashing, None);
    let kernel_path = file_of(&parts.kernel.out, parts.kernel_file.as_str());
    let initrd_path = file_of(&parts.initrd.out, "initrd");
    let init_path = Path::new(&parts.toplevel.out).join("init");
    for (path, found) in [
        (&kernel_path, kernel_path.metadata()),
        (&initrd_path, initrd_path.metadata()),
        // `init` may be a link to a path that exists only in the booted system.
        (&init_path, init_path.symlink_metadata()),
    ] {
        if found.is_err() {
            let (attribute, path) = (parts.attribute, path.clone());
            return Err(Error::OutputMissing { attribute, path }.into());
        }
    }
    check_kernel(&kernel_path, parts.architecture).await?;
    let stub = stub_of(&parts)?;
    let known = move |file: &str| {
        // A file of the closure was scanned in the store.
        file.match_indices('/').any(|(end, _)| paths.closure.contains_key(&file[..end]))
            || paths.closure.contains_key(file)
    };
    let (initrd, mut found) = scan_initrd(&initrd_path, policy, known, context).await?;
    let kernel = (kernel_path.as_path(), parts.architecture);
    check_xz_filters(profile.name(), kernel, (&initrd_path, &initrd), context).await?;
    let is_in_step = matches!(system, System::Initrd { is_in_step: true });
    if is_in_step && parts.store_contents.is_complete {
        // NixOS packs the closure of `netboot.storeContents` into this file.
        let store_image = format!("`{}/nix-store.squashfs`", initrd_path.display());
        found.unscanned.retain(|part| !part.ends_with(&store_image));
    }
    found.report(report, profile.name(), context);
    let init = InitPath::new(init_path.to_string_lossy())?;
    let holds_init = match initrd.holds(&init) {
        // The index of a closure was made for this init.
        _ if matches!(system, System::Closure(_) | System::External) => true,
        Presence::Yes => true,
        Presence::No => false,
        // In NixOS's initrds the store is a squashfs, which Netboot does not read. It contains the
        // store paths that the initrd was built from.
        Presence::Unknown => is_in_step,
    };
    if !holds_init {
        let (attribute, init) = (parts.attribute, init.to_string());
        return Err(Error::InitrdOutOfStep { attribute, init }.into());
    }
    // The log is published beside the image.
    report.add_file(log, context).await?;
    let open = |kind, name: FileName, path| FileArtifact::open(kind, name, path, context);
    let kernel = open(ArtifactKind::Kernel, parts.kernel_file, kernel_path).await?;
    let initrd = open(ArtifactKind::Initrd, FileName::new("initrd")?, initrd_path).await?;
    let log = open(ArtifactKind::BuildLog, FileName::new("build.log")?, log.to_owned()).await?;
    let boot = BootSpec::new(parts.architecture, init, parts.kernel_parameters)?;
    report.add_command_line(&boot, context)?;
    let mut image = Image::builder(profile, boot).kernel(kernel).initrd(initrd).build_log(log);
    if let Some(stub) = stub {
        image = image.uki_stub(stub);
    }
    Ok(match system {
        System::Initrd { .. } | System::External => image,
        System::Closure(closure) => image.closure(closure),
    })
}

/// The file `name` of an output, or the output itself if it is a file.
fn file_of(output: &str, name: &str) -> PathBuf {
    let output = Path::new(output);
    if output.is_file() { output.to_owned() } else { output.join(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_may_hold_several_parameters_and_quoted_spaces() {
        let split = |text| split_parameters(text).collect::<Vec<_>>();
        assert_eq!(split(" a=1  b "), ["a=1", "b"]);
        assert_eq!(split(r#"a="x y" b"#), [r#"a="x y""#, "b"]);
        assert!(split("  ").is_empty());
    }
}
