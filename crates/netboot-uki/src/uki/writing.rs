//! Writing a program: the stub with its new sections.

use std::path::Path;

use netboot_core::{Artifact, Context, Sha256Digest};
use tokio::fs::File;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

use crate::error::Error;
use crate::new_file::NewFile;
use crate::pe::headers::Headers;
use crate::pe::problem::PeProblem;
use crate::pe::sums::Sums;
use crate::progress::Progress;
use crate::stub::StubFile;
use crate::uki::layout::Layout;
use crate::uki::part::{Content, Part, padding};
use crate::whole_artifact::WholeArtifact;

/// A program whose parts have their places.
#[derive(Debug)]
pub(crate) struct Assembly {
    stub: StubFile,
    parts: Vec<Part>,
    layout: Layout,
    headers: Headers,
}

impl Assembly {
    pub(crate) fn new(stub: StubFile, parts: Vec<Part>, is_nx: bool) -> Result<Self, Error> {
        let layout = Layout::new(&stub, &parts, is_nx).and_then(|layout| {
            let headers = layout.headers()?;
            Ok((layout, headers))
        });
        match layout {
            Ok((layout, headers)) => Ok(Self { stub, parts, layout, headers }),
            Err(PeProblem::TooLarge) => Err(Error::TooLarge),
            Err(problem) => Err(Error::Stub { path: stub.path, problem }),
        }
    }

    pub(crate) fn headers(&self) -> &Headers {
        &self.headers
    }

    pub(crate) fn size(&self) -> u64 {
        self.layout.size
    }

    /// Writes the program to a new file at `path`. Returns its digest.
    pub(crate) async fn write(
        &self,
        path: &Path,
        context: &Context,
    ) -> Result<Sha256Digest, Error> {
        let file = NewFile::create(path).await?;
        let mut writer = Writer {
            file: file.open()?,
            sums: Sums::of_headers(&self.headers, &self.layout.bytes),
            path,
            context,
            progress: Progress::new(path, self.layout.size, context),
        };
        writer.write(&self.layout.bytes).await?;
        let sections = &self.stub.bytes[self.layout.bytes.len()..];
        writer.add(sections).await?;
        for (part, (size, padding_behind)) in self.parts.iter().zip(&self.layout.sizes) {
            let start = writer.sums.length();
            match &part.content {
                Content::Text(text) => writer.add(text.as_bytes()).await?,
                Content::Files(files) => {
                    for one in files {
                        writer.add_file(one.as_ref()).await?;
                        writer.add_zeros(padding(one.as_ref(), files)).await?;
                    }
                }
            }
            // An artifact of the caller's may tell another size than before.
            if writer.sums.length() - start != *size {
                let path = part.name.into();
                return Err(Error::Program { path, problem: PeProblem::Changed });
            }
            writer.add_zeros(*padding_behind).await?;
        }
        let digest = writer.finish(&self.headers).await?;
        file.keep().await?;
        Ok(digest)
    }
}

/// Writes bytes and adds them up.
struct Writer<'a> {
    file: File,
    sums: Sums,
    path: &'a Path,
    context: &'a Context,
    progress: Progress<'a>,
}

impl Writer<'_> {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let failed = |source| Error::Io { action: "write", path: self.path.to_owned(), source };
        self.file.write_all(bytes).await.map_err(failed)
    }

    async fn add(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.sums.update(bytes);
        self.progress.add(bytes.len());
        self.write(bytes).await
    }

    async fn add_zeros(&mut self, count: u64) -> Result<(), Error> {
        // Paddings are shorter than the greatest alignment.
        let zeros = vec![0; usize::try_from(count).unwrap_or_default()];
        self.add(&zeros).await
    }

    /// Adds a file. Whoever signs the program then signs the bytes that its digest describes.
    async fn add_file(&mut self, file: &dyn Artifact) -> Result<(), Error> {
        let mut whole = WholeArtifact::open(file, self.context).await?;
        while let Some(bytes) = whole.next().await? {
            self.add(bytes).await?;
        }
        Ok(())
    }

    /// Writes the checksum into the headers, and returns the digest.
    async fn finish(mut self, headers: &Headers) -> Result<Sha256Digest, Error> {
        let (digest, words) = self.sums.clone().finish();
        let position = std::io::SeekFrom::Start(headers.checksum_position() as u64);
        let failed = |source| Error::Io { action: "write", path: self.path.to_owned(), source };
        self.file.seek(position).await.map_err(failed)?;
        self.write(&words.checksum().to_le_bytes()).await?;
        let failed = |source| Error::Io { action: "write", path: self.path.to_owned(), source };
        self.file.flush().await.map_err(failed)?;
        Ok(digest)
    }
}
