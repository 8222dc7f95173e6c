//! [`View`]: what people and programs see of a run while it runs.
//!
//! Showing never holds up the run: it is done by threads of their own, behind queues. Where nobody reads what
//! they write, they wait, and nobody waits for them.

use std::{
    collections::HashMap,
    io::{self, IsTerminal, Write},
    sync::Arc,
    thread,
    time::Duration,
};

use safeguards_api::TeamSpec;
use safeguards_budget::Account;
use safeguards_coord::{RunEvent, RunFact, StepId};
use safeguards_types::Amounts;
use serde_json::json;
use tokio::{sync::oneshot, time::timeout};

use super::{
    lines::Lines,
    live::Live,
    queue::{Item, Queue, Weight},
};
use crate::{
    output::{print, write_to_stderr},
    text::counted,
};

/// How long the report waits for what is still to be shown on stderr.
const SHOWN_WITHIN: Duration = Duration::from_secs(1);

/// Where the progress of a run goes. Clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// To stdout, where JSON is asked for.
    out: Option<Arc<Queue>>,
    /// To stderr.
    err: Arc<Queue>,
}

/// The ends of the threads that show things.
#[derive(Debug)]
pub(crate) struct Shown {
    out: Option<oneshot::Receiver<()>>,
    err: oneshot::Receiver<()>,
}

impl View {
    /// JSON where it is asked for, else what fits stderr. Starts the threads that write.
    pub(crate) fn open(
        json: bool,
        spec: &TeamSpec,
        store: Option<String>,
    ) -> io::Result<(Self, Shown)> {
        let screen = if !json && io::stderr().is_terminal() {
            Screen::Live(Box::new(Live::on_stderr(spec, store)))
        } else {
            Screen::Lines(Box::new(Lines::of(spec, store)))
        };
        let (err, err_shown) = start(screen)?;
        let (out, out_shown) = if json { Some(start(Screen::Json)?) } else { None }.unzip();
        Ok((Self { out, err }, Shown { out: out_shown, err: err_shown }))
    }

    /// Shows what happened.
    pub(crate) fn show(&self, event: &RunEvent) {
        let queue = self.out.as_ref().unwrap_or(&self.err);
        let weight = match &event.fact {
            RunFact::Progressed { text, .. } => Weight::Talk(text.len()),
            RunFact::Logged { line } => Weight::Talk(line.len()),
            RunFact::RunStarted { .. }
            | RunFact::RunResumed { .. }
            | RunFact::Retrying { .. }
            | RunFact::Chosen { .. }
            | RunFact::StepStarted { .. }
            | RunFact::Held { .. }
            | RunFact::Denied { .. }
            | RunFact::Settled { .. }
            | RunFact::StepEnded { .. }
            | RunFact::RunEnded { .. }
            | _ => Weight::News,
        };
        queue.push(Item::Event(Box::new(event.clone())), weight);
    }

    /// Says what each step of a run that goes on had spent; before it does.
    pub(crate) fn began_before(&self, spent: HashMap<StepId, Amounts>) {
        self.err.push(Item::Before(spent), Weight::News);
    }

    /// Says how the team's account stands, after what the run had spent.
    pub(crate) fn stands_at(&self, account: Account) {
        self.err.push(Item::Stands(Box::new(account)), Weight::News);
    }

    /// Says a line on stderr, above what is drawn there.
    pub(crate) fn say(&self, line: &str) {
        self.err.push(Item::Line(line.to_owned()), Weight::News);
    }

    /// Says that nothing more comes. What was drawn last stays.
    pub(crate) fn close(&self) {
        self.err.close();
        if let Some(out) = &self.out {
            out.close();
        }
    }
}

impl Shown {
    /// Waits until all is shown on stderr; for a moment at most, since nobody may read there.
    pub(crate) async fn on_stderr(&mut self) {
        let _ = timeout(SHOWN_WITHIN, &mut self.err).await;
    }

    /// Waits until all is shown on stdout, as long as it takes: the report comes there after it.
    pub(crate) async fn on_stdout(self) {
        if let Some(out) = self.out {
            // A thread that is gone has nothing more to show either.
            let _ = out.await;
        }
    }
}

/// Starts a thread that shows what is put into the queue, and tells when it has shown all.
fn start(mut screen: Screen) -> io::Result<(Arc<Queue>, oneshot::Receiver<()>)> {
    let queue = Arc::new(Queue::default());
    let items = Arc::clone(&queue);
    let (done, shown) = oneshot::channel();
    thread::Builder::new().name("view".to_owned()).spawn(move || {
        while let Some(item) = items.pop() {
            screen.show(&item);
        }
        screen.close();
        // Perhaps nobody waits any more.
        let _ = done.send(());
    })?;
    Ok((queue, shown))
}

/// What a thread writes to.
enum Screen {
    /// One JSON object a line, to stdout.
    Json,
    /// One line a change, to stderr.
    Lines(Box<Lines>),
    /// Drawn anew while it changes, on the terminal behind stderr.
    Live(Box<Live>),
}

impl Screen {
    fn show(&mut self, item: &Item) {
        match self {
            Self::Json => {
                if let Some(line) = json_line(item) {
                    // Where this cannot be written the report cannot be either, and that is said.
                    let _ = print(&format!("{line}\n"));
                }
            }
            Self::Lines(lines) => {
                let line = match item {
                    Item::Event(event) => lines.line(event),
                    Item::Before(spent) => return lines.before(spent.clone()),
                    Item::Stands(account) => return lines.stands_at(account),
                    Item::Line(line) => Some(line.clone()),
                    Item::Alert(text) => return write_to_stderr(text),
                    Item::Dropped(count) => Some(dropped(*count)),
                };
                if let Some(line) = line {
                    write_to_stderr(&format!("{line}\n"));
                }
            }
            Self::Live(live) => match item {
                Item::Event(event) => live.show(event),
                Item::Before(spent) => live.before(spent.clone()),
                Item::Stands(account) => live.stands_at(account),
                Item::Line(text) => live.print(text),
                Item::Alert(text) => live.above(text),
                Item::Dropped(count) => live.print(&dropped(*count)),
            },
        }
    }

    fn close(&self) {
        match self {
            Self::Live(live) => live.close(),
            Self::Json | Self::Lines(_) => {}
        }
    }
}

fn json_line(item: &Item) -> Option<String> {
    match item {
        Item::Event(event) => serde_json::to_string(event).ok(),
        Item::Dropped(count) => Some(json!({ "type": "dropped", "lines": count }).to_string()),
        Item::Before(_) | Item::Stands(_) | Item::Line(_) | Item::Alert(_) => None,
    }
}

fn dropped(count: u64) -> String {
    let lines = counted(count, "line");
    format!("… {lines} of progress and logs dropped here: nobody read as fast as they came")
}

/// Puts alerts into a view.
pub(crate) struct AlertWriter(View);

impl AlertWriter {
    pub(crate) fn of(view: &View) -> Self {
        Self(view.clone())
    }
}

impl Write for AlertWriter {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let shown = String::from_utf8_lossy(text).into_owned();
        self.0.err.push(Item::Alert(shown), Weight::News);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_told_how_many_lines_were_dropped() {
        let line = json_line(&Item::Dropped(7)).unwrap();
        assert_eq!(line, r#"{"lines":7,"type":"dropped"}"#);
        assert_eq!(json_line(&Item::Line("interrupted".to_owned())), None);
    }
}
