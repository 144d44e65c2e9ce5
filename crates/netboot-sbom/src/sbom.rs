//! Writing the SBOM of an image.

use std::collections::BTreeSet;

use cyclonedx_bom::external_models::uri::Purl;
use cyclonedx_bom::models::bom::{Bom, SpecVersion, UrnUuid};
use cyclonedx_bom::models::component::{Classification, Component, Components};
use cyclonedx_bom::models::dependency::{Dependencies, Dependency};
use cyclonedx_bom::models::hash::{Hash, HashAlgorithm, HashValue, Hashes};
use cyclonedx_bom::models::license::Licenses;
use cyclonedx_bom::models::metadata::Metadata;
use cyclonedx_bom::models::property::{Properties, Property};
use foreign_text::ForeignText;
use netboot_core::{Artifact, DocumentKind, Image, Materials, Sha256Digest, StorePathMaterial};

use crate::drv_name::DrvName;
use crate::error::Error;
use crate::licence::licence;
use crate::nar_hash::hex_of;
use crate::percent::encoded;

/// The property with the size of a component in bytes.
pub(crate) const SIZE: &str = "netboot:size";

/// The property with the path of a component in the Nix store.
pub(crate) const STORE_PATH: &str = "nix:store_path";

/// The outputs that packages of nixpkgs have beside `out` (nixpkgs manual, "Multiple-output
/// packages").
const OUTPUTS: [&str; 9] = ["bin", "debug", "dev", "devdoc", "doc", "info", "lib", "man", "static"];

/// The reference of the image within its SBOM.
const IMAGE: &str = "image";

/// Writes the SBOM of an image, in the JSON of CycloneDX 1.5.
///
/// Its components are the files that the boot loader fetches, and the store paths of the image's
/// system if its builder collected [materials](Image::materials). A store path has the package and
/// version that its name tells ([`DrvName`]), the SHA-256 of its Nix archive, the archive's size,
/// the licences that the configuration tells, and the store paths that it references. One with a
/// version also has a package URL. One with neither version nor licence is a generated file, and
/// has the type `file`.
///
/// The serial number is a UUID of version 8 (RFC 9562) from the digest of everything else.
///
/// # Errors
/// [`Error::Unwritable`] if the materials have a NAR hash in a form that is not Nix's.
pub fn sbom(image: &Image) -> Result<Vec<u8>, Error> {
    let (mut components, mut dependencies) = (Vec::new(), Vec::new());
    let mut of_image: BTreeSet<String> = BTreeSet::new();
    for file in image.boot_files() {
        let component = of_file(file.as_ref());
        of_image.extend(component.bom_ref.clone());
        components.push(component);
    }
    if let Some(materials) = image.materials() {
        for (path, material) in &materials.store_paths {
            components.push(of_store_path(path, material)?);
            let known = |path: &&String| materials.store_paths.contains_key(*path);
            let references = material.references.iter().filter(known).cloned().collect();
            dependencies
                .push(Dependency { dependency_ref: path.clone(), dependencies: references });
        }
        of_image.extend(roots(materials).cloned());
    }
    let of_image = of_image.into_iter().collect();
    dependencies.push(Dependency { dependency_ref: IMAGE.to_owned(), dependencies: of_image });
    let mut bom = Bom {
        version: 1,
        serial_number: None,
        metadata: Some(Metadata { component: Some(of_whole(image)), ..Metadata::default() }),
        components: Some(Components(components)),
        services: None,
        external_references: None,
        dependencies: Some(Dependencies(dependencies)),
        compositions: None,
        properties: None,
        vulnerabilities: None,
        signature: None,
        annotations: None,
        formulation: None,
        spec_version: SpecVersion::V1_5,
    };
    let serial = serial_number(&written(bom.clone())?);
    bom.serial_number = Some(UrnUuid(serial));
    written(bom)
}

fn written(bom: Bom) -> Result<Vec<u8>, Error> {
    let mut json = Vec::new();
    bom.output_as_json(&mut json, SpecVersion::V1_5).map_err(|error| Error::Unwritable {
        document: DocumentKind::Sbom,
        problem: ForeignText::new(error.to_string()),
    })?;
    json.push(b'\n');
    Ok(json)
}

/// The store paths that no other one references, such as the system.
fn roots(materials: &Materials) -> impl Iterator<Item = &String> {
    let all = materials.store_paths.values();
    let referenced: BTreeSet<&String> = all.flat_map(|material| &material.references).collect();
    materials.store_paths.keys().filter(move |path| !referenced.contains(path))
}

fn of_whole(image: &Image) -> Component {
    let name = image.profile().as_str();
    let reference = Some(IMAGE.to_owned());
    let mut whole = Component::new(Classification::OperatingSystem, name, "", reference);
    let toplevel = image.provenance().outputs.get("toplevel");
    let version = toplevel.map(|path| DrvName::of_store_path(path).version).unwrap_or_default();
    whole.version = (!version.is_empty()).then(|| version.into());
    let architecture = image.boot().architecture().to_string();
    let init = image.boot().init().to_string();
    let properties = [("netboot:architecture", architecture), ("netboot:init", init)];
    whole.properties = Some(properties_of(&properties));
    whole
}

fn of_file(file: &dyn Artifact) -> Component {
    let name = file.file_name().as_str();
    let reference = Some(format!("file:{name}"));
    let mut component = Component::new(Classification::File, name, "", reference);
    component.version = None;
    component.hashes = Some(sha256(file.sha256().to_string()));
    component.properties = Some(properties_of(&[(SIZE, file.size().to_string())]));
    component
}

fn of_store_path(path: &str, material: &StorePathMaterial) -> Result<Component, Error> {
    let DrvName { name, version } = DrvName::of_store_path(path);
    // Generated files, units, scripts and sources have no version, and nobody gives them a licence.
    let is_package = !version.is_empty() || !material.licences.is_empty();
    let kind = if is_package { Classification::Application } else { Classification::File };
    let mut component = Component::new(kind, name, version, Some(path.to_owned()));
    component.version = (!version.is_empty()).then(|| version.into());
    component.purl = purl(name, version);
    component.hashes = Some(sha256(hex_of(&material.nar_hash, DocumentKind::Sbom)?));
    if !material.licences.is_empty() {
        component.licenses =
            Some(Licenses(material.licences.iter().map(|text| licence(text)).collect()));
    }
    let size = material.nar_size.to_string();
    component.properties = Some(properties_of(&[(STORE_PATH, path.to_owned()), (SIZE, size)]));
    Ok(component)
}

/// The package URL of a package with a version. Its type is `generic`, because the specification
/// of package URLs has none for Nix.
fn purl(name: &str, version: &str) -> Option<Purl> {
    // A package has several store paths. Their names end with the output, which is no version.
    let release = OUTPUTS.iter().find_map(|output| version.strip_suffix(output)?.strip_suffix('-'));
    let version = release.unwrap_or(version);
    if name.is_empty() || version.is_empty() {
        return None;
    }
    format!("pkg:generic/{}@{}", encoded(name), encoded(version)).parse().ok()
}

fn sha256(hex: String) -> Hashes {
    Hashes(vec![Hash { alg: HashAlgorithm::SHA_256, content: HashValue(hex) }])
}

fn properties_of(properties: &[(&str, String)]) -> Properties {
    Properties(properties.iter().map(|(name, value)| Property::new(name, value)).collect())
}

/// Makes a UUID of version 8 of the digest of a text.
fn serial_number(text: &[u8]) -> String {
    let digest = Sha256Digest::of(text).to_string();
    let part = |from: usize, to: usize| digest.get(from..to).unwrap_or_default();
    format!(
        "urn:uuid:{}-{}-8{}-a{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 15),
        part(15, 18),
        part(18, 30)
    )
}
