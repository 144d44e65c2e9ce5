//! Compares generated scripts in the evaluator and in iPXE.
//!
//! By default, a few scripts run, which are always the same. `NETBOOT_ORACLE_SCRIPTS=1000` runs
//! that many for each build, and `NETBOOT_ORACLE_SEED=7` runs others than seed 0.

use std::env;
use std::time::Duration;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::evaluator::prediction::{Ending, Prediction};
use crate::oracle::comparison::Comparison;
use crate::oracle::generator;

/// The number of scripts by default.
const ORDINARY: usize = 60;
/// The number of different scripts after which a run stops.
const DIFFERENCES: usize = 5;
/// The number of attempts to make a different script smaller.
const REDUCTIONS: usize = 20;

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().unwrap())
}

fn generated_agree(mut comparison: Comparison) {
    let wanted = number("NETBOOT_ORACLE_SCRIPTS").map_or(ORDINARY, |n| usize::try_from(n).unwrap());
    let seed = number("NETBOOT_ORACLE_SEED").unwrap_or(0);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = generator::script();
    let (mut generated, mut hanging, mut fetches, mut succeeded) = (0, 0, 0, 0);
    while comparison.scripts < wanted && comparison.mismatches.len() < DIFFERENCES {
        let mut tree = strategy.new_tree(&mut runner).unwrap();
        generated += 1;
        let script = tree.current();
        let prediction = comparison.predict(&script);
        if !is_comparable(&prediction) {
            continue;
        }
        if prediction.ending == Ending::Hangs {
            // Each of them costs a new start.
            if hanging * 100 >= comparison.scripts {
                continue;
            }
            hanging += 1;
        }
        let before = comparison.mismatches.len();
        if comparison.run(&format!("generated script {generated}"), &script).is_some() {
            fetches += prediction.fetches.len();
            succeeded += usize::from(prediction.ending == Ending::Success);
        }
        if comparison.mismatches.len() > before {
            reduce(&mut comparison, tree.as_mut());
        }
    }
    println!(
        "{} of {generated} generated scripts (seed {seed}) on iPXE {}: {fetches} fetches, \
         {succeeded} succeed, {hanging} hang; {} starts, {} differ",
        comparison.scripts,
        comparison.version(),
        comparison.starts(),
        comparison.mismatches.len(),
    );
    comparison.finish();
}

/// Returns true if the console can show the effects of the script.
fn is_comparable(prediction: &Prediction) -> bool {
    let names = prediction.images.iter().map(|image| &image.name);
    let arguments = prediction.images.iter().filter_map(|image| image.arguments.as_ref());
    let mut texts = prediction.printed.iter().chain(names).chain(arguments);
    texts.all(|text| text.iter().all(|byte| !byte.is_ascii_control()))
}

/// Makes the last different script smaller, as long as it stays different.
fn reduce(comparison: &mut Comparison, tree: &mut dyn ValueTree<Value = Vec<u8>>) {
    comparison.patience = Duration::from_secs(4);
    for _ in 0..REDUCTIONS {
        if !tree.simplify() {
            return;
        }
        loop {
            let script = tree.current();
            let before = comparison.mismatches.len();
            if is_comparable(&comparison.predict(&script)) {
                comparison.run("a generated script, made smaller", &script);
            }
            if comparison.mismatches.len() > before {
                // The smaller script tells more.
                comparison.mismatches.remove(before - 1);
                break;
            }
            if !tree.complicate() {
                return;
            }
        }
    }
}

#[test]
fn the_build_of_2019_agrees_about_generated_scripts() {
    generated_agree(Comparison::bookworm());
}

#[test]
fn build_1_21_agrees_about_generated_scripts() {
    generated_agree(Comparison::trixie());
}

#[test]
fn build_2_0_agrees_about_generated_scripts() {
    generated_agree(Comparison::sid());
}
