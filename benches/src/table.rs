//! Compares programs: alternating runs, medians, and a line for each.

use std::time::Duration;

use crate::is_test;
use crate::measured::Run;

/// A program to compare.
pub struct Contender<'a> {
    name: String,
    run: Box<dyn FnMut(usize) -> Run + 'a>,
    times: Vec<Duration>,
    peak: u64,
}

impl std::fmt::Debug for Contender<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contender").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<'a> Contender<'a> {
    /// `run` gets the number of the round.
    pub fn new(name: &str, run: impl FnMut(usize) -> Run + 'a) -> Self {
        Self { name: name.to_owned(), run: Box::new(run), times: Vec::new(), peak: 0 }
    }
}

/// Runs the contenders alternately, `rounds` times each after one warm-up round. Prints the median
/// times, their ratios to the first, and the highest peak memory.
#[expect(clippy::print_stdout, reason = "the figures are what the benchmark is for")]
pub fn compare(what: &str, rounds: usize, mut contenders: Vec<Contender<'_>>) {
    for round in 0..=rounds {
        for contender in &mut contenders {
            let run = (contender.run)(round);
            contender.peak = contender.peak.max(run.peak);
            if round > 0 {
                contender.times.push(run.wall);
            }
        }
    }
    if is_test() {
        return;
    }
    println!("\n{what}");
    let mut first = None;
    for contender in &mut contenders {
        contender.times.sort_unstable();
        let median = contender.times[contender.times.len() / 2];
        let first = *first.get_or_insert(median);
        println!(
            "ratio {:7.3}  {:9.1?}  peak {:6.1} MiB  {}",
            first.as_secs_f64() / median.as_secs_f64(),
            median,
            f64::from(u32::try_from(contender.peak).unwrap_or(u32::MAX)) / 1024.0,
            contender.name
        );
    }
}
