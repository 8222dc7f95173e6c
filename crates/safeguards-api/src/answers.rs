//! [`Answers`]: which answer to an operation is its first, where answers are repeated, come late, or are lost.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use parking_lot::Mutex;
use safeguards_budget::{Command, EntryId};
use safeguards_types::OperationId;

/// How many entries are remembered one by one at least, and half of how many at most while nobody waits long.
const SEEN_MAX: usize = 4_096;
/// How many operations are remembered whose answers were lost.
const DOUBTS_MAX: usize = 65_536;

/// What was asked of a ledger and has been answered, in bounded room. An entry is *first* once, whoever names it: the
/// answer of the command that made it, an answer that repeats it, or a page of entries.
///
/// The room is bounded by how many entries were named while the slowest command was at the ledger, and by what is
/// remembered of answers that never came.
#[derive(Debug, Default)]
pub(crate) struct Answers(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The last entry that was named.
    last: Option<EntryId>,
    /// Entries that have had their first.
    seen: BTreeSet<EntryId>,
    /// All up to this one count as seen.
    all_up_to: Option<EntryId>,
    /// Operations that are at the ledger now.
    asked: HashMap<OperationId, Asked>,
    /// Operations whose answers were lost: their entries, if there are any, have not been seen.
    in_doubt: HashSet<OperationId>,
    /// The same, the oldest first; some of them may be in doubt no longer.
    doubts: VecDeque<OperationId>,
}

/// An operation at the ledger.
#[derive(Debug)]
struct Asked {
    /// The last entry that was named before it was asked first: its own comes later, unless it is repeated.
    since: Option<EntryId>,
    /// How often it is there.
    times: usize,
}

/// Commands that are at the ledger. Dropped before it is [answered](Self::answered), what became of them is in doubt.
#[derive(Debug)]
pub(crate) struct Asking<'a> {
    answers: &'a Answers,
    ops: Vec<OperationId>,
    since: Option<EntryId>,
}

impl Answers {
    /// Commands go to the ledger now.
    pub(crate) fn ask(&self, commands: &[Command]) -> Asking<'_> {
        let ops: Vec<OperationId> = commands.iter().map(|command| command.op).collect();
        let mut state = self.0.lock();
        let since = state.last;
        for op in &ops {
            let asked = state.asked.entry(*op).or_insert(Asked { since, times: 0 });
            asked.times = asked.times.saturating_add(1);
        }
        Asking { answers: self, ops, since }
    }

    /// Whether any command is at the ledger now.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.0.lock().asked.is_empty()
    }

    /// This is the last entry there is, before anything is asked.
    pub(crate) fn begin(&self, revision: Option<EntryId>) {
        let mut state = self.0.lock();
        state.last = state.last.max(revision);
    }

    /// An answer named this entry. Whether that is the first time.
    pub(crate) fn is_first(&self, op: OperationId, entry: EntryId) -> bool {
        let mut state = self.0.lock();
        let was_in_doubt = state.in_doubt.remove(&op);
        let is_old = Some(entry) <= state.all_up_to && !was_in_doubt;
        !is_old && state.see(entry)
    }

    /// A page of entries has this one. Whether it was asked for here, and is named for the first time.
    pub(crate) fn is_first_of_ours(&self, op: OperationId, entry: EntryId) -> bool {
        let is_ours = {
            let state = self.0.lock();
            state.asked.contains_key(&op) || state.in_doubt.contains(&op)
        };
        is_ours && self.is_first(op, entry)
    }
}

impl State {
    fn see(&mut self, entry: EntryId) -> bool {
        self.last = self.last.max(Some(entry));
        let is_new = self.seen.insert(entry);
        if self.seen.len() > 2 * SEEN_MAX {
            // Whoever is at the ledger yet may name any entry since.
            let oldest = self.asked.values().map(|asked| asked.since).min();
            while self.seen.len() > SEEN_MAX
                && oldest.is_none_or(|oldest| self.seen.first().copied() <= oldest)
            {
                self.all_up_to = self.seen.pop_first().max(self.all_up_to);
            }
        }
        is_new
    }

    fn doubt(&mut self, op: OperationId) {
        if self.in_doubt.insert(op) {
            self.doubts.push_back(op);
        }
        while self.doubts.len() > DOUBTS_MAX {
            if let Some(oldest) = self.doubts.pop_front() {
                self.in_doubt.remove(&oldest);
            }
        }
    }
}

impl Asking<'_> {
    /// Whether these commands made this entry, as far as can be told here, and it is named for the first time. One that
    /// was there before was made by others, or by ourselves and its answer was lost.
    pub(crate) fn made(&self, op: OperationId, entry: EntryId) -> bool {
        let mut state = self.answers.0.lock();
        let was_in_doubt = state.in_doubt.remove(&op);
        (was_in_doubt || Some(entry) > self.since) && state.see(entry)
    }

    /// All of them were answered, and what their answers named is told.
    pub(crate) fn answered(mut self) {
        self.end(|_, _| {});
    }

    fn end(&mut self, then: impl Fn(&mut State, OperationId)) {
        let mut state = self.answers.0.lock();
        for op in self.ops.drain(..) {
            let left = state.asked.get_mut(&op).map(|asked| {
                asked.times = asked.times.saturating_sub(1);
                asked.times
            });
            if left.unwrap_or(0) == 0 {
                state.asked.remove(&op);
                then(&mut state, op);
            }
        }
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.end(State::doubt);
    }
}

#[cfg(test)]
mod tests {
    use std::slice;

    use safeguards_budget::{Charge, MemoryLedger};
    use safeguards_types::usd;

    use super::*;

    fn command(ledger: &MemoryLedger) -> Command {
        Command::new(ledger.operation(), Charge::new("reader", usd!(1)))
    }

    fn entry(number: u64) -> EntryId {
        EntryId::new(number)
    }

    #[test]
    fn an_entry_has_one_first_however_many_came_since() {
        let (answers, ledger) = (Answers::default(), MemoryLedger::new());
        let first = |number| answers.is_first(ledger.operation(), entry(number));
        assert!((1..=20_000).all(|number| first(2 * number)));
        assert!((1..=20_000).all(|number| !first(2 * number)), "a second time");
        // Answers come in a little out of order.
        assert!(first(39_999) && !first(39_999));
    }

    #[test]
    fn an_answer_that_comes_after_thousands_is_still_the_first() {
        let (answers, ledger) = (Answers::default(), MemoryLedger::new());
        answers.begin(Some(entry(10)));
        let slow = command(&ledger);
        let asking = answers.ask(slice::from_ref(&slow));
        assert!((12..50_000).all(|number| answers.is_first(ledger.operation(), entry(number))));
        assert!(asking.made(slow.op, entry(11)));
        assert!(!answers.is_first(slow.op, entry(11)), "a second time");
        asking.answered();
        // Now that nobody waits, what is old is forgotten.
        assert!((50_000..60_000).all(|number| answers.is_first(ledger.operation(), entry(number))));
        let state = answers.0.lock();
        assert!(state.seen.len() <= 2 * SEEN_MAX && state.asked.is_empty());
    }

    #[test]
    fn what_was_there_before_was_made_by_others() {
        let (answers, ledger) = (Answers::default(), MemoryLedger::new());
        answers.begin(Some(entry(10)));
        let again = command(&ledger);
        let asking = answers.ask(&[again.clone(), again.clone()]);
        assert!(!asking.made(again.op, entry(10)));
        assert!(asking.made(again.op, entry(11)));
        assert!(!asking.made(again.op, entry(11)), "twice in one batch");
        asking.answered();
        assert!(!answers.is_waiting());
    }

    /// Twice at the ledger, one of which is given up: the other one answers for both.
    #[test]
    fn what_is_given_up_is_in_doubt_until_it_is_named() {
        let (answers, ledger) = (Answers::default(), MemoryLedger::new());
        let (lost, other) = (command(&ledger), command(&ledger));
        drop(answers.ask(slice::from_ref(&lost)));
        assert!(answers.is_first(other.op, entry(2)));
        assert!(!answers.is_first_of_ours(other.op, entry(3)), "others' entries");
        assert!(answers.is_first_of_ours(lost.op, entry(1)));
        assert!(!answers.is_first_of_ours(lost.op, entry(1)), "a second time");

        let (one, two) =
            (answers.ask(slice::from_ref(&other)), answers.ask(slice::from_ref(&other)));
        drop(one);
        assert!(answers.0.lock().in_doubt.is_empty(), "somebody waits yet");
        assert!(two.made(other.op, entry(4)));
        two.answered();

        let asking = answers.ask(slice::from_ref(&lost));
        drop(asking);
        let asking = answers.ask(slice::from_ref(&lost));
        assert!((10..20).all(|number| answers.is_first(ledger.operation(), entry(number))));
        let later = answers.ask(slice::from_ref(&lost));
        assert!(later.made(lost.op, entry(5)), "it was done before it was asked again");
        later.answered();
        asking.answered();
    }

    #[test]
    fn doubts_are_bounded() {
        let (answers, ledger) = (Answers::default(), MemoryLedger::new());
        let first = command(&ledger);
        drop(answers.ask(slice::from_ref(&first)));
        let many: Vec<Command> = (0..DOUBTS_MAX).map(|_| command(&ledger)).collect();
        drop(answers.ask(&many));
        let state = answers.0.lock();
        assert_eq!((state.in_doubt.len(), state.doubts.len()), (DOUBTS_MAX, DOUBTS_MAX));
        assert!(!state.in_doubt.contains(&first.op));
    }
}
