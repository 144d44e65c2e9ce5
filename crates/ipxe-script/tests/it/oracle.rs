//! Compares the rules of this crate with real iPXE.

mod comparison;
mod corpus;
mod generated;
mod generator;

use comparison::Comparison;

fn corpus_agrees(mut comparison: Comparison) {
    let cases = corpus::all();
    assert!(cases.len() >= 100);
    for case in &cases {
        let told = comparison.run(case.name, &case.script);
        assert!(told.is_some(), "{}: {:?}", case.name, comparison.predict(&case.script).ending);
    }
    println!(
        "{} scripts on iPXE {}, started {} times",
        comparison.scripts,
        comparison.version(),
        comparison.starts()
    );
    comparison.finish();
}

#[test]
fn the_build_of_2019_agrees() {
    corpus_agrees(Comparison::bookworm());
}

#[test]
fn build_1_21_agrees() {
    corpus_agrees(Comparison::trixie());
}

#[test]
fn build_2_0_agrees() {
    corpus_agrees(Comparison::sid());
}
