//! Runs ours and theirs in turn, in one process, and prints what one operation takes, row by row.
//!
//! Absolute figures depend on the machine and on what else it does; ratios of alternating rounds hold better.
#![allow(dead_code, reason = "each bench is a program of its own and uses a part of this")]

use std::{
    hint::black_box,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use nix::time::ClockId;
use serde_json::json;

/// How many times ours and theirs take turns. Odd, so that one of them is the median.
const ROUNDS: usize = 51;
/// The same for work that is too long to be done often.
const ROUNDS_LONG: usize = 5;
/// A round takes at least so long, unless it reaches the most operations: long beside a look at the clock, and
/// short enough that most rounds pass before the machine turns to something else.
const ROUND_AT_LEAST: Duration = Duration::from_micros(500);
const OPERATIONS_MAX: usize = 16_384;
/// How many operations of ours a profiler is shown.
const OPERATIONS_ONCE: usize = 1_024;

/// What a row is to reach, per operation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reach {
    /// At most so many times theirs.
    Times(f64),
    /// At most so much more than theirs.
    More(f64),
    /// At most so much.
    Most(f64),
}

/// Rows, printed one by one as they are measured.
#[derive(Debug)]
pub(crate) struct Table {
    name: &'static str,
    title: &'static str,
    options: Options,
    printed: usize,
    missed: usize,
}

/// What the command line asks for.
#[derive(Debug, Default)]
struct Options {
    /// Only rows whose name contains this; that of two sides is `WORK, beside THEIRS`.
    filter: String,
    /// A JSON object for each row, and nothing else.
    json: bool,
    /// Works off one small round of ours in each row and measures nothing: for a profiler.
    once: bool,
}

impl Options {
    fn read() -> Self {
        let mut options = Self::default();
        for arg in std::env::args().skip(1) {
            match arg.as_str() {
                "--bench" => {} // Cargo says this to every bench.
                "--json" => options.json = true,
                "--once" => options.once = true,
                filter => filter.clone_into(&mut options.filter),
            }
        }
        options
    }
}

/// One line of the table.
struct Line<'a> {
    work: &'a str,
    ours: f64,
    /// Their name, their figure, and the ratio with its least and most.
    theirs: Option<(&'a str, f64, [f64; 3])>,
    reach: &'a [Reach],
    unit: Unit,
}

#[derive(Clone, Copy, Debug)]
enum Unit {
    Nanoseconds,
    Bytes,
}

impl Table {
    /// A table without rows.
    pub(crate) fn begin(name: &'static str, title: &'static str) -> Self {
        Self { name, title, options: Options::read(), printed: 0, missed: 0 }
    }

    /// Whether a row of this name is asked for.
    fn wants(&self, name: &str) -> bool {
        name.contains(&self.options.filter)
    }

    /// Whether a row of two sides is asked for.
    pub(crate) fn wants_beside(&self, work: &str, beside: &str) -> bool {
        self.wants(&format!("{work}, beside {beside}"))
    }

    /// Says that a row which was asked for is not measured, and why.
    pub(crate) fn not_measured(&mut self, work: &str, beside: &str, why: &str) {
        if self.options.json {
            let Self { name, .. } = self;
            println!(
                "{}",
                json!({ "bench": name, "work": work, "beside": beside, "not_measured": why })
            );
        } else {
            println!("{work:<58} not measured beside {beside}: {why}");
        }
        self.missed += 1;
        self.printed += 1;
    }

    /// Runs both in turn and prints a row. A side does as many operations as it is told, and says how long
    /// they took without what it prepared. Sides are made only if the row is asked for.
    pub(crate) fn row<O, T>(
        &mut self,
        work: &str,
        beside: &str,
        reach: &[Reach],
        sides: impl FnOnce() -> (O, T),
    ) where
        O: FnMut(usize) -> Duration,
        T: FnMut(usize) -> Duration,
    {
        let name = format!("{work}, beside {beside}");
        if !self.wants(&name) {
            return;
        }
        let (mut ours, mut theirs) = sides();
        if self.options.once {
            ours(OPERATIONS_ONCE);
            println!("{name}: {OPERATIONS_ONCE} operations");
            return;
        }
        let (our_count, their_count) = (warm_up(&mut ours), warm_up(&mut theirs));
        let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            our_times.push(nanos_per(our_count, &mut ours));
            their_times.push(nanos_per(their_count, &mut theirs));
        }
        let pairs = our_times.iter().zip(&their_times);
        let mut ratios: Vec<f64> = pairs.map(|(ours, theirs)| ours / theirs).collect();
        let ratio = median(&mut ratios);
        self.print(&Line {
            work,
            ours: median(&mut our_times),
            theirs: Some((
                beside,
                median(&mut their_times),
                [ratio, ratios[0], ratios[ROUNDS - 1]],
            )),
            reach,
            unit: Unit::Nanoseconds,
        });
    }

    /// Like [`Self::row`], of work that is too long to be done many times: each side does all of it at every turn.
    /// A figure is that of one of `each`, of which there are so many in all of it.
    pub(crate) fn long<O, T>(
        &mut self,
        work: &str,
        beside: &str,
        each: u32,
        reach: &[Reach],
        sides: impl FnOnce() -> (O, T),
    ) where
        O: FnMut() -> Duration,
        T: FnMut() -> Duration,
    {
        if !self.wants_beside(work, beside) {
            return;
        }
        let (mut ours, mut theirs) = sides();
        let figure = |span: Duration| span.as_secs_f64() * 1e9 / f64::from(each);
        if self.options.once {
            println!("{work}, beside {beside}: {:.1} ns", figure(ours()));
            return;
        }
        let (mut our_times, mut their_times, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS_LONG {
            let (ours, theirs) = (figure(ours()), figure(theirs()));
            our_times.push(ours);
            their_times.push(theirs);
            ratios.push(ours / theirs);
        }
        let ratio = median(&mut ratios);
        self.print(&Line {
            work,
            ours: median(&mut our_times),
            theirs: Some((
                beside,
                median(&mut their_times),
                [ratio, ratios[0], ratios[ROUNDS_LONG - 1]],
            )),
            reach,
            unit: Unit::Nanoseconds,
        });
    }

    /// Prints a row of bytes, if it is asked for.
    pub(crate) fn bytes(&mut self, work: &str, reach: &[Reach], bytes: impl FnOnce() -> f64) {
        self.alone(work, Unit::Bytes, reach, bytes);
    }

    /// Prints a row of a time in nanoseconds that stands beside none, if it is asked for.
    pub(crate) fn time(&mut self, work: &str, reach: &[Reach], time: impl FnOnce() -> f64) {
        self.alone(work, Unit::Nanoseconds, reach, time);
    }

    fn alone(&mut self, work: &str, unit: Unit, reach: &[Reach], figure: impl FnOnce() -> f64) {
        if self.wants(work) {
            self.print(&Line { work, ours: figure(), theirs: None, reach, unit });
        }
    }

    /// Says how many rows missed what they were to reach.
    pub(crate) fn end(self) {
        if !self.options.json && self.printed > 0 {
            println!("{} of {} rows missed\n", self.missed, self.printed);
        }
    }

    fn print(&mut self, line: &Line<'_>) {
        let missed = line.reach.iter().any(|reach| !line.reaches(*reach));
        if self.options.json {
            println!("{}", line.json(self.name, missed));
        } else {
            if self.printed == 0 {
                self.print_head();
            }
            println!("{}", line.text(missed));
        }
        self.printed += 1;
        self.missed += usize::from(missed);
    }

    fn print_head(&self) {
        let Self { name, title, .. } = self;
        println!("{name}: {title}");
        println!(
            "{:<58} {:>9} {:>9}  {:<22} {:>7}  {:<13} to reach",
            "work", "ours", "theirs", "theirs is", "ratio", "min-max"
        );
    }
}

impl Line<'_> {
    fn reaches(&self, reach: Reach) -> bool {
        let (theirs, ratio) = match self.theirs {
            Some((_, theirs, [ratio, ..])) => (theirs, ratio),
            None => (0.0, 0.0),
        };
        match reach {
            Reach::Times(most) => ratio <= most,
            Reach::More(most) => self.ours - theirs <= most,
            Reach::Most(most) => self.ours <= most,
        }
    }

    fn text(&self, missed: bool) -> String {
        let (beside, theirs, ratio, span) = match self.theirs {
            Some((beside, theirs, [ratio, least, most])) => (
                beside,
                self.unit.show(theirs),
                times(ratio),
                format!("{}-{}", times(least), times(most)),
            ),
            None => ("", String::new(), String::new(), String::new()),
        };
        let reach: Vec<_> = self
            .reach
            .iter()
            .map(|reach| match reach {
                Reach::Times(most) => format!("<= {most}"),
                Reach::More(most) => format!("<= {} more", self.unit.show(*most)),
                Reach::Most(most) => format!("<= {}", self.unit.show(*most)),
            })
            .collect();
        let reach = if reach.is_empty() { "-".to_owned() } else { reach.join(", ") };
        format!(
            "{:<58} {:>9} {theirs:>9}  {beside:<22} {ratio:>7}  {span:<13} {reach}{}",
            self.work,
            self.unit.show(self.ours),
            if missed { "  MISSED" } else { "" },
        )
    }

    fn json(&self, bench: &str, missed: bool) -> serde_json::Value {
        let unit = match self.unit {
            Unit::Nanoseconds => "ns",
            Unit::Bytes => "bytes",
        };
        let mut row = json!({
            "bench": bench, "work": self.work, "unit": unit, "ours": self.ours, "missed": missed,
        });
        if let Some((beside, theirs, [ratio, least, most])) = self.theirs {
            row["beside"] = json!(beside);
            row["theirs"] = json!(theirs);
            row["ratio"] = json!(ratio);
            row["ratio_min"] = json!(least);
            row["ratio_max"] = json!(most);
        }
        for reach in self.reach {
            let (key, most) = match reach {
                Reach::Times(most) => ("ratio_at_most", most),
                Reach::More(most) => ("more_at_most", most),
                Reach::Most(most) => ("ours_at_most", most),
            };
            row[key] = json!(most);
        }
        row
    }
}

/// A ratio. Where it is small, two digits behind the point would say nothing.
fn times(ratio: f64) -> String {
    if ratio < 0.1 { format!("{ratio:.4}") } else { format!("{ratio:.2}") }
}

impl Unit {
    fn show(self, figure: f64) -> String {
        match self {
            Self::Nanoseconds if figure < 1e3 => format!("{figure:.0} ns"),
            Self::Nanoseconds if figure < 1e6 => format!("{:.1} us", figure / 1e3),
            Self::Nanoseconds => format!("{:.1} ms", figure / 1e6),
            Self::Bytes => format!("{figure:.1} B"),
        }
    }
}

/// How long this thread works at something: what other programs do meanwhile does not count.
///
/// Not inlined, so that a profiler can be told to look at nothing else.
#[inline(never)]
pub(crate) fn timed(work: impl FnOnce()) -> Duration {
    let begin = worked();
    work();
    worked().saturating_sub(begin)
}

/// How long this thread has worked so far.
fn worked() -> Duration {
    ClockId::CLOCK_THREAD_CPUTIME_ID.now().unwrap().into()
}

/// How long it takes until several threads, begun together, are all done: by the clock on the wall, for waiting
/// for each other counts. Each is told its number.
pub(crate) fn timed_by(threads: usize, work: impl Fn(usize) + Sync) -> Duration {
    if threads == 1 {
        return timed(|| work(0));
    }
    let together = Barrier::new(threads);
    let spans: Vec<_> = thread::scope(|scope| {
        let run = |thread| {
            let (together, work) = (&together, &work);
            scope.spawn(move || {
                together.wait();
                let begin = now();
                work(thread);
                (begin, now())
            })
        };
        let workers: Vec<_> = (0..threads).map(run).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let begin = spans.iter().map(|(begin, _)| *begin).min();
    let end = spans.iter().map(|(_, end)| *end).max();
    begin.zip(end).map_or(Duration::ZERO, |(begin, end)| end - begin)
}

/// The part of a round that a thread works off.
pub(crate) fn part_of<T>(round: &[T], thread: usize, threads: usize) -> &[T] {
    let len = round.len() / threads;
    &round[thread * len..(thread + 1) * len]
}

/// Finds how many operations make a round; to find it is to warm up.
fn warm_up(side: &mut impl FnMut(usize) -> Duration) -> usize {
    let mut count = 1;
    // The quickest of some, for another program may have had its turn in one of them.
    let mut quickest = |count| (0..3).map(|_| side(count)).min().unwrap_or_default();
    while quickest(count) < ROUND_AT_LEAST && count < OPERATIONS_MAX {
        count *= 2;
    }
    count
}

fn nanos_per(count: usize, side: &mut impl FnMut(usize) -> Duration) -> f64 {
    let count_exact = u32::try_from(count).unwrap();
    black_box(side(count)).as_secs_f64() * 1e9 / f64::from(count_exact)
}

fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures the machine")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
