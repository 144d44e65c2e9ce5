//! Checking the UKI of an image.

use netboot_core::{Artifact, Context, Image, Phase, blocking};

use crate::certificate::Certificate;
use crate::efi_program::ProgramSource;
use crate::error::Error;
use crate::image_uki::command_line::is_command_line;
use crate::image_uki::reading::Reading;
use crate::image_uki::sections::{COMMAND_LINE, COMPARED, Expected, UNAME, foreign, pieces};
use crate::image_uki::source::Source;
use crate::pe::problem::PeProblem;
use crate::stub::{MAGIC_LIMIT, MAGIC_SECTION, UKI_STUB, is_magic};
use crate::uki::kernel_reader::KernelReader;
use crate::uki::part::Part;
use crate::uki_file::UkiFile;

/// Checks that the UKI of an image has what [`UkiSettings::make`](crate::UkiSettings::make) puts
/// into it: the kernel, the initrds in order, the command line, the `os-release` and the version of
/// the kernel, for the architecture of the image, and no other section beside those of a stub.
///
/// With `trusted` certificates, the key of one of them must have signed it too. Without any, no
/// signature is verified. The code of the stub is not compared with a stub of systemd, so that only
/// a signature of a trusted key tells that nobody put other code there.
///
/// The whole UKI is read, in another thread. Reports the progress to `context`. Returns `None` if
/// the image has none.
///
/// # Errors
/// [`Error::OtherImage`] names the section that does not belong to the image. [`Error::Program`] if
/// the file is no UKI, [`Error::Untrusted`], [`Error::Core`] with
/// [`ArtifactChanged`](netboot_core::Error::ArtifactChanged) if its digest is not the one of the
/// artifact, whatever else is wrong, [`Error::Core`] or [`Error::Io`] if it cannot be read, or if
/// the work was cancelled.
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
    // A dropped future ends the work of the thread.
    let token = context.cancellation().child_token();
    let _guard = token.clone().drop_guard();
    let context = context.for_profile(image.profile()).with_cancellation(token);
    let source = Source::of(uki.as_ref(), &context).await?;
    let checked = blocking(move || {
        let _phase = context.phase(Phase::Verifying, None);
        let file = check(&image, uki.as_ref(), &source, &context)?;
        if !trusted.is_empty() {
            file.program().verify(&trusted)?;
        }
        Ok::<_, Error>(file)
    });
    checked.await.map(Some)
}

fn check(
    image: &Image,
    uki: &dyn Artifact,
    source: &Source,
    context: &Context,
) -> Result<UkiFile, Error> {
    let size = uki.size();
    if size > u64::from(u32::MAX) {
        let path = source.name.clone();
        return Err(Error::Program { path, problem: PeProblem::TooLarge });
    }
    let mut reading = Reading::open(source, uki, 0, context)?;
    let program = ProgramSource { path: &source.name, length: size, context };
    let file = UkiFile::read(&program, &mut reading, |_, _, _| {});
    // The digest decides first: a file that somebody changed tells nothing about the UKI.
    reading.finish()?;
    let (file, _) = file?;
    check_sections(image, &file)?;
    let mut reading = Reading::open(source, uki, 1, context)?;
    let compared = compare(image, &file, &mut reading);
    reading.finish()?;
    compared.map(|()| file)
}

fn other(image: &Image, section: &str, problem: &'static str) -> Error {
    let section = PeProblem::named(section);
    Error::OtherImage { profile: image.profile().clone(), section, problem }
}

/// Checks all that the table of sections and the texts tell.
fn check_sections(image: &Image, file: &UkiFile) -> Result<(), Error> {
    let program = file.program();
    if program.architecture() != image.boot().architecture() {
        return Err(other(image, Part::KERNEL, "it is for another architecture"));
    }
    if !is_command_line(image, file.command_line_bytes().unwrap_or_default()) {
        return Err(other(image, COMMAND_LINE, "it is not the command line of the image"));
    }
    if let Some(section) = foreign(program.sections()) {
        return Err(other(image, &section.name, "it is not a part of the image"));
    }
    for name in COMPARED {
        let Some(section) = program.section(name) else {
            // The version is compared when the kernel was read.
            if name == UNAME {
                continue;
            }
            return Err(other(image, name, "it is missing"));
        };
        if section.memory_size != section.size {
            return Err(other(image, name, "it has another size in memory than in the file"));
        }
        let Some(pieces) = pieces(image, name) else { continue };
        let size = pieces.iter().map(|piece| piece.size).fold(0, u64::saturating_add);
        if u64::from(section.size) != size {
            return Err(other(image, name, "it has another size than the image's"));
        }
    }
    Ok(())
}

/// Compares the bytes of the sections with those of the image.
fn compare(image: &Image, file: &UkiFile, reading: &mut Reading<'_>) -> Result<(), Error> {
    let program = file.program();
    let mut sections: Vec<_> =
        COMPARED.iter().filter_map(|name| Some((*name, program.section(name)?))).collect();
    sections.sort_by_key(|(_, section)| section.offset);
    let mut kernel = KernelReader::default();
    let mut position = 0;
    for (name, section) in sections {
        // Sections do not overlap, because the headers were checked.
        let range = section.range();
        reading.piece(range.start.saturating_sub(position), |_| {})?;
        position = range.end;
        let Some(pieces) = pieces(image, name) else {
            let mut start = Vec::new();
            reading.piece(range.end - range.start, |bytes| {
                let room = MAGIC_LIMIT - start.len();
                start.extend_from_slice(&bytes[..bytes.len().min(room)]);
            })?;
            if name == MAGIC_SECTION && !is_magic(&start, UKI_STUB) {
                return Err(other(image, name, "it is not the one of systemd-stub"));
            }
            continue;
        };
        for piece in pieces {
            let seen = reading.piece(piece.size, |bytes| {
                if name == Part::KERNEL {
                    kernel.update(bytes);
                }
            })?;
            let is_expected = match piece.expected {
                Expected::Digest(expected) => seen.sha256 == expected,
                Expected::Zeros => seen.is_zero,
            };
            if !is_expected {
                return Err(other(image, name, "it has other bytes than the image's"));
            }
        }
    }
    let kernel = kernel.finish(program.architecture());
    let kernel = kernel.map_err(|_| other(image, Part::KERNEL, "it is no kernel"))?;
    if kernel.release.as_deref().map(str::as_bytes) != file.uname_bytes() {
        return Err(other(image, UNAME, "it is not the version of the kernel"));
    }
    Ok(())
}
