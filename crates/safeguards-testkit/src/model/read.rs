//! What reads of the model show.

use safeguards_types::Timestamp;
use serde_json::{Value, json};

use super::{
    Model, number,
    state::{Hold, HoldState, Limit},
    window,
};

impl Model {
    /// Accounts as a read shows them: one for each id, null where there is none.
    pub fn accounts<'a>(
        &self,
        ids: impl IntoIterator<Item = &'a str>,
        clock: Timestamp,
    ) -> Vec<Value> {
        let now = self.state.now(clock.as_nanos());
        ids.into_iter().map(|id| self.account(id, now)).collect()
    }

    /// Holds as a read shows them: one for each id, null where there is none, or none is known any more.
    pub fn holds<'a>(
        &self,
        ids: impl IntoIterator<Item = &'a str>,
        clock: Timestamp,
    ) -> Vec<Value> {
        let now = self.state.now(clock.as_nanos());
        let hold = |id: &str| {
            self.state.hold(&id.to_lowercase()).map_or(Value::Null, |hold| shown(hold, now))
        };
        ids.into_iter().map(hold).collect()
    }

    /// The number of the last entry; `None` before the first.
    pub fn revision(&self) -> Option<usize> {
        Some(self.state.entries.len()).filter(|last| *last > 0)
    }

    /// The entries that are kept: `entry`, `at`, `op` and `do` of each.
    pub fn entries(&self) -> Vec<Value> {
        let entries = (1_u64..).zip(&self.state.entries).filter(|(_, entry)| !entry.is_forgotten);
        let shown = entries.map(|(number, entry)| {
            json!({"entry": number, "at": instant(entry.at), "op": entry.op(), "do": entry.name()})
        });
        shown.collect()
    }

    fn account(&self, id: &str, now: i64) -> Value {
        let Some(account) = self.state.account(id) else { return Value::Null };
        let state = match (account.is_closed, account.is_suspended) {
            (true, _) => "closed",
            (false, true) => "suspended",
            (false, false) => "open",
        };
        let limits = self.state.limits_of(id);
        let mut lifetime = json!({});
        for unit in self.state.units.iter().filter(|unit| self.state.was_ever_counted(id, unit)) {
            lifetime[unit] = json!({
                "spent": number::said(self.state.spent(id, unit)),
                "held": number::said(self.state.held(id, unit, now)),
            });
        }
        json!({
            "parent": account.parent,
            "state": state,
            "priority": account.priority,
            "limits": limits.iter().map(|limit| self.usage(limit, now)).collect::<Vec<_>>(),
            "lifetime": lifetime,
        })
    }

    fn usage(&self, limit: &Limit, now: i64) -> Value {
        let (spent, held) = self.state.counted(limit, now);
        let span = window::span(&limit.window, now);
        let left = limit.amount - spent - held;
        json!({
            "unit": limit.unit,
            "window": limit.window,
            "amount": number::said(limit.amount),
            "mode": limit.mode,
            "warn_at": limit.warn_at,
            "spent": number::said(spent),
            "held": number::said(held),
            "available": number::said(left.max(0)),
            "over_by": number::said((-left).max(0)),
            "window_started_at": span.map(|(start, _)| instant(start.max(limit.made_at))),
            "window_ends_at": span.map(|(_, end)| instant(end)),
        })
    }
}

fn shown(hold: &Hold, now: i64) -> Value {
    let is_due = hold.state == HoldState::Open && !hold.is_open(now);
    let state = match hold.state {
        HoldState::Open if is_due => "expired",
        HoldState::Open => "open",
        HoldState::Settled => "settled",
        HoldState::Released => "released",
        HoldState::Expired => "expired",
    };
    let mut left = json!({});
    for (unit, steps) in &hold.left {
        left[unit] = number::said(if is_due { 0 } else { *steps });
    }
    json!({
        "account": hold.spender,
        "state": state,
        "left": left,
        "expires_at": instant(hold.expires_at),
        "set": hold.set,
    })
}

/// An instant as it is written.
pub(super) fn instant(nanos: i64) -> Value {
    Timestamp::from_nanos(nanos).map_or(Value::Null, |at| json!(at))
}
