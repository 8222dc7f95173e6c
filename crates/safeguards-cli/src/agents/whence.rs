//! [`Whence`]: who is asked: a catalog or, without any, what describes agents elsewhere.

use std::path::PathBuf;

use clap::Args as Arguments;
use safeguards_types::{Clock, SystemClock};

use super::{
    Failure,
    catalog::{Catalog, wrong},
    desk::Desk,
    mistake::Mistake,
    reading,
    walk::Walk,
};

/// The catalog where none is named.
pub(super) const CATALOG: &str = "agents.jsonl";

/// Who is asked.
#[derive(Debug, Arguments)]
pub(super) struct Whence {
    /// The catalog: one registration a line
    #[arg(long, value_name = "FILE", default_value = CATALOG)]
    catalog: PathBuf,

    /// Read agent cards, servers, sub-agents or catalogs in place of the catalog, in files and folders; `-` reads
    /// standard input
    #[arg(long, value_name = "PATH", num_args = 1.., conflicts_with = "catalog")]
    from: Vec<PathBuf>,
}

/// Whoever is there, and what could not be read of them.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) desk: Desk,
    mistakes: Vec<Mistake>,
}

impl Whence {
    pub(super) fn open(&self) -> Result<Opened, Failure> {
        let now = SystemClock::new().now();
        if self.from.is_empty() {
            let desk = Catalog::at(&self.catalog).open(now)?;
            return Ok(Opened { desk, mistakes: Vec::new() });
        }
        let Walk { files, mut mistakes, .. } = Walk::of(&self.from);
        let desk = Desk::new(now);
        for file in &files {
            let read = reading::file(file, None);
            mistakes.extend(read.mistakes);
            for (place, registration) in read.registrations {
                let agent = registration.agent.clone();
                if let Err(error) = desk.register(registration) {
                    mistakes.push(wrong(&place, agent.as_str(), &error));
                }
            }
        }
        Ok(Opened { desk, mistakes })
    }
}

impl Opened {
    /// After the answer was told: what the program ends with, or what could not be read.
    pub(super) fn end(self, code: u8) -> Result<u8, Failure> {
        if self.mistakes.is_empty() {
            Ok(code)
        } else {
            Err(Failure::Read { mistakes: self.mistakes })
        }
    }
}
