//! [`History`]: bytes taken as commands and instants, in a small world where much goes wrong.

use std::time::Duration;

use arbitrary::{Result, Unstructured};
use safeguards_budget::{
    Action, Batch, Bounds, Charge, Command, Divide, HoldId, Limit, LimitMode, OpenAccount, Percent,
    PlaceHold, ProtectionStep, Settle, Window,
};
use safeguards_types::{
    AccountId, Amount, Amounts, OperationId, OperationIds, Priority, Quantity, Timestamp, Unit,
};

const ACCOUNTS: [&str; 8] = ["a", "b", "c", "a/1", "a/2", "b/1", "s", ""];
const UNITS: [&str; 4] = ["USD", "tokens", "requests", "gpu_s"];
const QUANTITIES: [&str; 12] = [
    "0",
    "0.000000000001",
    "0.25",
    "1",
    "1.5",
    "2",
    "3",
    "7.000000000001",
    "10",
    "100",
    "1000000000000000",
    "10000000000000000",
];
const SPANS: [Duration; 9] = [
    Duration::ZERO,
    Duration::from_nanos(1),
    Duration::from_millis(900),
    Duration::from_secs(1),
    Duration::from_secs(7),
    Duration::from_secs(61),
    Duration::from_secs(86_400),
    Duration::from_secs(40 * 86_400),
    Duration::from_secs(1_000_000_000),
];
const PERCENTS: [&str; 5] = ["0", "10", "33.333333333333", "80", "100"];

/// What happens next.
#[derive(Debug)]
pub enum Asked {
    /// Commands are sent.
    Submit(Batch),
    /// Time passes, and due holds are ended.
    Tick,
}

/// Bytes taken as what happens to a book, until they run out.
#[derive(Debug)]
pub struct History<'data> {
    bytes: Unstructured<'data>,
    ids: OperationIds,
    /// What the clock shows; it may step back.
    pub now: Timestamp,
    /// The latest commands: what a retry sends again, and what holds and refunds name.
    sent: Vec<Command>,
}

impl<'data> History<'data> {
    /// A history on a Monday morning.
    pub fn new(bytes: &'data [u8]) -> Self {
        Self {
            bytes: Unstructured::new(bytes),
            ids: OperationIds::seeded(1),
            now: Timestamp::parse("2026-01-05T09:00:00Z").unwrap_or_default(),
            sent: Vec::new(),
        }
    }

    /// How much the book takes and keeps: now and then so little that it is reached.
    pub fn bounds(&mut self) -> Result<Bounds> {
        let mut bounds = Bounds::default();
        if self.bytes.ratio(1, 4)? {
            bounds.depth_max = 3;
            bounds.accounts_max = 6;
            bounds.limits_max = 2;
            bounds.operations_kept = 8;
            bounds.kept_for = Duration::from_secs(10);
            bounds.operations_max = 64;
        }
        Ok(bounds)
    }

    /// What happens next; `None` at the end of the bytes.
    pub fn step(&mut self) -> Result<Option<Asked>> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        if self.bytes.ratio(1, 3)? {
            let span = *self.bytes.choose(&SPANS)?;
            self.now = if self.bytes.ratio(1, 16)? {
                let back = i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
                Timestamp::from_nanos(self.now.as_nanos().saturating_sub(back)).unwrap_or_default()
            } else {
                self.now.saturating_add(span)
            };
        }
        Ok(Some(match self.bytes.int_in_range(0..=9)? {
            0 => Asked::Tick,
            1 => {
                let count = self.bytes.int_in_range(1..=4)?;
                let commands = (0..count).map(|_| self.command()).collect::<Result<Vec<_>>>()?;
                Asked::Submit(Batch::linked(commands))
            }
            _ => Asked::Submit(self.command()?.into()),
        }))
    }

    fn command(&mut self) -> Result<Command> {
        if !self.sent.is_empty() && self.bytes.ratio(1, 16)? {
            let again = self.bytes.choose(&self.sent)?.clone();
            return if self.bytes.ratio(1, 4)? {
                Ok(Command::new(again.op, self.action()?))
            } else {
                Ok(again)
            };
        }
        let command = Command::new(self.ids.mint(self.now), self.action()?);
        if self.sent.len() >= 16 {
            self.sent.remove(0);
        }
        self.sent.push(command.clone());
        Ok(command)
    }

    fn action(&mut self) -> Result<Action> {
        Ok(match self.bytes.int_in_range(0..=27)? {
            0 => Action::RegisterUnit { unit: self.unit()? },
            1 | 2 => self.open()?.into(),
            3 => Action::CloseAccount { account: self.account()? },
            4 => Action::SetLimit { account: self.account()?, limit: self.limit()? },
            5 => Action::SetRemaining {
                account: self.account()?,
                unit: self.unit()?,
                window: self.window()?,
                amount: self.quantity()?,
            },
            6 => Action::RemoveLimit {
                account: self.account()?,
                unit: self.unit()?,
                window: self.window()?,
            },
            7 => Action::SetProtection { account: self.account()?, steps: self.steps()? },
            8 => Action::SetParent {
                account: self.account()?,
                parent: self.maybe_account()?,
                from: self.maybe_account()?,
            },
            9 => Action::SetPriority { account: self.account()?, priority: self.priority()? },
            10 => Action::Suspend { account: self.account()?, reason: None },
            11 => Action::Resume { account: self.account()?, reason: None },
            12..=14 => self.charge()?.into(),
            15 => Action::Record(self.charge()?),
            16 | 17 => {
                let Charge { account, amounts, scopes, .. } = self.charge()?;
                let place = PlaceHold::new(account, amounts, self.ttl()?);
                scopes.into_iter().fold(place, PlaceHold::scope).into()
            }
            18 => Action::ExtendHold { hold: self.hold()?, ttl: self.ttl()? },
            19 | 20 => {
                let mut settle = Settle::new(self.hold()?, self.amounts()?);
                settle.keep_open = self.bytes.arbitrary()?;
                settle.attribute_to = self.maybe_account()?;
                settle.into()
            }
            21 => Action::Release { hold: self.hold()? },
            22 | 23 => Action::Refund { of: self.op()?, amounts: self.amounts()? },
            24 => Action::Transfer {
                from: self.account()?,
                to: self.account()?,
                unit: self.unit()?,
                amount: self.quantity()?,
            },
            25 => Action::Allocate {
                parent: self.account()?,
                unit: self.unit()?,
                shares: self.shares()?.into_iter().collect(),
            },
            26 => {
                let mut divide = Divide::new(self.account()?, self.unit()?, self.shares()?);
                if self.bytes.arbitrary()? {
                    divide.amount = Some(self.quantity()?);
                }
                if self.bytes.arbitrary()? {
                    divide.at_least = self.quantity()?;
                }
                divide.into()
            }
            _ => Action::Reclaim {
                account: self.account()?,
                unit: self.unit()?,
                amount: self.quantity()?,
            },
        })
    }

    fn open(&mut self) -> Result<OpenAccount> {
        let mut open = OpenAccount::new(self.account()?).priority(self.priority()?);
        open.parent = self.maybe_account()?;
        for _ in 0..self.bytes.int_in_range(0..=3)? {
            let limit = self.limit()?;
            // A command cannot name one limit twice.
            let named = |known: &Limit| known.unit == limit.unit && known.window == limit.window;
            if !open.limits.iter().any(named) {
                open.limits.push(limit);
            }
        }
        open.protection = self.steps()?;
        Ok(open)
    }

    fn limit(&mut self) -> Result<Limit> {
        let mode = *self.bytes.choose(&[
            LimitMode::Hard,
            LimitMode::Hard,
            LimitMode::Soft,
            LimitMode::Shadow,
        ])?;
        let limit =
            Limit::new(Amount::new(self.quantity()?, self.unit()?), self.window()?).mode(mode);
        Ok(if self.bytes.arbitrary()? { limit.warn_at(self.percent()?) } else { limit })
    }

    fn window(&mut self) -> Result<Window> {
        let window = match self.bytes.int_in_range(0..=6)? {
            0..=2 => Ok(Window::Lifetime),
            3 => Window::every_seconds(7),
            4 => Window::every_seconds(60),
            5 => Window::day("Europe/Berlin"),
            _ => Window::month("America/Sao_Paulo"),
        };
        Ok(window.unwrap_or(Window::Lifetime))
    }

    fn charge(&mut self) -> Result<Charge> {
        let mut charge = Charge::new(self.account()?, self.amounts()?);
        for _ in 0..self.bytes.int_in_range(0..=2)? {
            charge = charge.scope(self.account()?);
        }
        Ok(charge)
    }

    fn steps(&mut self) -> Result<Vec<ProtectionStep>> {
        let count = self.bytes.int_in_range(0..=3_u8)?.saturating_sub(1);
        (0..count).map(|_| Ok(ProtectionStep::new(self.percent()?, self.priority()?))).collect()
    }

    fn shares(&mut self) -> Result<Vec<(AccountId, Quantity)>> {
        let count = self.bytes.int_in_range(0..=3)?;
        (0..count).map(|_| Ok((self.account()?, self.quantity()?))).collect()
    }

    fn amounts(&mut self) -> Result<Amounts> {
        let mut amounts = Amounts::none();
        for _ in 0..self.bytes.int_in_range(0..=2)? {
            amounts.set(Amount::new(self.quantity()?, self.unit()?));
        }
        Ok(amounts)
    }

    fn account(&mut self) -> Result<AccountId> {
        Ok((*self.bytes.choose(&ACCOUNTS)?).into())
    }

    fn maybe_account(&mut self) -> Result<Option<AccountId>> {
        Ok(if self.bytes.arbitrary()? { Some(self.account()?) } else { None })
    }

    fn unit(&mut self) -> Result<Unit> {
        Ok(Unit::new(self.bytes.choose(&UNITS)?))
    }

    fn quantity(&mut self) -> Result<Quantity> {
        Ok(self.bytes.choose(&QUANTITIES)?.parse().unwrap_or_default())
    }

    fn percent(&mut self) -> Result<Percent> {
        Ok(Percent::parse(self.bytes.choose(&PERCENTS)?).unwrap_or(Percent::EIGHTY))
    }

    fn priority(&mut self) -> Result<Priority> {
        Ok(Priority::try_from(self.bytes.int_in_range(1..=10_i64)?).unwrap_or_default())
    }

    fn ttl(&mut self) -> Result<Duration> {
        Ok((*self.bytes.choose(&SPANS)?).max(Duration::from_secs(1)))
    }

    fn op(&mut self) -> Result<OperationId> {
        match self.sent.is_empty() {
            true => Ok(self.ids.mint(self.now)),
            false => Ok(self.bytes.choose(&self.sent)?.op),
        }
    }

    fn hold(&mut self) -> Result<HoldId> {
        self.op().map(HoldId::placed_by)
    }
}
