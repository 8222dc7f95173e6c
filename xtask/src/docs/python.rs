//! The names of the guide's Python library, against the page that says what each is here.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::failure::{Failure, Result};

/// The page: tables whose first cell has names in backticks.
const PAGE: &str = "docs/guides/coming-from-python.md";
/// The guide; it stands beside the repository, or is missing.
const GUIDE: &str = "../shared/guide/agent_coordination.md";

/// What the guide's code blocks call on: the library's own values.
const VALUES: [&str; 15] = [
    "APIVersion",
    "AlertSeverity",
    "agent_api",
    "analysis_agent",
    "api_factory",
    "budget_api",
    "budget_coordinator",
    "dependency_manager",
    "discovery_service",
    "metrics_api",
    "notification",
    "notification_manager",
    "research_agent",
    "research_team",
    "state_manager",
];
/// Parameters of Python's own functions.
const NOT_OURS: [&str; 2] = ["max_workers", "reverse"];

/// The names that the page leaves out, or nothing where the guide is not there.
pub(super) fn complaints(root: &Path, files: &BTreeMap<PathBuf, String>) -> Result<Vec<String>> {
    let guide = root.join(GUIDE);
    if !guide.exists() {
        println!("docs: not compared with {GUIDE}, which is not there");
        return Ok(Vec::new());
    }
    let guide = fs::read_to_string(&guide).map_err(|error| Failure::file(&guide, error))?;
    let Some(page) = files.get(Path::new(PAGE)) else {
        return Ok(vec![format!("{PAGE}: is not there")]);
    };
    let (names, told) = (names(&guide), told(page));
    if names.is_empty() {
        return Ok(vec![format!("{GUIDE}: has no names in blocks of `python`")]);
    }
    let missing = names.iter().filter(|name| !told.contains(*name));
    Ok(missing.map(|name| format!("{PAGE}: does not say what `{name}` of the guide is")).collect())
}

/// What stands in backticks in the first cell of each row.
fn told(page: &str) -> BTreeSet<&str> {
    let cells = page.lines().filter_map(|line| line.strip_prefix('|')?.split('|').next());
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect()
}

/// The library's names in the guide's blocks of Python: what is imported of it, called or read on its values, passed
/// by name, and read from metrics.
fn names(guide: &str) -> BTreeSet<&str> {
    let blocks = guide.split("```python\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut names = BTreeSet::new();
    for line in blocks.flat_map(str::lines) {
        let code = line.split('#').next().unwrap_or(line);
        if let Some((module, imported)) =
            code.strip_prefix("from safeguards").and_then(|rest| rest.split_once(" import "))
        {
            let start = "from ".len();
            names.insert(&code[start..start + "safeguards".len() + module.len()]);
            names.extend(imported.split(',').map(str::trim));
        }
        names.extend(VALUES.iter().flat_map(|value| read_on(code, value)));
        names.extend(passed(code));
        names.extend(
            ["metrics.get(\"", "pool_metrics[\""].iter().flat_map(|mark| {
                code.split(mark).skip(1).filter_map(|rest| rest.split('"').next())
            }),
        );
    }
    names
}

/// `create` of `agent_api.create(…)`.
fn read_on<'a>(code: &'a str, value: &str) -> Vec<&'a str> {
    let mark = format!("{value}.");
    let hits = code.match_indices(&mark).filter(|(at, _)| !code[..*at].ends_with(is_word));
    hits.map(|(at, mark)| word(&code[at + mark.len()..])).filter(|name| !name.is_empty()).collect()
}

/// `name` of `f(name=…)`: no space stands around the sign, other than in an assignment.
fn passed(code: &str) -> Vec<&str> {
    let hits = code.match_indices('=').filter_map(|(at, _)| {
        let before = &code[..at];
        let name = before.rsplit(|c| !is_word(c)).next().filter(|name| !name.is_empty())?;
        let assigned = code[at..].starts_with("==");
        let starts_right = name.starts_with(|c: char| c.is_ascii_alphabetic());
        (!assigned && starts_right && !NOT_OURS.contains(&name)).then_some(name)
    });
    hits.collect()
}

fn word(text: &str) -> &str {
    &text[..text.find(|c| !is_word(c)).unwrap_or(text.len())]
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_is_imported_called_and_passed() {
        let guide = "`not.this`\n```python\nfrom safeguards.api import APIFactory, APIVersion\nfrom typing import Any\n\
            budget_api = api_factory.create_budget_api(APIVersion.V1, x) # agent_api.never\n    name=\"a\",\n\
            if a == b:\nexecutor(max_workers=5)\nmetrics.get(\"recent\", 0)\npool_metrics[\"left\"]\n```\nagent_api.text\n";
        let expected = [
            "APIFactory",
            "APIVersion",
            "V1",
            "create_budget_api",
            "left",
            "name",
            "recent",
            "safeguards.api",
        ];
        assert_eq!(names(guide), expected.into());
    }

    #[test]
    fn the_page_tells_names_in_its_first_cells() {
        let page = "`a`\n| Python | here |\n| --- | --- |\n| `b`, `c.d` | `e` |\n";
        assert_eq!(told(page), ["b", "c.d"].into());
    }
}
