//! The function of the fuzz target `report_url`. The target in `fuzz/` includes this file.

use crate::identity::Identity;

/// A query of any bytes identifies a bounded number of machines, or is told in plain characters.
pub(crate) fn report_url(data: &[u8]) -> bool {
    match Identity::parse(&String::from_utf8_lossy(data)) {
        Ok(identity) => {
            assert!(identity.keys().len() <= 19);
            identity.own_name().is_some()
        }
        Err(problem) => {
            assert!(problem.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            false
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_fuzz_target_takes_its_seeds() {
        netboot_testbed::each_fuzz_seed("report_url", super::report_url);
    }
}
