//! [`Live`]: the progress of a run drawn on a terminal, one line a step and one for the pool.

use std::{
    collections::HashMap,
    io::{self, Write},
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use safeguards_api::{StrategySpec, TeamSpec};
use safeguards_coord::{RunEvent, RunFact, State, StepId};
use safeguards_types::Amounts;

use super::{
    money::harmless,
    view::{Spend, permille, seconds, to_the_second},
};

/// How often what is running is drawn anew: for its clock.
const TICK: Duration = Duration::from_millis(200);

pub(crate) struct Live {
    lines: MultiProgress,
    head: ProgressBar,
    steps: HashMap<StepId, Line>,
    pool: ProgressBar,
    spend: Spend,
    /// Steps that will come if all goes well: those of a pipeline.
    announced: bool,
}

struct Line {
    bar: ProgressBar,
    held: Amounts,
}

impl Live {
    pub(crate) fn new(spec: &TeamSpec) -> Self {
        let lines = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let head = lines.add(ProgressBar::new(0).with_style(style("{msg}")));
        let pool =
            lines.add(ProgressBar::new(1000).with_style(style("{prefix:>14} [{bar:20}] {msg}")));
        pool.set_prefix(spec.name.to_string());
        let announced = spec.strategy == StrategySpec::Pipeline;
        Self { lines, head, steps: HashMap::new(), pool, spend: Spend::of(spec), announced }
    }

    pub(crate) fn show(&mut self, event: &RunEvent) {
        if let RunFact::RunStarted { strategy, agents, deadline, .. } = &event.fact {
            self.head.set_message(format!(
                "run {}  {strategy} of {}  ends by {}",
                event.run,
                agents.len(),
                to_the_second(*deadline)
            ));
            let announced = if self.announced { agents.as_slice() } else { &[] };
            for agent in announced {
                self.line(&StepId::new(agent.as_str())).bar.set_message("waits");
            }
            return self.show_pool();
        }
        let Some(attempt) = &event.attempt else { return };
        match &event.fact {
            RunFact::Held { amounts, .. } => {
                let held = amounts.clone();
                let text = format!("running, {} held", self.spend.units.shown(&held));
                let line = self.line(&attempt.step);
                line.held = held;
                line.bar.set_message(text);
                line.bar.set_style(style("{prefix:>14} [{bar:20}] {msg}  {elapsed}"));
                line.bar.reset_elapsed();
                line.bar.enable_steady_tick(TICK);
            }
            RunFact::Progressed { text, drawn } => {
                let line = self.line(&attempt.step);
                line.bar.set_position(permille(drawn, &line.held));
                line.bar.set_message(harmless(text).replace('\n', " "));
            }
            RunFact::Logged { line } => self.print(&format!("{}  log: {line}", attempt.step)),
            RunFact::Denied { denial } => {
                self.print(&format!("{}  denied: {denial}", attempt.step));
            }
            RunFact::Settled { amounts, .. } => {
                self.spend.add(amounts);
                self.show_pool();
            }
            RunFact::StepEnded { state, reason, spent, duration } => {
                let why =
                    reason.as_ref().map(|reason| format!(" ({})", reason.code)).unwrap_or_default();
                let shown = self.spend.units.shown(spent);
                let line = self.line(&attempt.step);
                line.bar.set_position(if *state == State::Succeeded {
                    1000
                } else {
                    permille(spent, &line.held)
                });
                line.bar.set_style(style("{prefix:>14} [{bar:20}] {msg}"));
                line.bar
                    .abandon_with_message(format!("{state}{why}  {shown}  {}", seconds(*duration)));
            }
            RunFact::StepStarted { .. }
            | RunFact::RunStarted { .. }
            | RunFact::RunEnded { .. }
            | _ => {}
        }
    }

    /// The line of a step, above that of the pool.
    fn line(&mut self, step: &StepId) -> &mut Line {
        let (lines, pool) = (&self.lines, &self.pool);
        self.steps.entry(step.clone()).or_insert_with(|| {
            let bar = ProgressBar::new(1000).with_style(style("{prefix:>14} [{bar:20}] {msg}"));
            let bar = lines.insert_before(pool, bar);
            bar.set_prefix(harmless(step.as_str()));
            Line { bar, held: Amounts::none() }
        })
    }

    fn show_pool(&self) {
        self.pool.set_position(self.spend.permille());
        self.pool.set_message(format!("spent {}", self.spend.text()));
    }

    fn print(&self, line: &str) {
        // What cannot be drawn is said again in the report.
        let _ = self.lines.println(harmless(line));
    }

    /// Writes lines above what is drawn.
    pub(crate) fn above(&self, text: &[u8]) -> io::Result<()> {
        self.lines.suspend(|| io::stderr().write_all(text))
    }

    /// Leaves everything as it is.
    pub(crate) fn close(&self) {
        self.head.abandon();
        self.steps.values().for_each(|line| line.bar.abandon());
        self.pool.abandon();
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template);
    style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("##.")
}
