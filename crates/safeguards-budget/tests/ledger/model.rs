//! [`Model`]: a book without cleverness. It keeps plain lists of everything that was accepted, and finds every
//! number by scanning them.
//!
//! It answers in lines of text: `count` finds the numbers, and `words` says what the book answered in such
//! lines too.

mod count;
mod words;

use std::time::Duration;

use safeguards_budget::{
    Action, Batch, Charge, Command, Denial, HoldId, HoldState, Limit, OpenAccount, Window,
};
use safeguards_types::{AccountId, Amount, Amounts, OperationId, Timestamp, Unit};

pub(crate) use self::{
    count::share,
    words::{said, shown, shown_hold},
};
use self::{
    count::{length, steps},
    words::no,
};

/// What an accepted command is answered with, or a denied one.
pub(crate) type Said = Result<String, String>;

#[derive(Clone, Debug)]
pub(crate) struct Model {
    units: Vec<Unit>,
    accounts: Vec<OpenAccount>,
    limits: Vec<ModelLimit>,
    spendings: Vec<Spending>,
    holds: Vec<ModelHold>,
    /// When each entry happened, and what caused it.
    pub(crate) entries: Vec<(Timestamp, Option<OperationId>)>,
    answered: Vec<(Command, String)>,
}

#[derive(Clone, Debug)]
struct ModelLimit {
    account: AccountId,
    limit: Limit,
    made_by: usize,
    made_at: Timestamp,
}

/// One amount spent: counted at the limits that existed before the entry `by`, in their windows around `at`.
#[derive(Clone, Debug)]
struct Spending {
    set: Vec<AccountId>,
    amount: Amount,
    by: usize,
    at: Timestamp,
}

#[derive(Clone, Debug)]
struct ModelHold {
    id: HoldId,
    set: Vec<AccountId>,
    amounts: Amounts,
    by: usize,
    at: Timestamp,
    expires_at: Timestamp,
    state: HoldState,
}

impl Model {
    pub(crate) fn new() -> Self {
        Self {
            units: vec![Unit::USD, Unit::TOKENS, Unit::REQUESTS],
            accounts: Vec::new(),
            limits: Vec::new(),
            spendings: Vec::new(),
            holds: Vec::new(),
            entries: Vec::new(),
            answered: Vec::new(),
        }
    }

    pub(crate) fn now(&self, clock: Timestamp) -> Timestamp {
        self.entries.iter().map(|(at, _)| *at).fold(clock, Timestamp::max)
    }

    /// Every command that was accepted, with its answer.
    pub(crate) fn accepted(&self) -> &[(Command, String)] {
        &self.answered
    }

    pub(crate) fn submit(&mut self, batch: &Batch, clock: Timestamp) -> Vec<Said> {
        let commands = &batch.commands;
        if !batch.linked {
            return commands.iter().map(|command| self.apply(command, clock)).collect();
        }
        let failed = |index: usize, why: String| -> Vec<Said> {
            let others = no(&Denial::LinkedFailed { index });
            (0..commands.len())
                .map(|at| Err(if at == index { why.clone() } else { others.clone() }))
                .collect()
        };
        let known: Vec<_> = commands.iter().map(|command| self.answer_to(command)).collect();
        if known.iter().all(|answer| matches!(answer, Some(Ok(_)))) {
            return known.into_iter().flatten().collect();
        }
        if let Some(index) = known.iter().position(Option::is_some) {
            return failed(index, no(&Denial::OperationConflict));
        }
        let before = self.clone();
        let mut said = Vec::new();
        for (index, command) in commands.iter().enumerate() {
            match self.apply(command, clock) {
                Ok(line) => said.push(Ok(line)),
                Err(why) => {
                    *self = before;
                    return failed(index, why);
                }
            }
        }
        said
    }

    fn answer_to(&self, command: &Command) -> Option<Said> {
        let (known, line) = self.answered.iter().find(|(known, _)| known.op == command.op)?;
        Some(if known == command { Ok(line.clone()) } else { Err(no(&Denial::OperationConflict)) })
    }

    fn apply(&mut self, command: &Command, clock: Timestamp) -> Said {
        if let Some(answer) = self.answer_to(command) {
            return answer;
        }
        let now = self.now(clock);
        if command.op.minted_at() > now.saturating_add(Duration::from_mins(5)) {
            return Err(no(&Denial::OperationTooNew { op: command.op }));
        }
        let met = self.met_by(&command.action);
        self.expire(now, |hold| hold.set.iter().any(|account| met.contains(account)));
        let line = self.carry_out(command, now)?;
        self.entries.push((now, Some(command.op)));
        self.answered.push((command.clone(), line.clone()));
        Ok(line)
    }

    pub(crate) fn tick(&mut self, clock: Timestamp) {
        self.expire(self.now(clock), |_| true);
    }

    fn expire(&mut self, now: Timestamp, counts: impl Fn(&ModelHold) -> bool) {
        let mut due: Vec<_> = self
            .holds
            .iter_mut()
            .filter(|hold| hold.state == HoldState::Open && hold.expires_at <= now && counts(hold))
            .collect();
        due.sort_by_key(|hold| (hold.expires_at, hold.by));
        for hold in due {
            hold.state = HoldState::Expired;
            self.entries.push((hold.expires_at, None));
        }
    }

    fn met_by(&self, action: &Action) -> Vec<AccountId> {
        let mut named = Vec::new();
        match action {
            Action::OpenAccount(open) => {
                named.push(&open.account);
                named.extend(&open.parent);
            }
            Action::SetLimit { account, .. } | Action::SetRemaining { account, .. } => {
                named.push(account);
            }
            Action::Charge(charge) | Action::Record(charge) => {
                named.push(&charge.account);
                named.extend(&charge.scopes);
            }
            Action::PlaceHold(place) => {
                named.push(&place.charge.account);
                named.extend(&place.charge.scopes);
            }
            Action::Settle { hold, .. } | Action::Release { hold } => {
                return self.hold(*hold).map_or_else(Vec::new, |hold| hold.set.clone());
            }
            _ => {}
        }
        named.into_iter().filter_map(|id| self.path(id).ok()).flatten().collect()
    }

    fn carry_out(&mut self, command: &Command, now: Timestamp) -> Said {
        let by = self.entries.len() + 1;
        match &command.action {
            Action::RegisterUnit { unit } => {
                self.units.push(unit.clone());
                Ok(self.done(now))
            }
            Action::OpenAccount(open) => self.open(open, now),
            Action::SetLimit { account, limit } => {
                self.know_unit(&limit.unit)?;
                self.path(account)?;
                self.set_limit(account, limit, now);
                Ok(self.done(now))
            }
            Action::SetRemaining { account, unit, window, amount } => {
                let remaining = Limit::new(Amount::new(*amount, unit.clone()), window.clone());
                self.set_remaining(account, remaining, now)
            }
            Action::Charge(charge) => {
                let set = self.sound(charge)?;
                self.fit(&set, &charge.amounts, now)?;
                Ok(self.spend(&set, &charge.amounts, now))
            }
            Action::Record(charge) => {
                let set = self.sound(charge)?;
                Ok(self.spend(&set, &charge.amounts, now))
            }
            Action::PlaceHold(place) => {
                let set = self.sound(&place.charge)?;
                self.fit(&set, &place.charge.amounts, now)?;
                self.holds.push(ModelHold {
                    id: HoldId::placed_by(command.op),
                    set: set.clone(),
                    amounts: place.charge.amounts.clone(),
                    by,
                    at: now,
                    expires_at: now.saturating_add(place.ttl),
                    state: HoldState::Open,
                });
                Ok(self.receipt(&self.clone(), &set, &place.charge.amounts, (now, false)))
            }
            Action::Settle { hold, amounts } => self.settle(*hold, amounts, now),
            Action::Release { hold } => {
                let hold = self.known_hold(*hold)?;
                if hold.state != HoldState::Open {
                    return Err(no(&Denial::HoldEnded { hold: hold.id }));
                }
                self.end(hold.id, HoldState::Released);
                Ok(self.receipt(&self.clone(), &hold.set, &hold.amounts, (now, false)))
            }
            other => panic!("the model knows no {other:?}"),
        }
    }

    fn open(&mut self, open: &OpenAccount, now: Timestamp) -> Said {
        open.limits.iter().try_for_each(|limit| self.know_unit(&limit.unit))?;
        if self.account(&open.account).is_some() {
            let account = open.account.clone();
            return Err(no(&Denial::DuplicateAccount { account }));
        }
        open.parent.iter().try_for_each(|parent| self.path(parent).map(drop))?;
        for limit in &open.limits {
            self.set_limit(&open.account, limit, now);
        }
        self.accounts.push(open.clone());
        Ok(self.done(now))
    }

    fn set_remaining(&mut self, account: &AccountId, mut limit: Limit, now: Timestamp) -> Said {
        self.know_unit(&limit.unit)?;
        self.path(account)?;
        let (unit, window) = (&limit.unit, &limit.window);
        let used = match self.limits_of(account, unit).find(|known| known.limit.window == *window) {
            Some(known) => {
                limit.warn_at.clone_from(&known.limit.warn_at);
                self.spent(known, now) + self.held(known, now)
            }
            None if *window == Window::Lifetime => {
                self.total_spent(account, unit) + self.total_held(account, unit, now)
            }
            None => 0,
        };
        limit.amount = steps(limit.amount.steps() + used);
        self.set_limit(account, &limit, now);
        Ok(self.done(now))
    }

    fn settle(&mut self, hold: HoldId, amounts: &Amounts, now: Timestamp) -> Said {
        amounts.iter().try_for_each(|amount| self.know_unit(amount.unit()))?;
        let hold = self.known_hold(hold)?;
        if hold.state == HoldState::Settled {
            return Err(no(&Denial::HoldEnded { hold: hold.id }));
        }
        let before = self.clone();
        let (by, late) = (self.entries.len() + 1, hold.state != HoldState::Open);
        self.end(hold.id, HoldState::Settled);
        let mut touched = amounts.clone();
        for held in &hold.amounts {
            touched.set(Amount::new(amounts.get(held.unit()), held.unit().clone()));
        }
        for amount in amounts {
            let (spent, unit) = (amount.quantity().steps(), amount.unit());
            let set_aside = if late { 0 } else { hold.amounts.get(unit).steps() };
            for (part, by, at) in
                [(spent.min(set_aside), hold.by, hold.at), ((spent - set_aside).max(0), by, now)]
            {
                let amount = Amount::new(steps(part), unit.clone());
                self.spendings.push(Spending { set: hold.set.clone(), amount, by, at });
            }
        }
        Ok(self.receipt(&before, &hold.set, &touched, (now, late)))
    }

    fn spend(&mut self, set: &[AccountId], amounts: &Amounts, now: Timestamp) -> String {
        let (before, by) = (self.clone(), self.entries.len() + 1);
        for amount in amounts {
            let (set, amount) = (set.to_vec(), amount.clone());
            self.spendings.push(Spending { set, amount, by, at: now });
        }
        self.receipt(&before, set, amounts, (now, false))
    }

    fn end(&mut self, id: HoldId, state: HoldState) {
        for hold in self.holds.iter_mut().filter(|hold| hold.id == id) {
            hold.state = state;
        }
    }

    fn set_limit(&mut self, account: &AccountId, limit: &Limit, now: Timestamp) {
        let same = |known: &&mut ModelLimit| {
            known.account == *account
                && known.limit.unit == limit.unit
                && known.limit.window == limit.window
        };
        if let Some(known) = self.limits.iter_mut().find(same) {
            known.limit = limit.clone();
            return;
        }
        let (account, limit) = (account.clone(), limit.clone());
        self.limits.push(ModelLimit {
            account,
            limit,
            made_by: self.entries.len() + 1,
            made_at: now,
        });
        self.limits.sort_by_key(|known| (known.limit.unit.clone(), length(&known.limit.window)));
    }

    fn know_unit(&self, unit: &Unit) -> Result<(), String> {
        let unknown = || no(&Denial::UnknownUnit { unit: unit.clone() });
        self.units.contains(unit).then_some(()).ok_or_else(unknown)
    }

    fn account(&self, id: &AccountId) -> Option<&OpenAccount> {
        self.accounts.iter().find(|open| open.account == *id)
    }

    /// The account and everything above it.
    fn path(&self, id: &AccountId) -> Result<Vec<AccountId>, String> {
        let unknown = || no(&Denial::UnknownAccount { account: id.clone() });
        let account = self.account(id).ok_or_else(unknown)?;
        let mut path = vec![id.clone()];
        if let Some(parent) = &account.parent {
            path.extend(self.path(parent)?);
        }
        Ok(path)
    }

    fn sound(&self, charge: &Charge) -> Result<Vec<AccountId>, String> {
        if charge.amounts.is_empty() {
            return Err(no(&Denial::InvalidAmount { unit: None }));
        }
        if let Some(zero) = charge.amounts.iter().find(|amount| amount.quantity().is_zero()) {
            return Err(no(&Denial::InvalidAmount { unit: Some(zero.unit().clone()) }));
        }
        charge.amounts.iter().try_for_each(|amount| self.know_unit(amount.unit()))?;
        let mut set = self.path(&charge.account)?;
        for scope in &charge.scopes {
            let path = self.path(scope)?;
            set.extend(path);
        }
        let mut once = Vec::new();
        for account in set {
            if !once.contains(&account) {
                once.push(account);
            }
        }
        Ok(once)
    }

    fn hold(&self, id: HoldId) -> Option<&ModelHold> {
        self.holds.iter().find(|hold| hold.id == id)
    }

    fn known_hold(&self, id: HoldId) -> Result<ModelHold, String> {
        self.hold(id).cloned().ok_or_else(|| no(&Denial::UnknownHold { hold: id }))
    }
}
