//! Stable error codes: what `code()` returns anywhere, against `docs/reference/errors.md`, both ways.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// The page: tables whose first cell is a code, such as ``| `budget.limit_exceeded` | … |``.
const PAGE: &str = "docs/reference/errors.md";

/// Codes with this prefix stand on the page in the order of the source, which is that of precedence.
const ORDERED: &str = "budget.";

/// Where code and page differ.
pub(super) fn complaints(files: &BTreeMap<PathBuf, String>) -> Vec<String> {
    let Some(page) = files.get(Path::new(PAGE)) else {
        return vec![format!(
            "{PAGE} is not there; it lists every code that a `fn code` returns, in tables"
        )];
    };
    let listed = listed(page);
    let mut complaints = Vec::new();
    let mut known = BTreeSet::new();
    for (path, text) in files.iter().filter(|(path, _)| is_library_source(path)) {
        for codes in returned(text) {
            complaints.extend(misplaced(path, &codes, &listed));
            known.extend(codes);
        }
    }
    for (index, code) in listed.iter().enumerate() {
        if !known.contains(code) {
            complaints.push(format!("{PAGE}: `{code}` is returned by no `fn code`"));
        }
        if listed[..index].contains(code) {
            complaints.push(format!("{PAGE}: `{code}` is listed twice"));
        }
    }
    complaints
}

fn is_library_source(path: &Path) -> bool {
    let parts: Vec<_> = path.iter().collect();
    matches!(parts.as_slice(), [home, _, source, ..] if (*home == "crates" || *home == "backends") && *source == "src")
        && path.extension().is_some_and(|extension| extension == "rs")
}

/// What is wrong with the codes of one function.
fn misplaced(path: &Path, codes: &[&str], listed: &[&str]) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut last: Option<(&str, usize)> = None;
    for code in codes {
        let Some(place) = listed.iter().position(|one| one == code) else {
            let what =
                if is_code(code) { "is not listed" } else { "is no code of the form `area.what`" };
            complaints.push(format!("{PAGE}: `{code}` of {} {what}", path.display()));
            continue;
        };
        if code.starts_with(ORDERED) {
            if let Some((before, _)) = last.filter(|(_, earlier)| *earlier > place) {
                complaints.push(format!(
                    "{PAGE}: `{code}` stands before `{before}`, which takes precedence in {}",
                    path.display()
                ));
            }
            last = Some((code, place));
        }
    }
    complaints
}

/// `area.what`, of lower-case letters, digits and underscores.
fn is_code(text: &str) -> bool {
    let is_word = |part: &str| {
        !part.is_empty()
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    text.contains('.') && text.split('.').all(is_word)
}

/// The codes that the page lists, in its order.
fn listed(page: &str) -> Vec<&str> {
    page.lines()
        .filter_map(|line| line.trim_start().strip_prefix('|')?.split('|').next())
        .filter_map(|cell| cell.trim().strip_prefix('`')?.strip_suffix('`'))
        .filter(|code| is_code(code))
        .collect()
}

/// A piece of source, as far as is needed to tell literals from the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    /// A string literal's inside.
    Text(&'a str),
    Mark(char),
}

/// The string literals of each function named `code` that returns text.
fn returned(source: &str) -> Vec<Vec<&str>> {
    let tokens = tokens(source);
    let starts = tokens
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| matches!(pair, [Token::Word("fn"), Token::Word("code")]))
        .map(|(at, _)| at);
    starts
        .filter_map(|start| {
            let rest = &tokens[start..];
            let body = rest.iter().position(|token| *token == Token::Mark('{'))?;
            let (signature, body) = rest.split_at(body);
            signature.contains(&Token::Word("str")).then(|| literals(body))
        })
        .collect()
}

/// The literals from an opening brace to the one that closes it, but for those in attributes.
fn literals<'a>(body: &[Token<'a>]) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut rest = body.iter();
    while let Some(token) = rest.next() {
        match token {
            // An attribute, such as `#[cfg(feature = "mock")]`, which has no brackets inside.
            Token::Mark('#') => {
                rest.by_ref().find(|token| **token == Token::Mark(']'));
            }
            Token::Mark('{') => depth += 1,
            Token::Mark('}') => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            Token::Text(text) => found.push(*text),
            Token::Word(_) | Token::Mark(_) => {}
        }
    }
    found
}

fn tokens(mut rest: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    while let Some(first) = rest.chars().next() {
        rest = if rest.starts_with("//") {
            rest.split_once('\n').map_or("", |(_, after)| after)
        } else if rest.starts_with("/*") {
            after_comment(rest)
        } else if let Some((text, after)) = raw_text(rest) {
            tokens.push(Token::Text(text));
            after
        } else if first == '"' {
            let end = closing_quote(&rest[1..], '"');
            tokens.push(Token::Text(&rest[1..][..end]));
            rest[1..].get(end + 1..).unwrap_or("")
        } else if first == '\'' {
            after_char_or_lifetime(&rest[1..])
        } else if is_word_char(first) {
            let end = rest.find(|c| !is_word_char(c)).unwrap_or(rest.len());
            tokens.push(Token::Word(&rest[..end]));
            &rest[end..]
        } else {
            if !first.is_whitespace() {
                tokens.push(Token::Mark(first));
            }
            &rest[first.len_utf8()..]
        };
    }
    tokens
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// What follows a block comment; comments may contain comments.
fn after_comment(mut rest: &str) -> &str {
    let mut depth = 0_usize;
    loop {
        rest = match (rest.strip_prefix("/*"), rest.strip_prefix("*/")) {
            (Some(after), _) => {
                depth += 1;
                after
            }
            (_, Some(after)) => {
                depth -= 1;
                if depth == 0 {
                    return after;
                }
                after
            }
            (None, None) => {
                let mut chars = rest.chars();
                if chars.next().is_none() {
                    return rest;
                }
                chars.as_str()
            }
        };
    }
}

/// The inside of a raw string, such as `r#"…"#`, and what follows.
fn raw_text(rest: &str) -> Option<(&str, &str)> {
    let marked = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let quoted = marked.trim_start_matches('#');
    let hashes = &marked[..marked.len() - quoted.len()];
    quoted.strip_prefix('"')?.split_once(&format!("\"{hashes}"))
}

/// Where the quote stands that ends a literal, skipping escapes.
fn closing_quote(text: &str, quote: char) -> usize {
    let mut escaped = false;
    text.find(|c| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })
    .unwrap_or(text.len())
}

/// What follows `'a'`, `'\''` or `'static`, given all after the first quote.
fn after_char_or_lifetime(rest: &str) -> &str {
    let mut chars = rest.chars();
    let is_char = chars.next() == Some('\\') || chars.next() == Some('\'');
    if is_char { rest.get(closing_quote(rest, '\'') + 1..).unwrap_or("") } else { rest }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r##"
        /// fn code() -> &str { "comment.one" }
        impl<'a> Denial<'a> {
            pub const fn code(&self) -> &'static str {
                match self { // "comment.two"
                    #[cfg(feature = "attribute")]
                    Self::First { .. } if c != '"' && c != '\'' => "budget.first",
                    Self::Second => { r#"budget.second"# }
                }
            }
            fn exit(&self) -> &str { "not.a_code_function" }
            fn code(self) -> u8 { log("no.text_returned"); 3 }
        }
    "##;

    #[track_caller]
    fn check(page: &str, expected: &[&str]) {
        let files = BTreeMap::from([
            (PathBuf::from("crates/budget/src/receipt.rs"), SOURCE.to_owned()),
            (
                PathBuf::from("crates/budget/tests/it.rs"),
                r#"fn code() -> &str { "a.test" }"#.to_owned(),
            ),
            (PathBuf::from(PAGE), page.to_owned()),
        ]);
        assert_eq!(complaints(&files), expected, "{page}");
    }

    #[test]
    fn codes_are_the_literals_in_functions_of_that_name() {
        assert_eq!(returned(SOURCE), [["budget.first", "budget.second"]]);
    }

    #[test]
    fn page_and_code_agree_both_ways() {
        check("| code |\n| --- |\n| `budget.first` | a |\n| `budget.second` | b |\n", &[]);
        check(
            "| `budget.first` | `a.b` |\n",
            &[
                "docs/reference/errors.md: `budget.second` of crates/budget/src/receipt.rs is not listed",
            ],
        );
        check(
            "| `budget.first` |\n| `budget.second` |\n| `budget.third` |\n",
            &["docs/reference/errors.md: `budget.third` is returned by no `fn code`"],
        );
        check(
            "| `budget.first` |\n| `budget.second` |\n| `budget.first` |\n",
            &["docs/reference/errors.md: `budget.first` is listed twice"],
        );
    }

    #[test]
    fn denials_are_listed_in_order_of_precedence() {
        check(
            "| `budget.second` |\n| `budget.first` |\n",
            &["docs/reference/errors.md: `budget.second` stands before `budget.first`, \
               which takes precedence in crates/budget/src/receipt.rs"],
        );
    }

    #[test]
    fn a_page_that_is_not_there_is_said_to_be_missing() {
        let complaints = complaints(&BTreeMap::new());
        assert!(
            complaints[0].starts_with("docs/reference/errors.md is not there"),
            "{complaints:?}"
        );
    }

    #[test]
    fn text_that_is_no_code_is_refused() {
        let path = Path::new("crates/a/src/a.rs");
        let complaints = misplaced(path, &["Limit Exceeded"], &[]);
        assert_eq!(
            complaints,
            [
                "docs/reference/errors.md: `Limit Exceeded` of crates/a/src/a.rs is no code of the form `area.what`"
            ]
        );
    }
}
