//! The messages about the scripts of images with a closure.

use std::sync::Arc;

use ipxe_script::IpxeBuild;
use netboot_core::{ArtifactKind, BytesArtifact, Closure, Image, KernelParameter, ProfileSpec};
use netboot_ipxe::{Renderer, lint};

use super::booting::image;
use super::{Said, all, error, finding, worker};

pub(super) fn said() -> Vec<Said> {
    let unknown = Renderer::builder().build().unwrap();
    let unknown = unknown.render_release([closure_image()]).unwrap_err();
    let secure = "https://boot.example.org/".parse().unwrap();
    let secure = Renderer::builder().closure_source(&secure).unwrap_err();
    let source = "http://10.0.0.1/".parse().unwrap();
    let index = KernelParameter::new("netboot.index=0a1b").unwrap();
    let reserved = Renderer::builder().closure_source(&source).unwrap().kernel_parameter(index);
    let reserved = reserved.build().unwrap().render_release([closure_image()]).unwrap_err();
    let script = b"#!ipxe\nimgfree\nkernel --name bzImage bzImage netboot.index=0a1b || exit 1\n";
    let build: IpxeBuild = "bookworm".parse().unwrap();
    let findings = all(lint(script, &build), |found| {
        finding(format!("worker.ipxe:{found} [{}]", found.kind.code()), found.hint())
    });
    vec![
        ("closure-without-source", error(unknown)),
        ("closure-over-https", error(secure)),
        ("closure-index-reserved", error(reserved)),
        ("closure-script", findings),
    ]
}

fn closure_image() -> Image {
    let bytes = |kind, name: &'static str| Arc::new(BytesArtifact::new(kind, name, name).unwrap());
    let closure = Closure {
        index: bytes(ArtifactKind::ClosureIndex, "index"),
        blobs: vec![bytes(ArtifactKind::StorePath, "bash")],
        unpacked_bytes: 4096,
        inodes: 1,
    };
    let parts = image("worker");
    Image::builder(&ProfileSpec::new(worker()).unwrap(), parts.boot().clone())
        .kernel(parts.kernel().clone())
        .initrd(parts.initrds()[0].clone())
        .closure(closure)
        .build()
        .unwrap()
}
