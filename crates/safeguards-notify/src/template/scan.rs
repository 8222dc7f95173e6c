//! [`Tags`]: the words of a template's tags, each with its line.
//!
//! The engine tells which names a template uses, though not where; and what it does not come by, such as an
//! unknown filter in a branch that is seldom taken, it does not tell at all. This reads just enough of the
//! text for both.

use std::iter::Peekable;

use super::TemplateError;

/// How many pieces one tag has at most. The engine calls itself for each operator, so a tag that is too long
/// would end the program.
const TOKENS_MAX: usize = 500;

/// How many `elif` a template has at most: each of them stands within the one before.
const ELIFS_MAX: usize = 500;

/// One piece of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name or a keyword.
    Word(&'a str),
    /// A text in quotes, or a number.
    Literal,
    /// Anything else.
    Sign(char),
}

/// What stands between `{{` and `}}`, or between `{%` and `%}`.
#[derive(Debug, Default)]
pub(super) struct Tag<'a> {
    /// The pieces, and the line of each, from 1.
    pub(super) tokens: Vec<(Token<'a>, usize)>,
}

/// A name such as `latest.metadata.account`.
#[derive(Debug)]
pub(super) struct Path<'a> {
    /// Where it begins.
    pub(super) line: usize,
    /// What stands between its dots; one part or more.
    pub(super) parts: Vec<&'a str>,
}

impl<'a> Tag<'a> {
    /// The piece at `index`.
    pub(super) fn token(&self, index: usize) -> Option<Token<'a>> {
        self.tokens.get(index).map(|(token, _)| *token)
    }

    /// The first word: what kind of a statement it is.
    pub(super) fn keyword(&self) -> Option<&'a str> {
        match self.token(0) {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    /// Names, and what is asked of them by dots.
    pub(super) fn paths(&self) -> Vec<Path<'a>> {
        let mut paths = Vec::new();
        let mut tokens = self.tokens.iter().peekable();
        while let Some((token, line)) = tokens.next() {
            let Token::Word(first) = token else {
                // What follows a dot, a bar or an `is` belongs to what stands before.
                if matches!(token, Token::Sign('.' | '|')) {
                    tokens.next();
                }
                continue;
            };
            let mut parts = vec![*first];
            while tokens.next_if(|(token, _)| *token == Token::Sign('.')).is_some() {
                if let Some((Token::Word(part), _)) = tokens.next() {
                    parts.push(part);
                }
            }
            paths.push(Path { line: *line, parts });
        }
        paths
    }
}

/// Whether the engine can read the template without running out of stack.
pub(super) fn check_lengths(source: &str) -> Result<(), TemplateError> {
    let mut elifs = 0_usize;
    for tag in tags(source) {
        let line = tag.tokens.first().map(|(_, line)| *line);
        let tokens = tag.tokens.len();
        if tokens > TOKENS_MAX {
            let what =
                format!("the tag has {tokens} words and signs; at most {TOKENS_MAX} are read");
            return Err(TemplateError::syntax(line, what));
        }
        elifs = elifs.saturating_add(usize::from(tag.keyword() == Some("elif")));
        if elifs > ELIFS_MAX {
            let what = format!("there are more than {ELIFS_MAX} `elif`, which is what is read");
            return Err(TemplateError::syntax(line, what));
        }
    }
    Ok(())
}

/// The tags of a template, in their order. Comments and raw blocks are left out.
pub(super) fn tags(source: &str) -> Vec<Tag<'_>> {
    let mut reader = Reader { source, chars: source.char_indices().peekable(), line: 1 };
    let mut tags = Vec::new();
    while let Some((_, character)) = reader.next() {
        if character != '{' {
            continue;
        }
        match reader.peek() {
            Some('#') => reader.skip_comment(),
            Some('{') => {
                reader.next();
                tags.push(reader.tag('}'));
            }
            Some('%') => {
                reader.next();
                let tag = reader.tag('%');
                if tag.keyword() == Some("raw") {
                    reader.skip_raw();
                }
                tags.push(tag);
            }
            _ => {}
        }
    }
    tags
}

struct Reader<'a> {
    source: &'a str,
    chars: Peekable<std::str::CharIndices<'a>>,
    line: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<(usize, char)> {
        let next = self.chars.next()?;
        if next.1 == '\n' {
            self.line = self.line.saturating_add(1);
        }
        Some(next)
    }

    fn peek(&mut self) -> Option<char> {
        self.chars.peek().map(|(_, character)| *character)
    }

    fn skip_comment(&mut self) {
        // The sign that begins it does not end it, as in `{#}`.
        self.next();
        let mut before = ' ';
        while let Some((_, character)) = self.next() {
            if (before, character) == ('#', '}') {
                return;
            }
            before = character;
        }
    }

    /// Goes on to behind the `{% endraw %}`.
    fn skip_raw(&mut self) {
        while let Some((_, character)) = self.next() {
            if character == '{' && self.peek() == Some('%') {
                let (chars, line) = (self.chars.clone(), self.line);
                self.next();
                if self.tag('%').keyword() == Some("endraw") {
                    return;
                }
                (self.chars, self.line) = (chars, line);
            }
        }
    }

    /// Reads to the end of a tag: `end` and a brace.
    fn tag(&mut self, end: char) -> Tag<'a> {
        let mut tag = Tag::default();
        // A brace opened inside, such as of a table, is closed before the tag is.
        let mut braces = 0_usize;
        let mut is_start = true;
        while let Some((start, character)) = self.next() {
            let line = self.line;
            let token = match character {
                _ if character == end && braces == 0 && self.peek() == Some('}') => {
                    self.next();
                    return tag;
                }
                '"' | '\'' => {
                    self.skip_text(character);
                    Token::Literal
                }
                _ if character.is_alphabetic() || character == '_' => Token::Word(self.word(start)),
                _ if character.is_ascii_digit() => {
                    self.skip_number();
                    Token::Literal
                }
                _ if character.is_whitespace() => {
                    is_start = false;
                    continue;
                }
                // Right at the beginning one says what becomes of white space.
                '-' | '+' if is_start => {
                    is_start = false;
                    continue;
                }
                _ => Token::Sign(character),
            };
            match token {
                Token::Sign('{') => braces = braces.saturating_add(1),
                Token::Sign('}') => braces = braces.saturating_sub(1),
                Token::Word(_) | Token::Literal | Token::Sign(_) => {}
            }
            is_start = false;
            tag.tokens.push((token, line));
        }
        tag
    }

    fn word(&mut self, start: usize) -> &'a str {
        let mut end = self.source.len();
        while let Some((index, character)) = self.chars.peek() {
            if !character.is_alphanumeric() && *character != '_' {
                end = *index;
                break;
            }
            self.chars.next();
        }
        self.source.get(start..end).unwrap_or_default()
    }

    fn skip_number(&mut self) {
        while let Some((_, character)) = self.chars.peek() {
            if !character.is_ascii_alphanumeric() && !matches!(character, '_' | '.') {
                return;
            }
            self.chars.next();
        }
    }

    fn skip_text(&mut self, quote: char) {
        while let Some((_, character)) = self.next() {
            if character == '\\' {
                self.next();
            } else if character == quote {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_with_their_lines() {
        #[track_caller]
        fn check(source: &str, expected: &[(usize, &str)]) {
            let tags = tags(source);
            let paths = tags.iter().flat_map(Tag::paths);
            let found: Vec<_> = paths.map(|path| (path.line, path.parts.join("."))).collect();
            let found: Vec<_> = found.iter().map(|(line, path)| (*line, &**path)).collect();
            assert_eq!(found, expected, "{source}");
        }
        check("a {{ text }}\n{{- latest . topic -}}", &[(1, "text"), (2, "latest.topic")]);
        check("{# {{ a }} #}{{ b }}", &[(1, "b")]);
        check("{% raw %}{{ a }}{% b %}\n{% endraw %}{{ c }}", &[(1, "raw"), (2, "c")]);
        check("{{ 'a.b }}' ~ \"\\\"c\" ~ d }}{{ e", &[(1, "d"), (1, "e")]);
        check("{{ {'a': {}}}.b ~ c|d(e) ~ 1.5e3 }}", &[(1, "c"), (1, "e")]);
        check("{{ a\n[b\n.c] }} { d } {{ ü }}", &[(1, "a"), (2, "b.c"), (3, "ü")]);
    }
}
