//! [`MetadataIndex`]: which capabilities have a value at a path of their metadata.

use std::{borrow::Cow, cmp::Ordering};

use foldhash::HashMap;
use roaring::RoaringBitmap;
use serde_json::Value;

use super::{super::slot::EntryNo, Candidates, union};
use crate::{Condition, Metadata, MetadataPath, Test, query::value::Figure};

/// Longer texts are not indexed.
const TEXT_BYTES: usize = 128;
/// What lies deeper is not indexed.
const DEPTH: usize = 4;
/// Of one capability, so many values are indexed; the rest of it is not.
const VALUES: usize = 256;
/// More values than this at one path are not looked through for a range.
const RANGE_MAX: usize = 4_096;

/// By path and value, the capabilities that have it.
///
/// What is not indexed (long texts, lists in lists, what lies deep) is known to be there: of these capabilities
/// a condition must be looked at, of all others the index knows.
#[derive(Debug, Default)]
pub(super) struct MetadataIndex {
    paths: HashMap<Box<[String]>, PathIndex>,
    /// Those of which something is not indexed at all, not even that it is there.
    beyond: RoaringBitmap,
}

/// What stands at one path.
#[derive(Debug, Default)]
struct PathIndex {
    /// Where anything stands.
    present: RoaringBitmap,
    /// Where this value stands.
    is: HashMap<Scalar, RoaringBitmap>,
    /// Where a list stands in which this value stands.
    within: HashMap<Scalar, RoaringBitmap>,
    /// Where a long text stands.
    long: RoaringBitmap,
    /// Where a list or an object stands.
    other: RoaringBitmap,
}

/// A plain value that is indexed. Two are the same exactly where their values are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Scalar {
    Null,
    Bool(bool),
    Number(Figure),
    Text(Box<str>),
}

impl Scalar {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(Self::Null),
            Value::Bool(yes) => Some(Self::Bool(*yes)),
            Value::Number(number) => Some(Self::Number(Figure::of(number))),
            Value::String(text) if text.len() <= TEXT_BYTES => {
                Some(Self::Text(text.as_str().into()))
            }
            Value::String(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

/// What is to be done with one value at one path.
enum Visit {
    /// Something stands here. Said last of all that is said of a path.
    Present,
    /// This stands here.
    Is(Scalar),
    /// A long text stands here.
    Long,
    /// A list stands here, with this in it.
    Within(Scalar),
    /// A list or an object stands here.
    Other,
    /// Here the index ends.
    Beyond,
}

impl MetadataIndex {
    pub(super) fn insert(&mut self, entry: EntryNo, metadata: &Metadata) {
        let Self { paths, beyond } = self;
        walk(metadata, &mut |path, visit| {
            let at = |paths: &mut HashMap<Box<[String]>, PathIndex>,
                      put: &dyn Fn(&mut PathIndex)| {
                match paths.get_mut(path) {
                    Some(index) => put(index),
                    None => put(paths.entry(path.into()).or_default()),
                }
            };
            match visit {
                Visit::Present => at(paths, &|index| _ = index.present.insert(entry)),
                Visit::Is(value) => at(paths, &|index| {
                    index.is.entry(value.clone()).or_default().insert(entry);
                }),
                Visit::Within(value) => at(paths, &|index| {
                    index.within.entry(value.clone()).or_default().insert(entry);
                }),
                Visit::Long => at(paths, &|index| _ = index.long.insert(entry)),
                Visit::Other => at(paths, &|index| _ = index.other.insert(entry)),
                Visit::Beyond => _ = beyond.insert(entry),
            }
        });
    }

    pub(super) fn remove(&mut self, entry: EntryNo, metadata: &Metadata) {
        let Self { paths, beyond } = self;
        walk(metadata, &mut |path, visit| {
            let Some(index) = paths.get_mut(path) else {
                beyond.remove(entry);
                return;
            };
            match visit {
                Visit::Present => _ = index.present.remove(entry),
                Visit::Is(value) => take(&mut index.is, &value, entry),
                Visit::Within(value) => take(&mut index.within, &value, entry),
                Visit::Long => _ = index.long.remove(entry),
                Visit::Other => _ = index.other.remove(entry),
                Visit::Beyond => _ = beyond.remove(entry),
            }
            if index.present.is_empty() {
                paths.remove(path);
            }
        });
    }

    /// The capabilities of whose metadata a condition holds, or may.
    pub(super) fn held<'i>(
        &'i self,
        condition: &Condition,
        all: &'i RoaringBitmap,
    ) -> Candidates<'i> {
        let Held { yes, maybe } = self.look(&condition.path, &condition.test, all);
        let unsure = maybe | &self.beyond;
        let entries = if unsure.is_empty() { yes } else { Cow::Owned(&*yes | &unsure) };
        Candidates { entries, unsure }
    }

    fn look<'i>(&'i self, path: &MetadataPath, test: &Test, all: &'i RoaringBitmap) -> Held<'i> {
        let at = self.paths.get(path.keys());
        let Some(index) = at else {
            let is_absent = match test {
                Test::Absent => true,
                Test::Not(test) => !test.holds(None),
                Test::Contains(_)
                | Test::Equals(_)
                | Test::AnyOf(_)
                | Test::Range { .. }
                | Test::Exists => false,
            };
            return if is_absent {
                Held::exactly(Cow::Borrowed(all))
            } else {
                Held::exactly(Cow::Owned(RoaringBitmap::new()))
            };
        };
        match test {
            Test::Exists => Held::exactly(Cow::Borrowed(&index.present)),
            Test::Absent => Held::exactly(Cow::Owned(all - &index.present)),
            Test::Equals(value) => index.equal(value),
            Test::Contains(values) => {
                let first = Held::exactly(Cow::Borrowed(&index.present));
                values.iter().fold(first, |held, value| held.and(&index.contain(value)))
            }
            Test::AnyOf(values) => {
                let none = Held::exactly(Cow::Owned(RoaringBitmap::new()));
                values.iter().fold(none, |held, value| held.or(&index.contain(value)))
            }
            Test::Range { .. } => index.range(test),
            Test::Not(test) => {
                let Held { yes, maybe } = self.look(path, test, all);
                Held { yes: Cow::Owned(all - &*yes - &maybe), maybe }
            }
        }
    }
}

/// Where something holds, and where it must be looked at; none is both.
#[derive(Debug)]
struct Held<'i> {
    yes: Cow<'i, RoaringBitmap>,
    maybe: RoaringBitmap,
}

impl<'i> Held<'i> {
    fn exactly(yes: Cow<'i, RoaringBitmap>) -> Self {
        Self { yes, maybe: RoaringBitmap::new() }
    }

    fn and(self, other: &Self) -> Self {
        let maybe = if self.maybe.is_empty() && other.maybe.is_empty() {
            RoaringBitmap::new()
        } else {
            let both = (&*self.yes | &self.maybe) & (&*other.yes | &other.maybe);
            both - (&*self.yes & &*other.yes)
        };
        Self { yes: Cow::Owned(&*self.yes & &*other.yes), maybe }
    }

    fn or(self, other: &Self) -> Self {
        let yes = &*self.yes | &*other.yes;
        let maybe = (self.maybe | &other.maybe) - &yes;
        Self { yes: Cow::Owned(yes), maybe }
    }
}

impl PathIndex {
    /// Where this very value stands.
    fn equal(&self, value: &Value) -> Held<'_> {
        match Scalar::of(value) {
            Some(scalar) => Held::exactly(super::found(self.is.get(&scalar))),
            None => self.unknown(),
        }
    }

    /// Where this value stands, or a list in which it stands.
    fn contain(&self, value: &Value) -> Held<'_> {
        let Some(scalar) = Scalar::of(value) else { return self.unknown() };
        let (is, within) = (self.is.get(&scalar), self.within.get(&scalar));
        Held::exactly(match (is, within) {
            (Some(is), Some(within)) => Cow::Owned(is | within),
            (one, other) => super::found(one.or(other)),
        })
    }

    /// The index knows only where it could be: what is asked for is a long text, a list or an object, and such
    /// stand there.
    fn unknown(&self) -> Held<'_> {
        Held { yes: Cow::Owned(RoaringBitmap::new()), maybe: &self.other | &self.long }
    }

    /// Where the value lies in a range.
    fn range(&self, test: &Test) -> Held<'_> {
        if self.is.len() > RANGE_MAX {
            let none = Cow::Owned(RoaringBitmap::new());
            return Held { yes: none, maybe: self.present.clone() };
        }
        let is_meant = |scalar: &Scalar| match scalar {
            Scalar::Null | Scalar::Bool(_) => false,
            Scalar::Number(figure) => {
                lies(test, |bound| bound.as_number().map(|bound| figure.cmp(&Figure::of(bound))))
            }
            Scalar::Text(known) => {
                lies(test, |bound| bound.as_str().map(|bound| (**known).cmp(bound)))
            }
        };
        let sets = self.is.iter().filter(|(scalar, _)| is_meant(scalar)).map(|(_, set)| set);
        let yes = match sets.collect::<Vec<_>>().as_slice() {
            [only] => Cow::Borrowed(*only),
            sets => Cow::Owned(union(sets)),
        };
        Held { yes, maybe: self.long.clone() }
    }
}

/// Whether something that stands so to each bound lies in a range.
fn lies(test: &Test, to_bound: impl Fn(&Value) -> Option<Ordering>) -> bool {
    let Test::Range { from, above, to, below } = test else { return false };
    let stands = |bound: &Option<Value>, fits: fn(Ordering) -> bool| {
        bound.as_ref().is_none_or(|bound| to_bound(bound).is_some_and(fits))
    };
    stands(from, Ordering::is_ge)
        && stands(above, Ordering::is_gt)
        && stands(to, Ordering::is_le)
        && stands(below, Ordering::is_lt)
}

/// Shows each path of metadata and what stands there, always in the same order.
fn walk(metadata: &Metadata, see: &mut dyn FnMut(&[String], Visit)) {
    let mut path = Vec::new();
    let mut room = VALUES;
    walk_object(metadata, &mut path, &mut room, see);
}

fn walk_object(
    object: &Metadata,
    path: &mut Vec<String>,
    room: &mut usize,
    see: &mut dyn FnMut(&[String], Visit),
) {
    for (key, value) in object {
        let Some(left) = room.checked_sub(1) else {
            see(path, Visit::Beyond);
            return;
        };
        *room = left;
        path.push(key.clone());
        match value {
            Value::Object(inner) if path.len() < DEPTH => {
                walk_object(inner, path, room, see);
                see(path, Visit::Other);
            }
            Value::Object(inner) => {
                see(path, Visit::Other);
                if !inner.is_empty() {
                    see(path, Visit::Beyond);
                }
            }
            Value::Array(list) => walk_list(list, path, room, see),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                see(path, Scalar::of(value).map_or(Visit::Long, Visit::Is));
            }
        }
        see(path, Visit::Present);
        path.pop();
    }
}

fn walk_list(
    list: &[Value],
    path: &[String],
    room: &mut usize,
    see: &mut dyn FnMut(&[String], Visit),
) {
    // The list itself is no plain value.
    see(path, Visit::Other);
    for value in list {
        let Some(left) = room.checked_sub(1) else {
            see(path, Visit::Beyond);
            return;
        };
        *room = left;
        if let Some(scalar) = Scalar::of(value) {
            see(path, Visit::Within(scalar));
        }
    }
}

fn take(sets: &mut HashMap<Scalar, RoaringBitmap>, key: &Scalar, entry: EntryNo) {
    if let Some(set) = sets.get_mut(key) {
        set.remove(entry);
        if set.is_empty() {
            sets.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_no_capability_has_any_more_is_forgotten() {
        let mut index = MetadataIndex::default();
        let wide: Vec<u32> = (0..300).collect();
        let all = json!({"a": 1, "b": ["x", ["y"]], "c": {"d": {"e": {"f": {"g": 1}}}}, "h": "x".repeat(200), "i": wide});
        let metadata = all.as_object().unwrap();
        for entry in 0..3 {
            index.insert(entry, metadata);
        }
        assert!(!index.paths.is_empty() && !index.beyond.is_empty());
        for entry in 0..3 {
            index.remove(entry, metadata);
        }
        assert!(index.paths.is_empty() && index.beyond.is_empty(), "{index:?}");
    }
}
