//! The functions of the fuzz targets `nar` and `closure_index`. The targets in `fuzz/` include this
//! file. Each function returns true if the bytes were accepted.

use netboot_closure::Index;
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

#[test]
fn the_fuzz_targets_take_their_seeds() {
    netboot_testbed::each_fuzz_seed("nar", nar);
    netboot_testbed::each_fuzz_seed("closure_index", closure_index);
}
