//! Images with materials.

use std::collections::BTreeSet;

use netboot_core::{
    Architecture, ArtifactKind, BootSpec, BytesArtifact, Image, ImageBuilder, InitPath, Materials,
    ProfileSpec, Provenance, SourceMaterial, StorePathMaterial,
};

/// The NAR hash of an empty text.
pub(crate) const NAR_HASH: &str = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

pub(crate) fn store_path(name: &str) -> String {
    format!("/nix/store/{}-{name}", "0".repeat(32))
}

pub(crate) fn begin() -> ImageBuilder {
    let profile = ProfileSpec::new("worker").unwrap();
    let init = InitPath::new(format!("{}/init", store_path("nixos-system-worker-25.05"))).unwrap();
    let boot = BootSpec::new(Architecture::X86_64, init, ["loglevel=4"]).unwrap();
    Image::builder(&profile, boot)
        .kernel(BytesArtifact::new(ArtifactKind::Kernel, "bzImage", "the kernel").unwrap())
        .initrd(BytesArtifact::new(ArtifactKind::Initrd, "initrd", "the initrd").unwrap())
}

/// An artifact of these bytes.
pub(crate) fn artifact(kind: ArtifactKind, name: &str, text: &str) -> BytesArtifact {
    BytesArtifact::new(kind, name, text.to_owned()).unwrap()
}

/// An image without materials, as a builder makes that knows no store.
pub(crate) fn prebuilt() -> Image {
    begin().provenance(Provenance::new("prebuilt")).build().unwrap()
}

/// The materials of a system of these packages. The system references all of them.
pub(crate) fn materials(packages: &[(&str, u64)]) -> Materials {
    let mut materials = Materials::default();
    let mut system = StorePathMaterial::new(NAR_HASH, 100);
    for (name, size) in packages {
        let mut material = StorePathMaterial::new(NAR_HASH, *size);
        let known = [("bash", "GPL-3.0-or-later"), ("odd", "Our own licence")];
        let licence = known.iter().find(|(package, _)| name.starts_with(package));
        material.licences = licence.iter().map(|(_, licence)| (*licence).to_owned()).collect();
        system.references.insert(store_path(name));
        materials.store_paths.insert(store_path(name), material);
    }
    materials.store_paths.insert(store_path("nixos-system-worker-25.05"), system);
    materials
}

pub(crate) fn built() -> Image {
    let mut materials = materials(&[("glibc-2.40-66", 3000), ("bash-5.2", 900), ("odd", 7)]);
    let bash = materials.store_paths.get_mut(&store_path("bash-5.2")).unwrap();
    bash.references = BTreeSet::from([store_path("glibc-2.40-66"), store_path("gone")]);
    let hash = Some(NAR_HASH.to_owned());
    let source = |url| SourceMaterial::new(url, hash.clone());
    materials.sources.insert(String::new(), source("git+https://git.example.org/infra?rev=1f"));
    let mut nixpkgs = source("github:NixOS/nixpkgs/2e");
    nixpkgs.revision = Some("2e".repeat(20));
    materials.sources.insert("nixpkgs".to_owned(), nixpkgs);
    let attribute = "nixosConfigurations.netboot-worker".into();
    materials.parameters.insert("attribute".to_owned(), attribute);
    let mut provenance = Provenance::new("nix");
    provenance.source = Some("git+https://git.example.org/infra?rev=1f".to_owned());
    provenance.tools.insert("nix".to_owned(), "2.31.1".to_owned());
    for (map, value) in [
        (&mut provenance.outputs, store_path("nixos-system-worker-25.05")),
        (&mut provenance.derivations, store_path("nixos-system-worker-25.05.drv")),
        (&mut provenance.output_hashes, NAR_HASH.to_owned()),
    ] {
        map.insert("toplevel".to_owned(), value);
    }
    begin().provenance(provenance).materials(materials).build().unwrap()
}
