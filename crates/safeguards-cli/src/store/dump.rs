//! `safeguards store dump`: all that a file holds as JSON lines.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::Args as Arguments;
use safeguards_redb::{DumpError, RedbOptions};

use super::waiting;
use crate::{
    durable::{Failure, check_there, open_existing},
    exit,
    output::say,
    runs::exists,
    text::{counted, one_line},
};

/// Write all that a durable file holds as JSON lines, to be loaded elsewhere.
#[derive(Debug, Arguments)]
#[command(after_long_help = "\
The file is checked first, as `safeguards store check` does, so that what is dumped is whole. The first line of a dump names
the format, the last one counts the rows: one that was cut off is told from a whole one.

Examples:
  safeguards store dump fleet.redb -o fleet.jsonl
  safeguards store dump fleet.redb | gzip > fleet.jsonl.gz
  gunzip -c fleet.jsonl.gz | safeguards store load copy.redb

Exit codes:
    0  all of it was written
    1  the file is damaged: nothing was written
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

    /// Do not check the file first: for what can still be read of a damaged one
    #[arg(long)]
    unchecked: bool,
}

/// Does what the arguments say.
pub(super) fn execute(args: &Args) -> Result<u8, Failure> {
    let Args { file, out, unchecked } = args;
    if !unchecked {
        check_there(file)?;
        let what = format!("checking {}", file.display());
        let flaws = waiting::show(what, || RedbOptions::default().check(file))?.flaws;
        if !flaws.is_empty() {
            return Err(Failure::Damaged { file: file.clone(), flaws });
        }
    }
    let store = open_existing(file)?;
    let what = format!("dumping {}", file.display());
    let rows = match out {
        Some(path) => {
            let failed = |source| Failure::not_made(path, source);
            if exists(path) {
                return Err(Failure::Exists { path: path.clone() });
            }
            // It gets its name once it is whole: a part of a dump is none, and would stand in the way of the next.
            let part = path.with_added_extension("part");
            let out = File::create(&part).map_err(failed)?;
            let dumped = waiting::show(what, || {
                let rows = store.dump(BufWriter::new(&out))?;
                out.sync_all()?;
                give_name(&part, path)?;
                Ok::<_, DumpError>(rows)
            });
            if dumped.is_err() {
                // Where it cannot be removed it is named for what it is.
                let _ = fs::remove_file(&part);
            }
            match dumped {
                Err(DumpError::Write(source)) => return Err(failed(source)),
                dumped => dumped?,
            }
        }
        None => match store.dump(BufWriter::new(Forgiving(io::stdout().lock()))) {
            Err(DumpError::Write(source)) => return Err(Failure::output(source)),
            dumped => dumped?,
        },
    };
    let to =
        out.as_ref().map_or_else(|| "standard output".into(), |path| path.display().to_string());
    say(&format!("{} of {} to {}", counted(rows, "row"), file.display(), one_line(&to)));
    Ok(exit::SUCCESS)
}

/// Gives a whole dump its name, unless somebody has made a file of that name meanwhile.
fn give_name(part: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(part, path) {
        Ok(()) => fs::remove_file(part),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // There are file systems without links.
        Err(_) => fs::rename(part, path),
    }
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
