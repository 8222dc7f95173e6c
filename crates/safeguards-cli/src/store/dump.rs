//! `safeguards store dump`: all that a file holds as JSON lines.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
};

use clap::Args as Arguments;
use safeguards_redb::DumpError;

use super::waiting;
use crate::{
    durable::{Failure, open_existing},
    exit,
    output::say,
    text::counted,
};

/// Write all that a durable file holds as JSON lines, to be loaded elsewhere.
#[derive(Debug, Arguments)]
#[command(after_long_help = "\
The first line names the format, the last one counts the rows: a dump that was cut off is told from a whole one.

Examples:
  safeguards store dump fleet.redb -o fleet.jsonl
  safeguards store dump fleet.redb | gzip > fleet.jsonl.gz
  gunzip -c fleet.jsonl.gz | safeguards store load copy.redb

Exit codes:
    0  all of it was written
    2  wrong usage, the file is no durable file of this version, or OUT is there already or cannot be made
    5  the file is not there, cannot be read, or another process has it
   70  OUT or standard output takes no more")]
pub(super) struct Args {
    /// The durable file
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Where to; nothing is overwritten. Standard output unless given
    #[arg(short, long, value_name = "OUT")]
    out: Option<PathBuf>,
}

/// Does what the arguments say.
pub(super) fn execute(args: &Args) -> Result<u8, Failure> {
    let Args { file, out } = args;
    let store = open_existing(file)?;
    let what = format!("dumping {}", file.display());
    let rows = match out {
        Some(path) => {
            let failed = |source| Failure::File { path: path.clone(), done: "written", source };
            let out = File::create_new(path).map_err(failed)?;
            waiting::show(what, || {
                let rows = store.dump(BufWriter::new(&out))?;
                out.sync_all()?;
                Ok::<_, DumpError>(rows)
            })?
        }
        None => match store.dump(BufWriter::new(Forgiving(io::stdout().lock()))) {
            Err(DumpError::Write(source)) => return Err(Failure::output(source)),
            dumped => dumped?,
        },
    };
    say(&counted(rows, "row"));
    Ok(exit::SUCCESS)
}

/// Who closed the pipe does not want the rest, which is no failure of ours.
struct Forgiving<W>(W);

impl<W: Write> Write for Forgiving<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        crate::output::forgive(self.0.flush())
    }
}
