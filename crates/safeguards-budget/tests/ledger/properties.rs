//! Random commands, asked of the book and of the model: the same answers, the same reads, and the laws.

use std::{collections::HashMap, time::Duration};

use proptest::{prelude::*, sample::Index};
use safeguards_budget::{
    Action, Batch, Book, Charge, Command, Entry, EntryId, Fact, HoldId, OpenAccount, Outcome,
    PlaceHold, Settled,
};
use safeguards_types::{AccountId, Amounts, OperationId, OperationIds, Timestamp, Unit};

use crate::{
    asks::{Ask, Spend, Step, TREE, steps},
    desk::{MORNING, at},
    model::{Model, said, share, shown, shown_hold},
};

/// The book and the model, side by side.
struct Pair {
    book: Book,
    model: Model,
    clock: Timestamp,
    ids: OperationIds,
    sent: Vec<Batch>,
    /// What was placed.
    holds: Vec<HoldId>,
}

impl Pair {
    fn new() -> Self {
        Self {
            book: Book::new(),
            model: Model::new(),
            clock: at(MORNING),
            ids: OperationIds::seeded(1),
            sent: Vec::new(),
            holds: Vec::new(),
        }
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Wait(seconds) => {
                let nanos = self.clock.as_nanos() + seconds * 1_000_000_000;
                self.clock = Timestamp::from_nanos(nanos).unwrap();
            }
            Step::Tick => {
                self.book.tick(self.clock);
                self.model.tick(self.clock);
            }
            Step::LookAhead(seconds) => {
                self.compare_reads(self.clock.saturating_add(Duration::from_secs(seconds)));
            }
            Step::Send { asks, linked } => {
                let commands: Vec<_> = asks
                    .into_iter()
                    .map(|ask| self.command(self.ids.mint(self.clock), ask))
                    .collect();
                self.send(if linked {
                    Batch::linked(commands)
                } else {
                    Batch::independent(commands)
                });
            }
            Step::SendAhead(ask, ahead) => {
                let op = self.ids.mint(self.clock.saturating_add(Duration::from_secs(ahead)));
                self.send(self.command(op, ask).into());
            }
            Step::Repeat(which) => self.send(which.get(&self.sent).clone()),
            Step::Mix(known, ask) => {
                let known = known.iter().map(|which| self.known(*which));
                let fresh = self.command(self.ids.mint(self.clock), ask);
                self.send(Batch::linked(known.flatten().chain([fresh]).collect::<Vec<_>>()));
            }
            Step::Reuse(of, ask) => {
                if let Some(known) = self.known(of) {
                    self.send(self.command(known.op, ask).into());
                }
            }
        }
        self.compare_reads(self.clock);
    }

    fn known(&self, which: Index) -> Option<Command> {
        let commands: Vec<_> = self.sent.iter().flat_map(|batch| &batch.commands).collect();
        (!commands.is_empty()).then(|| (*which.get(&commands)).clone())
    }

    fn command(&self, op: OperationId, ask: Ask) -> Command {
        let name = |at: usize| AccountId::from(TREE[at].0);
        let charge = |spend: Spend| {
            let charge = Charge::new(name(spend.account), spend.amounts);
            spend.scopes.into_iter().fold(charge, |charge, scope| charge.scope(name(scope)))
        };
        let hold = |which: Index| {
            // One that is not there stands for those that never were.
            let holds = [self.holds.as_slice(), &[HoldId::placed_by(op)]].concat();
            *which.get(&holds)
        };
        let action = match ask {
            Ask::RegisterGpu => Action::RegisterUnit { unit: Unit::new("gpu") },
            Ask::Open { name: at, priority, limits, steps } => {
                let open = OpenAccount::new(name(at)).priority(priority);
                let open = TREE[at].1.into_iter().fold(open, OpenAccount::under);
                let open = limits.into_iter().fold(open, OpenAccount::limit);
                steps.into_iter().fold(open, OpenAccount::protect).into()
            }
            Ask::SetLimit(account, limit) => Action::SetLimit { account: name(account), limit },
            Ask::SetRemaining(account, limit) => Action::SetRemaining {
                account: name(account),
                unit: limit.unit,
                window: limit.window,
                amount: limit.amount,
            },
            Ask::Charge(spend) => charge(spend).into(),
            Ask::Record(spend) => Action::Record(charge(spend)),
            Ask::Hold(spend, seconds) => {
                let mut place = PlaceHold::new("", Amounts::none(), Duration::from_secs(seconds));
                place.charge = charge(spend);
                place.into()
            }
            Ask::Settle(which, amounts) => Action::Settle { hold: hold(which), amounts },
            Ask::Release(which) => Action::Release { hold: hold(which) },
        };
        Command::new(op, action)
    }

    fn send(&mut self, batch: Batch) {
        let written = self.model.entries.len();
        let outcomes = self.book.submit(&batch, self.clock);
        let expected = self.model.submit(&batch, self.clock);
        assert_eq!(outcomes.iter().map(said).collect::<Vec<_>>(), expected, "{batch:#?}");
        for (command, outcome) in batch.commands.iter().zip(&outcomes) {
            let hold = HoldId::placed_by(command.op);
            if outcome.is_ok()
                && matches!(command.action, Action::PlaceHold(_))
                && !self.holds.contains(&hold)
            {
                self.holds.push(hold);
            }
        }
        if let ([command], [outcome]) = (&*batch.commands, &*outcomes)
            && self.model.entries.len() > written
        {
            self.check_grant(command, outcome);
        }
        self.sent.push(batch);
    }

    /// No overshoot: once granted, spent and held are within each limit less what is protected.
    fn check_grant(&self, command: &Command, outcome: &Outcome) {
        let charge = match &command.action {
            Action::Charge(charge) => charge,
            Action::PlaceHold(place) => &place.charge,
            _ => return,
        };
        let Ok(receipt) = outcome else { return };
        let entry = self.book.entries(receipt.entry, 1).entries.remove(0);
        let (Fact::Charged(posting) | Fact::HoldPlaced { posting, .. }) = &entry.fact else {
            panic!("{entry:?}");
        };
        let set = &posting.set;
        let read = self.book.accounts(set, self.clock).accounts;
        let spender = read[0].as_ref().unwrap().priority;
        for account in read.into_iter().flatten() {
            for usage in account.limits {
                if !charge.amounts.names(&usage.limit.unit) {
                    continue;
                }
                let steps = account.protection.iter().filter(|step| step.from > spender);
                let protected = steps.map(|step| share(step.last, usage.limit.amount)).max();
                let used = usage.spent.steps() + usage.held.steps();
                let room = usage.limit.amount.steps() - protected.unwrap_or(0);
                assert!(used <= room, "{} after {command:?}", account.id);
            }
        }
    }

    fn compare_reads(&self, clock: Timestamp) {
        let names = TREE.map(|(name, _)| AccountId::from(name));
        for (name, account) in names.iter().zip(self.book.accounts(&names, clock).accounts) {
            assert_eq!(account.as_ref().map(shown), self.model.shown(name, clock));
        }
        for (id, hold) in self.holds.iter().zip(self.book.holds(&self.holds, clock)) {
            assert_eq!(hold.as_ref().map(shown_hold), self.model.shown_hold(*id, clock));
        }
    }

    fn check_laws(mut self) {
        let entries = self.book.entries(EntryId::FIRST, usize::MAX).entries;
        self.check_entries(&entries);
        check_endings(&entries);
        self.check_sums(&entries);
        self.check_once(&entries);
    }

    fn check_entries(&self, entries: &[Entry]) {
        assert_eq!(entries.len(), self.model.entries.len());
        for ((entry, number), expected) in entries.iter().zip(1..).zip(&self.model.entries) {
            assert_eq!(entry.id, EntryId::new(number));
            assert_eq!((entry.at, entry.op), *expected, "entry {number}");
        }
    }

    /// What an account has spent is the sum of the entries whose set contains it.
    fn check_sums(&self, entries: &[Entry]) {
        for (name, _) in TREE {
            let name = AccountId::from(name);
            let Some(account) =
                self.book.accounts(std::slice::from_ref(&name), self.clock).accounts.remove(0)
            else {
                continue;
            };
            let mut sum = Amounts::none();
            let spent = entries.iter().filter_map(|entry| entry.fact.spending());
            for posting in spent.filter(|posting| posting.set.contains(&name)) {
                sum.add_all(&posting.amounts);
            }
            for unit in [Unit::USD, Unit::TOKENS, Unit::new("gpu")] {
                assert_eq!(account.spent.get(&unit), sum.get(&unit), "{unit} of {name}");
            }
        }
    }

    /// Sent once more, every accepted command gets its first receipt, and nothing changes.
    fn check_once(&mut self, entries: &[Entry]) {
        self.clock = self.clock.saturating_add(Duration::from_secs(1_000));
        for (command, first) in self.model.accepted() {
            assert_eq!(said(&self.book.apply(command, self.clock)).as_ref(), Ok(first));
        }
        assert_eq!(self.book.entries(EntryId::FIRST, usize::MAX).entries, entries);
        self.compare_reads(self.clock);
    }
}

/// A hold ends at most once in time, and is settled at most once.
fn check_endings(entries: &[Entry]) {
    let (mut in_time, mut settled) = (HashMap::<HoldId, u32>::new(), HashMap::new());
    for entry in entries {
        match &entry.fact {
            Fact::HoldSettled(how) => {
                let Settled { hold, late, .. } = &**how;
                *settled.entry(*hold).or_insert(0_u32) += 1;
                *in_time.entry(*hold).or_default() += u32::from(!late);
            }
            Fact::HoldReleased { hold, .. } | Fact::HoldExpired { hold, .. } => {
                *in_time.entry(*hold).or_default() += 1;
            }
            _ => {}
        }
    }
    assert!(in_time.values().chain(settled.values()).all(|times| *times <= 1), "{entries:#?}");
}

proptest! {
    #[test]
    fn the_book_does_what_the_model_does_and_keeps_the_laws(steps in steps()) {
        let mut pair = Pair::new();
        for step in steps {
            pair.run(step);
        }
        pair.check_laws();
    }
}
