//! Units, accounts, and the limits and states that are set on one account.

use std::slice::from_ref;

use serde_json::{Value, json};

use super::{
    Model,
    ask::Ask,
    check::{Checked, Given, bound, deny, good_name},
    number,
    state::{Account, Limit},
};

impl Model {
    pub(super) fn register_unit(&mut self, ask: &Ask, now: i64) -> Checked {
        let unit = ask.text("unit");
        good_name(&unit)?;
        self.metadata(ask)?;
        if !self.state.units.contains(&unit) {
            self.state.units.push(unit);
        }
        Ok(self.done(ask, now))
    }

    pub(super) fn open_account(&mut self, ask: &Ask, now: i64) -> Checked {
        let (id, parent) = (ask.text("account"), ask.maybe("parent"));
        let mut amounts: Vec<_> = ask
            .list("limits")
            .iter()
            .map(|limit| (text(limit, "unit"), text(limit, "amount")))
            .collect();
        amounts.sort();
        self.amounts(amounts.into_iter().map(Given::any).collect())?;
        deny(self.state.account(&id).is_some(), "duplicate_account", json!({"account": id}))?;
        self.open_accounts(parent.as_slice())?;
        let depth = parent.as_ref().map_or(0, |parent| self.state.up(parent).len());
        deny(depth >= self.bounds.depth_max, "depth_exceeded", json!({"account": id}))?;
        let accounts = self.state.accounts.len();
        deny(accounts >= self.bounds.accounts_max, "too_many_accounts", json!({}))?;
        good_name(&id)?;
        bound(ask.list("limits").len(), self.bounds.limits_max, "limits")?;
        bound(ask.list("protection").len(), self.bounds.steps_max, "steps")?;
        for limit in ask.list("limits") {
            bound(list(limit, "warn_at").len(), self.bounds.percents_max, "percents")?;
        }
        self.metadata(ask)?;

        let entry = self.write(Some(ask), now);
        self.state.accounts.push(Account {
            id: id.clone(),
            parent,
            priority: ask.count("priority"),
            is_suspended: false,
            is_closed: false,
            protection: ask.list("protection").to_vec(),
        });
        for limit in ask.list("limits") {
            self.put_limit(&id, limit, now);
        }
        Ok(self.answer(entry, &json!({})))
    }

    pub(super) fn close_account(&mut self, ask: &Ask, now: i64) -> Checked {
        let id = ask.text("account");
        self.open_accounts(from_ref(&id))?;
        self.metadata(ask)?;
        let has_children = !self.state.open_children(&id).is_empty();
        let has_holds = self.state.open_holds(now).any(|hold| hold.counts_at(&id));
        deny(has_children || has_holds, "not_empty", json!({"account": id}))?;
        self.state.change(&id, |account| account.is_closed = true);
        Ok(self.done(ask, now))
    }

    pub(super) fn set_limit(&mut self, ask: &Ask, now: i64) -> Checked {
        let (id, unit) = (ask.text("account"), ask.text("unit"));
        self.amounts(vec![Given::any((unit.clone(), ask.text("amount")))])?;
        self.open_accounts(from_ref(&id))?;
        self.room_for_limit(from_ref(&id), &unit, ask.get("window"))?;
        bound(ask.list("warn_at").len(), self.bounds.percents_max, "percents")?;
        self.metadata(ask)?;

        let entry = self.write(Some(ask), now);
        self.put_limit(&id, &ask.whole(), now);
        Ok(self.answer(entry, &json!({})))
    }

    pub(super) fn set_remaining(&mut self, ask: &Ask, now: i64) -> Checked {
        let (id, unit, window) = (ask.text("account"), ask.text("unit"), ask.get("window").clone());
        let amounts = self.amounts(vec![Given::any((unit.clone(), ask.text("amount")))])?;
        self.open_accounts(from_ref(&id))?;
        self.room_for_limit(from_ref(&id), &unit, &window)?;
        self.metadata(ask)?;
        let limit = self.limit_or_new(&id, &unit, &window, now);
        let (spent, held) = self.state.counted(&limit, now);
        self.no_overflow(from_ref(&id), &amounts, |_, _, _| spent + held)?;

        let entry = self.write(Some(ask), now);
        let amount = amounts.iter().map(|(_, amount)| amount).sum::<i128>();
        self.put(Limit { amount: spent + held + amount, ..limit });
        Ok(self.answer(entry, &json!({})))
    }

    pub(super) fn remove_limit(&mut self, ask: &Ask, now: i64) -> Checked {
        let (id, unit, window) = (ask.text("account"), ask.text("unit"), ask.get("window").clone());
        self.unit(&unit)?;
        self.open_accounts(from_ref(&id))?;
        self.metadata(ask)?;
        let is_none = self.state.limit(&id, &unit, &window).is_none();
        deny(is_none, "no_limit", json!({"account": id, "unit": unit}))?;
        self.state.limits.retain(|limit| !limit.is(&id, &unit, &window));
        Ok(self.done(ask, now))
    }

    pub(super) fn set_protection(&mut self, ask: &Ask, now: i64) -> Checked {
        let id = ask.text("account");
        self.open_accounts(from_ref(&id))?;
        bound(ask.list("steps").len(), self.bounds.steps_max, "steps")?;
        self.metadata(ask)?;
        self.state.change(&id, |account| account.protection = ask.list("steps").to_vec());
        Ok(self.done(ask, now))
    }

    pub(super) fn set_parent(&mut self, ask: &Ask, now: i64) -> Checked {
        let (id, parent) = (ask.text("account"), ask.maybe("parent"));
        let from = ask.maybe("from");
        let named = [id.clone()].into_iter().chain(parent.clone()).chain(from.clone());
        self.open_accounts(&named.collect::<Vec<_>>())?;
        let stands = self.state.account(&id).and_then(|account| account.parent.clone());
        deny(from.is_some() && stands != from, "not_child", json!({"account": id}))?;
        let above = parent.as_ref().map_or_else(Vec::new, |parent| self.state.up(parent));
        deny(above.contains(&id), "cycle", json!({"account": id}))?;
        let levels =
            self.state.accounts.iter().filter_map(|below| {
                self.state.up(&below.id).iter().position(|account| *account == id)
            });
        let depth = above.len() + 1 + levels.max().unwrap_or(0);
        deny(depth > self.bounds.depth_max, "depth_exceeded", json!({"account": id}))?;
        self.metadata(ask)?;
        self.state.change(&id, |account| account.parent = parent);
        Ok(self.done(ask, now))
    }

    pub(super) fn set_priority(&mut self, ask: &Ask, now: i64) -> Checked {
        let id = ask.text("account");
        self.open_accounts(from_ref(&id))?;
        self.metadata(ask)?;
        self.state.change(&id, |account| account.priority = ask.count("priority"));
        Ok(self.done(ask, now))
    }

    pub(super) fn suspend_or_resume(&mut self, ask: &Ask, now: i64) -> Checked {
        let id = ask.text("account");
        self.open_accounts(from_ref(&id))?;
        bound(ask.text("reason").len(), self.bounds.reason_bytes_max, "reason")?;
        self.metadata(ask)?;
        self.state.change(&id, |account| account.is_suspended = ask.name() == "suspend");
        Ok(self.done(ask, now))
    }

    /// Makes a limit as it is told, or makes the one that there is so.
    fn put_limit(&mut self, account: &str, told: &Value, now: i64) {
        let known = self.limit_or_new(account, &text(told, "unit"), &told["window"], now);
        self.put(Limit {
            amount: number::read(&text(told, "amount")).unwrap_or(0),
            mode: text(told, "mode"),
            warn_at: list(told, "warn_at").to_vec(),
            ..known
        });
    }

    /// The limit that there is, or a hard one that counts from the entry to come.
    pub(super) fn limit_or_new(
        &self,
        account: &str,
        unit: &str,
        window: &Value,
        now: i64,
    ) -> Limit {
        let new = || Limit {
            account: account.to_owned(),
            unit: unit.to_owned(),
            window: window.clone(),
            amount: 0,
            mode: "hard".to_owned(),
            warn_at: Vec::new(),
            made_by: self.state.entries.len(),
            made_at: now,
        };
        self.state.limit(account, unit, window).cloned().unwrap_or_else(new)
    }

    /// Puts a limit in the place of the one that there is.
    pub(super) fn put(&mut self, limit: Limit) {
        self.state.limits.retain(|known| !known.is(&limit.account, &limit.unit, &limit.window));
        self.state.limits.push(limit);
    }
}

fn text(keys: &Value, key: &str) -> String {
    keys[key].as_str().unwrap_or_default().to_owned()
}

fn list<'a>(keys: &'a Value, key: &str) -> &'a [Value] {
    keys[key].as_array().map_or(&[], Vec::as_slice)
}
