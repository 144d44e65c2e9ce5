//! The functions of the fuzz targets in `fuzz/`. They exist in fuzz builds and in tests alone.
//! Each function returns true if the bytes were accepted.
#![expect(
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how a fuzz target reports a broken rule"
)]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use netboot_closure::{IndexEntry, Sha256, StorePath};

use crate::decode::{Unpacked, decode_text, digest, unpack};
use crate::fetch::request::{agent, request};
use crate::patience::Patience;

const LIMIT: u64 = 1 << 20;

fn scratch(name: &str) -> PathBuf {
    let thread = format!("{:?}", std::thread::current().id());
    let directory = format!("netboot-fuzz-{name}-{}-{thread}", std::process::id());
    std::env::temp_dir().join(directory)
}

/// A blob with any content is unpacked below its destination or refused. The first byte says
/// whether the rest is the blob or the archive in it.
pub fn closure_blob(data: &[u8]) -> bool {
    let Some((kind, data)) = data.split_first() else { return false };
    let blob = if kind % 2 == 0 { data.to_vec() } else { zstd::encode_all(data, 1).unwrap() };
    let entry = IndexEntry {
        path: StorePath::from_base_name("s66mzxpvicwk07gjbjfw9izjfa797vsw-fuzz").unwrap(),
        blob: digest(&blob),
        blob_size: blob.len() as u64,
        nar_hash: Sha256::from_bytes([0; 32]),
        nar_size: LIMIT,
        unpacked_bytes: LIMIT,
        inodes: 100,
        deriver: None,
        references: Vec::new(),
    };
    let directory = scratch("blob");
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    let mut unpacked_bytes = 0;
    let destination = directory.join("path");
    let unpacked = unpack(&mut &blob[..], &entry, &destination, |bytes| unpacked_bytes += bytes);
    for found in fs::read_dir(&directory).unwrap() {
        assert_eq!(found.unwrap().path(), destination);
    }
    // The reader of archives reads some bytes ahead of its limit.
    assert!(unpacked_bytes <= LIMIT + (128 << 10), "{unpacked_bytes}");
    if let Ok(text) = decode_text(&blob, LIMIT) {
        assert!(text.len() as u64 <= LIMIT);
    }
    match unpacked {
        // No archive has this digest.
        Unpacked::Refused(reason) => reason.contains("another archive"),
        // Names such as a whole path that is too long.
        Unpacked::NotWritten(_) => false,
        other => panic!("{other:?}"),
    }
}

/// A server with any answer makes no more bytes than were asked for, and no part of a file that was
/// not asked for. The first byte says where the file begins.
pub fn http_answer(data: &[u8]) -> bool {
    let Some((offset, data)) = data.split_first() else { return false };
    let (offset, data) = (u64::from(*offset % 4) * 100, data.to_vec());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/blobs/x", listener.local_addr().unwrap());
    let serve = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if !matches!(stream.read(&mut byte), Ok(1)) {
                return;
            }
            head.extend(byte);
        }
        let _ = stream.write_all(&data);
        // A redirect to this server finds nobody.
    });
    let patience = Patience::new(Duration::from_secs(2));
    let answer = request(&agent(patience, 1), &url, offset, true, patience);
    let accepted = match answer {
        Ok(mut answer) => {
            assert!(answer.skip == 0 || answer.skip == offset);
            let mut body = Vec::new();
            let read = answer.body.by_ref().take(LIMIT).read_to_end(&mut body);
            if let (Ok(_), Some(size)) = (&read, answer.size.filter(|_| answer.has_length)) {
                assert!(body.len() as u64 <= size.min(LIMIT));
            }
            read.is_ok()
        }
        Err(refusal) => {
            let _ = refusal.problem.to_string();
            false
        }
    };
    // Wakes a server that nobody asked.
    drop(std::net::TcpStream::connect(
        url.trim_start_matches("http://").trim_end_matches("/blobs/x"),
    ));
    serve.join().unwrap();
    accepted
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_fuzz_targets_take_their_seeds() {
        netboot_testbed::each_fuzz_seed("closure_blob", super::closure_blob);
        netboot_testbed::each_fuzz_seed("http_answer", super::http_answer);
    }
}
