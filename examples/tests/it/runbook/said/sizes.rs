//! Warnings and errors about images that are too large.

use std::sync::{Arc, Mutex};

use netboot_core::{
    Architecture, Artifact, ArtifactKind, ArtifactReader, BootSpec, Context, Error, Event,
    FileName, Image, ProfileSpec, Sha256Digest, async_trait,
};

use super::{Said, error, worker};

const MIB: u64 = 1024 * 1024;

/// An artifact that states a size and is never read.
#[derive(Debug)]
struct Sized {
    kind: ArtifactKind,
    name: FileName,
    size: u64,
}

#[async_trait]
impl Artifact for Sized {
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

/// The warning for an image of this size in MiB, with the budget of the built-in profiles.
fn warning(mebibytes: u64) -> String {
    let part = |kind, name, size| {
        Arc::new(Sized { kind, name: FileName::new(name).unwrap(), size }) as Arc<dyn Artifact>
    };
    let profile = ProfileSpec::new(worker()).unwrap();
    let boot = BootSpec::new(Architecture::X86_64, "/init", Vec::<&str>::new());
    let image = Image::builder(&profile, boot.unwrap())
        .kernel(part(ArtifactKind::Kernel, "bzImage", 12 * MIB))
        .initrd(part(ArtifactKind::Initrd, "initrd", (mebibytes - 12) * MIB))
        .build()
        .unwrap();
    let told = Arc::new(Mutex::new(String::new()));
    let sink = told.clone();
    let context = Context::new().with_events(move |event| {
        let Event::Warning { profile: Some(profile), message, hint: Some(hint) } = event else {
            panic!("{event:?}")
        };
        *sink.lock().unwrap() = format!("{profile}: warning: {message}\n  what to do: {hint}");
    });
    image.warn_if_over(500 * MIB, &context);
    let told = told.lock().unwrap();
    assert!(!told.is_empty());
    told.clone()
}

pub(super) fn said() -> Vec<Said> {
    let too_large = netboot_nix::Error::FileTooLarge {
        attribute: "nixosConfigurations.netboot-worker".to_owned(),
        path: "/nix/store/4k2q…-models/weights.bin".into(),
        size: 5 * 1024 * MIB,
    };
    vec![
        ("image-over-budget", warning(612)),
        ("image-over-ipxe", warning(2300)),
        ("file-too-large", error(Error::build("nix", &worker(), too_large))),
    ]
}
