//! Signing EFI programs.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use netboot_core::{Context, blocking};

use crate::authenticode::create::create;
use crate::authenticode::table;
use crate::efi_program::{failed, open};
use crate::error::Error;
use crate::new_file::NewFile;
use crate::pe::problem::PeProblem;
use crate::pe::sums::Sums;
use crate::progress::Progress;
use crate::scan::Scan;
use crate::signer::pe_signer::PeSigner;

/// Signs an EFI program, such as a [`Uki`](crate::Uki) or iPXE, and writes the signed program to
/// `output`, where nothing may be. Signatures that the program already has stay.
///
/// The signature has no time. An RSA signature has no random part either, so that equal programs
/// and keys give equal files.
///
/// The file appears when it is complete. The memory that this takes does not depend on its size.
///
/// # Errors
/// [`Error::Program`] if `input` is no such program, [`Error::WrongSignature`] if the key does not
/// belong to the certificate, [`Error::Encode`], the errors of [`PeSigner::sign`], [`Error::Core`]
/// or [`Error::Io`] if a file cannot be read or written, or if the work was cancelled.
pub async fn sign(
    input: impl AsRef<Path>,
    output: impl AsRef<Path>,
    signer: &dyn PeSigner,
    context: &Context,
) -> Result<(), Error> {
    let (input, output) = (input.as_ref().to_owned(), output.as_ref());
    let (path, for_scan) = (input.clone(), context.clone());
    let (file, scan) = blocking(move || {
        let (mut file, length) = open(&path)?;
        let scan = Scan::read(&mut file, length, &for_scan, |_| Ok(Vec::new()), |_, _, _| {})
            .map_err(|it| failed(&path, it))?;
        Ok::<_, Error>((file, scan))
    })
    .await?;
    let signature = create(&scan.digest, signer, context).await?;
    let new = NewFile::create(output).await?;
    let target = new.file()?;
    context.check()?;
    let (output, context) = (output.to_owned(), context.clone());
    blocking(move || write((&input, file), (&output, target), scan, &signature, &context)).await?;
    new.keep().await
}

fn write(
    (input, mut file): (&Path, File),
    (output, mut target): (&Path, File),
    mut scan: Scan,
    signature: &[u8],
    context: &Context,
) -> Result<(), Error> {
    let program = |problem| Error::Program { path: input.to_owned(), problem };
    let (end, padding) = (scan.headers.signatures.start, scan.headers.padding());
    table::signatures(&scan.signatures).map_err(program)?;
    let mut signatures = scan.signatures;
    signatures.extend(table::entry(signature).map_err(program)?);
    let narrow = |value: u64| u32::try_from(value).map_err(|_| program(PeProblem::TooLarge));
    let mut entry = narrow(end + padding)?.to_le_bytes().to_vec();
    entry.extend(narrow(signatures.len() as u64)?.to_le_bytes());
    narrow(end + padding + signatures.len() as u64)?;
    scan.words.replace(&entry);
    scan.words.update(&signatures);
    let checksum = scan.words.checksum().to_le_bytes();
    let mut headers = scan.header_bytes;
    let mut sums = Sums::of_headers(&scan.headers, &headers);
    for (position, bytes) in [
        (scan.headers.checksum_position(), &checksum[..]),
        (scan.headers.signatures_position(), &entry),
    ] {
        headers[position..position + bytes.len()].copy_from_slice(bytes);
    }
    let read = |source| Error::Io { action: "read", path: input.to_owned(), source };
    let wrote = |source| Error::Io { action: "write", path: output.to_owned(), source };
    target.write_all(&headers).map_err(wrote)?;
    let mut rest = end - headers.len() as u64;
    file.seek(SeekFrom::Start(headers.len() as u64)).map_err(read)?;
    let mut buffer = vec![0; 256 * 1024];
    let mut progress = Progress::new(output, end, context);
    while rest > 0 {
        context.check()?;
        let wanted = usize::try_from(rest).unwrap_or(buffer.len()).min(buffer.len());
        match file.read(&mut buffer[..wanted]).map_err(read)? {
            0 => return Err(program(PeProblem::Changed)),
            count => {
                sums.update(&buffer[..count]);
                target.write_all(&buffer[..count]).map_err(wrote)?;
                progress.add(count);
                rest -= count as u64;
            }
        }
    }
    let zeros = vec![0; usize::try_from(padding).unwrap_or_default()];
    sums.update(&zeros);
    // The file may have changed while the signer worked.
    if sums.finish().0 != scan.digest {
        return Err(program(PeProblem::Changed));
    }
    let written = target.write_all(&zeros).and_then(|()| target.write_all(&signatures));
    written.and_then(|()| io::Write::flush(&mut target)).map_err(wrote)
}
