//! How names elsewhere become names of agents and capabilities.

use std::collections::{HashMap, HashSet};

use safeguards_discovery::{Bounds, CapabilityName, Version};

/// The name of an agent, from what people call it: small letters and digits, runs of anything else as one hyphen.
/// `Currency Conversion Agent` is `currency-conversion-agent`.
pub(crate) fn agent(name: &str) -> String {
    let mut slug = String::new();
    for char in name.chars().flat_map(char::to_lowercase) {
        let char =
            if char.is_alphanumeric() || matches!(char, '.' | '_' | '/') { char } else { '-' };
        if slug.len().saturating_add(char.len_utf8()) > Bounds::AGENT_NAME_BYTES {
            break;
        }
        if char != '-' || !(slug.is_empty() || slug.ends_with('-')) {
            slug.push(char);
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "agent".to_owned() } else { slug.to_owned() }
}

/// The name of a capability below `above`, from an id elsewhere: dots stand for levels as they do here; what may not
/// stand in a name becomes a hyphen; a level that stands there already gets a number. Ids without any letter are
/// called `otherwise`.
pub(crate) fn capability(above: &[&str], id: &str, otherwise: &str) -> CapabilityName {
    let mut parts: Vec<String> = Vec::new();
    let mut bytes = 0_usize;
    let levels = above.iter().copied().chain(id.split('.'));
    for level in levels {
        let part = part(level);
        if part.is_empty() || parts.len() >= Bounds::CAPABILITY_NAME_PARTS {
            continue;
        }
        let part = unique(part, |part| parts.contains(part));
        bytes = bytes.saturating_add(part.len()).saturating_add(1);
        if bytes > Bounds::CAPABILITY_NAME_BYTES.saturating_sub(NUMBER_BYTES) {
            break;
        }
        parts.push(part);
    }
    if parts.len() <= above.len() && !parts.iter().any(|part| part == otherwise) {
        parts.push(otherwise.to_owned());
    }
    CapabilityName::parse(&parts.join(".")).unwrap_or_else(|_| fallback(otherwise))
}

/// Names that were given, each once: a second of a name gets a number.
#[derive(Debug, Default)]
pub(crate) struct Given {
    taken: HashSet<String>,
    /// The number that is tried next for a name.
    next: HashMap<String, u64>,
}

impl Given {
    /// The same name, or the first of `name-2`, `name-3` and so on that is not taken.
    pub(crate) fn give(&mut self, name: &str) -> String {
        if self.taken.insert(name.to_owned()) {
            return name.to_owned();
        }
        let next = self.next.entry(name.to_owned()).or_insert(2);
        loop {
            let numbered = format!("{name}-{next}");
            *next = next.saturating_add(1);
            if self.taken.insert(numbered.clone()) {
                return numbered;
            }
        }
    }

    /// The same for the name of a capability.
    pub(crate) fn give_capability(&mut self, name: CapabilityName) -> CapabilityName {
        CapabilityName::parse(&self.give(name.as_str())).unwrap_or(name)
    }
}

/// Room for the number that makes a name unique.
const NUMBER_BYTES: usize = 8;

/// One level of a name: at most 64 bytes.
fn part(text: &str) -> String {
    let mut part = String::new();
    for char in text.chars().take(64) {
        let is_fit = char.is_ascii_alphanumeric() || matches!(char, '_' | '-');
        let char = if is_fit { char } else { '-' };
        if char != '-' || !(part.is_empty() || part.ends_with('-')) {
            part.push(char);
        }
    }
    part.trim_end_matches('-').to_owned()
}

fn unique(name: String, is_taken: impl Fn(&String) -> bool) -> String {
    if !is_taken(&name) {
        return name;
    }
    let numbered = (2_u64..).map(|number| format!("{name}-{number}"));
    numbered.into_iter().find(|name| !is_taken(name)).unwrap_or(name)
}

#[expect(clippy::expect_used, reason = "a word of ASCII letters is a name")]
fn fallback(word: &str) -> CapabilityName {
    CapabilityName::parse(word).or_else(|_| CapabilityName::parse("skill")).expect("a name")
}

/// A version as semantic versioning has it: `1` and `1.2` are taken for `1.0.0` and `1.2.0`, a `v` before it is left
/// out. What is none at all is no version.
pub(crate) fn version(text: &str) -> Option<Version> {
    let text = text.trim();
    let text = text.strip_prefix('v').unwrap_or(text);
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let padded = match text.split('.').count() {
        1 if digits(text) => format!("{text}.0.0"),
        2 if digits(text) => format!("{text}.0"),
        _ => text.to_owned(),
    };
    Version::parse(&padded).ok().filter(|_| padded.len() <= Bounds::VERSION_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_are_called_as_people_call_them() {
        #[track_caller]
        fn check(name: &str, expected: &str) {
            assert_eq!(agent(name), expected);
        }
        check("Currency Conversion Agent", "currency-conversion-agent");
        check("  Q&A  Agent! ", "q-a-agent");
        check("io.github.apache/iotdb", "io.github.apache/iotdb");
        check("Ärzte-Suche 7", "ärzte-suche-7");
        check("!!!", "agent");
        check("\u{1b}[31mred", "31mred");
        assert_eq!(agent(&"ä".repeat(500)).len(), 256);
    }

    #[test]
    fn capabilities_keep_their_levels() {
        #[track_caller]
        fn check(above: &[&str], id: &str, expected: &str) {
            assert_eq!(capability(above, id, "skill").as_str(), expected);
        }
        check(&[], "currency_conversion", "currency_conversion");
        check(&[], "data.analysis", "data.analysis");
        check(&[], "search flights/now!", "search-flights-now");
        check(&[], "data.data", "data.data-2");
        check(&[], "...", "skill");
        check(&[], "日本", "skill");
        check(&["mcp"], "mcp", "mcp.mcp-2");
        check(&["mcp", "iotdb"], "select_query", "mcp.iotdb.select_query");
        check(&["mcp"], "", "mcp.skill");
        let long = vec!["x".repeat(90); 20].join(".");
        assert!(capability(&[], &long, "skill").as_str().len() <= 256);
    }

    #[test]
    fn versions_may_be_short() {
        let read = |text| version(text).map(|version| version.to_string());
        assert_eq!(read("1.2.3").as_deref(), Some("1.2.3"));
        assert_eq!(read("v1.2").as_deref(), Some("1.2.0"));
        assert_eq!(read("2").as_deref(), Some("2.0.0"));
        assert_eq!(read("0.0.1-seed").as_deref(), Some("0.0.1-seed"));
        assert_eq!(read("latest"), None);
        assert_eq!(read("1.2.3.4"), None);
    }
}
