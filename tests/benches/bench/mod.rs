//! Runs ours and theirs in turn, in one process, and prints ratios.
//!
//! Absolute figures depend on the machine and on what else it does; ratios of alternating rounds hold better.

use std::time::Instant;

/// How many times ours and theirs take turns.
const ROUNDS: usize = 9;

/// A table of ratios, printed row by row.
#[derive(Debug)]
pub(crate) struct Table {
    missed: usize,
}

impl Table {
    /// Prints the head.
    pub(crate) fn begin(title: &str) -> Self {
        println!("{title}");
        println!(
            "{:<52} {:>10} {:>10} {:>8}  {:<17} {:>8}",
            "work", "ours", "theirs", "ratio", "min-max", "to reach"
        );
        Self { missed: 0 }
    }

    /// Runs both in turn and prints a row. `at_most` is the largest ratio of our
    /// time to theirs that is fine; infinity where none is asked for yet.
    pub(crate) fn row(
        &mut self,
        work: &str,
        per: u32,
        at_most: f64,
        mut ours: impl FnMut(),
        mut theirs: impl FnMut(),
    ) {
        let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            our_times.push(nanos(&mut ours) / f64::from(per));
            their_times.push(nanos(&mut theirs) / f64::from(per));
        }
        let mut ratios: Vec<f64> =
            our_times.iter().zip(&their_times).map(|(ours, theirs)| ours / theirs).collect();
        let (ours, theirs, ratio) =
            (median(&mut our_times), median(&mut their_times), median(&mut ratios));
        let (least, most) = (ratios[0], ratios[ROUNDS - 1]);
        let verdict = if ratio <= at_most { "" } else { "  MISSED" };
        self.missed += usize::from(ratio > at_most);
        println!(
            "{work:<52} {:>10} {:>10} {ratio:>8.2}  {:<17} {:>8}{verdict}",
            duration(ours),
            duration(theirs),
            format!("{least:.2}-{most:.2}"),
            if at_most.is_finite() { format!("<= {at_most}") } else { "-".to_owned() },
        );
    }

    /// Says how many rows missed what they were to reach.
    pub(crate) fn end(self) {
        match self.missed {
            0 => println!("no ratio missed\n"),
            missed => println!("{missed} of these ratios missed\n"),
        }
    }
}

/// How long one call takes, in nanoseconds.
fn nanos(work: &mut impl FnMut()) -> f64 {
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures the machine")]
    let begin = Instant::now();
    work();
    begin.elapsed().as_secs_f64() * 1e9
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn duration(nanos: f64) -> String {
    match nanos {
        nanos if nanos < 1e3 => format!("{nanos:.0} ns"),
        nanos if nanos < 1e6 => format!("{:.1} us", nanos / 1e3),
        nanos => format!("{:.1} ms", nanos / 1e6),
    }
}
