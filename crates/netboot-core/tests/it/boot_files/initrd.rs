//! Initrds made by real programs, and the content that is found in them.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use liblzma::bufread::XzEncoder;
use liblzma::stream::{Check, Filters, LzmaOptions, Stream};
use netboot_core::inspect::{InitrdFormat, InitrdSummary, inspect_initrd};
use netboot_core::{Context, Error};
use tempfile::TempDir;

/// Returns the output of a program in `directory` for `input`.
pub(crate) fn run(package: &str, words: &[&str], directory: &Path, input: &[u8]) -> Vec<u8> {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).current_dir(directory).stdin(Stdio::piped()).stdout(Stdio::piped());
    let started = command.stderr(Stdio::null()).spawn();
    let mut child = started
        .unwrap_or_else(|error| panic!("{}: {error}; install the package {package}", words[0]));
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input).unwrap());
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success(), "{words:?}: {}", output.status);
    output.stdout
}

/// Returns an initrd with a few files, directories and a link, made by real programs. The length is
/// that of the archive without the zeros after it.
pub(crate) fn real_initrd() -> (Vec<u8>, usize) {
    let tree = TempDir::new().unwrap();
    let store = tree.path().join("nix/store/0a-nixos-system");
    fs::create_dir_all(&store).unwrap();
    fs::write(store.join("init"), "#!/bin/sh\n").unwrap();
    fs::write(tree.path().join("large"), vec![b'x'; 5000]).unwrap();
    std::os::unix::fs::symlink("large", tree.path().join("link")).unwrap();
    let list = ".\nnix\nnix/store\nnix/store/0a-nixos-system\n\
        ./nix/store/0a-nixos-system/init\nlarge\nlink\n";
    let archive = run(
        "busybox-static",
        &["busybox", "cpio", "-o", "-H", "newc"],
        tree.path(),
        list.as_bytes(),
    );
    // A NUL and padding to four bytes follow the trailer's name.
    let end = archive.iter().rposition(|byte| *byte != 0).unwrap() + 2;
    let end = end.next_multiple_of(4);
    (archive, end)
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    run("gzip", &["gzip", "-n", "-c"], Path::new("/"), bytes)
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    run("zstd", &["zstd", "-c", "-3", "--check"], Path::new("/"), bytes)
}

pub(crate) fn filter(words: &[&str], bytes: &[u8]) -> Vec<u8> {
    run(words[0], words, Path::new("/"), bytes)
}

/// Returns the bytes as `xz --check=crc32 --riscv --lzma2` of XZ Utils 5.6 and later packs them.
pub(crate) fn xz_for_riscv(bytes: &[u8]) -> Vec<u8> {
    let mut filters = Filters::new();
    filters.riscv().lzma2(&LzmaOptions::new_preset(6).unwrap());
    let stream = Stream::new_stream_encoder(&filters, Check::Crc32).unwrap();
    let mut packed = Vec::new();
    XzEncoder::new_stream(bytes, stream).read_to_end(&mut packed).unwrap();
    packed
}

/// Returns the bytes in each compression that a kernel unpacks.
pub(crate) fn every_compression(bytes: &[u8]) -> [(&'static str, Vec<u8>); 9] {
    [
        ("gzip", gzip(bytes)),
        ("bzip2", filter(&["bzip2", "-c"], bytes)),
        ("lzma", filter(&["xz", "--format=lzma", "-c"], bytes)),
        ("xz", filter(&["xz", "--check=crc32", "-c"], bytes)),
        ("xz without check", filter(&["xz", "--check=none", "-c"], bytes)),
        ("xz for x86", filter(&["xz", "--check=crc32", "--x86", "--lzma2", "-c"], bytes)),
        ("lzo", lzop(bytes, 1, 256 * 1024)),
        ("lz4", filter(&["lz4", "-l", "-c"], bytes)),
        ("zstd", zstd(bytes)),
    ]
}

/// Returns what lzop 1.04 writes for the bytes, with these flags and blocks of this size.
pub(crate) fn lzop(bytes: &[u8], flags: u32, size: usize) -> Vec<u8> {
    let mut file = b"\x89LZO\0\r\n\x1a\n\x10\x40\x20\xa0\x09\x40\x01\x05".to_vec();
    file.extend(flags.to_be_bytes());
    // The mode, the time, the length of the name, and the header's checksum.
    let header = file.len();
    file.extend([0, 0, 0x81, 0xa4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let checksum = adler2::adler32_slice(&file[9..]);
    assert_eq!(file.len(), header + 13);
    file.extend(checksum.to_be_bytes());
    for block in bytes.chunks(size) {
        let packed = lzokay::compress::compress(block).unwrap();
        let packed = if packed.len() < block.len() { packed.as_slice() } else { block };
        file.extend(u32::try_from(block.len()).unwrap().to_be_bytes());
        file.extend(u32::try_from(packed.len()).unwrap().to_be_bytes());
        if flags & 1 != 0 {
            file.extend(adler2::adler32_slice(block).to_be_bytes());
        }
        file.extend(packed);
    }
    file.extend([0; 4]);
    file
}

/// Returns an xz stream of blocks that `xz --check=crc32` makes of these bytes with these filters
/// (The .xz File Format, sections 2 to 4).
pub(crate) fn xz_of_blocks(blocks: &[(&[&str], &[u8])]) -> Vec<u8> {
    let number = |bytes: &mut Vec<u8>, mut number: usize| {
        while number >= 0x80 {
            bytes.push(u8::try_from(number % 0x80).unwrap() | 0x80);
            number /= 0x80;
        }
        bytes.push(u8::try_from(number).unwrap());
    };
    let with_sum = |bytes: &[u8]| [bytes, &crc32fast::hash(bytes).to_le_bytes()].concat();
    let (mut stream, mut index) = (Vec::new(), vec![0, u8::try_from(blocks.len()).unwrap()]);
    let mut footer = Vec::new();
    for (filters, content) in blocks {
        let words = [&["xz", "--check=crc32", "-c"], *filters].concat();
        let whole = filter(&words, content);
        let end = whole.len() - 12;
        footer = whole[end..].to_vec();
        let backward = u32::from_le_bytes(footer[4..8].try_into().unwrap()) as usize;
        if stream.is_empty() {
            stream.extend(&whole[..12]);
        }
        let block = &whole[12..end - (backward + 1) * 4];
        stream.extend(block);
        // The block's size, as the index of its own stream states it.
        let stated = &whole[end - (backward + 1) * 4 + 2..];
        let length = stated.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
        index.extend(&stated[..length]);
        number(&mut index, content.len());
    }
    index.resize(index.len().next_multiple_of(4), 0);
    let index = with_sum(&index);
    footer[4..8].copy_from_slice(&u32::try_from(index.len() / 4 - 1).unwrap().to_le_bytes());
    let sum = crc32fast::hash(&footer[4..10]).to_le_bytes();
    footer[..4].copy_from_slice(&sum);
    [stream, index, footer].concat()
}

pub(crate) async fn inspect(bytes: &[u8]) -> Result<InitrdSummary, Error> {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("initrd");
    fs::write(&path, bytes).unwrap();
    inspect_initrd(&path, &Context::new()).await
}

/// Asserts that no kernel unpacks the initrd, and returns its form.
pub(crate) async fn refusal(bytes: &[u8]) -> InitrdFormat {
    match inspect(bytes).await {
        Err(Error::UnbootableInitrd { format, .. }) => format,
        other => panic!("{} bytes, and it says {other:?}", bytes.len()),
    }
}

/// Asserts that the initrd is damaged, and returns where and how.
pub(crate) async fn damage(bytes: &[u8]) -> (u64, String) {
    match inspect(bytes).await {
        Err(error @ Error::DamagedInitrd { .. }) => {
            assert!(error.hint().is_some());
            let Error::DamagedInitrd { position, problem, .. } = error else { unreachable!() };
            assert!(position <= bytes.len() as u64, "byte {position} of {}", bytes.len());
            (position, problem)
        }
        other => panic!("{} bytes, and it says {other:?}", bytes.len()),
    }
}
