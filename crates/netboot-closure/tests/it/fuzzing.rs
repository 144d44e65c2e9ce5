//! The functions of the fuzz targets `nar`, `closure_index` and `console_line`. The targets in
//! `fuzz/` include this file. Each function returns true if the bytes were accepted.

use netboot_closure::Index;
use netboot_closure::console::ConsoleLine;
use netboot_closure::nar::{NarEvent, NarLimits, NarReader};

/// An archive is read within its limits, and its names have one component each.
pub(crate) fn nar(data: &[u8]) -> bool {
    let limits = NarLimits { nar_size: 1 << 20, inodes: 1000, depth: 50 };
    let mut reader = NarReader::new(data, limits);
    let mut buffer = [0; 64];
    loop {
        let event = match reader.next_event() {
            Ok(Some(event)) => event,
            ended => {
                assert!(reader.summary().nar_size <= data.len() as u64);
                return ended.is_ok();
            }
        };
        if let NarEvent::Directory { name: Some(name) }
        | NarEvent::File { name: Some(name), .. }
        | NarEvent::Symlink { name: Some(name), .. } = &event
        {
            assert!(!name.is_empty() && name != b"." && name != b"..");
            assert!(!name.contains(&b'/') && !name.contains(&0));
        }
        if matches!(event, NarEvent::File { .. }) {
            while reader.read_contents(&mut buffer).is_ok_and(|length| length > 0) {}
        }
    }
}

/// An index is read as it was written.
pub(crate) fn closure_index(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else { return false };
    let Ok(index) = text.parse::<Index>() else { return false };
    assert_eq!(index.to_string(), text);
    index.write_registration(&mut String::new()).unwrap();
    true
}

/// A line of the console is what its value prints. The bytes are taken as they are, and as the text
/// of a line with its right checksum.
pub(crate) fn console_line(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    if let Some(line) = ConsoleLine::parse(&text) {
        assert_eq!(ConsoleLine::parse(&line.to_string()), Some(line));
    }
    let whole = format!("netboot | {text} #{:06x}", crc24(text.as_bytes()));
    let Some(line) = ConsoleLine::parse(&whole) else { return false };
    assert_eq!(line.to_string(), whole);
    true
}

/// The checksum of a line, after the example in RFC 9580, section 6.1.1.
fn crc24(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x00b7_04ce, |start, byte| {
        (0..8).fold(start ^ (u32::from(*byte) << 16), |crc, _| {
            let next = crc << 1;
            if next & 0x0100_0000 == 0 { next } else { next ^ 0x0186_4cfb }
        })
    })
}

#[test]
fn the_fuzz_targets_take_their_seeds() {
    netboot_testbed::each_fuzz_seed("nar", nar);
    netboot_testbed::each_fuzz_seed("closure_index", closure_index);
    netboot_testbed::each_fuzz_seed("console_line", console_line);
}
