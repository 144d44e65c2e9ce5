//! Checking the UKI of an image.

use std::path::{Path, PathBuf};

use netboot_core::{Artifact, Context, Image, Sha256Digest, blocking};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;

use crate::certificate::Certificate;
use crate::error::Error;
use crate::image_uki::command_line::is_command_line;
use crate::image_uki::reading::Reading;
use crate::uki::part::{Part, padding};
use crate::uki_file::UkiFile;

/// The sections that systemd's stub passes to the kernel beside the initrds and the command line,
/// or that make it choose among several parts (systemd-stub(7)). No image has any of them.
const FOREIGN: [&str; 7] =
    [".ucode", ".dtb", ".dtbauto", ".efifw", ".hwids", ".profile", ".splash"];

/// A range of the UKI, and what its bytes must be.
struct Piece {
    size: u64,
    expected: Expected,
}

enum Expected {
    Digest(Sha256Digest),
    Zeros,
}

/// Checks that the UKI of an image was made of the image: it has the kernel, the initrds in order
/// and the command line of the image, nothing else that a kernel would get, and it is for the
/// architecture. Whoever gives `trusted` certificates also wants it to be signed by the key of one
/// of them.
///
/// The whole UKI is read. Returns `None` if the image has none.
///
/// # Errors
/// [`Error::OtherImage`] names the section that does not belong to the image. [`Error::Program`] if
/// the file is no UKI, [`Error::Untrusted`], [`Error::Core`] with
/// [`ArtifactChanged`](netboot_core::Error::ArtifactChanged) if its digest is not the one of the
/// artifact, [`Error::Core`] or [`Error::Io`] if it cannot be read, or if the work was cancelled.
///
/// ```no_run
/// use netboot_core::{Context, Image};
/// use netboot_uki::{Certificate, check_image_uki};
///
/// # async fn check(image: &Image) -> Result<(), netboot_uki::Error> {
/// let trusted = [Certificate::read("db.crt")?];
/// if let Some(uki) = check_image_uki(image, &trusted, &Context::new()).await? {
///     println!("{} is signed", uki.program().sha256());
/// }
/// # Ok(())
/// # }
/// ```
pub async fn check_image_uki(
    image: &Image,
    trusted: &[Certificate],
    context: &Context,
) -> Result<Option<UkiFile>, Error> {
    let Some(uki) = image.uki().cloned() else { return Ok(None) };
    let (image, trusted) = (image.clone(), trusted.to_vec());
    let context = context.clone();
    let spool = match uki.local_path() {
        Some(_) => None,
        None => Some(spool(uki.as_ref(), &context).await?),
    };
    let checked = blocking(move || {
        let path = match (uki.local_path(), &spool) {
            (Some(path), _) => path.to_owned(),
            (None, Some(file)) => file.path().to_owned(),
            (None, None) => PathBuf::from(uki.file_name().as_str()),
        };
        let file = check(&image, uki.as_ref(), &path, &context)?;
        if !trusted.is_empty() {
            file.program().verify(&trusted)?;
        }
        Ok::<_, Error>(file)
    });
    checked.await.map(Some)
}

/// Copies a UKI that is no file on this machine into a temporary one.
async fn spool(uki: &dyn Artifact, context: &Context) -> Result<NamedTempFile, Error> {
    let failed =
        |source| Error::Io { action: "read", path: uki.file_name().as_str().into(), source };
    let spool = NamedTempFile::new().map_err(failed)?;
    let mut file = tokio::fs::File::from_std(spool.reopen().map_err(failed)?);
    let mut reader = uki.open().await?;
    let copy = tokio::io::copy(&mut reader, &mut file);
    let cancelled = context.cancellation().cancelled();
    tokio::select! {
        copied = copy => { copied.map_err(failed)?; }
        () = cancelled => return Err(netboot_core::Error::Cancelled.into()),
    }
    file.flush().await.map_err(failed)?;
    Ok(spool)
}

fn check(
    image: &Image,
    uki: &dyn Artifact,
    path: &Path,
    context: &Context,
) -> Result<UkiFile, Error> {
    let other = |section, problem| {
        let profile = image.profile().clone();
        Error::OtherImage { profile, section, problem }
    };
    let mut reading = Reading::open(path, context)?;
    let file = UkiFile::read(path, &mut reading, uki.size())?;
    reading.finish(uki.sha256())?;
    let program = file.program();
    if program.architecture() != image.boot().architecture() {
        return Err(other(Part::KERNEL, "it is for another architecture"));
    }
    if !is_command_line(image, file.command_line_bytes().unwrap_or_default()) {
        return Err(other(".cmdline", "it is not the command line of the image"));
    }
    if let Some(section) = FOREIGN.into_iter().find(|name| program.section(name).is_some()) {
        return Err(other(section, "it is not a part of the image"));
    }
    let mut sections = Vec::new();
    for (name, pieces) in [(Part::KERNEL, kernel(image)), (Part::INITRD, initrds(image))] {
        let section = program.section(name).ok_or_else(|| other(name, "it is missing"))?;
        let size = pieces.iter().map(|piece| piece.size).fold(0, u64::saturating_add);
        if u64::from(section.size) != size {
            return Err(other(name, "it has another size than the image's"));
        }
        sections.push((u64::from(section.offset), name, pieces));
    }
    sections.sort_by_key(|(offset, ..)| *offset);

    let (mut reading, mut position) = (Reading::open(path, context)?, 0);
    for (offset, name, pieces) in sections {
        // Sections do not overlap, because the headers were checked.
        reading.piece(offset.saturating_sub(position))?;
        position = offset;
        for piece in pieces {
            let seen = reading.piece(piece.size)?;
            let is_expected = match piece.expected {
                Expected::Digest(expected) => seen.sha256 == expected,
                Expected::Zeros => seen.is_zero,
            };
            if !is_expected {
                return Err(other(name, "it has other bytes than the image's"));
            }
            position += piece.size;
        }
    }
    // The file may have changed between the two readings.
    reading.finish(uki.sha256())?;
    Ok(file)
}

fn kernel(image: &Image) -> Vec<Piece> {
    vec![Piece::of(image.kernel().as_ref())]
}

fn initrds(image: &Image) -> Vec<Piece> {
    let files = image.initrds();
    let pieces = files.iter().flat_map(|file| {
        let size = padding(file.as_ref(), files);
        [Piece::of(file.as_ref()), Piece { size, expected: Expected::Zeros }]
    });
    pieces.collect()
}

impl Piece {
    fn of(file: &dyn Artifact) -> Self {
        Self { size: file.size(), expected: Expected::Digest(file.sha256()) }
    }
}
