//! Many threads on one small tree: no overshoot, every counter as the entries say, and a journal that makes
//! the same book again.
//!
//! `SAFEGUARDS_COMMANDS` says how many commands are sent in total; `cargo xtask extra` sends millions.

use std::{
    env,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use safeguards_budget::{
    Action, Batch, Book, Bounds, Charge, Command, Denial, Divide, EntryId, HoldId, Limit,
    MemoryLedger, OpenAccount, Outcome, Percent, PlaceHold, ProtectionStep, Receipt, Settle,
    SyncLedger, Window,
};
use safeguards_testkit::audit::{Auditor, Discrepancy};
use safeguards_types::{
    AccountId, Amount, Amounts, OperationId, Priority, Quantity, SimClock, Unit, requests, tokens,
    usd,
};

use crate::desk::{MORNING, at, every};

const THREADS: u64 = 8;
const AGENTS: u64 = 9;
const COMMANDS: u64 = 200_000;
/// How many commands are sent before readers catch up: fewer than the journal keeps.
const ROUND: u64 = 100_000;
/// How many holds and operations the threads know of each other's.
const SHARED_MAX: usize = 64;

/// One organization, three teams, nine agents, and two users beside them that charges name as scopes.
fn open(ledger: &MemoryLedger) {
    let steps = ProtectionStep::new(Percent::parse("20").unwrap(), Priority::P8);
    let mut accounts = vec![
        OpenAccount::new("org")
            .limit(Limit::lifetime(usd!(2_000)).warn_at(Percent::EIGHTY))
            .limit(Limit::new(tokens!(900_000), Window::day("Europe/Berlin").unwrap()))
            .limit(every(1, requests!(9_000)).shadow()),
        OpenAccount::new("team-0").under("org").limit(Limit::lifetime(usd!(900))).protect(steps),
        OpenAccount::new("team-1").under("org").limit(Limit::new(usd!(120), every_10_s())),
        OpenAccount::new("team-2").under("org").limit(every(3, tokens!(9_000))).protect(steps),
        OpenAccount::new("ada").limit(every(5, usd!(60))).limit(every(60, usd!(400)).soft()),
        OpenAccount::new("bob").limit(Limit::lifetime(usd!(500))),
    ];
    for agent in 0..AGENTS {
        let priority = Priority::try_from(i64::try_from(agent).unwrap() + 1).unwrap();
        let open = OpenAccount::new(format!("agent-{agent}")).under(format!("team-{}", agent % 3));
        accounts.push(open.priority(priority).limit(Limit::lifetime(usd!(150))));
    }
    for open in accounts {
        ledger.sync().open_account(open, ledger.operation()).unwrap();
    }
}

fn every_10_s() -> Window {
    Window::every_seconds(10).unwrap()
}

/// What the threads know of each other: holds that anyone may end, and spending that anyone may take back.
#[derive(Debug, Default)]
struct Known {
    holds: Mutex<Vec<HoldId>>,
    spent: Mutex<Vec<OperationId>>,
    granted: AtomicU64,
    denied: AtomicU64,
}

/// One thread: it draws commands from numbers of its own.
struct Worker<'run> {
    numbers: u64,
    ledger: &'run MemoryLedger,
    clock: &'run SimClock,
    known: &'run Known,
}

impl Worker<'_> {
    /// The next number below `end` (splitmix64).
    fn draw(&mut self, end: u64) -> u64 {
        self.numbers = self.numbers.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.numbers ^ (self.numbers >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn pick<T: Copy>(&mut self, from: &Mutex<Vec<T>>) -> Option<T> {
        let from = from.lock().unwrap();
        let count = u64::try_from(from.len()).unwrap();
        (count > 0).then(|| from[usize::try_from(self.draw(count)).unwrap()])
    }

    fn share<T>(&mut self, with: &Mutex<Vec<T>>, what: T) {
        let mut with = with.lock().unwrap();
        if with.len() < SHARED_MAX {
            with.push(what);
        } else {
            with[usize::try_from(self.draw(64)).unwrap()] = what;
        }
    }

    fn agent(&mut self) -> AccountId {
        format!("agent-{}", self.draw(AGENTS)).into()
    }

    fn team(&mut self) -> AccountId {
        format!("team-{}", self.draw(3)).into()
    }

    fn quarters(&mut self, most: u64) -> Quantity {
        Quantity::from_steps(i128::from(self.draw(most) + 1) * Quantity::ONE.steps() / 4).unwrap()
    }

    fn amounts(&mut self) -> Amounts {
        let mut amounts = Amounts::from(Amount::new(self.quarters(8), Unit::USD));
        if self.draw(3) == 0 {
            amounts.set(Amount::new(self.quarters(2_000), Unit::TOKENS));
        }
        if self.draw(3) == 0 {
            amounts.set(requests!(1));
        }
        amounts
    }

    fn charge(&mut self) -> Charge {
        let charge = Charge::new(self.agent(), self.amounts());
        match self.draw(6) {
            0 => charge.scope("ada"),
            1 => charge.scope("bob").scope("team-2"),
            _ => charge,
        }
    }

    fn place(&mut self) -> PlaceHold {
        let ttl = Duration::from_secs(1 + self.draw(3));
        let Charge { account, amounts, scopes, .. } = self.charge();
        let account = if self.draw(4) == 0 { self.team() } else { account };
        let place = PlaceHold::new(account, amounts, ttl);
        scopes.into_iter().fold(place, PlaceHold::scope)
    }

    fn settle(&mut self, hold: HoldId) -> Settle {
        let spent = if self.draw(8) == 0 { Amounts::none() } else { self.amounts() };
        let mut settle = Settle::new(hold, spent);
        if self.draw(4) == 0 {
            settle = settle.keep_open();
        }
        if self.draw(4) == 0 {
            settle = settle.attribute_to(self.agent());
        }
        settle
    }

    /// What changes limits and the tree, and is not about spending.
    fn govern(&mut self) -> Action {
        let (agent, other, team) = (self.agent(), self.agent(), self.team());
        match self.draw(20) {
            0..=3 => {
                let accounts = ["org", "team-0", "bob"];
                let account = match accounts.get(usize::try_from(self.draw(9)).unwrap()) {
                    Some(account) => (*account).into(),
                    None => agent,
                };
                let amount = self.quarters(2_000);
                Action::SetRemaining { account, unit: Unit::USD, window: Window::Lifetime, amount }
            }
            4 => Action::SetParent { account: agent, parent: Some(team), from: None },
            5 => Action::Suspend { account: agent, reason: None },
            6..=13 => Action::Resume { account: agent, reason: None },
            14 => {
                let (window, unit) = (Window::every_seconds(10).unwrap(), Unit::USD);
                if self.draw(2) == 0 {
                    Action::RemoveLimit { account: agent, unit, window }
                } else {
                    let limit = Limit::new(Amount::new(self.quarters(80), unit), window);
                    Action::SetLimit { account: agent, limit }
                }
            }
            15 => Action::Transfer {
                from: agent,
                to: other,
                unit: Unit::USD,
                amount: self.quarters(40),
            },
            16 => Action::Reclaim { account: agent, unit: Unit::USD, amount: self.quarters(40) },
            17 => {
                let weights = (0..3).map(|n| (format!("agent-{}", n * 3), self.quarters(9)));
                let weights: Vec<_> = weights.collect();
                Divide::new("team-0", Unit::USD, weights).amount(self.quarters(800)).into()
            }
            18 => {
                let priority =
                    Priority::try_from(i64::try_from(self.draw(10)).unwrap() + 1).unwrap();
                Action::SetPriority { account: agent, priority }
            }
            _ => {
                let limit = Limit::new(Amount::new(self.quarters(800), Unit::USD), every_10_s());
                Action::SetLimit { account: "team-1".into(), limit }
            }
        }
    }

    fn action(&mut self) -> Action {
        let hold = self.pick(&self.known.holds);
        let spent = self.pick(&self.known.spent);
        match (self.draw(100), hold, spent) {
            (0..=34, _, _) => self.charge().into(),
            (35..=54, _, _) => self.place().into(),
            (55..=74, Some(hold), _) => self.settle(hold).into(),
            (75..=79, Some(hold), _) => Action::Release { hold },
            (80..=82, Some(hold), _) => Action::ExtendHold { hold, ttl: Duration::from_secs(2) },
            (83..=89, _, Some(of)) => {
                Action::Refund { of, amounts: Amount::new(self.quarters(4), Unit::USD).into() }
            }
            (90, _, _) => Action::Record(self.charge()),
            _ => self.govern(),
        }
    }

    /// Sends `count` commands, some of them linked and some of them twice.
    fn work(mut self, count: u64) {
        let (sync, mut sent) = (self.ledger.sync(), 0);
        while sent < count {
            if self.draw(16) == 0 {
                let commands: Vec<_> = (0..=self.draw(4)).map(|_| self.command()).collect();
                sent += u64::try_from(commands.len()).unwrap();
                let outcomes = sync.submit(Batch::linked(commands.clone()));
                assert_linked(&outcomes);
                for (command, outcome) in commands.iter().zip(&outcomes) {
                    self.note(command, outcome);
                }
            } else {
                let command = self.command();
                sent += 1;
                let outcome = sync.apply(command.clone());
                self.note(&command, &outcome);
                if let Ok(receipt) = &outcome
                    && self.draw(10) == 0
                {
                    self.send_again(&command, receipt);
                }
            }
            if sent % 8 == 0 {
                self.clock.advance(Duration::from_millis(40));
            }
        }
    }

    fn command(&mut self) -> Command {
        let action = self.action();
        Command::new(self.ledger.operation(), action)
    }

    /// The same again gets the first receipt; another command under its name is refused.
    fn send_again(&self, command: &Command, receipt: &Receipt) {
        let sync = self.ledger.sync();
        assert_eq!(sync.apply(command.clone()).as_ref(), Ok(receipt), "{command:?}");
        let other = Command::new(command.op, Action::RegisterUnit { unit: Unit::new("other") });
        assert_eq!(sync.apply(other), Err(Denial::OperationConflict));
    }

    fn note(&mut self, command: &Command, outcome: &Outcome) {
        let count = if outcome.is_ok() { &self.known.granted } else { &self.known.denied };
        count.fetch_add(1, Ordering::Relaxed);
        match (outcome, &command.action) {
            (Ok(_), Action::PlaceHold(_)) => {
                self.share(&self.known.holds, HoldId::placed_by(command.op));
            }
            (Ok(_), Action::Charge(_) | Action::Record(_) | Action::Settle(_)) => {
                self.share(&self.known.spent, command.op);
            }
            (Ok(_), _) => {}
            (Err(Denial::HoldEnded { hold }), _) => {
                // Half of them are kept, so that ended holds go on being asked for, too.
                let is_kept = self.draw(2) == 0;
                self.known.holds.lock().unwrap().retain(|known| known != hold || is_kept);
            }
            (Err(denial), action) => assert!(is_to_be_expected(denial), "{denial:?} of {action:?}"),
        }
    }
}

/// What threads that know nothing of each other's doings may run into.
fn is_to_be_expected(denial: &Denial) -> bool {
    matches!(
        denial,
        Denial::LimitExceeded(_)
            | Denial::Protected(_)
            | Denial::Suspended { .. }
            | Denial::HoldEnded { .. }
            | Denial::HoldForgotten { .. }
            | Denial::EntryForgotten { .. }
            | Denial::RefundExceedsCharge { .. }
            | Denial::NotDescendant { .. }
            | Denial::NotSiblings { .. }
            | Denial::NotChild { .. }
            | Denial::NoLimit { .. }
            | Denial::UnknownHold { .. }
            | Denial::UnknownEntry { .. }
            | Denial::LinkedFailed { .. }
    )
}

/// All of a linked batch took effect, or one was denied and the others say which.
#[track_caller]
fn assert_linked(outcomes: &[Outcome]) {
    let denied = outcomes.iter().position(
        |outcome| matches!(outcome, Err(denial) if !matches!(denial, Denial::LinkedFailed { .. })),
    );
    for (at, outcome) in outcomes.iter().enumerate() {
        match (denied, outcome) {
            (None, outcome) => assert!(outcome.is_ok(), "{outcomes:?}"),
            (Some(first), _) if first == at => {}
            (Some(first), outcome) => {
                assert_eq!(*outcome, Err(Denial::LinkedFailed { index: first }), "{outcomes:?}");
            }
        }
    }
}

/// Reads while the others write: at every revision what the organization has counted is what those below it
/// have counted directly, wherever they stand.
fn watch(sync: SyncLedger<'_>, done: &AtomicBool) {
    let agents = (0..AGENTS).map(|agent| format!("agent-{agent}"));
    let teams = (0..3).map(|team| format!("team-{team}"));
    let names: Vec<AccountId> =
        std::iter::once("org".to_owned()).chain(teams).chain(agents).map(AccountId::from).collect();
    while !done.load(Ordering::Relaxed) {
        let accounts: Vec<_> = sync.accounts(&names).accounts.into_iter().flatten().collect();
        assert_eq!(accounts.len(), names.len());
        for unit in [Unit::USD, Unit::TOKENS, Unit::REQUESTS] {
            let steps = |amounts: &Amounts| amounts.get(&unit).steps();
            let spent: i128 = accounts.iter().map(|one| steps(&one.spent_directly)).sum();
            let held: i128 = accounts.iter().map(|one| steps(&one.held_directly)).sum();
            assert_eq!((steps(&accounts[0].spent), steps(&accounts[0].held)), (spent, held));
        }
        thread::park_timeout(Duration::from_millis(5));
    }
}

/// Reads the journal along, since it forgets: one copy for the auditor, and one for a book that follows.
struct Reader<'run> {
    sync: SyncLedger<'run>,
    from: EntryId,
    auditor: Auditor,
    copy: Book,
}

impl Reader<'_> {
    /// Reads what there is.
    fn catch_up(&mut self) {
        loop {
            let page = self.sync.entries(self.from, 1_000);
            assert!(
                page.first_kept <= self.from,
                "the journal has forgotten what was not read yet"
            );
            if page.entries.is_empty() {
                return;
            }
            self.auditor.read_all(&page.entries);
            for entry in &page.entries {
                self.copy.replay(entry).unwrap();
            }
            self.from = page.next;
        }
    }

    fn read_along(&mut self, done: &AtomicBool) {
        while !done.load(Ordering::Relaxed) {
            self.catch_up();
            thread::park_timeout(Duration::from_millis(1));
        }
        self.catch_up();
    }
}

/// How many commands to send.
#[expect(clippy::disallowed_methods, reason = "how much is run is said from outside")]
fn commands() -> u64 {
    env::var("SAFEGUARDS_COMMANDS").map_or(COMMANDS, |count| count.parse().unwrap())
}

#[test]
fn many_threads_overshoot_no_limit_and_lose_nothing() {
    let clock = SimClock::at(at(MORNING));
    let bounds = Bounds::default();
    let ledger = MemoryLedger::with_bounds(clock.clone(), bounds);
    open(&ledger);
    let known = Known::default();
    let mut reader = Reader {
        sync: ledger.sync(),
        from: EntryId::FIRST,
        auditor: Auditor::new(),
        copy: Book::with_bounds(bounds),
    };
    let commands = commands();
    for round in 0..commands.div_ceil(ROUND) {
        let done = AtomicBool::new(false);
        let count = (commands - round * ROUND).min(ROUND).div_ceil(THREADS);
        thread::scope(|scope| {
            scope.spawn(|| watch(ledger.sync(), &done));
            scope.spawn(|| reader.read_along(&done));
            let workers: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let numbers = round * THREADS + thread;
                    let worker = Worker { numbers, ledger: &ledger, clock: &clock, known: &known };
                    scope.spawn(move || worker.work(count))
                })
                .collect();
            let ended: Vec<_> = workers.into_iter().map(thread::ScopedJoinHandle::join).collect();
            done.store(true, Ordering::Relaxed);
            ended.into_iter().for_each(Result::unwrap);
        });
    }
    clock.advance(Duration::from_mins(1));
    assert_eq!(ledger.sync().tick(), None, "every hold has ended");
    reader.catch_up();

    let Reader { auditor, copy, .. } = reader;
    let audited = auditor.finish().unwrap_or_else(|found| panic!("{}", lines(&found)));
    let found = audited.compare(&ledger.sync().accounts(&audited.accounts()));
    assert!(found.is_empty(), "{}", lines(&found));
    let holds = audited.holds();
    let found = audited.compare_holds(&holds, &ledger.sync().holds(&holds));
    assert!(found.is_empty(), "{}", lines(&found));

    let figures = audited.figures();
    let (granted, denied) = (known.granted.into_inner(), known.denied.into_inner());
    let (percent, tenth) = (figures.fullest_permille / 10, figures.fullest_permille % 10);
    println!(
        "{THREADS} threads: {granted} commands accepted ({} of them charges and holds), {denied} denied, \
         {} holds expired; overshoot 0, the fullest limit stood at {percent}.{tenth} %",
        figures.grants, figures.expired,
    );
    assert!(
        granted > commands / 4 && denied > commands / 20,
        "limits were reached, and not for good"
    );
    assert!(figures.fullest_permille <= 1_000, "{figures:?}");
    assert!(figures.fullest_permille >= 990, "limits were used up: {figures:?}");
    assert!(figures.expired > commands / 1_000, "some holds were left to expire: {figures:?}");

    // That equal snapshots are equal bytes is tested where entries are replayed.
    assert!(copy.snapshot() == ledger.sync().snapshot(), "the entries make another book");
}

fn lines(found: &[Discrepancy]) -> String {
    found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
