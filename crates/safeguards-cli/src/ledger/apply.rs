//! `safeguards ledger apply`: lines in, answers out, one after the other.

use std::io::{self, BufWriter, Write};

use clap::{Args as Arguments, ValueEnum};
use safeguards_budget::Book;

use super::{failure::Failure, input::Input};

const HELP: &str = r#"Examples:
  safeguards ledger apply commands.jsonl > answers.jsonl
  echo '{"at":"2026-01-05T09:00:00Z","read":"account","account":"reader"}' | safeguards ledger apply

Lines:
  {"at":"2026-01-05T09:00:00Z","op":"019b8d62-7a80-7b6a-ba92-0e8f0c98431a","do":"open_account","account":"reader","limits":[{"unit":"USD","window":"lifetime","amount":"1"}]}
  {"at":"2026-01-05T09:00:01Z","op":"019b8d62-7e68-7b6a-ba92-0e8f0c98431b","do":"charge","account":"reader","amounts":{"USD":"0.42"}}
  {"at":"2026-01-05T09:00:02Z","read":"account","account":"reader"}

Every line has an instant `at`, to which the clock is set, and asks for a command (`op`, `do`), for several that
take effect together or not at all (`linked`), or for a read (`read`). One line is printed for each command, in
order, and one for each read. The lines are described in docs/reference/ledger-lines.md.

Exit codes:
  0   every line was answered, whatever was denied
  2   wrong usage, input that cannot be read, or a line that is no command: it is named by its number; the lines
      before it were applied and answered, and nothing of it or after it was
  70  standard output cannot be written"#;

/// Apply lines of commands to a ledger and print what it answers, one line for each.
#[derive(Debug, Arguments)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// JSON lines, gzipped or not; `-` reads standard input
    #[arg(default_value = "-")]
    file: String,

    /// Where the accounts live
    #[arg(long, value_enum, default_value_t = Store::Memory)]
    store: Store,
}

/// Where accounts can live.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Store {
    /// In this process: they are forgotten when it ends.
    Memory,
}

/// Applies all lines. A reader of the answers who stops early is no failure, and ends the work.
pub(super) fn execute(args: &Args) -> Result<(), Failure> {
    let Store::Memory = args.store;
    let mut input = Input::open(&args.file)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let applied = apply(&mut input, &mut Book::new(), &mut out);
    // What was applied is told, also where a later line is wrong.
    let told = out.flush().map_err(Failure::output);
    match told.and(applied) {
        Err(Failure::Output { source }) if source.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        ended => ended,
    }
}

fn apply(input: &mut Input, book: &mut Book, out: &mut impl Write) -> Result<(), Failure> {
    loop {
        // Who waits for an answer before asking again must get it.
        if !input.has_line() {
            out.flush().map_err(Failure::output)?;
        }
        let Some(line) = input.next()? else {
            return Ok(());
        };
        for answer in line.answer(book) {
            serde_json::to_writer(&mut *out, &answer)
                .map_err(io::Error::from)
                .and_then(|()| out.write_all(b"\n"))
                .map_err(Failure::output)?;
        }
    }
}
