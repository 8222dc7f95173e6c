//! Random commands, asked of the book and of the naive model: the same answers, the same reads, the same entries.
//!
//! `SAFEGUARDS_CASES=100000` runs so many sequences; what failed once is tried first, from
//! `tests/proptest-regressions/`. A sequence that fails is shown as lines for `safeguards ledger apply`.

use std::{env, fmt::Debug};

use proptest::{prelude::*, test_runner::TestCaseResult};
use safeguards_budget::{Answer, Batch, Book, Command, EntryId, HoldId};
use safeguards_testkit::{
    Model,
    sequences::{ACCOUNTS, Act, Sequence, Turn, sequences},
};
use safeguards_types::{AccountId, OperationId, Quantity};
use serde_json::{Value, json};

/// The book and the model, side by side.
struct Pair {
    book: Book,
    model: Model,
    accounts: Vec<AccountId>,
    holds: Vec<HoldId>,
}

impl Pair {
    fn new(sequence: &Sequence) -> Self {
        let hold = |op: &str| HoldId::placed_by(OperationId::parse(op).unwrap());
        Self {
            book: Book::with_bounds(sequence.bounds),
            model: Model::new(sequence.bounds),
            accounts: ACCOUNTS.iter().map(|(name, _)| AccountId::from(*name)).collect(),
            holds: sequence.holds().map(hold).collect(),
        }
    }

    fn take(&mut self, turn: &Turn) -> TestCaseResult {
        match &turn.act {
            Act::Submit { commands, linked } => self.submit(commands, *linked, turn)?,
            Act::Tick => {
                compare(&json!(self.book.tick(turn.at)), &self.model.tick(turn.at), turn)?;
            }
            _ => {}
        }
        self.compare_reads(turn)
    }

    fn submit(&mut self, commands: &[Value], linked: bool, turn: &Turn) -> TestCaseResult {
        let typed =
            commands.iter().map(|command| serde_json::from_value::<Command>(command.clone()));
        let typed: Vec<_> = typed.map(Result::unwrap).collect();
        let batch = if linked { Batch::linked(typed) } else { Batch::independent(typed) };
        let outcomes = self.book.submit(batch, turn.at);
        let expected = self.model.apply(commands, linked, turn.at);
        prop_assert_eq!(outcomes.len(), expected.len());
        for ((outcome, expected), command) in outcomes.into_iter().zip(expected).zip(commands) {
            let outcome = by_value(json!(Answer::Outcome(outcome)));
            compare(&outcome, &by_value(expected), &format_args!("at {}: {command}", turn.at))?;
        }
        Ok(())
    }

    fn compare_reads(&self, turn: &Turn) -> TestCaseResult {
        let read = self.book.accounts(&self.accounts, turn.at);
        compare(&json!(read.revision), &json!(self.model.revision()), turn)?;
        let expected = self.model.accounts(self.accounts.iter().map(AccountId::as_str), turn.at);
        for ((account, expected), id) in read.accounts.iter().zip(expected).zip(&self.accounts) {
            compare(&json!(account), &expected, &(id, turn))?;
        }
        let ids: Vec<_> = self.holds.iter().map(ToString::to_string).collect();
        let expected = self.model.holds(ids.iter().map(String::as_str), turn.at);
        for ((hold, expected), id) in
            self.book.holds(&self.holds, turn.at).iter().zip(expected).zip(ids)
        {
            compare(&json!(hold), &expected, &(id, turn))?;
        }
        Ok(())
    }

    fn compare_entries(&self) -> TestCaseResult {
        let page = self.book.entries(EntryId::FIRST, usize::MAX);
        let entries = page.entries.iter().map(|entry| {
            json!({"entry": entry.id, "at": entry.at, "op": entry.op(), "do": entry.name()})
        });
        compare(&entries.collect(), &self.model.entries().into(), &"the entries that are kept")
    }
}

fn compare(book: &Value, model: &Value, about: &dyn Debug) -> TestCaseResult {
    prop_assert!(book == model, "{:?}\n  book:  {}\n  model: {}", about, book, model);
    Ok(())
}

/// An amount that was refused is told as it was given, and means the same.
fn by_value(mut outcome: Value) -> Value {
    if let Some(value) = outcome.pointer_mut("/denied/value")
        && let Some(Ok(quantity)) = value.as_str().map(str::parse::<Quantity>)
    {
        *value = json!(quantity);
    }
    outcome
}

/// How many sequences are tried: few, unless the environment says otherwise.
fn config() -> ProptestConfig {
    let cases = env::var_os("SAFEGUARDS_CASES").map(|cases| cases.to_string_lossy().parse());
    ProptestConfig {
        max_shrink_iters: 20_000,
        ..ProptestConfig::with_cases(cases.map_or(150, Result::unwrap))
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_book_does_what_the_model_does(sequence in sequences()) {
        let mut pair = Pair::new(&sequence);
        sequence.turns.iter().try_for_each(|turn| pair.take(turn))?;
        pair.compare_entries()?;
    }
}
