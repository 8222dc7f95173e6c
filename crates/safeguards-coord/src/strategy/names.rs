//! Names of steps: readable, and no two alike.

use std::collections::HashSet;

use crate::{Seat, StepId};

/// A name for each of these seats: what the seat is called; where that is taken, with its place, from 1.
pub(super) fn names_of<'s>(seats: impl IntoIterator<Item = &'s Seat>) -> Vec<StepId> {
    let seats: Vec<&str> = seats.into_iter().map(Seat::name).collect();
    // A seat may itself be called `reader-3`: it is, and another `reader` at the third place is not.
    let plain: HashSet<&str> = seats.iter().copied().collect();
    let (mut first, mut numbered) = (HashSet::new(), HashSet::new());
    let mut names = Vec::with_capacity(seats.len());
    for (place, seat) in (1_usize..).zip(seats) {
        if first.insert(seat) {
            names.push(seat.into());
            continue;
        }
        let mut name = format!("{seat}-{place}");
        while plain.contains(name.as_str()) || !numbered.insert(name.clone()) {
            name = format!("{name}-{place}");
        }
        names.push(name.into());
    }
    names
}

/// `wanted`, or something like it where that is taken.
pub(super) fn free_name(wanted: &str, is_taken: impl Fn(&str) -> bool) -> StepId {
    let mut name = wanted.to_owned();
    while is_taken(&name) {
        name.push_str("-last");
    }
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_steps_are_named_alike() {
        #[track_caller]
        fn check(seats: &[&str], expected: &[&str]) {
            let seats: Vec<Seat> = seats.iter().map(|seat| (*seat).into()).collect();
            let names = names_of(&seats);
            let names: Vec<&str> = names.iter().map(StepId::as_str).collect();
            assert_eq!(names, expected);
        }
        check(&["a", "b"], &["a", "b"]);
        check(&["a", "b", "a", "a"], &["a", "b", "a-3", "a-4"]);
        check(&["a", "a-3", "a"], &["a", "a-3", "a-3-3"]);
        check(&["a", "x", "a", "a-3"], &["a", "x", "a-3-3", "a-3"]);
        check(&["a-1", "a-1", "a"], &["a-1", "a-1-2", "a"]);
    }

    #[test]
    fn a_name_that_is_taken_is_drawn_out() {
        assert_eq!(free_name("reduce", |_| false).as_str(), "reduce");
        let taken = ["reduce", "reduce-last"];
        assert_eq!(free_name("reduce", |name| taken.contains(&name)).as_str(), "reduce-last-last");
    }
}
