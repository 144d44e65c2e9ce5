//! The images of iPXE (`src/core/image.c`).

use ipxe_script::Script;
use ipxe_script::settings::{Dialect, WordSize};

use super::prediction::ImageState;
use super::uri::Uri;

/// An image.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) id: usize,
    pub(crate) name: Vec<u8>,
    pub(crate) uri: Uri,
    pub(crate) content: Vec<u8>,
    pub(crate) arguments: Option<Vec<u8>>,
    pub(crate) autofree: bool,
}

impl Image {
    pub(crate) fn is_script(&self) -> bool {
        Script::parse(&self.content).magic().is_ok()
    }

    /// Returns true if iPXE can start the image. A BIOS takes any small file for a program.
    pub(crate) fn is_executable(&self, build: Dialect) -> bool {
        self.is_script() || is_program(&self.content, build)
    }
}

/// Returns true if iPXE takes a file that is not a script for a program. It recognizes Linux's
/// bzImage and EFI programs by their signatures. With a BIOS it takes every file of at most 623,616
/// bytes, even the error page of a server or a script without its magic
/// (`src/arch/x86/image/pxe_image.c`).
pub(crate) fn is_program(content: &[u8], build: Dialect) -> bool {
    const BASE_MEMORY: usize = 0xa_0000 - 0x7c00;
    let is_at =
        |offset: usize, magic: &[u8]| content.get(offset..).is_some_and(|at| at.starts_with(magic));
    match build.word_size {
        WordSize::Bits32 => {
            (1..=BASE_MEMORY).contains(&content.len())
                || (is_at(0x1fe, b"\x55\xaa") && is_at(0x202, b"HdrS"))
        }
        WordSize::Bits64 => is_at(0, b"MZ"),
    }
}

/// The registered images, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Images {
    registered: Vec<Image>,
    next: usize,
    nameless: usize,
    selected: Option<usize>,
}

impl Images {
    /// Registers a downloaded file, and returns its number.
    pub(crate) fn add(&mut self, name: Option<Vec<u8>>, uri: Uri, content: Vec<u8>) -> usize {
        let id = self.next;
        self.next += 1;
        let name = name.unwrap_or_else(|| {
            self.nameless += 1;
            format!("img{}", self.nameless - 1).into_bytes()
        });
        let image = Image { id, name, uri, content, arguments: None, autofree: false };
        self.registered.push(image);
        id
    }

    /// The first image of this name.
    pub(crate) fn find(&self, name: &[u8]) -> Option<usize> {
        self.registered.iter().find(|image| image.name == name).map(|image| image.id)
    }

    pub(crate) fn get(&mut self, id: usize) -> Option<&mut Image> {
        self.registered.iter_mut().find(|image| image.id == id)
    }

    /// Removes an image from the list.
    pub(crate) fn take(&mut self, id: usize) -> Option<Image> {
        let index = self.registered.iter().position(|image| image.id == id)?;
        Some(self.registered.remove(index))
    }

    /// Puts an image back at the end of the list.
    pub(crate) fn put_back(&mut self, image: Image) {
        self.registered.push(image);
    }

    pub(crate) fn clear(&mut self) {
        self.registered.clear();
    }

    pub(crate) fn select(&mut self, id: usize) {
        self.selected = Some(id);
    }

    pub(crate) fn deselect(&mut self) {
        self.selected = None;
    }

    /// The selected image, if it is registered.
    pub(crate) fn selected(&self) -> Option<usize> {
        self.selected.filter(|id| self.registered.iter().any(|image| image.id == *id))
    }

    pub(crate) fn states(&self) -> Vec<ImageState> {
        let selected = self.selected();
        let state = |image: &Image| ImageState {
            name: image.name.clone(),
            arguments: image.arguments.clone(),
            selected: selected == Some(image.id),
        };
        self.registered.iter().map(state).collect()
    }
}
