//! `[alerts]`, `[[routes]]`, `[[silences]]`, `[[inhibitions]]`: the rules for alerts, where they stand in the file.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use safeguards_notify::{Router, Rules, RulesError};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::super::{
    mistake::{MistakeKind, Place},
    reader::Reader,
    section::Section,
};

/// What the file calls each list of rules, and what the rules do.
const LISTS: [(&str, &str); 3] =
    [("routes", "route"), ("silences", "silence"), ("inhibitions", "inhibit")];

/// Reads the rules; `None` where the file has none. They are read as a file of rules is: its root is `[alerts]`.
pub(super) fn read(file: &mut Section<'_>) -> Option<Rules> {
    let root = file.copy("alerts");
    let mut at = root.as_ref().map(Spanned::span);
    let mut table = match root.map(Spanned::into_inner) {
        None => DeTable::new(),
        Some(DeValue::Table(table)) => table,
        Some(_) => {
            let message = "`alerts`: write a table, such as `[alerts]` with `to = [\"ops\"]`";
            file.reader.mistake(MistakeKind::Value, &at.unwrap_or_default(), message);
            return None;
        }
    };
    for (key, rule) in LISTS {
        if let Some((own, _)) = table.get_key_value(rule) {
            let message = format!("`{rule}` of [alerts] stands at the top: `[[{key}]]`");
            file.reader.mistake(MistakeKind::Value, &own.span(), message);
            let _ = table.remove(rule);
        }
        let Some(list) = file.copy(key) else { continue };
        if list.get_ref().as_array().is_none() {
            let message = format!("{key}: write a list of tables: `[[{key}]]` before each");
            file.reader.mistake(MistakeKind::Value, &list.span(), message);
            continue;
        }
        at.get_or_insert_with(|| list.span());
        table.insert(Spanned::new(list.span(), Cow::Borrowed(rule)), list);
    }
    let at = at?;
    match Rules::from_toml_table(Spanned::new(at, table), file.reader.text()) {
        Ok(rules) => Some(rules),
        Err(error) => {
            note(file.reader, &error);
            Some(Rules::default())
        }
    }
}

/// Checks that the rules can be followed, and that each channel they name is there.
pub(super) fn check(reader: &Reader<'_>, rules: &Rules, channels: &BTreeSet<&str>) {
    let names: Vec<Arc<str>> = channels.iter().copied().map(Arc::from).collect();
    if let Err(error) = Router::new(rules.clone(), &names) {
        note(reader, &error);
    }
}

fn note(reader: &Reader<'_>, error: &RulesError) {
    for mistake in error.mistakes() {
        let place = Place { line: mistake.line.unwrap_or(1), column: mistake.column.unwrap_or(1) };
        reader.mistake_at(MistakeKind::Rule(mistake.kind), place, mistake.message.clone());
    }
}
