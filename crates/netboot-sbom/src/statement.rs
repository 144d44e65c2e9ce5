//! Writing the provenance of an image.
//!
//! The structs below are those of the specifications of in-toto and SLSA. The crate
//! `in_toto_attestation` has them as messages of Protocol Buffers, whose JSON leaves the order of
//! keys open and needs a runtime for reflection; the bytes of a document must be the same in every
//! build.

use std::collections::BTreeMap;

use foreign_text::ForeignText;
use netboot_core::{DocumentKind, Image, SourceMaterial};
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::Error;
use crate::nar_hash::hex_of;
use crate::percent::encoded;

/// The type of statements (in-toto Attestation Framework, `spec/v1/statement.md`).
const STATEMENT: &str = "https://in-toto.io/Statement/v1";

/// The type of the predicate (SLSA 1.0, "Provenance").
const PREDICATE: &str = "https://slsa.dev/provenance/v1";

/// The page that says what the fields of our builds mean. A test compares its headings with the
/// fragments of the URIs below.
macro_rules! page {
    ($rest:literal) => {
        concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/provenance.md", $rest)
    };
}

/// The type of our builds. Another meaning of the fields is another version.
const BUILD_TYPE: &str = page!("#image-v1");

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    #[serde(rename = "_type")]
    kind: &'static str,
    subject: Vec<Resource>,
    predicate_type: &'static str,
    predicate: Predicate,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Predicate {
    build_definition: BuildDefinition,
    run_details: RunDetails,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BuildDefinition {
    build_type: &'static str,
    external_parameters: BTreeMap<String, Value>,
    resolved_dependencies: Vec<Resource>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunDetails {
    builder: BuilderOfImage,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    byproducts: Vec<Resource>,
}

#[derive(Serialize)]
struct BuilderOfImage {
    id: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    version: BTreeMap<String, String>,
}

/// A resource descriptor (in-toto Attestation Framework, `spec/v1/resource_descriptor.md`).
#[derive(Serialize)]
struct Resource {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    digest: BTreeMap<&'static str, String>,
}

/// Writes the provenance of an image: an in-toto statement with the predicate of SLSA.
///
/// Its subjects are the files that the boot loader fetches, named `<profile>/<file name>`, and the
/// index of a closure, `<profile>/closure/index`, which names every store path by its digest. A
/// digest `narSha256` is the
/// SHA-256 of a Nix archive. The statement says what the builder said; the signature of the
/// release's manifest says who vouches for it.
///
/// # Errors
/// [`Error::Unwritable`] if the image has a NAR hash in a form that is not Nix's.
pub fn statement(image: &Image) -> Result<Vec<u8>, Error> {
    let builder = &image.provenance().builder;
    let statement = Statement {
        kind: STATEMENT,
        subject: subjects(image),
        predicate_type: PREDICATE,
        predicate: Predicate {
            build_definition: BuildDefinition {
                build_type: BUILD_TYPE,
                external_parameters: parameters(image),
                resolved_dependencies: dependencies(image)?,
            },
            run_details: RunDetails {
                builder: BuilderOfImage {
                    id: builder_id(builder),
                    version: image.provenance().tools.clone(),
                },
                byproducts: byproducts(image)?,
            },
        },
    };
    let mut json = serde_json::to_vec_pretty(&statement).map_err(|error| Error::Unwritable {
        document: DocumentKind::Provenance,
        problem: ForeignText::new(error.to_string()),
    })?;
    json.push(b'\n');
    Ok(json)
}

/// The name of the index of a closure below its profile. No file name has a slash, so no file of an
/// image has the same name.
const CLOSURE_INDEX: &str = "closure/index";

/// The identity of a builder. The name of a builder is any text.
fn builder_id(name: &str) -> String {
    format!(page!("?name={}#builder-v1"), encoded(name))
}

fn subjects(image: &Image) -> Vec<Resource> {
    let profile = image.profile();
    let index = image.closure().map(|closure| (&closure.index, CLOSURE_INDEX.to_owned()));
    let files = image.boot_files().map(|file| (file, file.file_name().to_string()));
    files
        .chain(index)
        .map(|(file, name)| Resource {
            name: Some(format!("{profile}/{name}")),
            uri: None,
            digest: BTreeMap::from([("sha256", file.sha256().to_string())]),
        })
        .collect()
}

fn parameters(image: &Image) -> BTreeMap<String, Value> {
    let given = image.materials().map(|materials| materials.parameters.clone());
    let mut parameters = given.unwrap_or_default();
    parameters.insert("profile".to_owned(), json!(image.profile()));
    parameters.insert("architecture".to_owned(), json!(image.boot().architecture()));
    if let Some(source) = &image.provenance().source {
        parameters.insert("source".to_owned(), json!(source));
    }
    parameters
}

/// The locked source, its inputs, and the derivations of the parts.
fn dependencies(image: &Image) -> Result<Vec<Resource>, Error> {
    let provenance = image.provenance();
    let mut dependencies = Vec::new();
    match image.materials().map(|materials| &materials.sources) {
        Some(sources) if !sources.is_empty() => {
            for (name, source) in sources {
                let mut digest = nar_digest(source.nar_hash.as_deref())?;
                digest.extend(git_commit(source).map(|commit| ("gitCommit", commit.to_owned())));
                let name = Some(if name.is_empty() { "source" } else { name }.to_owned());
                dependencies.push(Resource { name, uri: Some(source.url.clone()), digest });
            }
        }
        _ => {
            if let Some(source) = &provenance.source {
                let digest = nar_digest(provenance.source_hash.as_deref())?;
                let (name, uri) = (Some("source".to_owned()), Some(source.clone()));
                dependencies.push(Resource { name, uri, digest });
            }
        }
    }
    // The name of a derivation has a hash over everything that it is built from.
    dependencies.extend(provenance.derivations.iter().map(|(part, path)| Resource {
        name: Some(format!("derivation of {part}")),
        uri: Some(format!("file://{path}")),
        digest: BTreeMap::new(),
    }));
    Ok(dependencies)
}

/// The store paths that were built, from which the subjects were taken.
fn byproducts(image: &Image) -> Result<Vec<Resource>, Error> {
    let provenance = image.provenance();
    let outputs = provenance.outputs.iter();
    outputs
        .map(|(part, path)| {
            let hash = provenance.output_hashes.get(part).map(String::as_str);
            let (name, uri) = (Some(part.clone()), Some(format!("file://{path}")));
            Ok(Resource { name, uri, digest: nar_digest(hash)? })
        })
        .collect()
}

fn nar_digest(nar_hash: Option<&str>) -> Result<BTreeMap<&'static str, String>, Error> {
    let digest = nar_hash.map(|hash| hex_of(hash, DocumentKind::Provenance)).transpose()?;
    Ok(digest.map(|digest| ("narSha256", digest)).into_iter().collect())
}

/// The revision of a source in Git. Mercurial has revisions of the same form.
fn git_commit(source: &SourceMaterial) -> Option<&str> {
    let revision = source.revision.as_deref()?;
    let is_hash = [40, 64].contains(&revision.len())
        && revision.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_git = ["git+", "git:", "github:", "gitlab:"].iter().any(|it| source.url.starts_with(it));
    (is_hash && is_git).then_some(revision)
}
