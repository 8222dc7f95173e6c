//! [`Words`]: the words of texts, as search compares them.

use std::{borrow::Cow, collections::BTreeMap};

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::stem::stem;
use crate::Capability;

/// The words of one text or several, each with how often it stands there.
///
/// A word is a run of letters and digits. Case and accents do not count, nor do the endings of English words:
/// `Reviewing` and `reviewer` are one word. Where capitals stand inside a word, its parts are words too: in
/// `GitHub` stand `github`, `git` and `hub`. In Chinese, Japanese and Korean, where words run together, each two
/// letters are a word.
///
/// ```
/// use safeguards_discovery::Words;
///
/// let words = Words::of("Reviews code, and code alone");
/// assert_eq!(words.count("code"), 2);
/// assert!(words.meets(&Words::of("reviewing")));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    counts: BTreeMap<String, u32>,
    length: u32,
}

impl Words {
    /// A word that stands more often than this counts no more than this: what more there is makes no difference
    /// worth its room.
    pub const COUNT_MAX: u32 = 15;

    /// How often each word of a name counts: who has the word for a name is rather meant than who mentions it.
    const NAME_WEIGHT: u32 = 2;

    /// The words of a text, such as those to search for.
    pub fn of(text: &str) -> Self {
        let mut words = Self::default();
        words.add(text, 1);
        words
    }

    /// The words of an agent: its name, which counts twice, and its description.
    pub fn of_agent(name: &str, description: &str) -> Self {
        let mut words = Self::of(description);
        words.add(name, Self::NAME_WEIGHT);
        words
    }

    /// The words of a capability: its name, which counts twice, its description and its tags.
    pub fn of_capability(capability: &Capability) -> Self {
        let mut words = Self::of(&capability.description);
        words.add(capability.name.as_str(), Self::NAME_WEIGHT);
        for tag in &capability.tags {
            words.add(tag, 1);
        }
        words
    }

    /// How often a word stands there, as it was made of a text; at most [`COUNT_MAX`](Self::COUNT_MAX).
    pub fn count(&self, word: &str) -> u32 {
        self.counts.get(word).copied().unwrap_or(0)
    }

    /// How many words there are together, those that stand there often counted each time.
    pub const fn length(&self) -> u32 {
        self.length
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Each word with how often it stands there, in the order of letters.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u32)> {
        self.counts.iter().map(|(word, count)| (word.as_str(), *count))
    }

    /// Whether a word stands in both.
    pub fn meets(&self, other: &Self) -> bool {
        let (few, many) =
            if self.counts.len() < other.counts.len() { (self, other) } else { (other, self) };
        few.counts.keys().any(|word| many.counts.contains_key(word))
    }

    fn add(&mut self, text: &str, weight: u32) {
        each_word(&unaccented(text), &mut |mut word| {
            stem(&mut word);
            let count = self.counts.entry(word).or_insert(0);
            *count = count.saturating_add(weight).min(Self::COUNT_MAX);
            self.length = self.length.saturating_add(weight);
        });
    }
}

/// Letters without their accents, and without apostrophes, which stand inside words.
fn unaccented(text: &str) -> Cow<'_, str> {
    let is_apostrophe = |letter: char| matches!(letter, '\'' | '’');
    if text.is_ascii() && !text.contains(is_apostrophe) {
        return Cow::Borrowed(text);
    }
    // Marks of other scripts are letters in their own right and stay.
    let is_accent = |letter: char| ('\u{300}'..='\u{36f}').contains(&letter);
    let bare = text.nfkd().filter(|letter| !is_accent(*letter) && !is_apostrophe(*letter));
    Cow::Owned(bare.nfc().collect())
}

fn is_in_word(letter: char) -> bool {
    letter.is_alphanumeric() || is_combining_mark(letter)
}

/// Letters of scripts that put no space between words, or join to them what others write apart.
fn runs_together(letter: char) -> bool {
    matches!(letter, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

/// Every word of a text, in lower case.
fn each_word(text: &str, take: &mut impl FnMut(String)) {
    let mut rest = text;
    while let Some(start) = rest.find(char::is_alphanumeric) {
        rest = rest.get(start..).unwrap_or_default();
        let first = rest.chars().next().unwrap_or_default();
        let together = runs_together(first);
        let ends = |letter: char| !is_in_word(letter) || runs_together(letter) != together;
        let end = rest.find(ends).unwrap_or(rest.len());
        let (mut run, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if run.len() == first.len_utf8() && first.is_ascii_alphabetic() {
            // `C`, `C++` and `C#` are three languages.
            let signs = after.find(|sign| !matches!(sign, '+' | '#')).unwrap_or(after.len());
            run = rest.get(..run.len().saturating_add(signs)).unwrap_or(run);
        }
        rest = rest.get(run.len()..).unwrap_or_default();
        if together {
            each_pair(run, take);
        } else {
            take(run.to_lowercase());
            each_part(run, take);
        }
    }
}

/// The parts of a word that has capitals inside: `XMLParser` is `XML` and `Parser`.
fn each_part(run: &str, take: &mut impl FnMut(String)) {
    // Most words have none.
    if !run.chars().skip(1).any(char::is_uppercase) {
        return;
    }
    let letters: Vec<(usize, char)> = run.char_indices().collect();
    let mut start = 0;
    for (place, window) in letters.windows(2).enumerate() {
        let [(_, before), (at, letter)] = *window else { continue };
        let next = letters.get(place.saturating_add(2)).map(|(_, next)| *next);
        let begins = letter.is_uppercase()
            && (before.is_lowercase()
                || (before.is_uppercase() && next.is_some_and(char::is_lowercase)));
        if begins {
            take(run.get(start..at).unwrap_or_default().to_lowercase());
            start = at;
        }
    }
    if start > 0 {
        take(run.get(start..).unwrap_or_default().to_lowercase());
    }
}

/// Each two letters that stand beside each other; a single one alone.
fn each_pair(run: &str, take: &mut impl FnMut(String)) {
    let letters: Vec<char> = run.chars().collect();
    if letters.len() < 2 {
        take(run.to_owned());
    }
    for pair in letters.windows(2) {
        take(pair.iter().collect());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_made_of_words() {
        #[track_caller]
        fn check(text: &str, words: &str) {
            let mut found = Vec::new();
            each_word(&unaccented(text), &mut |word| found.push(word));
            assert_eq!(found.join(" "), words, "{text}");
        }
        check("Reviews code, and code alone.", "reviews code and code alone");
        check("data_analysis.regression-2", "data analysis regression 2");
        check("GitHub", "github git hub");
        check("PlaywrightToolsAgent", "playwrighttoolsagent playwright tools agent");
        check("XMLParser", "xmlparser xml parser");
        check("PostgreSQL", "postgresql postgre sql");
        check("iOS", "ios i os");
        check("README", "readme");
        check("s3 k8s OAuth2", "s3 k8s oauth2 o auth2");
        check("C, C++ and C#; a+b", "c c++ and c# a+ b");
        check("don't, the user’s", "dont the users");
        check("Café, Cafe\u{301}, ÉTÉ", "cafe cafe ete");
        check("Ａ２Ａ", "a2a");
        check("データ分析 agent", "デー ータ タ分 分析 agent");
        check("图 chart图表", "图 chart 图表");
        check("हिन्दी", "हिन्दी");
        check("Übergröße", "ubergroße");
        check("– ?! \u{301}", "");
    }

    #[test]
    fn words_are_counted_and_names_twice() {
        let capability = Capability::new("data.plots").unwrap().describe("plots").tag("Plot it");
        let words = Words::of_capability(&capability);
        assert_eq!(words.iter().collect::<Vec<_>>(), [("data", 2), ("it", 1), ("plot", 4)]);
        assert_eq!(words.length(), 7);
        let often = Words::of(&"plot ".repeat(100));
        assert_eq!((often.count("plot"), often.length()), (15, 100));
    }
}
