//! [`check`]: finds a template's mistakes before it is needed.

use minijinja::Environment;

use super::{
    NAME, TemplateError,
    context::FUNCTIONS,
    fields::{Shape, nearest},
    render::render,
    samples::samples,
    scan::{Tag, Token, tags},
};

/// What may stand behind a bar.
pub(super) const FILTERS: [&str; 48] = [
    "abs",
    "attr",
    "batch",
    "bool",
    "capitalize",
    "chain",
    "count",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "first",
    "float",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "pprint",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "unique",
    "upper",
    "zip",
];

/// What may stand behind an `is`.
pub(super) const TESTS: [&str; 36] = [
    "boolean",
    "defined",
    "divisibleby",
    "endingwith",
    "eq",
    "equalto",
    "escaped",
    "even",
    "false",
    "filter",
    "float",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "int",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "safe",
    "sameas",
    "sequence",
    "startingwith",
    "string",
    "test",
    "true",
    "undefined",
    "upper",
];

/// Filters that make of a list of alerts a list of alerts.
const LIST_FILTERS: [&str; 8] =
    ["list", "reject", "rejectattr", "reverse", "select", "selectattr", "sort", "unique"];

/// Finds what is wrong with a template that can be read: first what its text tells, branches that are seldom
/// taken included, then what goes wrong with one of the sample notifications.
pub(super) fn check(environment: &Environment<'_>, source: &str) -> Result<(), TemplateError> {
    let tags = tags(source);
    check_words(&tags)?;
    check_names(environment, &tags)?;
    check_loops(&tags)?;
    samples().into_iter().try_for_each(|sample| render(environment, sample).map(drop))
}

/// Whether filters and tests are known.
fn check_words(tags: &[Tag<'_>]) -> Result<(), TemplateError> {
    for tag in tags {
        let mut before = None;
        for (index, (token, line)) in tag.tokens.iter().enumerate() {
            let is_filter = match before {
                Some(Token::Sign('|')) => true,
                Some(Token::Word("filter")) => index == 1,
                _ => false,
            };
            // What is called `is` behind a dot is a field.
            let is_test = before == Some(Token::Word("is"))
                && index.checked_sub(2).and_then(|index| tag.token(index))
                    != Some(Token::Sign('.'));
            match token {
                Token::Word(name) if is_filter => known("filter", name, *line, &FILTERS)?,
                // Of `is not defined` the next word is the test.
                Token::Word("not") if is_test => continue,
                Token::Word(name) if is_test => known("test", name, *line, &TESTS)?,
                Token::Word(_) | Token::Literal | Token::Sign(_) => {}
            }
            before = Some(*token);
        }
    }
    Ok(())
}

fn known(what: &str, name: &str, line: usize, names: &[&str]) -> Result<(), TemplateError> {
    if names.contains(&name) {
        return Ok(());
    }
    let hint = nearest(name, names.iter().copied()).map_or_else(
        || format!("there are {}", names.join(", ")),
        |near| format!("did you mean `{near}`?"),
    );
    Err(TemplateError::unknown(Some(line), format!("there is no {what} `{name}`; {hint}")))
}

/// Whether the names that come from the notification are fields of it.
fn check_names(environment: &Environment<'_>, tags: &[Tag<'_>]) -> Result<(), TemplateError> {
    let Ok(template) = environment.get_template(NAME) else {
        return Ok(());
    };
    let names = template.undeclared_variables(true);
    let mistakes = names.iter().filter(|name| !FUNCTIONS.contains(&name.as_str()));
    let mistakes = mistakes.filter_map(|name| {
        let no_field = Shape::Notification.follow(name.split('.')).err()?;
        let is_there = |parts: &[&str]| parts.join(".") == *name;
        let mut paths = tags.iter().flat_map(Tag::paths);
        let line = paths.find_map(|path| is_there(&path.parts).then_some(path.line));
        // Sets have no order: the first in the text is told, and of several without a place the first by name.
        Some((line.unwrap_or(usize::MAX), name, line, no_field))
    });
    let first = mistakes.min_by(|one, other| (one.0, one.1).cmp(&(other.0, other.1)));
    first.map_or(Ok(()), |(_, _, line, no_field)| {
        Err(TemplateError::unknown(line, no_field.to_string()))
    })
}

/// Whether what is asked of an alert in `{% for alert in alerts %}` is a field of it, also in branches that
/// no sample takes.
fn check_loops(tags: &[Tag<'_>]) -> Result<(), TemplateError> {
    // The names of the loops that are open, and whether each stands for an alert.
    let mut loops: Vec<(&str, bool)> = Vec::new();
    for tag in tags {
        match tag.keyword() {
            Some("for") => {
                let name = match tag.token(1) {
                    Some(Token::Word(name)) => name,
                    _ => "",
                };
                // `for label, value in ...` has a comma, which is no `in`.
                loops.push((name, loops_over_alerts(tag)));
            }
            Some("endfor") => drop(loops.pop()),
            Some("set" | "with") => {
                for (name, is_alert) in &mut loops {
                    let shadows = |path: &super::scan::Path<'_>| path.parts.first() == Some(name);
                    *is_alert = *is_alert && !tag.paths().iter().any(shadows);
                }
            }
            _ => {}
        }
        for path in tag.paths() {
            let Some((first, rest)) = path.parts.split_first() else {
                continue;
            };
            let meant = loops.iter().rev().find(|(name, _)| name == first);
            if matches!(meant, Some((_, true)))
                && let Err(no_field) = Shape::Alert.follow(rest.iter().copied())
            {
                return Err(TemplateError::unknown(Some(path.line), no_field.to_string()));
            }
        }
    }
    Ok(())
}

/// Whether it is a loop over alerts: all of them, some of them, or in another order.
fn loops_over_alerts(tag: &Tag<'_>) -> bool {
    let mut tokens = tag.tokens.iter().map(|(token, _)| *token).skip(2);
    if tokens.next() != Some(Token::Word("in")) || tokens.next() != Some(Token::Word("alerts")) {
        return false;
    }
    while let Some(token) = tokens.next() {
        let is_list = match token {
            // A slice is a list; what stands at an index is not.
            Token::Sign('[') => {
                let inner: Vec<_> =
                    tokens.by_ref().take_while(|token| *token != Token::Sign(']')).collect();
                inner.contains(&Token::Sign(':'))
            }
            Token::Sign('|') => {
                matches!(tokens.next(), Some(Token::Word(name)) if LIST_FILTERS.contains(&name))
            }
            Token::Sign('(') => {
                tokens.by_ref().take_while(|token| *token != Token::Sign(')')).for_each(drop);
                true
            }
            Token::Word("if" | "recursive") => return true,
            Token::Word(_) | Token::Literal | Token::Sign(_) => false,
        };
        if !is_list {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    #[test]
    fn the_engine_has_the_words_that_are_let_through() {
        #[track_caller]
        fn check(kind: &str, names: &[&str]) {
            let environment = Environment::new();
            let known = environment.compile_expression(kind).unwrap();
            for name in names {
                let is_known = known.eval(context!(name => *name)).unwrap();
                assert!(is_known.is_true(), "{name} is {kind}");
            }
            assert!(!known.eval(context!(name => "frobnicate")).unwrap().is_true());
        }
        check("name is filter", &FILTERS);
        check("name is test", &TESTS);
        let environment = Environment::new();
        let functions = environment.globals().map(|(name, _)| name);
        let functions = functions.filter(|name| !["debug", "namespace"].contains(name));
        assert_eq!(functions.collect::<Vec<_>>(), FUNCTIONS);
    }
}
