//! An image that is too large gives a warning before it is published.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use netboot_core::{
    Architecture, Artifact, ArtifactKind, ArtifactReader, BootSpec, Context, Error, Event,
    FileName, Image, InitPath, ProfileSpec, Sha256Digest,
};

/// An artifact with a size and no content.
#[derive(Debug)]
struct Large {
    kind: ArtifactKind,
    name: FileName,
    size: u64,
}

#[async_trait]
impl Artifact for Large {
    fn kind(&self) -> ArtifactKind {
        self.kind
    }

    fn file_name(&self) -> &FileName {
        &self.name
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn sha256(&self) -> Sha256Digest {
        Sha256Digest::of(b"")
    }

    async fn open(&self) -> Result<ArtifactReader, Error> {
        Err(Error::NotAFile { path: self.name.as_str().into() })
    }
}

/// Returns the warning for an image with a kernel of one byte and an initrd of `initrd` bytes.
fn warning(initrd: u64, budget: u64) -> Option<(String, String)> {
    let part =
        |kind, name, size| Arc::new(Large { kind, name: FileName::new(name).unwrap(), size });
    let profile = ProfileSpec::new("worker").unwrap();
    let init = InitPath::new("/init").unwrap();
    let boot = BootSpec::new(Architecture::X86_64, init, Vec::<&str>::new()).unwrap();
    let image = Image::builder(&profile, boot)
        .kernel(part(ArtifactKind::Kernel, "bzImage", 1))
        .initrd(part(ArtifactKind::Initrd, "initrd", initrd))
        .build()
        .unwrap();
    let events = Arc::new(Mutex::new(Vec::new()));
    let sink = events.clone();
    let context = Context::new().with_events(move |event| sink.lock().unwrap().push(event));
    image.warn_if_over(budget, &context);
    let mut events = events.lock().unwrap();
    assert!(events.len() <= 1, "{events:?}");
    events.pop().map(|event| match event {
        Event::Warning { profile, message, hint } => {
            assert_eq!(profile, Some("worker".parse().unwrap()));
            (message, hint.unwrap())
        }
        other => panic!("{other:?}"),
    })
}

#[test]
fn an_image_is_remarked_on_above_its_budget_and_above_what_ipxe_loads() {
    const MIB: u64 = 1024 * 1024;
    assert_eq!(warning(10 * MIB - 1, 10 * MIB), None);
    let (message, hint) = warning(10 * MIB, 10 * MIB).unwrap();
    assert_eq!(message, "the image has 11 MiB, but its budget is 10 MiB");
    assert!(hint.contains("size budget"), "{hint}");

    // A budget does not change what iPXE can load.
    assert_eq!(warning(2048 * MIB - 1, 4096 * MIB), None);
    for budget in [0, 500 * MIB, 4096 * MIB] {
        let (message, hint) = warning(2048 * MIB, budget).unwrap();
        assert!(message.contains("2049 MiB") && message.contains("iPXE"), "{message}");
        assert!(!hint.contains("size budget"), "{hint}");
    }
}
