//! Entries to the compact form.

use std::{borrow::Cow, hash::Hash};

use foldhash::{HashMap, HashMapExt};
use safeguards_types::{AccountId, Amounts, Timestamp};

use super::{
    CompactError,
    form::{
        At, Block, Caused, Counted, Expired, Held, Line, PartForm, Posted, Released, Settled,
        Spent, Sums, WindowForm,
    },
};
use crate::{
    Action, Cause, Charge, Command, CountedWindow, Entry, Fact, Metadata, Part, Posting, Receipt,
    Window,
};

/// Entries as one block. Their numbers must follow each other without gaps.
///
/// # Errors
///
/// Where they do not follow each other, or there are more than 4,294,967,295 names.
pub fn write_entries(entries: &[Entry]) -> Result<Vec<u8>, CompactError> {
    let unwritten = |why: String| CompactError::Unwritten { why };
    let (first, base) =
        entries.first().map_or((1, Timestamp::UNIX_EPOCH), |first| (first.id.number(), first.at));
    let gap = (first..).zip(entries).find(|(number, entry)| entry.id.number() != *number);
    if let Some((number, entry)) = gap {
        return Err(unwritten(format!("entry {} stands where {number} should", entry.id)));
    }
    let mut tables = Tables { base, ..Tables::default() };
    let lines: Option<Result<Vec<_>, _>> = entries.iter().map(|entry| tables.line(entry)).collect();
    let lines =
        lines.ok_or_else(|| unwritten("it has more names than a block takes".to_owned()))?;
    let lines = lines.map_err(|error| unwritten(error.to_string()))?;
    let Tables { accounts, units, windows, counted, sets, .. } = tables;
    let block = Block {
        first,
        base: base.as_nanos(),
        accounts: accounts.rows,
        units: units.rows,
        windows: windows.rows,
        counted: counted.rows,
        sets: sets.rows,
        lines,
    };
    postcard::to_allocvec(&block).map_err(|error| unwritten(error.to_string()))
}

/// What lines of a block name, each once.
#[derive(Default)]
struct Tables<'a> {
    base: Timestamp,
    accounts: Table<&'a str>,
    units: Table<&'a str>,
    windows: Table<WindowForm<'a>>,
    counted: Table<Counted>,
    sets: Table<Vec<At>>,
}

struct Table<R> {
    rows: Vec<R>,
    places: HashMap<R, At>,
}

impl<R> Default for Table<R> {
    fn default() -> Self {
        Self { rows: Vec::new(), places: HashMap::new() }
    }
}

impl<R: Clone + Eq + Hash> Table<R> {
    /// Where this row stands. `None` where there is no room for it.
    fn at(&mut self, row: R) -> Option<At> {
        if let Some(at) = self.places.get(&row) {
            return Some(*at);
        }
        let at = At::try_from(self.rows.len()).ok()?;
        self.rows.push(row.clone());
        self.places.insert(row, at);
        Some(at)
    }
}

/// `None` where a table is full.
type Room<T> = Option<T>;

impl<'a> Tables<'a> {
    fn line(&mut self, entry: &'a Entry) -> Room<Result<Line<'a>, serde_json::Error>> {
        Some(match self.own_line(entry)? {
            Some(line) => Ok(line),
            None => serde_json::to_string(entry).map(|text| Line::Json(text.into())),
        })
    }

    /// The line of an entry's own kind; `None` inside where it has none, or something rare to tell.
    fn own_line(&mut self, entry: &'a Entry) -> Room<Option<Line<'a>>> {
        let Entry { id: _, at, cause, fact } = entry;
        let Some(cause) = cause else {
            let Fact::Freed { hold, posting } = fact else {
                return Some(None);
            };
            return Some(Some(Line::Expired(Expired {
                at: self.since_base(*at),
                hold: *hold.op().as_bytes(),
                posted: self.posted(posting)?,
            })));
        };
        let Cause { command, receipt } = cause;
        if !says_little(entry, receipt) {
            return Some(None);
        }
        let charged = |charge: &Charge, posting: &Posting| {
            charge.account == posting.spender && charge.amounts == posting.amounts
        };
        Some(match (&command.action, fact) {
            (Action::Charge(charge), Fact::Spent(posting)) if charged(charge, posting) => {
                Some(Line::Spent(self.spent((entry, cause), charge, posting, false)?))
            }
            (Action::Record(charge), Fact::Spent(posting)) if charged(charge, posting) => {
                Some(Line::Spent(self.spent((entry, cause), charge, posting, true)?))
            }
            (Action::PlaceHold(place), Fact::Held { posting, expires_at })
                if charged(&place.charge, posting) =>
            {
                Some(Line::Held(Held {
                    caused: self.caused(entry, cause)?,
                    scopes: self.names(&place.charge.scopes)?,
                    ttl: place.ttl,
                    posted: self.posted(posting)?,
                    expires_at: expires_at.as_nanos(),
                }))
            }
            (Action::Settle(settle), Fact::Settled(settled))
                if settle.hold == settled.hold && settle.amounts == settled.posting.amounts =>
            {
                let attribute_to = match &settle.attribute_to {
                    Some(account) => Some(self.accounts.at(account.as_str())?),
                    None => None,
                };
                Some(Line::Settled(Settled {
                    caused: self.caused(entry, cause)?,
                    hold: *settle.hold.op().as_bytes(),
                    keep_open: settle.keep_open,
                    attribute_to,
                    posted: self.posted(&settled.posting)?,
                    in_front: u32::try_from(settled.in_front).ok()?,
                    held_part: self.sums(&settled.held_part)?,
                    excess: self.sums(&settled.excess)?,
                    freed: self.sums(&settled.freed)?,
                    kept_open: settled.keep_open,
                    late: settled.late,
                }))
            }
            (Action::Release { hold }, Fact::Freed { hold: freed, posting }) if hold == freed => {
                Some(Line::Released(Released {
                    caused: self.caused(entry, cause)?,
                    hold: *hold.op().as_bytes(),
                    posted: self.posted(posting)?,
                }))
            }
            _ => None,
        })
    }

    fn spent(
        &mut self,
        (entry, cause): (&'a Entry, &'a Cause),
        charge: &'a Charge,
        posting: &'a Posting,
        recorded: bool,
    ) -> Room<Spent<'a>> {
        Some(Spent {
            caused: self.caused(entry, cause)?,
            recorded,
            scopes: self.names(&charge.scopes)?,
            posted: self.posted(posting)?,
        })
    }

    fn caused(&mut self, entry: &Entry, cause: &'a Cause) -> Room<Caused<'a>> {
        let Cause { command: Command { op, metadata, .. }, receipt } = cause;
        Some(Caused {
            op: *op.as_bytes(),
            at: self.since_base(entry.at),
            available: self.sums(&receipt.available)?,
            late: receipt.late,
            metadata: text_of(metadata),
        })
    }

    fn posted(&mut self, posting: &'a Posting) -> Room<Posted> {
        let Posting { spender, set, amounts, windows } = posting;
        let set = self.names(set)?;
        Some(Posted {
            spender: self.accounts.at(spender.as_str())?,
            set: self.sets.at(set)?,
            amounts: self.sums(amounts)?,
            windows: windows.iter().map(|window| self.counted(window)).collect::<Option<_>>()?,
        })
    }

    fn counted(&mut self, window: &'a CountedWindow) -> Room<At> {
        let CountedWindow { account, unit, window, serial, started_at, ends_at, part } = window;
        let row = Counted {
            account: self.accounts.at(account.as_str())?,
            unit: self.units.at(unit.as_str())?,
            window: self.windows.at(form_of(window))?,
            serial: *serial,
            started_at: started_at.as_nanos(),
            ends_at: ends_at.as_nanos(),
            part: match part {
                Part::Whole => PartForm::Whole,
                Part::Held => PartForm::Held,
                Part::Excess => PartForm::Excess,
            },
        };
        self.counted.at(row)
    }

    fn sums(&mut self, amounts: &'a Amounts) -> Room<Sums> {
        let sum = |amount: &'a safeguards_types::Amount| {
            Some((self.units.at(amount.unit().as_str())?, amount.quantity().steps()))
        };
        amounts.iter().map(sum).collect()
    }

    fn names(&mut self, accounts: &'a [AccountId]) -> Room<Vec<At>> {
        accounts.iter().map(|account| self.accounts.at(account.as_str())).collect()
    }

    fn since_base(&self, at: Timestamp) -> i64 {
        // What does not fit is read back the same: both ways wrap.
        at.as_nanos().wrapping_sub(self.base.as_nanos())
    }
}

/// Whether the receipt tells nothing but what is left, and the command nothing that a line has no place for.
fn says_little(entry: &Entry, receipt: &Receipt) -> bool {
    let Receipt { entry: id, at, available: _, crossed, overrun, shadow, late: _ } = receipt;
    (*id, *at) == (entry.id, entry.at)
        && crossed.is_empty()
        && overrun.is_empty()
        && shadow.is_empty()
}

fn text_of(metadata: &Metadata) -> Option<Cow<'_, str>> {
    // A map of JSON values can be written always.
    (!metadata.is_empty()).then(|| serde_json::Value::Object(metadata.clone()).to_string().into())
}

fn form_of(window: &Window) -> WindowForm<'_> {
    match window {
        Window::Lifetime => WindowForm::Lifetime,
        Window::EverySeconds(seconds) => WindowForm::EverySeconds(seconds.get()),
        Window::Day(zone) => WindowForm::Day(zone.name()),
        Window::Week(zone) => WindowForm::Week(zone.name()),
        Window::Month(zone) => WindowForm::Month(zone.name()),
    }
}
