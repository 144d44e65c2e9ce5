//! A registry, against the program that copies images into it.

use std::cell::RefCell;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use netboot_benches::{
    Case, Contender, Goal, ImageFiles, ImageSizes, Place, Row, Run, Wire, contest, is_test,
    publish, run,
};
use netboot_core::Sha256Digest;
use netboot_testbed::{Registry, RegistryAccess};
use tempfile::TempDir;

use crate::peers::is_there;

fn ours(address: SocketAddr, files: &ImageFiles) -> Run {
    let place = Place::Oci { address, repository: "netboot".to_owned() };
    publish(&place, files.directory()).hashed_before()
}

/// Copies a layout into the registry. Skopeo reads the digests from the layout.
fn skopeo(address: SocketAddr, layout: &Path) -> Run {
    let (from, to) = (format!("oci:{}", layout.display()), format!("docker://{address}/skopeo:x"));
    let mut command = Command::new("skopeo");
    command.args(["--insecure-policy", "copy", "--preserve-digests", "--dest-tls-verify=false"]);
    run(command.args([from, to]))
}

/// Writes an image layout whose layers are the files; see
/// <https://github.com/opencontainers/image-spec/blob/main/image-layout.md>.
fn write_layout(files: &ImageFiles, layout: &Path) {
    let _ = fs::remove_dir_all(layout);
    let blobs = layout.join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    let put = |kind: &str, bytes: &[u8]| {
        let digest = Sha256Digest::of(bytes);
        fs::write(blobs.join(digest.to_string()), bytes).unwrap();
        let kind = format!("application/vnd.oci.image.{kind}");
        let size = bytes.len();
        format!("{{\"mediaType\":\"{kind}\",\"digest\":\"sha256:{digest}\",\"size\":{size}}}")
    };
    let paths = files.paths();
    let layers: Vec<String> =
        paths.iter().map(|path| put("layer.v1.tar", &fs::read(path).unwrap())).collect();
    let digests: Vec<String> = paths
        .iter()
        .map(|path| format!("\"sha256:{}\"", Sha256Digest::of(&fs::read(path).unwrap())))
        .collect();
    let config = format!(
        "{{\"architecture\":\"amd64\",\"os\":\"linux\",\
         \"rootfs\":{{\"type\":\"layers\",\"diff_ids\":[{}]}}}}",
        digests.join(",")
    );
    let config = put("config.v1+json", config.as_bytes());
    let manifest = format!(
        "{{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\
         \"config\":{config},\"layers\":[{}]}}",
        layers.join(",")
    );
    let manifest = put("manifest.v1+json", manifest.as_bytes());
    fs::write(
        layout.join("index.json"),
        format!("{{\"schemaVersion\":2,\"manifests\":[{manifest}]}}"),
    )
    .unwrap();
    fs::write(layout.join("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}").unwrap();
}

/// An image that is not there, one that is, and one of which the kernel changed. Our time is that
/// of hashed files.
pub(crate) fn rows() -> Vec<Row> {
    let directory = TempDir::new().unwrap();
    let sizes = ImageSizes::two_files();
    let rounds = if is_test() { 1 } else { 5 };
    let files = RefCell::new(ImageFiles::new(&directory.path().join("image"), sizes));
    let server = directory.path().join("registry");
    let registry = Registry::start(&server, &RegistryAccess::Anyone);
    let repositories = server.join("data/docker/registry/v2/repositories");
    let wire = Wire::http(registry.address().parse().unwrap());
    let has_skopeo = is_there("skopeo", "--version", "apt-get install skopeo");
    let layout = directory.path().join("layout");

    let mut rows = Vec::new();
    for (what, is_cold, is_changed) in
        [("cold", true, false), ("unchanged", false, false), ("one file changed", false, true)]
    {
        let prepare = |repository: &str| {
            if is_cold {
                let _ = fs::remove_dir_all(repositories.join(repository));
            }
            if is_changed {
                files.borrow_mut().change();
            }
        };
        let (prepare, files, layout) = (&prepare, &files, &layout);
        let mut contenders = vec![Contender::new("netboot", move |address| {
            prepare("netboot");
            ours(address, &files.borrow())
        })];
        if has_skopeo {
            let peer = Contender::new("skopeo", move |address| {
                prepare("skopeo");
                write_layout(&files.borrow(), layout);
                skopeo(address, layout)
            });
            contenders.push(peer.goal(Goal::Ratio(1.0)));
        }
        let name = format!("{what}, {} MB in {} files", sizes.megabytes(), 2 + sizes.blobs);
        let case = Case { place: "OCI", name: &name, rounds, wire: Some(&wire) };
        rows.extend(contest(case, contenders));
    }
    rows
}
