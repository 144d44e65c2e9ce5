//! The functions of the fuzz targets in `fuzz/`. They exist in fuzz builds and in tests alone.
//! Each function returns true if the bytes were accepted.
#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a panic is how a fuzz target reports a broken rule"
)]

use std::path::{Component, Path};
use std::{env, fs, process, thread};

use crate::architecture::Architecture;
use crate::command_line::{KernelCommandLine, KernelParameter, split_parameters};
use crate::context::Context;
use crate::inspect::{InitrdSummary, check_kernel, inspect_initrd, least_memory_mib};
use crate::layout::{Area, Location, ReleasePath};
use crate::mac_address::MacAddress;
use crate::manifest::Manifest;
use crate::name::{FileName, PointerName, ProfileName, Title};
use crate::profile_spec::ProfileSpec;
use crate::secret_scan::{SecretPlace, SecretPolicy};

/// A manifest is read as it was written, and names only places of the layout.
pub fn manifest(data: &[u8]) -> bool {
    let Ok(manifest) = Manifest::from_json(data) else { return false };
    let json = manifest.to_json().unwrap();
    assert_eq!(Manifest::from_json(&json).unwrap(), manifest);
    for path in manifest.objects().keys() {
        assert!(Location::parse(path.as_str()).is_some(), "{path}");
    }
    true
}

/// A profile is read as it was written.
pub fn profile_file(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else { return false };
    let toml = ProfileSpec::parse_toml(text, "x");
    let Ok(profiles) = toml.or_else(|_| ProfileSpec::parse_json(text, "x")) else { return false };
    let json = serde_json::json!({ "profiles": profiles }).to_string();
    assert_eq!(ProfileSpec::parse_json(&json, "x").unwrap(), profiles);
    true
}

/// A path stays below its root, and a name is one part of a path. What is accepted prints as it
/// was.
pub fn release_path(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else { return false };
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    if let Ok(path) = text.parse::<ReleasePath>() {
        assert_eq!(path.as_str(), text);
        assert!(Path::new(text).components().all(is_plain), "{text:?}");
        assert!(!text.contains(|c: char| c.is_control() || c.is_whitespace()), "{text:?}");
    }
    let location = Location::parse(text);
    if let Some(location) = &location {
        assert_eq!(location.path().as_str(), text);
    }
    let _ = Area::of(text);
    let names = [
        text.parse().ok().map(|name: FileName| name.to_string()),
        text.parse().ok().map(|name: ProfileName| name.to_string()),
        text.parse().ok().map(|name: PointerName| name.to_string()),
    ];
    for name in names.into_iter().flatten() {
        assert_eq!(name, text);
        assert_eq!(Path::new(text).components().filter(|part| is_plain(*part)).count(), 1);
    }
    location.is_some()
}

/// A command line has the parameters that it was made of, and an address is read as it was printed.
pub fn command_line(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else { return false };
    let pieces = split_parameters(text);
    let parameters: Vec<KernelParameter> = pieces.filter_map(|piece| piece.parse().ok()).collect();
    let init = "/nix/store/00000000000000000000000000000000-x/init".parse().unwrap();
    if let Ok(line) = KernelCommandLine::new(&init, parameters.iter()) {
        assert!(line.parameters().eq(split_parameters(&line.to_string())));
    }
    if let Ok(title) = text.parse::<Title>() {
        assert!(!title.as_str().contains(char::is_control));
    }
    if let Ok(address) = text.parse::<MacAddress>() {
        assert_eq!(address.to_string().parse(), Ok(address));
    }
    !parameters.is_empty()
}

/// A file of any content is inspected in bounded time and memory.
pub fn initrd(data: &[u8]) -> bool {
    let summary: Option<InitrdSummary> = in_a_file(data, |path| {
        block_on(async { inspect_initrd(path, &Context::new()).await.ok() })
    });
    if let Some(summary) = &summary {
        let _ = summary.holds(&"/init".parse().unwrap());
        let _ = least_memory_mib([(data.len() as u64, summary)], None);
    }
    summary.is_some()
}

/// A file of any content is inspected for every architecture.
pub fn kernel(data: &[u8]) -> bool {
    in_a_file(data, |path| {
        let is_kernel = |architecture| block_on(check_kernel(path, architecture)).is_ok();
        Architecture::ALL.map(is_kernel).contains(&true)
    })
}

/// A file of any content is searched for secrets, and a finding is told.
pub fn secret_scan(data: &[u8]) -> bool {
    let (policy, place) = (SecretPolicy::default(), SecretPlace::new("/nix/store/0a-x", "file"));
    let found = policy.scan(&place, &mut &*data, &Context::new()).unwrap();
    let told = found.iter().map(|secret| format!("{secret:?} {:?}", policy.judge(&place, secret)));
    told.count() > 0
}

/// Writes a file, uses it and removes it.
fn in_a_file<T>(data: &[u8], use_file: impl FnOnce(&Path) -> T) -> T {
    let name = format!("netboot-fuzz-{}-{:?}", process::id(), thread::current().id());
    let path = env::temp_dir().join(name);
    fs::write(&path, data).unwrap();
    let result = use_file(&path);
    fs::remove_file(&path).unwrap();
    result
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[cfg(test)]
mod tests {
    use netboot_testbed::each_fuzz_seed;

    #[test]
    fn the_fuzz_targets_take_their_seeds() {
        each_fuzz_seed("manifest", super::manifest);
        each_fuzz_seed("profile_file", super::profile_file);
        each_fuzz_seed("release_path", super::release_path);
        each_fuzz_seed("command_line", super::command_line);
        each_fuzz_seed("initrd", super::initrd);
        each_fuzz_seed("kernel", super::kernel);
        each_fuzz_seed("secret_scan", super::secret_scan);
    }
}
