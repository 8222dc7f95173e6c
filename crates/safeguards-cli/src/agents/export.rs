//! `safeguards agents export`: agents go out as they came in, or in another form.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args as Arguments;
use safeguards_cards::{Exporting, Protocol};
use safeguards_discovery::AgentRecord;
use serde_json::Value;

use super::{
    Failure,
    desk::to_registration,
    forms::{self, Form},
    show,
    whence::Whence,
};
use crate::{
    exit,
    output::print,
    text::{counted, one_line},
};

/// Print agents as they came in, or in another form.
#[derive(Debug, Arguments)]
#[command(after_long_help = "\
Examples:
  safeguards agents export currency-agent
  safeguards agents export currency-agent --protocol 1.0
  safeguards agents export analyst --as card --url https://example.com/a2a
  safeguards agents export --as catalog > copy.jsonl
  safeguards agents export --to cards/                   (a file for each agent)

Without a form an agent goes out as it came in: as its card, its server or its front matter (as JSON); a card with
what has changed in the catalog since: its description, and skills that are new or gone. One agent is printed
so that people can read it; of several, each is one line of JSON. A file that is there already is written over.

Exit codes:
    0  they were printed or written
    1  no agent of a name is there
    2  wrong usage, an agent has nothing of this form, or something cannot be read or written
   70  the answer cannot be written to standard output")]
pub(crate) struct Args {
    /// Whom to export; without any, everybody
    #[arg(value_name = "AGENT")]
    agents: Vec<String>,

    /// In which form
    #[arg(long = "as", value_enum, value_name = "FORM")]
    form: Option<Form>,

    /// Spell cards for this version of the protocol; without it they go out as they came in
    #[arg(long, value_name = "VERSION", value_parser = protocol)]
    protocol: Option<Protocol>,

    /// Where an agent is spoken to that never had a card
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// Write a file for each agent into this folder, which is made where there is none
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,

    #[command(flatten)]
    whence: Whence,
}

/// Does what the arguments say.
pub(super) fn execute(args: &Args) -> Result<u8, Failure> {
    let opened = args.whence.open()?;
    let records: Vec<AgentRecord> = if args.agents.is_empty() {
        let everybody = opened.desk.everybody()?;
        everybody.names().filter_map(|agent| opened.desk.agent(agent)).collect()
    } else {
        let mut named: Vec<&str> = args.agents.iter().map(String::as_str).collect();
        // In the order named, each once.
        let mut seen = BTreeSet::new();
        named.retain(|agent| seen.insert(*agent));
        named
            .into_iter()
            .map(|agent| show::record(&opened.desk, agent))
            .collect::<Result<_, _>>()?
    };
    let mut exporting = Exporting::new();
    exporting.protocol = args.protocol;
    exporting.url.clone_from(&args.url);
    // All can be exported before anything is written.
    let exported = records
        .iter()
        .map(|record| Ok((record, export(record, args.form, &exporting)?)))
        .collect::<Result<Vec<_>, Failure>>()?;
    let text = match &args.to {
        Some(folder) => write_all(folder, &exported)?,
        None => to_text(&exported)?,
    };
    print(&text).map_err(Failure::output)?;
    opened.end(exit::SUCCESS)
}

fn protocol(text: &str) -> Result<Protocol, String> {
    let known = [Protocol::V1_0, Protocol::V0_3];
    let named = known.into_iter().find(|known| known.as_str() == text);
    named.ok_or_else(|| "cards are written for 1.0 and 0.3".to_owned())
}

fn export(
    record: &AgentRecord,
    form: Option<Form>,
    exporting: &Exporting,
) -> Result<Arc<Value>, Failure> {
    if form == Some(Form::Catalog) {
        return Ok(Arc::new(serde_json::to_value(to_registration(record))?));
    }
    forms::export(record, form, exporting)
}

/// One for people, several for programs.
fn to_text(exported: &[(&AgentRecord, Arc<Value>)]) -> Result<String, Failure> {
    if let [(_, one)] = exported {
        return Ok(pretty(one)?);
    }
    let line =
        |(_, one): &(&AgentRecord, Arc<Value>)| Ok(format!("{}\n", serde_json::to_string(one)?));
    exported.iter().map(line).collect()
}

fn pretty(one: &Value) -> Result<String, serde_json::Error> {
    Ok(format!("{}\n", serde_json::to_string_pretty(one)?))
}

/// Writes a file for each, and says which.
fn write_all(folder: &Path, exported: &[(&AgentRecord, Arc<Value>)]) -> Result<String, Failure> {
    let unwritable =
        |path: &Path, source| Failure::Unwritable { file: path.display().to_string(), source };
    fs::create_dir_all(folder).map_err(|source| unwritable(folder, source))?;
    let mut taken = BTreeSet::new();
    for (record, one) in exported {
        let path = folder.join(file_name(record.agent.as_str(), &mut taken));
        fs::write(&path, pretty(one)?).map_err(|source| unwritable(&path, source))?;
    }
    let files = u64::try_from(exported.len()).unwrap_or(u64::MAX);
    Ok(format!(
        "written  {} to {}\n",
        counted(files, "file"),
        one_line(&folder.display().to_string())
    ))
}

/// A name that any system takes for a file: what may mean something there is a `-`, and none is given twice, also
/// where case makes no difference.
fn file_name(agent: &str, taken: &mut BTreeSet<String>) -> String {
    /// Names may be longer than file systems take.
    const CHARS_MAX: usize = 100;
    let fit = |letter: char| match letter {
        letter if letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-') => letter,
        _ => '-',
    };
    let stem: String = agent.chars().take(CHARS_MAX).map(fit).collect();
    let stem = stem.trim_matches('.');
    let stem = if stem.is_empty() { "agent" } else { stem };
    let names = std::iter::once(format!("{stem}.json"))
        .chain((2_u64..).map(|number| format!("{stem}-{number}.json")));
    let mut free = names.filter(|name| taken.insert(name.to_lowercase()));
    free.next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_after_its_agent_and_stays_in_its_folder() {
        let mut taken = BTreeSet::new();
        let mut check = |agent: &str, expected: &str| {
            assert_eq!(file_name(agent, &mut taken), expected);
        };
        check("currency-agent", "currency-agent.json");
        check("Currency-Agent", "Currency-Agent-2.json");
        check("currency agent", "currency-agent-3.json");
        check("../../etc/passwd", "-..-etc-passwd.json");
        check("..", "agent.json");
        check("", "agent-2.json");
        check("漢字", "--.json");
        check(&"x".repeat(256), &format!("{}.json", "x".repeat(100)));
    }
}
