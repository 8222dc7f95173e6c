//! Every number of the model, found by scanning its lists.

use safeguards_budget::{EntryId, HoldState, Limit, Percent, Retry, Window};
use safeguards_types::{AccountId, Amount, Amounts, Quantity, Timestamp, Unit};

use super::{Model, ModelHold, ModelLimit};

impl Model {
    pub(super) fn limits_of(
        &self,
        account: &AccountId,
        unit: &Unit,
    ) -> impl Iterator<Item = &ModelLimit> {
        let of = move |known: &&ModelLimit| known.account == *account && known.limit.unit == *unit;
        self.limits.iter().filter(of)
    }

    /// The limits that amounts count at: by account, unit, and the shortest window.
    pub(super) fn asked<'a>(
        &'a self,
        set: &'a [AccountId],
        amounts: &'a Amounts,
    ) -> impl Iterator<Item = (&'a ModelLimit, i128)> {
        set.iter().flat_map(move |account| {
            amounts.iter().flat_map(move |amount| {
                let limits = self.limits_of(account, amount.unit());
                limits.map(move |known| (known, amount.quantity().steps()))
            })
        })
    }

    pub(super) fn total_spent(&self, account: &AccountId, unit: &Unit) -> i128 {
        let counted = self.spendings.iter().filter(|spending| spending.set.contains(account));
        counted
            .filter(|spending| spending.amount.unit() == unit)
            .map(|spending| spending.amount.quantity().steps())
            .sum()
    }

    pub(super) fn open_holds(
        &self,
        account: &AccountId,
        now: Timestamp,
    ) -> impl Iterator<Item = &ModelHold> {
        let open = move |hold: &&ModelHold| {
            hold.state == HoldState::Open && hold.expires_at > now && hold.set.contains(account)
        };
        self.holds.iter().filter(open)
    }

    pub(super) fn total_held(&self, account: &AccountId, unit: &Unit, now: Timestamp) -> i128 {
        self.open_holds(account, now).map(|hold| hold.amounts.get(unit).steps()).sum()
    }

    pub(super) fn spent(&self, known: &ModelLimit, now: Timestamp) -> i128 {
        if known.limit.window == Window::Lifetime {
            return self.total_spent(&known.account, &known.limit.unit);
        }
        let counted = self.spendings.iter().filter(|spending| {
            spending.set.contains(&known.account)
                && *spending.amount.unit() == known.limit.unit
                && spending.by > known.made_by
                && span(&known.limit.window, spending.at) == span(&known.limit.window, now)
        });
        counted.map(|spending| spending.amount.quantity().steps()).sum()
    }

    pub(super) fn held(&self, known: &ModelLimit, now: Timestamp) -> i128 {
        let Limit { unit, window, .. } = &known.limit;
        if *window == Window::Lifetime {
            return self.total_held(&known.account, unit, now);
        }
        let counted = self
            .open_holds(&known.account, now)
            .filter(|hold| hold.by > known.made_by && span(window, hold.at) == span(window, now));
        counted.map(|hold| hold.amounts.get(unit).steps()).sum()
    }

    pub(super) fn protected(&self, known: &ModelLimit, spender: &AccountId) -> i128 {
        let priority = self.account(spender).unwrap().priority;
        let steps = &self.account(&known.account).unwrap().protection;
        let kept = steps.iter().filter(|step| step.from > priority);
        kept.map(|step| share(step.last, known.limit.amount)).max().unwrap_or(0)
    }

    pub(super) fn fit(
        &self,
        set: &[AccountId],
        amounts: &Amounts,
        now: Timestamp,
    ) -> Result<(), String> {
        let mut blocking = Vec::new();
        for (known, asked) in self.asked(set, amounts) {
            let (limit, protected) = (known.limit.amount.steps(), self.protected(known, &set[0]));
            let (spent, held) = (self.spent(known, now), self.held(known, now));
            let room = limit - protected;
            if spent + held + asked <= room {
                continue;
            }
            let retry = if asked > room {
                None
            } else if let Some((_, ends)) = span(&known.limit.window, now) {
                Some(ends)
            } else {
                let (account, unit) = (&known.account, &known.limit.unit);
                let mut expiries: Vec<_> =
                    self.open_holds(account, now).map(|hold| hold.expires_at).collect();
                expiries.sort();
                let fits =
                    |at: &Timestamp| spent + self.total_held(account, unit, *at) + asked <= room;
                expiries.into_iter().find(fits)
            };
            let available = (limit - spent - held).max(0);
            let numbers = [limit, spent, held, protected, asked, available].map(steps);
            blocking.push((known, numbers, asked > available, retry));
        }
        let first = blocking.iter().find(|(_, _, over, _)| *over).or_else(|| blocking.first());
        let Some((known, numbers, over, _)) = first else {
            return Ok(());
        };
        let never = blocking.iter().any(|(_, _, _, retry)| retry.is_none());
        let latest = blocking.iter().filter_map(|(_, _, _, retry)| *retry).max();
        let retry = latest.filter(|_| !never).map_or(Retry::Never, Retry::At);
        let code = if *over { "budget.limit_exceeded" } else { "budget.protected" };
        let Limit { unit, window, .. } = &known.limit;
        Err(format!("{code} {} {unit} {window} {numbers:?} {retry:?}", known.account))
    }

    pub(super) fn done(&self, now: Timestamp) -> String {
        self.receipt(self, &[], &Amounts::none(), (now, false))
    }

    pub(super) fn receipt(
        &self,
        before: &Self,
        set: &[AccountId],
        amounts: &Amounts,
        (now, late): (Timestamp, bool),
    ) -> String {
        let (mut available, mut crossed, mut overrun) = (Amounts::none(), Vec::new(), Vec::new());
        for (known, _) in self.asked(set, amounts) {
            let Limit { unit, window, amount, warn_at, .. } = &known.limit;
            let (spent, held) = (self.spent(known, now), self.held(known, now));
            let left = steps((amount.steps() - spent - held).max(0));
            if !available.names(unit) || left < available.get(unit) {
                available.set(Amount::new(left, unit.clone()));
            }
            let was = before.spent(known, now);
            let name = format!("{} {unit} {window} {amount}", known.account);
            for percent in warn_at {
                let threshold = share(*percent, *amount);
                if was < threshold && threshold <= spent {
                    crossed.push(format!("{name} {percent}% {}", steps(spent)));
                }
            }
            let over = spent + held - amount.steps();
            if was < spent && over > 0 {
                overrun.push(format!("{name} {:?}", [spent, held, over].map(steps)));
            }
        }
        let entry = EntryId::new(u64::try_from(self.entries.len() + 1).unwrap());
        format!("{entry} {now} {available} {crossed:?} {overrun:?} {late}")
    }
}

pub(super) fn steps(steps: i128) -> Quantity {
    Quantity::from_steps(steps).unwrap()
}

/// A percentage, rounded up to the smallest step.
pub(crate) fn share(percent: Percent, whole: Quantity) -> i128 {
    let percent = percent.to_string().parse::<Quantity>().unwrap().steps();
    let hundred = 100 * Quantity::ONE.steps();
    (whole.steps() * percent + hundred - 1) / hundred
}

pub(super) fn length(window: &Window) -> u64 {
    match window {
        Window::EverySeconds(seconds) => seconds.get(),
        Window::Day(_) => 86_400,
        Window::Lifetime => u64::MAX,
        other => panic!("the model knows no {other:?}"),
    }
}

/// When the window around an instant began and ends; none for a lifetime.
pub(super) fn span(window: &Window, at: Timestamp) -> Option<(Timestamp, Timestamp)> {
    // In winter, when all of this happens, Berlin is an hour ahead.
    let ahead = match window {
        Window::Lifetime => return None,
        Window::Day(zone) if zone.name() == "Europe/Berlin" => 3_600_000_000_000,
        _ => 0,
    };
    let length = i64::try_from(length(window)).unwrap() * 1_000_000_000;
    let began = (at.as_nanos() + ahead) / length * length - ahead;
    let instant = |nanos| Timestamp::from_nanos(nanos).unwrap();
    Some((instant(began), instant(began + length)))
}
