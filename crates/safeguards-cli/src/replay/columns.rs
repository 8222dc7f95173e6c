//! Columns of a trace: which of them holds the time, the tokens, the agent.

mod role;

use std::str::FromStr;

use self::role::Role;

/// Names of columns that the user gave: `time=COLUMN,input=COLUMN`.
#[derive(Clone, Debug, Default)]
pub(crate) struct ColumnMap(Vec<(Role, String)>);

/// Why the columns that are needed cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ColumnError {
    /// Not of the form `ROLE=COLUMN`.
    #[error(
        "`{text}` is no mapping; write ROLE=COLUMN with a role of time, input, output, cached, model, agent, \
         session, framework, such as time=TIMESTAMP,input=ContextTokens"
    )]
    Mapping { text: String },
    /// One role, two columns.
    #[error("`{role}` is mapped twice; one column each")]
    MappedTwice { role: &'static str },
    /// Two roles, one column.
    #[error("column `{name}` is mapped to {first} and to {second}; it can be one of them")]
    OneForTwo { name: String, first: &'static str, second: &'static str },
    /// A column was named that there is not.
    #[error("there is no column `{name}`; the columns are {}", list(columns))]
    Unknown { name: String, columns: Vec<String> },
    /// No column has a known name for what is needed.
    #[error(
        "no column is known to hold the {role}; name it with `--map {role}=COLUMN`; the columns are {}",
        list(columns)
    )]
    Missing { role: &'static str, columns: Vec<String> },
    /// No model in the trace and none given.
    #[error(
        "the trace names no model: say which with `--model`, or its column with `--map model=COLUMN`; the \
         columns are {}",
        list(columns)
    )]
    NoModel { columns: Vec<String> },
    /// A wanted name stands twice in the header.
    #[error("column `{name}` stands twice in the header; rename one")]
    Twice { name: String },
}

/// How many columns a message names.
const LISTED_MAX: usize = 50;

fn list(columns: &[String]) -> String {
    let first = columns.iter().take(LISTED_MAX);
    let mut listed: Vec<String> = first.map(|name| format!("`{name}`")).collect();
    if columns.len() > listed.len() {
        listed.push(format!("and {} more", columns.len() - listed.len()));
    }
    listed.join(", ")
}

impl ColumnMap {
    fn get(&self, role: Role) -> Option<&str> {
        let mut mapped = self.0.iter().filter(|(mapped, _)| *mapped == role);
        mapped.next().map(|(_, name)| name.as_str())
    }

    /// Joins what several `--map` say.
    pub(crate) fn join(maps: &[Self]) -> Result<Self, ColumnError> {
        let mut joined = Self::default();
        for (role, name) in maps.iter().flat_map(|map| &map.0) {
            if joined.get(*role).is_some() {
                return Err(ColumnError::MappedTwice { role: role.key() });
            }
            if let Some((other, _)) = joined.0.iter().find(|(_, mapped)| mapped == name) {
                let (first, second) = (other.key(), role.key());
                return Err(ColumnError::OneForTwo { name: name.clone(), first, second });
            }
            joined.0.push((*role, name.clone()));
        }
        Ok(joined)
    }
}

impl FromStr for ColumnMap {
    type Err = ColumnError;

    fn from_str(text: &str) -> Result<Self, ColumnError> {
        let mapping = |part: &str| {
            let (key, name) = part.split_once('=')?;
            let role = Role::of_key(key.trim())?;
            (!name.trim().is_empty()).then(|| (role, name.trim().to_owned()))
        };
        text.split(',')
            .map(|part| mapping(part).ok_or_else(|| ColumnError::Mapping { text: part.to_owned() }))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// By which column rows are told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// By agent where the trace has agents, else not at all.
    Default,
    /// Not at all: the pool is charged.
    Nothing,
    /// By what this role, or column, holds.
    Column(String),
}

impl FromStr for By {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "none" => Self::Nothing,
            column => Self::Column(column.to_owned()),
        })
    }
}

/// What a replay wants of the columns.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// Names that the user gave.
    pub(crate) map: ColumnMap,
    /// By which column rows are told apart.
    pub(crate) by: By,
    /// Whether each row must name its model, because the user has not.
    pub(crate) model: bool,
}

/// A column that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// Its name in the header.
    pub(crate) name: String,
    /// Its place in the header, from 0.
    pub(crate) index: usize,
    /// Whether no row was seen yet that has it.
    pub(crate) is_awaited: bool,
}

/// The names of columns, as far as they are known beforehand.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) names: Vec<String>,
    /// Whether later rows may have others.
    pub(crate) is_open: bool,
}

/// The columns that are read.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    pub(crate) time: Column,
    pub(crate) input: Column,
    pub(crate) output: Column,
    pub(crate) cached: Option<Column>,
    pub(crate) model: Option<Column>,
    pub(crate) by: Option<Column>,
    /// How the user calls what `by` holds: `agent`, or the column's name.
    pub(crate) by_label: Option<String>,
    /// Where another column would have done as well.
    pub(crate) notes: Vec<String>,
}

impl Columns {
    /// Finds the wanted columns among those of a header.
    pub(crate) fn find(header: &Header, wanted: &Wanted) -> Result<Self, ColumnError> {
        let finder = Finder { header, map: &wanted.map };
        let model = if wanted.model {
            Some(match finder.required(Role::Model) {
                Err(ColumnError::Missing { columns, .. }) => {
                    return Err(ColumnError::NoModel { columns });
                }
                found => found?,
            })
        } else {
            None
        };
        let (by, by_label) = match &wanted.by {
            By::Nothing => (None, None),
            By::Default => {
                let agent = finder.role(Role::Agent)?;
                let label = agent.as_ref().map(|_| Role::Agent.key().to_owned());
                (agent, label)
            }
            By::Column(name) => {
                let of_role = match Role::of_key(name) {
                    Some(role) => finder.role(role)?,
                    None => None,
                };
                let column = match of_role {
                    Some(column) => column,
                    None => finder.named(name)?,
                };
                (Some(column), Some(name.clone()))
            }
        };
        let mut notes = Vec::new();
        let [time, input, output] = [Role::Time, Role::Input, Role::Output].map(|role| {
            let column = finder.required(role)?;
            notes.extend(finder.note(role, &column)?);
            Ok(column)
        });
        let cached = finder.role(Role::Cached)?;
        Ok(Self { time: time?, input: input?, output: output?, cached, model, by, by_label, notes })
    }
}

struct Finder<'a> {
    header: &'a Header,
    map: &'a ColumnMap,
}

impl Finder<'_> {
    fn required(&self, role: Role) -> Result<Column, ColumnError> {
        let columns = || self.header.names.clone();
        match self.role(role)? {
            Some(Column { name, is_awaited: true, .. }) => {
                // It must be in the first row as in every other.
                Err(ColumnError::Unknown { name, columns: columns() })
            }
            Some(column) => Ok(column),
            None => Err(ColumnError::Missing { role: role.key(), columns: columns() }),
        }
    }

    /// The column that is mapped to a role, or bears a known name of it.
    fn role(&self, role: Role) -> Result<Option<Column>, ColumnError> {
        if let Some(name) = self.map.get(role) {
            return self.named(name).map(Some);
        }
        self.known(role).find_map(Result::transpose).transpose()
    }

    /// The columns that bear known names of a role, best first.
    fn known(&self, role: Role) -> impl Iterator<Item = Result<Option<Column>, ColumnError>> {
        let known = role.known_names().iter();
        known.map(|known| self.unique(|name| letters(name).eq(known.chars())))
    }

    /// What is said of a choice that nobody made, where there was one.
    fn note(&self, role: Role, chosen: &Column) -> Result<Option<String>, ColumnError> {
        if self.map.get(role).is_some() {
            return Ok(None);
        }
        let mut others = Vec::new();
        for column in self.known(role) {
            others.extend(column?.filter(|column| column != chosen).map(|column| column.name));
        }
        let (name, role) = (&chosen.name, role.key());
        Ok((!others.is_empty()).then(|| {
            let others = list(&others);
            format!("`{name}` was read as the {role}, not {others} (`--map {role}=COLUMN` says otherwise)")
        }))
    }

    /// The column of this name; where none has it, the one that has it but for case. One that no row has so
    /// far may still come, where rows need not be alike.
    fn named(&self, wanted: &str) -> Result<Column, ColumnError> {
        if let Some(column) = self.unique(|name| name == wanted)? {
            return Ok(column);
        }
        if let Some(column) = self.unique(|name| name.eq_ignore_ascii_case(wanted))? {
            return Ok(column);
        }
        let names = &self.header.names;
        if self.header.is_open {
            return Ok(Column { name: wanted.to_owned(), index: names.len(), is_awaited: true });
        }
        Err(ColumnError::Unknown { name: wanted.to_owned(), columns: names.clone() })
    }

    fn unique(&self, is_it: impl Fn(&str) -> bool) -> Result<Option<Column>, ColumnError> {
        let mut found = self.header.names.iter().enumerate().filter(|(_, name)| is_it(name));
        match (found.next(), found.next()) {
            (None, _) => Ok(None),
            (Some((index, name)), None) => {
                Ok(Some(Column { name: name.clone(), index, is_awaited: false }))
            }
            (Some((_, name)), Some(_)) => Err(ColumnError::Twice { name: name.clone() }),
        }
    }
}

fn letters(name: &str) -> impl Iterator<Item = char> {
    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
    letters.map(|letter| letter.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, map: &str, by: By, expected: Result<&str, &str>) {
        let names = header.split(',').map(str::to_owned).collect();
        let header = Header { names, is_open: false };
        let map = match map {
            "" => Ok(ColumnMap::default()),
            map => map.parse(),
        };
        let found = map.and_then(|map| {
            let wanted = Wanted { map, by, model: false };
            Columns::find(&header, &wanted)
        });
        match (found, expected) {
            (Ok(found), Ok(expected)) => {
                let by = found.by.map_or_else(|| "-".to_owned(), |by| by.name);
                let names = [found.time.name, found.input.name, found.output.name, by];
                assert_eq!(names.join(" "), expected);
            }
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (got, expected) => panic!("{got:?}, expected {expected:?}"),
        }
    }

    const AZURE: &str = "TIMESTAMP,ContextTokens,GeneratedTokens";
    const AGENTS: &str = "framework,session,ts_us,agent,prompt_tokens,completion_tokens";

    #[test]
    fn common_names_are_known() {
        let azure = Ok("TIMESTAMP ContextTokens GeneratedTokens -");
        check(AZURE, "", By::Default, azure);
        check(AGENTS, "", By::Default, Ok("ts_us prompt_tokens completion_tokens agent"));
        check(
            "Timestamp,Model,Request tokens,Response tokens",
            "",
            By::Default,
            Ok("Timestamp Request tokens Response tokens -"),
        );
    }

    #[test]
    fn others_are_named_by_the_user() {
        let session = By::Column("SESSION".to_owned());
        let expected = Ok("ts_us prompt_tokens completion_tokens session");
        check(AGENTS, "", session, expected);
        check("when,a,b", "time=when,input=a, output = b", By::Default, Ok("when a b -"));
        let by_role = By::Column("agent".to_owned());
        check("ts,in,out,who", "input=in,output=out,agent=who", by_role, Ok("ts in out who"));
    }

    #[test]
    fn what_is_missing_is_said_with_what_there_is() {
        let known = "`TIMESTAMP`, `ContextTokens`, `GeneratedTokens`";
        check(AZURE, "time=when", By::Default, Err(known));
        check(AZURE, "", By::Column("agent".to_owned()), Err(known));
        check("a,b", "", By::Default, Err("--map time=COLUMN"));
        check("ts,ts,prompt_tokens", "", By::Default, Err("twice"));
        check(AZURE, "time", By::Default, Err("ROLE=COLUMN"));
        check(AZURE, "when=TIMESTAMP", By::Default, Err("a role of time"));
        check(AZURE, "time=", By::Default, Err("ROLE=COLUMN"));
        for maps in [["time=a", "time=b"], ["time=a", "input=a"]] {
            assert!(ColumnMap::join(&maps.map(|map| map.parse().unwrap())).is_err(), "{maps:?}");
        }
    }

    #[test]
    fn a_choice_that_nobody_made_is_noted() {
        let header = "ts,created_at,input_tokens,prompt_tokens,output_tokens";
        let notes = |map: &str| {
            let names = header.split(',').map(str::to_owned).collect();
            let map = if map.is_empty() { ColumnMap::default() } else { map.parse().unwrap() };
            let wanted = Wanted { map, by: By::Default, model: false };
            Columns::find(&Header { names, is_open: false }, &wanted).unwrap().notes
        };
        assert_eq!(
            notes(""),
            [
                "`ts` was read as the time, not `created_at` (`--map time=COLUMN` says otherwise)",
                "`input_tokens` was read as the input, not `prompt_tokens` (`--map input=COLUMN` says otherwise)",
            ]
        );
        assert!(notes("time=ts,input=prompt_tokens").is_empty());
    }
}
