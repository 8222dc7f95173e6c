//! [`TextIndex`]: in which of many documents a word stands.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::{HashTable, hash_table::Entry};
use roaring::RoaringBitmap;

use super::{Bm25, WordWeight, Words};

/// Many documents by their words. Documents have numbers, which the caller gives and may give again; there is
/// room for all below the largest, so they should lie close together.
///
/// A document keeps its words as numbers: removing it needs no text, and scoring it no look-up by text. A word
/// that stands nowhere any more is forgotten.
#[derive(Debug, Default)]
pub(crate) struct TextIndex {
    documents: Vec<Option<Document>>,
    /// How many there are, and how long they are together.
    count: u64,
    length: u64,
    words: Vec<Option<Word>>,
    /// Numbers of words that are free.
    free: Vec<u32>,
    /// The numbers of words by their texts, which stand in `words` alone.
    numbers: HashTable<u32>,
    hasher: RandomState,
}

#[derive(Debug)]
struct Document {
    length: u32,
    /// Ascending by word.
    words: Box<[Counted]>,
}

/// The number of a word and how often it stands there, in four bytes: 28 bits and 4, for
/// [`Words::COUNT_MAX`] is 15.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Counted(u32);

impl Counted {
    const COUNT_BITS: u32 = 4;
    /// How many words there may be: far more than there is memory for.
    const WORDS: usize = 1 << 28;

    const fn new(word: u32, count: u32) -> Self {
        Self((word << Self::COUNT_BITS) | (count & Words::COUNT_MAX))
    }

    const fn word(self) -> u32 {
        self.0 >> Self::COUNT_BITS
    }

    const fn count(self) -> u32 {
        self.0 & Words::COUNT_MAX
    }
}

#[derive(Debug)]
struct Word {
    text: Box<str>,
    standing: Standing,
}

/// The documents that a word stands in. Most words stand in one.
#[derive(Debug)]
enum Standing {
    One(u32),
    Many(Box<RoaringBitmap>),
}

impl Standing {
    fn insert(&mut self, document: u32) {
        match self {
            Self::One(one) if *one == document => {}
            Self::One(one) => *self = Self::Many(Box::new([*one, document].into_iter().collect())),
            Self::Many(many) => {
                many.insert(document);
            }
        }
    }

    /// Whether it stands nowhere any more.
    fn remove(&mut self, document: u32) -> bool {
        match self {
            Self::One(one) => *one == document,
            Self::Many(many) => {
                many.remove(document);
                match (many.min(), many.max()) {
                    (Some(one), Some(last)) if one == last => *self = Self::One(one),
                    (None, _) | (_, None) => return true,
                    (Some(_), Some(_)) => {}
                }
                false
            }
        }
    }

    fn count(&self) -> u64 {
        match self {
            Self::One(_) => 1,
            Self::Many(many) => many.len(),
        }
    }
}

impl TextIndex {
    /// Takes a document up, in place of what had its number.
    pub(crate) fn insert(&mut self, document: u32, words: &Words) {
        self.remove(document);
        let Ok(place) = usize::try_from(document) else { return };
        if self.documents.len() <= place {
            self.documents.resize_with(place.saturating_add(1), || None);
        }
        let mut counted: Vec<Counted> = Vec::new();
        for (text, count) in words.iter() {
            counted.extend(self.note(text, document).map(|word| Counted::new(word, count)));
        }
        counted.sort_unstable();
        let length = words.length();
        if let Some(slot) = self.documents.get_mut(place) {
            *slot = Some(Document { length, words: counted.into() });
            self.count = self.count.saturating_add(1);
            self.length = self.length.saturating_add(length.into());
        }
    }

    /// Notes that a word stands in a document. The word's number; `None` where there is none left.
    fn note(&mut self, text: &str, document: u32) -> Option<u32> {
        let Self { words, free, numbers, hasher, .. } = self;
        let text_of = |number: u32| find(words, number).map_or("", |word| &word.text);
        let entry = numbers.entry(
            hasher.hash_one(text),
            |number| text_of(*number) == text,
            |number| hasher.hash_one(text_of(*number)),
        );
        match entry {
            Entry::Occupied(entry) => {
                let number = *entry.get();
                find_mut(words, number)?.standing.insert(document);
                Some(number)
            }
            Entry::Vacant(entry) => {
                let word = Word { text: text.into(), standing: Standing::One(document) };
                let number = match free.pop() {
                    Some(number) => {
                        *words.get_mut(usize::try_from(number).ok()?)? = Some(word);
                        number
                    }
                    None if words.len() < Counted::WORDS => {
                        let number = u32::try_from(words.len()).ok()?;
                        words.push(Some(word));
                        number
                    }
                    None => return None,
                };
                entry.insert(number);
                Some(number)
            }
        }
    }

    /// Forgets a document, if there is one of this number.
    pub(crate) fn remove(&mut self, document: u32) {
        let slot = usize::try_from(document).ok().and_then(|place| self.documents.get_mut(place));
        let Some(Document { length, words }) = slot.and_then(Option::take) else { return };
        self.count = self.count.saturating_sub(1);
        self.length = self.length.saturating_sub(length.into());
        for counted in words {
            let number = counted.word();
            let Some(word) = find_mut(&mut self.words, number) else { continue };
            if word.standing.remove(document) {
                self.forget(number);
            }
        }
    }

    fn forget(&mut self, number: u32) {
        let slot = usize::try_from(number).ok().and_then(|place| self.words.get_mut(place));
        let Some(word) = slot.and_then(Option::take) else { return };
        let hash = self.hasher.hash_one(&*word.text);
        if let Ok(entry) = self.numbers.find_entry(hash, |other| *other == number) {
            entry.remove();
        }
        self.free.push(number);
    }

    /// How many documents there are.
    #[cfg(test)]
    const fn len(&self) -> u64 {
        self.count
    }

    /// What is asked for, as this index knows it.
    pub(crate) fn search(&self, asked: &Words) -> Search<'_> {
        let bm25 = Bm25::new(self.count, self.length);
        let number_of = |text: &str| {
            let is_it =
                |number: &u32| find(&self.words, *number).is_some_and(|word| &*word.text == text);
            self.numbers.find(self.hasher.hash_one(text), is_it).copied()
        };
        let known = asked.iter().filter_map(|(text, _)| {
            let number = number_of(text)?;
            let standing = &find(&self.words, number)?.standing;
            Some((number, bm25.weight(standing.count()), standing))
        });
        let mut known: Vec<_> = known.collect();
        known.sort_unstable_by_key(|(number, ..)| *number);
        Search { index: self, bm25, known }
    }
}

fn find(words: &[Option<Word>], number: u32) -> Option<&Word> {
    words.get(usize::try_from(number).ok()?)?.as_ref()
}

fn find_mut(words: &mut [Option<Word>], number: u32) -> Option<&mut Word> {
    words.get_mut(usize::try_from(number).ok()?)?.as_mut()
}

/// Words that are searched for in an index.
#[derive(Debug)]
pub(crate) struct Search<'i> {
    index: &'i TextIndex,
    bm25: Bm25,
    /// Those that stand anywhere, ascending by number.
    known: Vec<(u32, WordWeight, &'i Standing)>,
}

impl Search<'_> {
    /// The documents in which at least one of the words stands.
    pub(crate) fn documents(&self) -> RoaringBitmap {
        let mut documents = RoaringBitmap::new();
        for (_, _, standing) in &self.known {
            match standing {
                Standing::One(one) => {
                    documents.insert(*one);
                }
                Standing::Many(many) => documents |= &**many,
            }
        }
        documents
    }

    /// How well a document fits, in thousandths; `None` where none of the words stands in it.
    pub(crate) fn score(&self, document: u32) -> Option<u64> {
        let place = usize::try_from(document).ok()?;
        let Document { length, words } = self.index.documents.get(place)?.as_ref()?;
        let count_of = |number: u32| {
            let at = words.binary_search_by_key(&number, |counted| counted.word()).ok()?;
            words.get(at).map(|counted| counted.count())
        };
        let mut standing = self
            .known
            .iter()
            .filter_map(|(number, weight, _)| Some((*weight, count_of(*number)?)))
            .peekable();
        standing.peek()?;
        Some(self.bm25.score(standing, *length))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// All that the index should say, from the documents alone.
    fn scores(documents: &BTreeMap<u32, Words>, asked: &Words) -> BTreeMap<u32, u64> {
        let length = documents.values().map(|words| u64::from(words.length())).sum();
        let bm25 = Bm25::new(documents.len() as u64, length);
        let holding =
            |word: &str| documents.values().filter(|words| words.count(word) > 0).count() as u64;
        let relevance = |words| bm25.relevance(asked, words, holding);
        documents.iter().filter_map(|(id, words)| Some((*id, relevance(words)?))).collect()
    }

    #[track_caller]
    fn check(index: &TextIndex, documents: &BTreeMap<u32, Words>, asked: &str) {
        let asked = Words::of(asked);
        let search = index.search(&asked);
        let found: BTreeMap<u32, u64> =
            search.documents().iter().filter_map(|id| Some((id, search.score(id)?))).collect();
        assert_eq!(found, scores(documents, &asked));
        assert_eq!(search.documents().len(), found.len() as u64);
        assert_eq!(index.len(), documents.len() as u64);
    }

    /// Texts of few words, so that words come together and go again.
    fn text() -> impl Strategy<Value = String> {
        let word = prop::sample::select(vec!["plot", "code", "Review", "data", "note", "x", "é"]);
        prop::collection::vec(word, 0..8).prop_map(|words| words.join(" "))
    }

    proptest! {
        #[test]
        fn the_index_says_what_a_scan_says(
            steps in prop::collection::vec((0_u32..12, prop::option::weighted(0.7, text())), 0..60),
            asked in text(),
        ) {
            let mut index = TextIndex::default();
            let mut documents = BTreeMap::new();
            for (id, text) in steps {
                if let Some(text) = text {
                    index.insert(id, &Words::of(&text));
                    documents.insert(id, Words::of(&text));
                } else {
                    index.remove(id);
                    documents.remove(&id);
                }
                check(&index, &documents, &asked);
            }
            for id in 0..12 {
                index.remove(id);
            }
            prop_assert_eq!(index.numbers.len(), 0);
            prop_assert_eq!(index.words.iter().flatten().count(), 0);
            prop_assert_eq!(index.free.len(), index.words.len());
        }
    }

    #[test]
    fn words_that_stand_nowhere_leave_their_numbers_to_others() {
        let mut index = TextIndex::default();
        for round in 0..1_000 {
            index.insert(7, &Words::of(&format!("w{round} v{round}")));
        }
        assert_eq!((index.words.len(), index.numbers.len()), (2, 2));
        assert_eq!(index.search(&Words::of("w3")).documents().len(), 0);
        assert_eq!(index.search(&Words::of("w999")).documents().len(), 1);
    }
}
