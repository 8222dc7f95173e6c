//! [`Levels`]: refuses an edge that would close a cycle, without searching the whole graph.
//!
//! The algorithm for sparse graphs of Bender, Fineman, Gilbert and Tarjan, "A New Approach to Incremental Cycle
//! Detection and Related Problems" (ACM Transactions on Algorithms 12(2), 2015, section 2), with the bound on the
//! search of Guéneau, Jourdan, Charguéraud and Pottier, "Formal Proof and Analysis of an Incremental Cycle
//! Detection Algorithm" (ITP 2019), who need not know beforehand how many edges there will be.
//!
//! Every task has a level, and none has a higher one than a task that depends on it. An edge from a lower level to
//! a higher one closes no cycle. For any other, a search goes back from where the edge begins, within its level
//! and so far only as the level is high; then the other end is raised, and with it what depends on it. Adding `m`
//! edges in whatever order takes time in `m` times the square root of `m`, for a level is reached only where as
//! many edges lie below. Two kinds of edges cost nothing: to a task on which nothing depends yet, and from one that
//! depends on nothing yet. Graphs that are told from either end consist of these.
//!
//! Taking edges away leaves levels as they are: right, but higher than they need be, so that the bound holds for
//! what is added alone.

use foldhash::{HashMap, HashMapExt};

use super::column::Column;

/// How many edges a search may look at besides one for each level: levels are dear, so the first searches go on
/// for a while.
const SEARCH_LEAST: u32 = 64;

/// Who is next to whom.
pub(super) trait Neighbors {
    /// What a task depends on.
    fn needs(&self, task: u32) -> &[u32];
    /// What depends on a task.
    fn dependants(&self, task: u32) -> &[u32];
}

/// A task that a search came to, and the place in the search of the one that it came from.
#[derive(Clone, Copy, Debug)]
struct Visit {
    task: u32,
    from: usize,
}

/// The levels of all tasks.
#[derive(Clone, Debug, Default)]
pub(super) struct Levels {
    level: Column<u32>,
    /// The search against the edges; emptied after each use, kept for its room.
    back: Search,
    /// The search along the edges, and the levels that its tasks had before.
    along: Vec<Visit>,
    before: Vec<u32>,
}

#[derive(Clone, Debug, Default)]
struct Search {
    visits: Vec<Visit>,
    /// Where a task stands in `visits`, if there are many; for look-up only.
    places: HashMap<u32, usize>,
}

impl Levels {
    /// Makes sure that `task` may come to depend on `on`. Else gives the cycle, in which each depends on the next
    /// and the last on the first: it begins with `task` and `on`.
    pub(super) fn order(
        &mut self,
        graph: &impl Neighbors,
        task: u32,
        on: u32,
    ) -> Result<(), Vec<u32>> {
        if task == on {
            return Err(vec![task]);
        }
        let (below, above) = (self.level.get(on), self.level.get(task));
        if below < above {
            return Ok(());
        }
        if graph.dependants(task).is_empty() {
            self.level.set(task, below);
            return Ok(());
        }
        if graph.needs(on).is_empty() {
            self.level.set(on, above);
            return Ok(());
        }
        let found = self.search_back(graph, task, on, below);
        let result = match found {
            Found::Cycle(at) => Err(self.cycle(task, at, None)),
            Found::Nothing if below == above => Ok(()),
            Found::Nothing => self.raise(graph, task, on, below, true),
            Found::TooMuch => self.raise(graph, task, on, below.saturating_add(1), false),
        };
        self.back.clear();
        self.along.clear();
        self.before.clear();
        result
    }

    /// Goes back from `on` through tasks of its level.
    fn search_back(&mut self, graph: &impl Neighbors, task: u32, on: u32, level: u32) -> Found {
        let mut left = level.saturating_add(SEARCH_LEAST);
        self.back.visit(on, 0);
        let mut at = 0_usize;
        while let Some(visit) = self.back.visits.get(at).copied() {
            for need in graph.needs(visit.task) {
                let Some(fewer) = left.checked_sub(1) else {
                    return Found::TooMuch;
                };
                left = fewer;
                if *need == task {
                    return Found::Cycle(at);
                }
                if self.level.get(*need) == level {
                    self.back.visit(*need, at);
                }
            }
            at = at.saturating_add(1);
        }
        Found::Nothing
    }

    /// Raises `task` to `level`, and all that depends on it and is lower. Whoever meets `on` on that way, or, where
    /// it is known who is behind `on` within its level, one of these, has found a cycle.
    fn raise(
        &mut self,
        graph: &impl Neighbors,
        task: u32,
        on: u32,
        level: u32,
        is_back_complete: bool,
    ) -> Result<(), Vec<u32>> {
        self.climb(task, 0, level);
        let mut at = 0_usize;
        while let Some(visit) = self.along.get(at).copied() {
            for dependant in graph.dependants(visit.task) {
                let met = if *dependant == on {
                    Some(0)
                } else if is_back_complete {
                    self.back.find(*dependant)
                } else {
                    None
                };
                if let Some(met) = met {
                    let cycle = self.cycle(task, met, Some(at));
                    self.go_down();
                    return Err(cycle);
                }
                if self.level.get(*dependant) < level {
                    self.climb(*dependant, at, level);
                }
            }
            at = at.saturating_add(1);
        }
        Ok(())
    }

    fn climb(&mut self, task: u32, from: usize, level: u32) {
        self.along.push(Visit { task, from });
        self.before.push(self.level.get(task));
        self.level.set(task, level);
    }

    /// Gives back to all who climbed the level that they had.
    fn go_down(&mut self) {
        for (visit, level) in self.along.iter().zip(&self.before) {
            self.level.set(visit.task, *level);
        }
    }

    /// `task`, then by needs from where the search back began to where it came, and by needs from where the search
    /// along came to where it began, which is `task` again.
    fn cycle(&self, task: u32, back: usize, along: Option<usize>) -> Vec<u32> {
        let mut cycle = way(&self.back.visits, back);
        cycle.push(task);
        cycle.reverse();
        if let Some(along) = along {
            // The way along begins at `task`, which stands there already.
            let mut rest = way(&self.along, along);
            rest.pop();
            cycle.append(&mut rest);
        }
        cycle
    }
}

enum Found {
    /// At this place of the search stands a task that needs the one that is asked about.
    Cycle(usize),
    /// All was seen.
    Nothing,
    /// There is more than may be looked at.
    TooMuch,
}

/// From a place of a search back to its beginning.
fn way(visits: &[Visit], at: usize) -> Vec<u32> {
    let mut way = Vec::new();
    let mut here = Some(at);
    while let Some((at, visit)) = here.and_then(|at| Some((at, visits.get(at)?))) {
        way.push(visit.task);
        here = (at != 0).then_some(visit.from);
    }
    way
}

impl Search {
    /// A list so short is looked through faster than a table.
    const SHORT: usize = 8;

    fn find(&self, task: u32) -> Option<usize> {
        if self.places.is_empty() {
            return self.visits.iter().position(|visit| visit.task == task);
        }
        self.places.get(&task).copied()
    }

    fn visit(&mut self, task: u32, from: usize) {
        if self.find(task).is_some() {
            return;
        }
        if self.visits.len() == Self::SHORT {
            let places = self.visits.iter().enumerate().map(|(at, visit)| (visit.task, at));
            self.places.extend(places);
        }
        if self.visits.len() >= Self::SHORT {
            self.places.insert(task, self.visits.len());
        }
        self.visits.push(Visit { task, from });
    }

    fn clear(&mut self) {
        self.visits.clear();
        // To empty a table costs as much as it is large, and few searches need it.
        if !self.places.is_empty() {
            self.places.clear();
        }
        if self.places.capacity() > Self::ROOM_KEPT {
            self.places = HashMap::new();
        }
    }

    const ROOM_KEPT: usize = 4_096;
}
