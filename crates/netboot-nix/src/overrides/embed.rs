//! Overrides in the form that Nix gets.

use std::path::PathBuf;

use netboot_core::Context;
use serde::Serialize;

use crate::nar_hash::nar_hash;
use crate::overrides::Overrides;
use crate::runner::Runner;
use crate::stop::Stop;

/// Overrides with the hashes that the evaluation needs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Embedded {
    #[serde(flatten)]
    overrides: Overrides,
    modules: Vec<Module>,
}

/// The path of a module, and the hash of its content at the start of the build.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Module {
    path: PathBuf,
    #[serde(rename = "narHash")]
    nar_hash: String,
}

/// Hashes the modules.
pub(crate) async fn embed(
    overrides: Overrides,
    runner: &Runner,
    context: &Context,
) -> Result<Embedded, Stop> {
    let mut modules = Vec::new();
    for path in overrides.modules() {
        let nar_hash = nar_hash(path, runner, context).await?;
        modules.push(Module { path: path.clone(), nar_hash });
    }
    Ok(Embedded { overrides, modules })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use netboot_testbed::HermeticNix;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::flake::nix_string;
    use crate::overrides::attribute_path::AttributePath;

    /// Texts that could end a Nix string, start code in it, or be misread.
    fn text() -> impl Strategy<Value = String> {
        "([^\0]|[$\\\\\"{}\r\n'`]|\\$\\{|'')*"
    }

    /// The name of an attribute, without control characters.
    fn name() -> impl Strategy<Value = String> {
        "([^\\p{Cc}.]|[$\\\\\"{}'`]|\\$\\{){1,20}"
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn every_text_arrives_in_the_configuration_as_it_was(
            comment in "[^\\p{Cc}\"]{0,40}",
            packages in prop::collection::btree_set(name(), 0..8),
            kernel in name(),
            settings in prop::collection::btree_map(text(), text(), 1..8),
        ) {
            let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
            let key = format!("{key} {comment}");
            let mut builder = Overrides::builder()
                .authorized_key(format!("user of {kernel}"), key)
                .kernel_packages(AttributePath::of_names([&kernel]).unwrap())
                .settings(json!({ "hostile": settings }));
            for package in &packages {
                builder = builder.package(AttributePath::of_names(["set", package]).unwrap());
            }
            let data = Embedded { overrides: builder.build().unwrap(), modules: Vec::new() };
            let pkgs = json!({
                "set": packages.iter().map(|name| (name, name)).collect::<BTreeMap<_, _>>(),
                &kernel: "the kernel",
            });
            let read = |value: &Value| format!("builtins.fromJSON {}", nix_string(&value.to_string()));
            let expression = format!(
                "let all = module:
                   if builtins.isFunction module
                   then all (module {{ lib.mkForce = x: x; pkgs = {}; }})
                   else builtins.foldl' (a: b: a // all b)
                     (module.config or (removeAttrs module [ \"_file\" \"imports\" ]))
                     (module.imports or [ ]);
                 in all {{ imports = ({}) ({}); }}",
                read(&pkgs),
                include_str!("../overrides.nix"),
                read(&serde_json::to_value(&data).unwrap()),
            );
            let output = HermeticNix::new()
                .command("nix-instantiate")
                .args(["--eval", "--json", "--strict", "-E", &expression])
                .output()
                .unwrap();
            let errors = String::from_utf8_lossy(&output.stderr);
            prop_assert!(output.status.success(), "{}", errors);
            let found: Value = serde_json::from_slice(&output.stdout).unwrap();
            let user = format!("user of {kernel}");
            let keys = &found["users"]["users"][user]["openssh"]["authorizedKeys"]["keys"];
            prop_assert_eq!(keys, &json!(data.overrides.authorized_keys.values().next()));
            if packages.is_empty() {
                prop_assert_eq!(found.get("environment"), None);
            } else {
                prop_assert_eq!(&found["environment"]["systemPackages"], &json!(packages));
            }
            prop_assert_eq!(&found["boot"]["kernelPackages"], "the kernel");
            prop_assert_eq!(&found["hostile"], &json!(settings));
        }
    }
}
