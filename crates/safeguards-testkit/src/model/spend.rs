//! Spending: charges, holds and what becomes of them, records and refunds.

use serde_json::{Value, json};

use super::{
    Model,
    ask::Ask,
    check::{Amounts, Checked, Given, bound, denial, deny, no_room, shortage, some},
    number,
    state::{Hold, HoldState, Limit, Place, Posting, State},
};

/// Limits with what they had spent before a command.
type Before = Vec<(Limit, i128)>;

impl Model {
    pub(super) fn charge_or_record(&mut self, ask: &Ask, now: i64) -> Checked {
        let is_record = ask.name() == "record";
        let (set, amounts) = self.new_spending(ask, is_record)?;
        self.metadata(ask)?;
        if !is_record {
            self.not_suspended(&set)?;
        }
        self.no_overflow(&set, &amounts, State::spent)?;
        let spender = ask.text("account");
        let mut shadow = Vec::new();
        if !is_record {
            no_room(&self.blocks(&set, &amounts, "hard", &spender, now))?;
            shadow = self.blocks(&set, &amounts, "shadow", &spender, now);
        }

        let before = self.spent_before(&set, now);
        let entry = self.write(Some(ask), now);
        self.state.entries[entry - 1].set.clone_from(&set);
        let places: Vec<_> = set.iter().map(|account| place(account, now, entry)).collect();
        for (unit, amount) in &amounts {
            self.post(entry, &spender, unit, *amount, false, places.clone());
        }
        let overrun = if is_record { self.overrun(&before, now) } else { json!([]) };
        let receipt = json!({
            "available": self.state.available(&set, &units(&amounts), now),
            "crossed": self.crossed(&before, now),
            "overrun": overrun,
            "shadow": shadow.iter().map(shortage).collect::<Vec<_>>(),
        });
        Ok(self.answer(entry, &receipt))
    }

    pub(super) fn place_hold(&mut self, ask: &Ask, now: i64) -> Checked {
        let (set, amounts) = self.new_spending(ask, false)?;
        let expires_at = later(now, ask.count("ttl_s"))?;
        self.metadata(ask)?;
        self.not_suspended(&set)?;
        self.no_overflow(&set, &amounts, |state, account, unit| state.held(account, unit, now))?;
        let spender = ask.text("account");
        no_room(&self.blocks(&set, &amounts, "hard", &spender, now))?;
        let shadow = self.blocks(&set, &amounts, "shadow", &spender, now);

        let entry = self.write(Some(ask), now);
        self.state.holds.push(Hold {
            id: ask.op().to_owned(),
            entry,
            spender,
            set: set.clone(),
            placed_at: now,
            expires_at,
            left: amounts.clone(),
            state: HoldState::Open,
            ended_by: None,
        });
        let receipt = json!({
            "available": self.state.available(&set, &units(&amounts), now),
            "shadow": shadow.iter().map(shortage).collect::<Vec<_>>(),
        });
        Ok(self.answer(entry, &receipt))
    }

    pub(super) fn extend_hold(&mut self, ask: &Ask, now: i64) -> Checked {
        let mut hold = self.known_hold(ask)?;
        deny(!hold.is_open(now), "hold_ended", json!({"hold": hold.id}))?;
        hold.expires_at = later(now, ask.count("ttl_s"))?.max(hold.expires_at);
        self.metadata(ask)?;
        self.not_suspended(&hold.set)?;

        let entry = self.write(Some(ask), now);
        let available = self.state.available(&hold.set, &hold.units(), now);
        self.put_hold(&hold);
        Ok(self.answer(entry, &json!({ "available": available })))
    }

    pub(super) fn release(&mut self, ask: &Ask, now: i64) -> Checked {
        let hold = self.known_hold(ask)?;
        deny(!hold.is_open(now), "hold_ended", json!({"hold": hold.id}))?;
        self.metadata(ask)?;

        let entry = self.write(Some(ask), now);
        self.end_hold(&hold.id, HoldState::Released, entry);
        let available = self.state.available(&hold.set, &hold.units(), now);
        Ok(self.answer(entry, &json!({ "available": available })))
    }

    pub(super) fn settle(&mut self, ask: &Ask, now: i64) -> Checked {
        let amounts = self.amounts(ask.pairs("amounts").into_iter().map(Given::any).collect())?;
        let attributed = ask.maybe("attribute_to");
        self.known_accounts(attributed.as_slice())?;
        let mut hold = self.known_hold(ask)?;
        deny(hold.state == HoldState::Settled, "hold_ended", json!({"hold": hold.id}))?;
        let spender = attributed.unwrap_or_else(|| hold.spender.clone());
        let above = self.state.up(&spender);
        let is_elsewhere = !above.contains(&hold.spender);
        deny(is_elsewhere, "not_descendant", json!({"account": spender}))?;
        self.metadata(ask)?;
        let in_front = above.into_iter().take_while(|account| !hold.counts_at(account));
        let in_front: Vec<_> = in_front.collect();
        let set = [in_front.clone(), hold.set.clone()].concat();
        self.no_overflow(&set, &amounts, State::spent)?;

        let before = self.spent_before(&set, now);
        let late = !hold.is_open(now);
        let entry = self.write(Some(ask), now);
        self.state.entries[entry - 1].set.clone_from(&set);
        let places_now: Vec<_> = set.iter().map(|account| place(account, now, entry)).collect();
        let front = in_front.iter().map(|account| place(account, now, entry));
        let frozen = hold.set.iter().map(|account| place(account, hold.placed_at, hold.entry));
        let places_then: Vec<_> = front.chain(frozen).collect();
        for (unit, amount) in &amounts {
            let held_part = hold.left_of(unit).min(*amount);
            self.post(entry, &spender, unit, held_part, true, places_then.clone());
            self.post(entry, &spender, unit, amount - held_part, false, places_now.clone());
            for (_, left) in hold.left.iter_mut().filter(|(held, _)| held == unit) {
                *left -= held_part;
            }
        }
        let mut touched = hold.units();
        touched.extend(units(&amounts));
        self.put_hold(&hold);
        if late || ask.get("keep_open") != true {
            self.end_hold(&hold.id, HoldState::Settled, entry);
        }
        let receipt = json!({
            "available": self.state.available(&set, &touched, now),
            "crossed": self.crossed(&before, now),
            "overrun": self.overrun(&before, now),
            "late": late,
        });
        Ok(self.answer(entry, &receipt))
    }

    pub(super) fn refund(&mut self, ask: &Ask, now: i64) -> Checked {
        let (of, pairs) = (ask.text("of"), ask.pairs("amounts"));
        some(&pairs)?;
        let amounts = self.amounts(pairs.into_iter().map(Given::positive).collect())?;
        let spending = self
            .state
            .remembered(&of)
            .filter(|(_, entry)| matches!(entry.name(), "charge" | "record" | "settle"));
        let Some((spent_by, set)) = spending.map(|(number, entry)| (number, entry.set.clone()))
        else {
            let is_forgotten = self.state.remembered(&of).is_none() && self.may_be_forgotten(&of);
            let code = if is_forgotten { "entry_forgotten" } else { "unknown_entry" };
            return Err(denial(code, json!({"of": of})));
        };
        for (unit, asked) in &amounts {
            let left =
                self.not_refunded(spent_by, unit, false) + self.not_refunded(spent_by, unit, true);
            let [said, available] = [*asked, left].map(number::said);
            let fault = json!({"of": of, "unit": unit, "asked": said, "available": available});
            deny(*asked > left, "refund_exceeds_charge", fault)?;
        }
        self.metadata(ask)?;

        let entry = self.write(Some(ask), now);
        for (unit, asked) in &amounts {
            let excess = self.not_refunded(spent_by, unit, false).min(*asked);
            for (was_held, part) in [(false, excess), (true, asked - excess)] {
                let is_meant = |posting: &&Posting| {
                    posting.of == spent_by && posting.unit == *unit && posting.was_held == was_held
                };
                if let Some(posting) = self.state.postings.iter().find(is_meant).cloned() {
                    self.state.postings.push(Posting { amount: -part, ..posting });
                }
            }
        }
        let available = self.state.available(&set, &units(&amounts), now);
        Ok(self.answer(entry, &json!({ "available": available })))
    }

    /// What charges, holds and records are checked for alike: amounts, accounts, bounds. Gives the charge set.
    fn new_spending(&self, ask: &Ask, may_be_closed: bool) -> Checked<(Vec<String>, Amounts)> {
        let (spender, scopes, pairs) =
            (ask.text("account"), ask.texts("scopes"), ask.pairs("amounts"));
        some(&pairs)?;
        let amounts = self.amounts(pairs.into_iter().map(Given::positive).collect())?;
        let named = [vec![spender.clone()], scopes.clone()].concat();
        if may_be_closed {
            self.known_accounts(&named)?;
        } else {
            self.open_accounts(&named)?;
        }
        bound(scopes.len(), self.bounds.scopes_max, "scopes")?;
        Ok((self.state.charge_set(&spender, &scopes), amounts))
    }

    fn post(
        &mut self,
        of: usize,
        spender: &str,
        unit: &str,
        amount: i128,
        was_held: bool,
        places: Vec<Place>,
    ) {
        if amount > 0 {
            let (spender, unit) = (spender.to_owned(), unit.to_owned());
            self.state.postings.push(Posting { of, spender, unit, amount, was_held, places });
        }
    }

    fn not_refunded(&self, of: usize, unit: &str, was_held: bool) -> i128 {
        let parts = self.state.postings.iter().filter(|posting| {
            posting.of == of && posting.unit == unit && posting.was_held == was_held
        });
        parts.map(|posting| posting.amount).sum()
    }

    fn put_hold(&mut self, hold: &Hold) {
        for known in self.state.holds.iter_mut().filter(|known| known.id == hold.id) {
            known.clone_from(hold);
        }
    }

    /// The limits of a set with what is spent of each, in the order in which they are told.
    fn spent_before(&self, set: &[String], now: i64) -> Before {
        let limits = set.iter().flat_map(|account| self.state.limits_of(account));
        limits.map(|limit| (limit.clone(), self.state.counted(&limit, now).0)).collect()
    }

    /// Thresholds that spending reached or passed since.
    fn crossed(&self, before: &Before, now: i64) -> Value {
        let mut crossed = Vec::new();
        for (limit, was) in before {
            let (is, _) = self.state.counted(limit, now);
            let told = json!({
                "account": limit.account,
                "unit": limit.unit,
                "window": limit.window,
                "limit": number::said(limit.amount),
                "spent": number::said(is),
            });
            let is_crossed = |threshold: i128| *was < threshold && threshold <= is;
            let percents = limit.warn_at.iter().filter(|_| limit.mode != "shadow");
            for percent in percents {
                let percent_steps = percent.as_str().and_then(number::read).unwrap_or(0);
                if is_crossed(number::share(percent_steps, limit.amount)) {
                    let mut told = told.clone();
                    told["percent"] = percent.clone();
                    crossed.push(told);
                }
            }
            if limit.mode == "soft" && is_crossed(limit.amount) {
                crossed.push(told);
            }
        }
        crossed.into()
    }

    /// Limits that deny, of which more is spent since, and which are passed.
    fn overrun(&self, before: &Before, now: i64) -> Value {
        let mut overrun = Vec::new();
        for (limit, was) in before.iter().filter(|(limit, _)| limit.mode == "hard") {
            let (spent, held) = self.state.counted(limit, now);
            let over_by = spent + held - limit.amount;
            if spent > *was && over_by > 0 {
                overrun.push(json!({
                    "account": limit.account,
                    "unit": limit.unit,
                    "window": limit.window,
                    "limit": number::said(limit.amount),
                    "spent": number::said(spent),
                    "held": number::said(held),
                    "over_by": number::said(over_by),
                }));
            }
        }
        overrun.into()
    }
}

fn place(account: &str, at: i64, entry: usize) -> Place {
    Place { account: account.to_owned(), at, entry }
}

fn units(amounts: &Amounts) -> Vec<String> {
    amounts.iter().map(|(unit, _)| unit.clone()).collect()
}

/// The instant so many seconds after now, if there is one.
fn later(now: i64, seconds: u64) -> Checked<i64> {
    let nanos = i64::try_from(seconds).ok().and_then(|seconds| seconds.checked_mul(1_000_000_000));
    let later = nanos.and_then(|nanos| now.checked_add(nanos));
    later.ok_or_else(|| denial("bound_exceeded", json!({"bound": "instant"})))
}
