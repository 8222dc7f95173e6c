//! Our ledger, opened and filled so that every round finds it as the one before did.

use std::{
    collections::HashSet,
    hint::black_box,
    pin::pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, Waker},
    time::Duration,
};

use safeguards::api::ObservedLedger;
use safeguards_budget::{
    AccountHandle, Action, Batch, Bounds, Charge, Command, HoldId, Ledger, LedgerExt, Limit,
    MemoryLedger, OpenAccount, PlaceHold, Settle,
};
use safeguards_types::{
    Amount, Amounts, Clock, OperationId, OperationIds, Quantity, SimClock, Timestamp, Unit,
    requests, tokens, usd,
};

use crate::{
    bench::{part_of, timed, timed_by},
    tree::Tree,
};

/// How many entries and operation ids are kept, unless a row says otherwise.
pub(crate) const KEPT: usize = 65_536;
/// Far beyond every round, so that no hold ends by itself.
const LONG: Duration = Duration::from_secs(1_000_000_000);
/// The limit of an account that spends, and of those above.
const OWN_LIMIT: u64 = 1_000_000_000_000;
const UPPER_LIMIT: u64 = 1_000_000_000_000_000;

/// What a ledger is opened with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) tree: Tree,
    /// How many units a charge has, with a lifetime limit of each at every level.
    pub(crate) units: usize,
    /// How many limits over a day there are besides, one a level, from the spender upward.
    pub(crate) windows: usize,
    /// How many entries and operation ids are kept.
    pub(crate) kept: usize,
    /// How many holds of other accounts are open.
    pub(crate) holds: usize,
}

impl Shape {
    /// One account under a pool of an organization; one unit, no windows, no holds.
    pub(crate) const ONE: Self =
        Self { tree: Tree::ONE, units: 1, windows: 0, kept: KEPT, holds: 0 };
}

#[derive(Debug)]
pub(crate) struct Ours {
    tree: Tree,
    ledger: MemoryLedger,
    clock: SimClock,
    ids: OperationIds,
    handles: Vec<AccountHandle>,
    amounts: Amounts,
    /// The hold of the first account that some of its charges wait for.
    in_the_way: OnceLock<OperationId>,
}

impl Ours {
    pub(crate) fn open(shape: Shape) -> Self {
        let clock = SimClock::at(Timestamp::parse("2026-01-05T09:00:00Z").unwrap());
        let mut bounds = Bounds::default();
        bounds.operations_kept = shape.kept;
        bounds.operations_max = shape.kept;
        bounds.accounts_max = 2_000_000;
        let units = [usd!(0.000001), tokens!(1), requests!(1)];
        let mut ours = Self {
            tree: shape.tree,
            ledger: MemoryLedger::with_bounds(clock.clone(), bounds),
            clock,
            ids: OperationIds::seeded(1),
            handles: Vec::new(),
            amounts: units.into_iter().take(shape.units).collect(),
            in_the_way: OnceLock::new(),
        };
        ours.open_accounts(shape);
        ours.place_holds(shape.holds);
        ours.fill(shape.kept);
        ours
    }

    fn open_accounts(&mut self, shape: Shape) {
        let mut known = HashSet::new();
        for path in shape.tree.paths() {
            for (at, name) in path.iter().enumerate().rev() {
                if known.contains(name) {
                    continue;
                }
                known.insert(name.clone());
                let open = OpenAccount::new(name.as_str());
                let open = match path.get(at + 1) {
                    Some(parent) => open.under(parent.as_str()),
                    None => open,
                };
                let limits = self.limits(at, shape.windows);
                self.apply(limits.into_iter().fold(open, OpenAccount::limit));
            }
            self.handles.push(self.ledger.sync().handle(&path[0].as_str().into()).unwrap());
        }
    }

    /// The limits of an account so many levels above a spender.
    fn limits(&self, above: usize, windows: usize) -> Vec<Limit> {
        let units = if above == 0 { OWN_LIMIT } else { UPPER_LIMIT };
        let all = |amount: &Amount| amount_of(units, amount.unit().clone());
        let lifetime = self.amounts.iter().map(|amount| Limit::lifetime(all(amount)));
        let day = self
            .amounts
            .iter()
            .take(usize::from(above < windows))
            .map(|amount| Limit::per_day(all(amount), "Europe/Berlin").unwrap());
        lifetime.chain(day).collect()
    }

    /// Places holds of every account but the first.
    fn place_holds(&self, holds: usize) {
        let others = self.handles.iter().skip(1).cycle().take(holds);
        for other in others {
            self.apply(place(other, usd!(0.000001).into()));
        }
    }

    /// Charges until as many entries are kept as ever are.
    fn fill(&self, kept: usize) {
        for (account, op) in self.round(self.tree, kept, &mut fastrand::Rng::with_seed(2)) {
            let charge = Charge::by(account, self.amounts.clone());
            self.ledger.sync().charge(charge, op).unwrap();
        }
    }

    fn apply(&self, action: impl Into<Action>) -> OperationId {
        let op = self.mint();
        self.ledger.sync().apply(Command::new(op, action)).unwrap();
        op
    }

    /// An id of its own millisecond: of ids that were forgotten, none is as young as one that is still to come.
    fn mint(&self) -> OperationId {
        self.clock.advance(Duration::from_millis(1));
        self.ids.mint(self.clock.now())
    }

    /// Who spends in a round, each under which id.
    fn round(
        &self,
        spenders: Tree,
        count: usize,
        random: &mut fastrand::Rng,
    ) -> Vec<(&AccountHandle, OperationId)> {
        let drawn = spenders.draw(count, random).into_iter();
        drawn.map(|account| (&self.handles[account], self.mint())).collect()
    }

    /// Works rounds off, on so many threads.
    fn rounds(
        &self,
        spenders: Tree,
        threads: usize,
        work: impl Fn(&AccountHandle, OperationId) + Sync,
    ) -> impl FnMut(usize) -> Duration {
        let mut random = fastrand::Rng::with_seed(1);
        move |count| {
            let round = self.round(spenders, count, &mut random);
            timed_by(threads, |thread| {
                for (account, op) in part_of(&round, thread, threads) {
                    work(account, *op);
                }
            })
        }
    }

    /// Charges by handle.
    pub(crate) fn charges(&self, threads: usize) -> impl FnMut(usize) -> Duration {
        self.rounds(self.tree, threads, |account, op| {
            let charge = Charge::by(account, self.amounts.clone());
            black_box(self.ledger.sync().charge(charge, op)).unwrap();
        })
    }

    /// Charges by the account's name.
    pub(crate) fn charges_by_name(&self, threads: usize) -> impl FnMut(usize) -> Duration {
        self.rounds(self.tree, threads, |account, op| {
            let charge = Charge::new(account.id(), self.amounts.clone());
            black_box(self.ledger.sync().charge(charge, op)).unwrap();
        })
    }

    /// Charges by handle that the account's own limit denies, for ever.
    pub(crate) fn denials(&self) -> impl FnMut(usize) -> Duration {
        self.denied(self.tree, OWN_LIMIT + 1)
    }

    /// Holds of the first account, by handle, each settled at once.
    pub(crate) fn holds(&self) -> impl FnMut(usize) -> Duration {
        let place = place(&self.handles[0], self.amounts.clone());
        move |count| {
            let round: Vec<_> = (0..count).map(|_| (self.mint(), self.mint())).collect();
            timed(|| {
                for (placing, settling) in round {
                    let held = self.ledger.sync().apply(Command::new(placing, place.clone()));
                    black_box(held).unwrap();
                    let settle = Settle::new(HoldId::placed_by(placing), self.amounts.clone());
                    let settled = self.ledger.sync().apply(Command::new(settling, settle));
                    black_box(settled).unwrap();
                }
            })
        }
    }

    /// Charges of the first account that wait for a hold of its own, the last of all that will end.
    pub(crate) fn denials_behind_a_hold(&self) -> impl FnMut(usize) -> Duration {
        let half = || amount_of(OWN_LIMIT / 2, Unit::USD).into();
        self.in_the_way.get_or_init(|| self.apply(place(&self.handles[0], half())));
        self.denied(Tree { accounts: 1, ..self.tree }, OWN_LIMIT * 3 / 4)
    }

    fn denied(&self, spenders: Tree, units: u64) -> impl FnMut(usize) -> Duration {
        let too_much = Amounts::from(amount_of(units, Unit::USD));
        self.rounds(spenders, 1, move |account, op| {
            let charge = Charge::by(account, too_much.clone());
            black_box(self.ledger.sync().charge(charge, op)).unwrap_err();
        })
    }

    /// Charges by handle, so many in a batch.
    pub(crate) fn batches(&self, of: usize, linked: bool) -> impl FnMut(usize) -> Duration {
        let mut random = fastrand::Rng::with_seed(1);
        move |count| {
            let round = self.round(self.tree, count.next_multiple_of(of), &mut random);
            let took = timed(|| {
                for batch in round.chunks(of) {
                    let charge = |(account, op): &(&AccountHandle, OperationId)| {
                        Command::new(*op, Charge::by(account, self.amounts.clone()))
                    };
                    let mut batch =
                        Batch::independent(batch.iter().map(charge).collect::<Vec<_>>());
                    batch.linked = linked;
                    let outcomes = black_box(self.ledger.sync().submit(batch));
                    assert!(outcomes.iter().all(Result::is_ok));
                }
            });
            // Fewer were asked for than there are in whole batches.
            took.mul_f64(ratio(count, round.len()))
        }
    }

    /// Charges by handle through the seam: one boxed future each.
    pub(crate) fn submits(&self) -> impl FnMut(usize) -> Duration {
        self.submits_to(Arc::new(self.ledger.clone()))
    }

    /// The same, told to nobody: there is no subscriber and no recorder here.
    pub(crate) fn observed_submits(&self) -> impl FnMut(usize) -> Duration {
        self.submits_to(Arc::new(ObservedLedger::new(Arc::new(self.ledger.clone()))))
    }

    fn submits_to(&self, ledger: Arc<dyn Ledger>) -> impl FnMut(usize) -> Duration {
        self.rounds(self.tree, 1, move |account, op| {
            let command = Command::new(op, Charge::by(account, self.amounts.clone()));
            let outcomes = at_once(ledger.submit(command.into())).unwrap();
            assert!(black_box(outcomes).iter().all(Result::is_ok));
        })
    }

    /// Charges by handle through the seam, by the verb for callers.
    pub(crate) fn verbs(&self) -> impl FnMut(usize) -> Duration {
        let ledger: Arc<dyn Ledger> = Arc::new(self.ledger.clone());
        self.rounds(self.tree, 1, move |account, op| {
            let charge = Charge::by(account, self.amounts.clone());
            black_box(at_once(ledger.charge(charge, op))).unwrap();
        })
    }
}

/// The outcome of a future that never waits.
fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a ledger in memory never waits"),
    }
}

fn place(account: &AccountHandle, amounts: Amounts) -> PlaceHold {
    let mut place = PlaceHold::new(account.id(), amounts.clone(), LONG);
    place.charge = Charge::by(account, amounts);
    place
}

fn amount_of(units: u64, unit: Unit) -> Amount {
    Amount::new(Quantity::from_units(units).unwrap(), unit)
}

fn ratio(part: usize, whole: usize) -> f64 {
    f64::from(u32::try_from(part).unwrap()) / f64::from(u32::try_from(whole).unwrap())
}
