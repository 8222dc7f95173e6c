//! Entries of the compact form.

use std::sync::Arc;

use safeguards_types::{AccountId, Amount, Amounts, OperationId, Quantity, Timestamp, Unit};

use super::{
    CompactError,
    form::{
        At, Block, Caused, Counted, Expired, Held, Line, Op, PartForm, Posted, Released, Settled,
        Spent, WindowForm,
    },
};
use crate::{
    Action, Cause, Charge, Command, CountedWindow, Entry, EntryId, Fact, HoldId, Metadata, Part,
    PlaceHold, Posting, Receipt, Settle, Window,
};

/// The entries of a block.
///
/// # Errors
///
/// Where the bytes are no block, or an entry of it is none.
pub fn read_entries(block: &[u8]) -> Result<Vec<Entry>, CompactError> {
    let malformed = |why: String| CompactError::Malformed { why };
    let (block, rest) = postcard::take_from_bytes::<Block<'_>>(block)
        .map_err(|error| malformed(error.to_string()))?;
    if !rest.is_empty() {
        return Err(malformed(format!("{} bytes follow its end", rest.len())));
    }
    let (tables, lines) =
        Tables::of(&block).map_err(malformed).map(|tables| (tables, block.lines))?;
    let entry = |(number, line)| {
        tables
            .entry(EntryId::new(number), line)
            .map_err(|why| CompactError::Entry { entry: number, why })
    };
    (block.first..).zip(lines).map(entry).collect()
}

/// What is wrong with an entry.
type Why = String;

/// What lines name.
struct Tables {
    base: i64,
    accounts: Vec<AccountId>,
    units: Vec<Unit>,
    counted: Vec<CountedWindow>,
    sets: Vec<Arc<[AccountId]>>,
}

impl Tables {
    fn of(block: &Block<'_>) -> Result<Self, Why> {
        let Block { first: _, base, accounts, units, windows, counted, sets, lines: _ } = block;
        let windows: Vec<Window> = windows.iter().map(window).collect::<Result<_, _>>()?;
        let mut tables = Self {
            base: *base,
            accounts: accounts.iter().map(|name| AccountId::from(*name)).collect(),
            units: units.iter().map(Unit::new).collect(),
            counted: Vec::new(),
            sets: Vec::new(),
        };
        let counted: Result<_, _> =
            counted.iter().map(|counted| tables.counted(counted, &windows)).collect();
        tables.counted = counted?;
        let set = |set: &Vec<At>| set.iter().map(|at| tables.account(*at)).collect();
        let sets: Result<_, _> = sets.iter().map(set).collect();
        tables.sets = sets?;
        Ok(tables)
    }

    fn entry(&self, id: EntryId, line: Line<'_>) -> Result<Entry, Why> {
        let (at, cause, fact) = match line {
            Line::Json(text) => {
                let entry: Entry =
                    serde_json::from_str(&text).map_err(|error| error.to_string())?;
                if entry.id != id {
                    return Err(format!("it calls itself {}", entry.id));
                }
                return Ok(entry);
            }
            Line::Spent(Spent { caused, recorded, scopes, posted }) => {
                let posting = self.posting(posted)?;
                let charge = self.charge(&scopes, &posting)?;
                let action = if recorded { Action::Record(charge) } else { Action::Charge(charge) };
                let (at, cause) = self.cause(id, caused, action)?;
                (at, Some(cause), Fact::Spent(posting))
            }
            Line::Held(Held { caused, scopes, ttl, posted, expires_at }) => {
                let posting = self.posting(posted)?;
                let charge = self.charge(&scopes, &posting)?;
                let (at, cause) =
                    self.cause(id, caused, Action::PlaceHold(PlaceHold { charge, ttl }))?;
                (at, Some(cause), Fact::Held { posting, expires_at: instant(expires_at)? })
            }
            Line::Settled(settled) => return self.settled(id, settled),
            Line::Released(Released { caused, hold, posted }) => {
                let (hold, posting) = (hold_of(hold)?, self.posting(posted)?);
                let (at, cause) = self.cause(id, caused, Action::Release { hold })?;
                (at, Some(cause), Fact::Freed { hold, posting })
            }
            Line::Expired(Expired { at, hold, posted }) => {
                let (hold, posting) = (hold_of(hold)?, self.posting(posted)?);
                (self.instant(at)?, None, Fact::Freed { hold, posting })
            }
        };
        Ok(Entry { id, at, cause, fact })
    }

    fn settled(&self, id: EntryId, settled: Settled<'_>) -> Result<Entry, Why> {
        let Settled {
            caused,
            hold,
            keep_open,
            attribute_to,
            posted,
            in_front,
            held_part,
            excess,
            freed,
            kept_open,
            late,
        } = settled;
        let (hold, posting) = (hold_of(hold)?, self.posting(posted)?);
        let attribute_to = attribute_to.map(|at| self.account(at)).transpose()?;
        let settle = Settle { hold, amounts: posting.amounts.clone(), keep_open, attribute_to };
        let (at, cause) = self.cause(id, caused, Action::Settle(settle))?;
        let settled = crate::Settled {
            hold,
            posting,
            in_front: usize::try_from(in_front).unwrap_or(usize::MAX),
            held_part: self.amounts(&held_part)?,
            excess: self.amounts(&excess)?,
            freed: self.amounts(&freed)?,
            keep_open: kept_open,
            late,
        };
        Ok(Entry { id, at, cause: Some(cause), fact: Fact::Settled(Box::new(settled)) })
    }

    fn cause(
        &self,
        id: EntryId,
        caused: Caused<'_>,
        action: Action,
    ) -> Result<(Timestamp, Cause), Why> {
        let Caused { op, at, available, late, metadata } = caused;
        let at = self.instant(at)?;
        let metadata = match metadata {
            Some(text) => serde_json::from_str(&text).map_err(|error| error.to_string())?,
            None => Metadata::new(),
        };
        let receipt = Receipt {
            entry: id,
            at,
            available: self.amounts(&available)?,
            crossed: Vec::new(),
            overrun: Vec::new(),
            shadow: Vec::new(),
            late,
        };
        let command = Command { op: operation(op)?, action, metadata, fault: None };
        Ok((at, Cause { command, receipt }))
    }

    fn charge(&self, scopes: &[At], posting: &Posting) -> Result<Charge, Why> {
        let mut charge = Charge::new(posting.spender.clone(), posting.amounts.clone());
        charge.scopes = scopes.iter().map(|at| self.account(*at)).collect::<Result<_, _>>()?;
        Ok(charge)
    }

    fn posting(&self, posted: Posted) -> Result<Posting, Why> {
        let Posted { spender, set, amounts, windows } = posted;
        let windows = windows.iter().map(|at| row(&self.counted, *at, "window"));
        Ok(Posting {
            spender: self.account(spender)?,
            set: row(&self.sets, set, "set")?,
            amounts: self.amounts(&amounts)?,
            windows: windows.collect::<Result<_, _>>()?,
        })
    }

    fn counted(&self, counted: &Counted, windows: &[Window]) -> Result<CountedWindow, Why> {
        let Counted { account, unit, window, serial, started_at, ends_at, part } = counted;
        Ok(CountedWindow {
            account: self.account(*account)?,
            unit: self.unit(*unit)?,
            window: row(windows, *window, "window")?,
            serial: *serial,
            started_at: instant(*started_at)?,
            ends_at: instant(*ends_at)?,
            part: match part {
                PartForm::Whole => Part::Whole,
                PartForm::Held => Part::Held,
                PartForm::Excess => Part::Excess,
            },
        })
    }

    fn amounts(&self, sums: &[(At, i128)]) -> Result<Amounts, Why> {
        let mut amounts = Amounts::none();
        for (unit, steps) in sums {
            amounts.set(Amount::new(Quantity::told(*steps), self.unit(*unit)?));
        }
        Ok(amounts)
    }

    fn account(&self, at: At) -> Result<AccountId, Why> {
        row(&self.accounts, at, "account")
    }

    fn unit(&self, at: At) -> Result<Unit, Why> {
        row(&self.units, at, "unit")
    }

    fn instant(&self, since_base: i64) -> Result<Timestamp, Why> {
        instant(self.base.wrapping_add(since_base))
    }
}

fn row<R: Clone>(rows: &[R], at: At, what: &str) -> Result<R, Why> {
    let found = usize::try_from(at).ok().and_then(|at| rows.get(at));
    found.cloned().ok_or_else(|| format!("its block has no {what} {at}"))
}

fn window(form: &WindowForm<'_>) -> Result<Window, Why> {
    let window = match form {
        WindowForm::Lifetime => return Ok(Window::Lifetime),
        WindowForm::EverySeconds(seconds) => Window::every_seconds(*seconds),
        WindowForm::Day(zone) => Window::day(zone),
        WindowForm::Week(zone) => Window::week(zone),
        WindowForm::Month(zone) => Window::month(zone),
    };
    window.map_err(|error| error.to_string())
}

fn instant(nanos: i64) -> Result<Timestamp, Why> {
    Timestamp::from_nanos(nanos).ok_or_else(|| format!("there is no instant {nanos}"))
}

fn operation(bytes: Op) -> Result<OperationId, Why> {
    OperationId::from_bytes(bytes).ok_or_else(|| format!("{bytes:02x?} is no operation"))
}

fn hold_of(bytes: Op) -> Result<HoldId, Why> {
    operation(bytes).map(HoldId::placed_by)
}
