//! Setting up a machine that lacks nothing.

use netboot_testbed::{Testbed, set_up};

#[test]
fn where_all_is_there_nothing_is_done() {
    let before = std::fs::metadata(Testbed::locate().kernel()).unwrap().modified().unwrap();
    let mut steps = Vec::new();
    let testbed = set_up(|step| steps.push(step.to_owned())).unwrap();
    assert!(steps.is_empty(), "{steps:?}");
    assert_eq!(std::fs::metadata(testbed.kernel()).unwrap().modified().unwrap(), before);
}
