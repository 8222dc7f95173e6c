//! [`Live`]: the progress of a run drawn on a terminal, one line a step and one for the pool.

use std::{collections::HashMap, time::Duration};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use safeguards_api::{AgentSpec, StrategySpec, TeamSpec};
use safeguards_budget::Account;
use safeguards_coord::{RunEvent, RunFact, RunId, StepId};
use safeguards_types::{AgentId, Amounts};

use super::{
    lines::{again, headline},
    spans::seconds,
    spend::{FULL, Spend, permille},
};
use crate::{denial::told, output::write_to_stderr, text::one_line};

/// How often what is running is drawn anew: for its clock.
const TICK: Duration = Duration::from_millis(200);
const STANDING: &str = "{prefix:>14} [{bar:20}] {msg}";
const RUNNING: &str = "{prefix:>14} [{bar:20}] {msg}  {elapsed}";

/// A headline, a line for each step, and what the pool has spent below them.
pub(crate) struct Live {
    lines: MultiProgress,
    head: ProgressBar,
    steps: HashMap<StepId, Line>,
    pool: ProgressBar,
    spend: Spend,
    /// The steps that will come if all goes well, where they are known, each with what it waits for: in a pipeline
    /// and in a graph one of each agent.
    announced: Vec<(StepId, String)>,
    /// Where the run is written down.
    store: Option<String>,
}

/// The line of a step. Its bar is full where all that is held is drawn, or where it succeeded.
struct Line {
    bar: ProgressBar,
    held: Amounts,
    /// Which step delegated it.
    by: Option<StepId>,
    /// The lowest of the lines that stand below it, since it delegated them; itself where there are none.
    lowest: ProgressBar,
}

impl Live {
    pub(crate) fn on_stderr(spec: &TeamSpec, store: Option<String>) -> Self {
        Self::on(ProgressDrawTarget::stderr(), spec, store)
    }

    fn on(target: ProgressDrawTarget, spec: &TeamSpec, store: Option<String>) -> Self {
        let lines = MultiProgress::with_draw_target(target);
        let head = lines.add(ProgressBar::new(0).with_style(style("{msg}")));
        let pool = lines.add(ProgressBar::new(FULL).with_style(style(STANDING)));
        pool.set_prefix(one_line(spec.name.as_str()));
        let (announced, spend) = (announced(spec), Spend::of(spec));
        Self { lines, head, steps: HashMap::new(), pool, spend, announced, store }
    }

    /// What each step of a run that goes on had spent.
    pub(crate) fn before(&mut self, spent: HashMap<StepId, Amounts>) {
        self.spend.before(spent);
        self.show_pool();
    }

    /// How the team's account stands.
    pub(crate) fn stands_at(&mut self, account: &Account) {
        self.spend.stands_at(account);
        self.show_pool();
    }

    /// Shows what happened.
    pub(crate) fn show(&mut self, event: &RunEvent) {
        match &event.attempt {
            None => self.show_run(&event.run, &event.fact),
            Some(attempt) => self.show_step(&attempt.step, attempt.number, &event.fact),
        }
    }

    fn show_run(&mut self, run: &RunId, fact: &RunFact) {
        if let Some(headline) = headline(run, fact, self.store.as_deref()) {
            if let RunFact::RunResumed { .. } = fact {
                self.print(&headline);
            } else {
                self.head.set_message(one_line(&headline));
            }
            self.show_pool();
        }
        if let RunFact::RunStarted { .. } = fact {
            for (step, waits) in std::mem::take(&mut self.announced) {
                self.line(&step).bar.set_message(waits);
            }
        }
    }

    fn show_step(&mut self, step: &StepId, number: u32, fact: &RunFact) {
        match fact {
            RunFact::StepStarted { delegated_by: Some(by), .. } => self.put_below(step, by),
            RunFact::Retrying { reason, wait, .. } => {
                let wait = seconds(*wait);
                let text = format!("attempt {number}: {}, retrying in {wait}", reason.code);
                self.line(step).bar.set_message(one_line(&text));
            }
            RunFact::Held { amounts, .. } => {
                let held = self.spend.units.shown(amounts);
                let text = format!("running{}, {held} held", again(number));
                self.line(step).begin(amounts, text);
            }
            RunFact::Progressed { text, drawn } => {
                let line = self.line(step);
                line.bar.set_position(permille(drawn, &line.held));
                line.bar.set_message(one_line(text));
            }
            RunFact::Logged { line } => self.print(&format!("{step}  log: {line}")),
            RunFact::Denied { denial } => {
                self.print(&format!("{step}  denied: {}", told(denial)));
            }
            RunFact::Settled { amounts, .. } => {
                self.spend.add(step, amounts);
                self.show_pool();
            }
            RunFact::StepEnded { state, reason, spent, duration, reused } => {
                self.spend.end(step, spent);
                self.show_pool();
                let why =
                    reason.as_ref().map(|reason| format!(" ({})", reason.code)).unwrap_or_default();
                let (shown, time) = (self.spend.units.shown(spent), seconds(*duration));
                let line = self.line(step);
                let used = if state.is_success() { FULL } else { permille(spent, &line.held) };
                let before = if *reused { " before" } else { "" };
                line.end(used, format!("{state}{why}{before}  {shown}  {time}"));
            }
            RunFact::Chosen { .. }
            | RunFact::StepStarted { .. }
            | RunFact::RunStarted { .. }
            | RunFact::RunResumed { .. }
            | RunFact::RunEnded { .. }
            | _ => {}
        }
    }

    /// The line of a step, above that of the pool.
    fn line(&mut self, step: &StepId) -> &mut Line {
        let (lines, pool) = (&self.lines, &self.pool);
        self.steps.entry(step.clone()).or_insert_with(|| {
            let bar = ProgressBar::new(FULL).with_style(style(STANDING));
            let bar = lines.insert_before(pool, bar);
            bar.set_prefix(one_line(step.as_str()));
            Line::new(bar, None)
        })
    }

    /// Gives a step that was delegated a line below who delegated it, and below what that delegated before.
    fn put_below(&mut self, step: &StepId, by: &StepId) {
        if self.steps.contains_key(step) {
            return;
        }
        let lowest = self.line(by).lowest.clone();
        let bar = ProgressBar::new(FULL).with_style(style(STANDING));
        let bar = self.lines.insert_after(&lowest, bar);
        bar.set_prefix(one_line(&format!("└ {step}")));
        let mut above = Some(by.clone());
        while let Some(line) = above.as_ref().and_then(|above| self.steps.get_mut(above)) {
            line.lowest = bar.clone();
            above.clone_from(&line.by);
        }
        self.steps.insert(step.clone(), Line::new(bar, Some(by.clone())));
    }

    fn show_pool(&self) {
        self.pool.set_position(self.spend.permille());
        self.pool.set_message(format!("spent {}", self.spend.text()));
    }

    /// Says a line above what is drawn.
    pub(crate) fn print(&self, line: &str) {
        // What cannot be drawn is said again in the report.
        let _ = self.lines.println(one_line(line));
    }

    /// Writes lines above what is drawn.
    pub(crate) fn above(&self, text: &str) {
        self.lines.suspend(|| write_to_stderr(text));
    }

    /// Leaves everything as it is.
    pub(crate) fn close(&self) {
        self.head.abandon();
        self.steps.values().for_each(|line| line.bar.abandon());
        self.pool.abandon();
    }
}

/// The steps that will come if all goes well, each with what is said of it until it begins.
fn announced(spec: &TeamSpec) -> Vec<(StepId, String)> {
    let waits = |agent: &AgentSpec| {
        let names: Vec<&str> = agent.after.iter().map(AgentId::as_str).collect();
        let waits = if names.is_empty() {
            "waits".to_owned()
        } else {
            format!("waits for {}", names.join(", "))
        };
        (StepId::new(agent.id.as_str()), one_line(&waits))
    };
    match spec.strategy {
        StrategySpec::Pipeline | StrategySpec::Graph(_) => spec.agents.iter().map(waits).collect(),
        StrategySpec::FanOut(_)
        | StrategySpec::MapReduce { .. }
        | StrategySpec::Supervisor(_)
        | StrategySpec::Vote(_)
        | StrategySpec::HandOver(_)
        | _ => Vec::new(),
    }
}

impl Line {
    fn new(bar: ProgressBar, by: Option<StepId>) -> Self {
        Self { lowest: bar.clone(), bar, held: Amounts::none(), by }
    }

    fn begin(&mut self, held: &Amounts, message: String) {
        self.held = held.clone();
        self.bar.set_message(message);
        self.bar.set_style(style(RUNNING));
        self.bar.reset_elapsed();
        self.bar.enable_steady_tick(TICK);
    }

    fn end(&self, used: u64, message: String) {
        self.bar.set_position(used);
        self.bar.set_style(style(STANDING));
        self.bar.abandon_with_message(message);
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template);
    style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("##.")
}

#[cfg(test)]
mod tests {
    use safeguards_coord::State;

    use super::{super::events, *};

    /// The line of a step: its position and its message.
    #[track_caller]
    fn check(live: &Live, step: &str, position: u64, message: &str) {
        let bar = &live.steps.get(&StepId::new(step)).unwrap().bar;
        assert_eq!((bar.position(), bar.message().as_str()), (position, message), "{step}");
    }

    fn live(strategy: &str) -> Live {
        let mut live = Live::on(ProgressDrawTarget::hidden(), &events::team(strategy), None);
        live.show_run(&events::run(), &events::run_started());
        live
    }

    #[test]
    fn each_step_of_a_pipeline_has_a_line_from_the_beginning() {
        let live = live("pipeline");
        assert!(
            live.head.message().ends_with("crew: pipeline of 2, ends by 2026-01-05 09:00:00 UTC")
        );
        check(&live, "first", 0, "waits");
        check(&live, "second", 0, "waits");
        assert_eq!(live.pool.message(), "spent 0.00 of 1.00 USD");
        assert!(self::live("fan_out").steps.is_empty());
    }

    #[test]
    fn a_line_shows_what_is_drawn_of_what_is_held_and_how_it_ended() {
        let mut live = live("pipeline");
        let step = StepId::new("first");
        for (fact, position, message) in [
            (events::held(), 0, "running, 0.10 USD held"),
            (events::progressed("half\n\u{1b}[2J"), 500, r"half\n\u{1b}[2J"),
            (events::settled(), 500, r"half\n\u{1b}[2J"),
            (events::ended(State::Succeeded), FULL, "succeeded  0.04 USD  1.5 s"),
        ] {
            live.show_step(&step, 1, &fact);
            check(&live, "first", position, message);
        }
        assert!(live.steps.get(&step).unwrap().bar.is_finished());
        assert_eq!(
            (live.pool.position(), live.pool.message().as_str()),
            (40, "spent 0.04 of 1.00 USD")
        );
        live.show_step(&StepId::new("second"), 1, &events::held());
        live.show_step(&StepId::new("second"), 1, &events::ended(State::Failed));
        check(&live, "second", 400, "failed (agent.failed)  0.04 USD  1.5 s");
    }

    #[test]
    fn attempts_delegated_steps_and_reused_ones_are_shown_as_such() {
        let mut live = live("pipeline");
        live.show_step(&StepId::new("first"), 1, &events::retrying());
        check(&live, "first", 0, "attempt 1: agent.failed, retrying in 1.5 s");
        live.show_step(&StepId::new("first"), 2, &events::held());
        check(&live, "first", 0, "running attempt 2, 0.10 USD held");
        for (step, by) in [("a", "first"), ("b", "a"), ("c", "first")] {
            live.show_step(&StepId::new(step), 1, &events::delegated(by));
        }
        let lowest = |step: &str| live.steps[&StepId::new(step)].lowest.prefix();
        assert_eq!((lowest("first").as_str(), lowest("a").as_str()), ("└ c", "└ b"));
        live.show_step(&StepId::new("second"), 1, &events::reused());
        check(&live, "second", FULL, "succeeded before  0.04 USD  1.5 s");
        assert_eq!(live.pool.message(), "spent 0.04 of 1.00 USD");
    }

    #[test]
    fn steps_that_nobody_announced_are_put_above_the_pool_when_they_begin() {
        let mut live = live("fan_out");
        live.show_step(&StepId::new("first-1"), 0, &events::ended(State::Denied));
        check(&live, "first-1", 0, "denied (agent.failed)  0.04 USD  1.5 s");
        live.close();
        assert!(live.pool.is_finished() && live.head.is_finished());
    }
}
