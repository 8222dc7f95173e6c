//! Many threads on one small tree: no overshoot, and sums that agree with the journal.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use safeguards_budget::{
    Action, Charge, Command, Denial, Entry, EntryId, Fact, HoldId, Limit, MemoryLedger,
    OpenAccount, PlaceHold, Settled, SyncLedger,
};
use safeguards_types::{AccountId, Amount, Amounts, Quantity, SimClock, Unit};

use crate::desk::{MORNING, at, every};

const THREADS: u64 = 8;
const ROUNDS: u64 = 5_000;

/// Agents of two teams under one root, whose limits are reached about halfway.
fn open(ledger: &MemoryLedger) {
    let limit = |units| Amount::new(Quantity::from_units(units).unwrap(), Unit::USD);
    let mut accounts = vec![
        OpenAccount::new("root").limit(Limit::lifetime(limit(60_000))),
        OpenAccount::new("team-0").under("root").limit(Limit::lifetime(limit(35_000))),
        OpenAccount::new("team-1").under("root").limit(every(10, limit(4_000))),
    ];
    for agent in 0..4 {
        let team = format!("team-{}", agent % 2);
        accounts.push(OpenAccount::new(format!("agent-{agent}")).under(team));
    }
    for open in accounts {
        ledger.sync().open_account(open, ledger.operation()).unwrap();
    }
}

/// Charges, holds, settles and releases, in an order of its own. Gives how many commands were accepted.
fn work(thread: u64, ledger: &MemoryLedger, clock: &SimClock) -> usize {
    let (sync, account) = (ledger.sync(), AccountId::from(format!("agent-{}", thread % 4)));
    let mut accepted = 0;
    let mut send = |action: Action| {
        let command = Command::new(ledger.operation(), action);
        match sync.apply(&command) {
            Ok(_) => accepted += 1,
            Err(Denial::LimitExceeded(_) | Denial::HoldEnded { .. }) => return None,
            Err(other) => panic!("{other}"),
        }
        Some(HoldId::placed_by(command.op))
    };
    for round in 0..ROUNDS {
        let number = thread * 31 + round * 7;
        let units = |number| {
            let steps = i128::from(number) * Quantity::ONE.steps() / 4;
            Amount::new(Quantity::from_steps(steps).unwrap(), Unit::USD)
        };
        let amount = units(number % 11 + 1);
        send(Charge::new(account.clone(), amount.clone()).into());
        let ttl = Duration::from_secs(1 + number % 3);
        if let Some(hold) = send(PlaceHold::new(account.clone(), amount, ttl).into()) {
            // Some are settled, some released, and some are left to expire.
            match number % 5 {
                0 => {}
                1 => drop(send(Action::Release { hold })),
                part => {
                    let spent = units((number % 11 + 1).min(part * 3));
                    send(Action::Settle { hold, amounts: spent.into() });
                }
            }
        }
        if round % 8 == 0 {
            clock.advance(Duration::from_millis(10));
        }
    }
    accepted
}

/// Reads while the others write: what a parent has spent is at every revision what its children have.
fn watch(sync: SyncLedger<'_>, done: &AtomicBool) {
    let names: Vec<AccountId> =
        ["team-0", "agent-0", "agent-2", "root", "team-1"].map(AccountId::from).into();
    while !done.load(Ordering::Relaxed) {
        let read = sync.accounts(&names).accounts;
        let spent = |at: usize| read[at].as_ref().unwrap().spent.get(&Unit::USD).steps();
        assert_eq!(spent(0), spent(1) + spent(2));
        assert_eq!(spent(3), spent(0) + spent(4));
        thread::yield_now();
    }
}

fn read_journal(sync: SyncLedger<'_>) -> Vec<Entry> {
    let (mut from, mut entries) = (EntryId::FIRST, Vec::new());
    loop {
        let page = sync.entries(from, 1_000);
        assert_eq!(page.first_kept, EntryId::FIRST);
        if page.entries.is_empty() {
            return entries;
        }
        entries.extend(page.entries);
        from = page.next;
    }
}

/// What the entries say of each account: spent, held, and that no grant went over a limit that lasts.
fn audit(entries: &[Entry], limits: &HashMap<AccountId, i128>) -> HashMap<AccountId, (i128, i128)> {
    let mut counters: HashMap<AccountId, (i128, i128)> = HashMap::new();
    for (entry, number) in entries.iter().zip(1..) {
        assert_eq!(entry.id, EntryId::new(number));
        let dollars = |amounts: &Amounts| amounts.get(&Unit::USD).steps();
        let (posting, spent, held) = match &entry.fact {
            Fact::Charged(posting) => (posting, dollars(&posting.amounts), 0),
            Fact::HoldPlaced { posting, .. } => (posting, 0, dollars(&posting.amounts)),
            Fact::HoldSettled(settled) => {
                let Settled { posting, held_part, freed, .. } = &**settled;
                (posting, dollars(&posting.amounts), -(dollars(held_part) + dollars(freed)))
            }
            Fact::HoldReleased { posting, .. } | Fact::HoldExpired { posting, .. } => {
                (posting, 0, -dollars(&posting.amounts))
            }
            _ => continue,
        };
        let grants = matches!(entry.fact, Fact::Charged(_) | Fact::HoldPlaced { .. });
        for account in posting.set.iter() {
            let counter = counters.entry(account.clone()).or_default();
            *counter = (counter.0 + spent, counter.1 + held);
            let used = counter.0 + counter.1;
            let limit = limits.get(account).copied().unwrap_or(i128::MAX);
            assert!(!grants || used <= limit, "entry {number}: {used} of {limit} at {account}");
        }
    }
    counters
}

#[test]
fn many_threads_overshoot_no_limit_and_lose_nothing() {
    let clock = SimClock::at(at(MORNING));
    let ledger = MemoryLedger::with_clock(clock.clone());
    open(&ledger);
    let opened = read_journal(ledger.sync()).len();
    let done = AtomicBool::new(false);
    let accepted: usize = thread::scope(|scope| {
        scope.spawn(|| watch(ledger.sync(), &done));
        let workers: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (ledger, clock) = (&ledger, &clock);
                scope.spawn(move || work(thread, ledger, clock))
            })
            .collect();
        let accepted = workers.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>();
        done.store(true, Ordering::Relaxed);
        accepted.into_iter().map(Result::unwrap).sum()
    });
    clock.advance(Duration::from_mins(1));
    assert_eq!(ledger.sync().tick(), None, "every hold has ended");

    let entries = read_journal(ledger.sync());
    let by_command = entries.iter().filter(|entry| entry.op.is_some()).count();
    assert_eq!(by_command, opened + accepted);
    let lasting = [("root", 60_000), ("team-0", 35_000)];
    let limits = lasting.map(|(name, units)| (name.into(), units * Quantity::ONE.steps()));
    let counters = audit(&entries, &limits.into());
    for (id, (spent, held)) in &counters {
        let account = ledger.sync().accounts(std::slice::from_ref(id)).accounts.remove(0).unwrap();
        assert_eq!(account.spent.get(&Unit::USD).steps(), *spent, "{id}");
        assert_eq!((account.held.get(&Unit::USD), *held), (Quantity::ZERO, 0), "{id}");
    }
    assert_eq!(counters.len(), 7);
    let expired = entries.iter().filter(|entry| entry.op.is_none()).count();
    assert!(expired > 100, "some holds were left to expire: {expired}");
    let spent = counters[&AccountId::from("root")].0;
    assert!(spent > 50_000 * Quantity::ONE.steps(), "the limits were reached: {spent}");
}
