//! What an English word is without its ending, so that `reviewing` finds `reviewer`.

/// Cuts off the endings of an English word: plural, tense, and what makes nouns of verbs.
///
/// What is left need not be a word, only the same for words that belong together. Words with other letters than
/// lower-case ASCII, and short ones, stay as they are.
///
/// Our own short list of endings, and not the Snowball stemmer: on the real descriptions it finds at least as
/// much (`docs/reference/queries.md` has the figures), and an index does not change with a dependency.
pub(super) fn stem(word: &mut String) {
    if word.len() < SHORT || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return;
    }
    plural(word);
    tense(word);
    last_vowel(word);
    for (ending, rest_min, instead) in DERIVED {
        if cut(word, ending, rest_min) {
            word.push_str(instead);
            undouble(word);
            break;
        }
    }
    last_vowel(word);
}

/// Shorter words have no ending that could be told from the word.
const SHORT: usize = 4;

/// Endings of derived words after the last vowel is gone, longer ones first; how many letters must be left, so
/// that `power` keeps its own; and what stands there instead.
const DERIVED: [(&str, usize, &str); 11] = [
    ("ization", 3, "iz"),
    ("izer", 3, "iz"),
    ("ation", 4, ""),
    ("ator", 4, ""),
    ("ment", 4, ""),
    ("ion", 4, ""),
    ("at", 4, ""),
    ("er", 4, ""),
    ("or", 4, ""),
    ("iv", 4, ""),
    ("iz", 3, "iz"),
];

fn plural(word: &mut String) {
    if word.len() > SHORT && cut(word, "ies", 0) {
        word.push('y');
    } else if ["sses", "xes", "ches", "shes", "zes"].iter().any(|ending| word.ends_with(ending)) {
        cut(word, "es", 0);
    } else if !["ss", "us", "is"].iter().any(|ending| word.ends_with(ending)) {
        cut(word, "s", 0);
    }
}

fn tense(word: &mut String) {
    // `need` and `speed` are in no past tense.
    if cut(word, "ing", 3) || (!word.ends_with("eed") && cut(word, "ed", 3)) {
        undouble(word);
    }
}

/// `analyze` and `analyzing`, `policy` and `policies` become one.
fn last_vowel(word: &mut String) {
    if word.len() > SHORT && word.ends_with('e') {
        word.pop();
    } else if word.len() >= SHORT && word.ends_with('y') {
        word.pop();
        word.push('i');
    }
}

/// `planning` is `plan`; but `call`, `pass` and `buzz` keep both.
fn undouble(word: &mut String) {
    let mut letters = word.chars().rev();
    let (last, before) = (letters.next(), letters.next());
    let doubles = |letter: char| !matches!(letter, 'a' | 'e' | 'i' | 'o' | 'u' | 'l' | 's' | 'z');
    if word.len() >= SHORT && last == before && last.is_some_and(doubles) {
        word.pop();
    }
}

/// Cuts an ending off where so many letters, and a vowel among them, are left. Whether it did.
fn cut(word: &mut String, ending: &str, rest_min: usize) -> bool {
    let Some(rest) = word.strip_suffix(ending) else { return false };
    let is_vowel = |letter| matches!(letter, 'a' | 'e' | 'i' | 'o' | 'u' | 'y');
    // A plural may be left with no vowel: `dbs`.
    if rest.len() < rest_min || (rest_min > 0 && !rest.contains(is_vowel)) {
        return false;
    }
    word.truncate(rest.len());
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stemmed(word: &str) -> String {
        let mut word = word.to_owned();
        stem(&mut word);
        word
    }

    #[test]
    fn words_that_belong_together_have_one_stem() {
        #[track_caller]
        fn check(words: &[&str]) {
            let stems: Vec<String> = words.iter().map(|word| stemmed(word)).collect();
            assert!(stems.windows(2).all(|pair| pair[0] == pair[1]), "{words:?}: {stems:?}");
        }
        check(&["review", "reviews", "reviewed", "reviewing", "reviewer", "reviewers"]);
        check(&["deploy", "deploys", "deployed", "deploying", "deployment", "deployments"]);
        check(&["optimize", "optimizes", "optimizing", "optimizer", "optimization"]);
        check(&["automate", "automates", "automating", "automation", "automator"]);
        check(&["analyze", "analyzes", "analyzing", "analyzer"]);
        check(&["plan", "plans", "planned", "planning"]);
        check(&["query", "queries"]);
        check(&["policy", "policies"]);
        check(&["database", "databases"]);
        check(&["convert", "converts", "converting", "converter"]);
        check(&["search", "searches", "searching"]);
        check(&["call", "calls", "calling"]);
    }

    #[test]
    fn words_that_do_not_belong_together_stay_apart() {
        #[track_caller]
        fn check(one: &str, other: &str) {
            assert_ne!(stemmed(one), stemmed(other), "{one} and {other}");
        }
        check("need", "ne");
        check("power", "pow");
        check("string", "str");
        check("status", "stat");
        check("analysis", "analysi");
        check("bed", "b");
        check("sing", "s");
    }

    #[test]
    fn what_is_no_english_word_stays() {
        for word in ["s3", "gpt4s", "étages", "k8s", "us", "its", "данные"] {
            assert_eq!(stemmed(word), word);
        }
    }
}
