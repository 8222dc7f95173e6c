//! A model checker on the ledger's lock: few threads, and the orders in which they may come to it. Built under
//! `cfg(shuttle)` alone, by `cargo xtask extra`.

use std::{sync::Arc, time::Duration};

use safeguards_budget::{
    Action, Batch, Charge, Command, Denial, EntryId, HoldId, HoldState, Limit, MemoryLedger,
    OpenAccount, Outcome, PlaceHold, Settle,
};
use safeguards_testkit::audit::audit;
use safeguards_types::{AccountId, Amount, Amounts, SimClock, Unit, usd};
use shuttle::{
    scheduler::{DfsScheduler, PctScheduler, Scheduler},
    thread,
};

use crate::desk::{MORNING, at, code};

/// How many orders are tried of one case: one after the other in a system, and as many drawn at random.
const ORDERS_MAX: usize = 2_000;
/// Between how many events a mistake that is drawn at random may lie.
const DEPTH: usize = 3;

/// A ledger with one agent below one organization, which may spend 5 dollars.
struct Stage {
    ledger: MemoryLedger,
    clock: SimClock,
}

impl Stage {
    fn new() -> Arc<Self> {
        let clock = SimClock::at(at(MORNING));
        let ledger = MemoryLedger::with_clock(clock.clone());
        let org = OpenAccount::new("org").limit(Limit::lifetime(usd!(5)));
        for open in [org, OpenAccount::new("agent").under("org")] {
            ledger.sync().open_account(open, ledger.operation()).unwrap();
        }
        Arc::new(Self { ledger, clock })
    }

    fn command(&self, action: impl Into<Action>) -> Command {
        Command::new(self.ledger.operation(), action)
    }

    fn apply(&self, action: impl Into<Action>) -> Outcome {
        self.ledger.sync().apply(self.command(action))
    }

    fn charge(&self, amount: Amount) -> Outcome {
        self.apply(Charge::new("agent", amount))
    }

    /// What both accounts show at one revision: spent and held, the same at both.
    #[track_caller]
    fn dollars(&self) -> (i128, i128) {
        let names = ["org", "agent"].map(AccountId::from);
        let read = self.ledger.sync().accounts(&names).accounts;
        let [org, agent] = [0, 1].map(|at| {
            let account = read[at].as_ref().unwrap();
            let steps = |amounts: &Amounts| amounts.get(&Unit::USD).steps();
            (steps(&account.spent), steps(&account.held))
        });
        assert_eq!(org, agent, "a read shows two revisions");
        assert!(org.0 + org.1 <= usd!(5).quantity().steps(), "overshoot");
        org
    }

    #[track_caller]
    fn audit(&self) {
        let sync = self.ledger.sync();
        sync.tick();
        let audited = audit(&sync.entries(EntryId::FIRST, usize::MAX).entries).unwrap();
        assert_eq!(audited.compare(&sync.accounts(&audited.accounts())), []);
    }
}

/// Tries orders in which these threads may come to the lock.
fn try_orders(
    threads: impl Fn(&Arc<Stage>) -> Vec<thread::JoinHandle<()>> + Send + Sync + 'static,
) {
    let threads = Arc::new(threads);
    let run = |scheduler: Box<dyn Scheduler + Send>| {
        let threads = Arc::clone(&threads);
        shuttle::Runner::new(scheduler, shuttle::Config::default()).run(move || {
            let stage = Stage::new();
            for thread in threads(&stage) {
                thread.join().unwrap();
            }
            stage.dollars();
            stage.audit();
        })
    };
    let in_turn = run(Box::new(DfsScheduler::new(Some(ORDERS_MAX), false)));
    let drawn = run(Box::new(PctScheduler::new(DEPTH, ORDERS_MAX)));
    println!("{in_turn} orders in turn, {drawn} drawn at random");
    assert!(in_turn > 100, "threads that meet have more orders than {in_turn}");
}

fn spawn(stage: &Arc<Stage>, work: impl FnOnce(&Stage) + Send + 'static) -> thread::JoinHandle<()> {
    let stage = Arc::clone(stage);
    thread::spawn(move || work(&stage))
}

#[test]
fn charges_never_overshoot_and_reads_show_one_revision() {
    try_orders(|stage| {
        let spender = |stage: &Stage| {
            for amount in [usd!(2), usd!(1)] {
                let outcome = stage.charge(amount);
                assert!(matches!(code(&outcome), "ok" | "budget.limit_exceeded"));
            }
        };
        let reader = |stage: &Stage| {
            let before = stage.dollars();
            assert!(before <= stage.dollars(), "spending went back");
        };
        vec![spawn(stage, spender), spawn(stage, spender), spawn(stage, reader)]
    });
}

#[test]
fn a_command_that_two_threads_send_is_carried_out_once() {
    try_orders(|stage| {
        let command = stage.command(Charge::new("agent", usd!(3)));
        let sender = move |stage: &Stage| {
            let sync = stage.ledger.sync();
            let first = sync.apply(command.clone());
            assert!(first.is_ok(), "{first:?}");
            assert_eq!(sync.apply(command), first);
            assert_eq!(stage.dollars().0, usd!(3).quantity().steps());
        };
        vec![spawn(stage, sender.clone()), spawn(stage, sender)]
    });
}

#[test]
fn a_hold_ends_once_whoever_comes_first() {
    try_orders(|stage| {
        let place = stage.command(PlaceHold::new("agent", usd!(4), Duration::from_secs(1)));
        let hold = HoldId::placed_by(place.op);
        stage.ledger.sync().apply(place).unwrap();
        let settle = move |stage: &Stage| {
            let outcome = stage.apply(Settle::new(hold, usd!(3)));
            // Released or expired before, it is written down all the same.
            assert!(outcome.is_ok(), "{outcome:?}");
            assert_eq!(stage.dollars().0, usd!(3).quantity().steps());
            assert_eq!(stage.apply(Settle::new(hold, usd!(3))), Err(Denial::HoldEnded { hold }));
        };
        let release = move |stage: &Stage| {
            let outcome = stage.apply(Action::Release { hold });
            assert!(matches!(code(&outcome), "ok" | "budget.hold_ended"), "{outcome:?}");
            let state = stage.ledger.sync().holds(&[hold])[0].as_ref().unwrap().state;
            assert_ne!(state, HoldState::Open);
        };
        let wait = move |stage: &Stage| {
            stage.clock.advance(Duration::from_secs(1));
            assert_eq!(stage.ledger.sync().tick(), None);
        };
        vec![spawn(stage, settle), spawn(stage, release), spawn(stage, wait)]
    });
}

#[test]
fn a_linked_batch_is_seen_whole_or_not_at_all() {
    try_orders(|stage| {
        let linked = |stage: &Stage| {
            let charges = [1, 2].map(|_| stage.command(Charge::new("agent", usd!(2))));
            let outcomes = stage.ledger.sync().submit(Batch::linked(charges));
            assert!(outcomes.iter().all(Result::is_ok) || outcomes.iter().all(Result::is_err));
        };
        let reader = |stage: &Stage| {
            for _ in 0..2 {
                let spent = stage.dollars().0;
                assert!(spent == 0 || spent == usd!(4).quantity().steps(), "{spent}");
            }
        };
        vec![spawn(stage, linked), spawn(stage, linked), spawn(stage, reader)]
    });
}
