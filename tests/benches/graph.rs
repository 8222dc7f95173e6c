//! A task graph of a million tasks and two million dependencies: what it takes to build it and to run it all, and
//! what it keeps in memory. Each row is described in `docs/reference/benches.md`.
#![expect(clippy::float_arithmetic, reason = "times, ratios and bytes per thing are no money")]

mod bench;

use std::{alloc::System, hint::black_box, time::Duration};

use bench::{
    Reach::{Most, Times},
    Table, timed,
};
use cap::Cap;
use petgraph::{algo::toposort, graph::DiGraph};
use safeguards_coord::{NewTask, TaskGraph, TaskId};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

const TASKS: u32 = 1_000_000;
const EDGES: u32 = 2_000_000;

fn main() {
    let mut table = Table::begin("graph", "1,000,000 tasks and 2,000,000 dependencies");
    let edges = Edges::new();
    table.long("run all", "compact arrays", 1, &[Times(3.0)], || {
        let (graph, arrays) = (edges.graph(1), Arrays::new(&edges.in_turn));
        (move || run_all(&graph), move || arrays.run_all())
    });
    table.long("run all, of three priorities", "compact arrays", 1, &[], || {
        let (graph, arrays) = (edges.graph(3), Arrays::new(&edges.in_turn));
        (move || run_all(&graph), move || arrays.run_all())
    });
    table.long("run all", "petgraph toposort", 1, &[Times(1.0 / 3.0)], || {
        let (graph, peer) = (edges.graph(1), edges.petgraph());
        (move || run_all(&graph), move || timed(|| assert!(toposort(&peer, None).is_ok())))
    });
    table.long("name and add all, tie them, run all", "the same of compact arrays", 1, &[], || {
        (|| timed_all(&edges), || timed_all_arrays(&edges))
    });
    let orders = [
        ("in the order of adding", &edges.in_turn),
        ("from the last task to the first", &edges.backward),
        ("in any order", &edges.shuffled),
    ];
    for (order, list) in orders {
        let work = format!("add a dependency, {order}");
        table.long(&work, "petgraph, unchecked", EDGES, &[], || {
            (|| timed_ties(list), || timed_petgraph(list))
        });
    }
    table.bytes(
        "task with 2 dependencies, an agent, a priority; names aside",
        &[Most(64.0)],
        || edges.bytes_each(),
    );
    table.end();
}

/// Edges as pairs: what depends, and on what.
struct Edges {
    in_turn: Vec<(u32, u32)>,
    backward: Vec<(u32, u32)>,
    shuffled: Vec<(u32, u32)>,
}

impl Edges {
    fn new() -> Self {
        let mut random = fastrand::Rng::with_seed(7);
        let mut in_turn = Vec::with_capacity(usize::try_from(EDGES).unwrap());
        for task in 0..TASKS {
            // The first ones have fewer before them; the last make up for that.
            let needs = match task {
                0 | 1 => task,
                last if last == TASKS - 1 => 5,
                _ => 2,
            };
            let mut chosen = Vec::new();
            while chosen.len() < usize::try_from(needs).unwrap() {
                let on = random.u32(0..task);
                if !chosen.contains(&on) {
                    chosen.push(on);
                }
            }
            in_turn.extend(chosen.into_iter().map(|on| (task, on)));
        }
        assert_eq!(in_turn.len(), usize::try_from(EDGES).unwrap());
        let backward: Vec<_> = in_turn.iter().rev().copied().collect();
        let mut shuffled = in_turn.clone();
        random.shuffle(&mut shuffled);
        Self { in_turn, backward, shuffled }
    }

    /// A name, an agent and a priority for each.
    fn tasks(priorities: u32) -> (TaskGraph, Vec<TaskId>) {
        let mut graph = TaskGraph::new();
        let add = |task: u32| {
            let agent =
                ["reader", "writer", "weigher", "judge"][usize::try_from(task % 4).unwrap()];
            let priority = i64::from(4 + task % priorities).try_into().unwrap();
            graph.add(NewTask::new(task.to_string()).by(agent).priority(priority)).unwrap()
        };
        let ids = (0..TASKS).map(add).collect();
        (graph, ids)
    }

    fn graph(&self, priorities: u32) -> TaskGraph {
        let (mut graph, ids) = Self::tasks(priorities);
        tie(&mut graph, ids, &self.in_turn);
        graph
    }

    fn petgraph(&self) -> DiGraph<(), ()> {
        DiGraph::from_edges(self.in_turn.iter().map(|(task, on)| (*on, *task)))
    }

    /// All that a graph keeps, without the letters of its names.
    fn bytes_each(&self) -> f64 {
        let before = ALLOCATOR.allocated();
        let (mut graph, ids) = Self::tasks(3);
        drop(tie(&mut graph, ids, &self.in_turn));
        let all = ALLOCATOR.allocated() - before;
        drop(graph);
        // Letters stand in one text, which grows as this one does.
        let mut letters = String::new();
        (0..TASKS).for_each(|task| letters.push_str(&task.to_string()));
        // Names are found by a table of places for 4 bytes and a mark each, and of each it is known where it ends.
        let places = usize::try_from(TASKS).unwrap() * 8 / 7;
        let table = places.next_power_of_two() * 5 + usize::try_from(TASKS).unwrap() * 4;
        f64::from(u32::try_from(all - letters.capacity() - table).unwrap()) / f64::from(TASKS)
    }
}

/// Gives back the numbers, to be dropped where that does no harm.
fn tie(graph: &mut TaskGraph, ids: Vec<TaskId>, list: &[(u32, u32)]) -> Vec<TaskId> {
    for (task, on) in list {
        let place = |task: u32| ids[usize::try_from(task).unwrap()];
        graph.add_dependency(place(*task), place(*on)).unwrap();
    }
    ids
}

fn timed_ties(list: &[(u32, u32)]) -> Duration {
    let (mut graph, ids) = Edges::tasks(1);
    timed(|| drop(tie(&mut graph, ids, list)))
}

fn timed_petgraph(list: &[(u32, u32)]) -> Duration {
    let mut graph = DiGraph::<(), ()>::new();
    for _ in 0..TASKS {
        graph.add_node(());
    }
    timed(|| {
        for (task, on) in list {
            graph.add_edge((*on).into(), (*task).into(), ());
        }
        black_box(&graph);
    })
}

fn timed_all(edges: &Edges) -> Duration {
    timed(|| {
        let (mut graph, ids) = Edges::tasks(1);
        tie(&mut graph, ids, &edges.in_turn);
        run(&mut graph);
    })
}

fn timed_all_arrays(edges: &Edges) -> Duration {
    let mut arrays = None;
    let built = timed(|| arrays = Some(Arrays::new(&edges.in_turn)));
    built + arrays.unwrap().run_all()
}

/// Begins and ends every task, by priority.
fn run(graph: &mut TaskGraph) {
    while let Some(task) = graph.start_next() {
        graph.complete(task).unwrap();
    }
    assert_eq!(graph.counts().succeeded, TASKS);
}

fn run_all(graph: &TaskGraph) -> Duration {
    let mut graph = graph.clone();
    timed(|| run(&mut graph))
}

/// The least that runs a graph: who follows whom in one array, a counter for each task, a queue; no names, states or
/// priorities, and nothing can be added.
struct Arrays {
    starts: Vec<u32>,
    followers: Vec<u32>,
    needs: Vec<u32>,
}

impl Arrays {
    fn new(list: &[(u32, u32)]) -> Self {
        let tasks = usize::try_from(TASKS).unwrap();
        let (mut starts, mut needs) = (vec![0; tasks + 1], vec![0; tasks]);
        for (task, on) in list {
            starts[usize::try_from(*on).unwrap() + 1] += 1;
            needs[usize::try_from(*task).unwrap()] += 1;
        }
        for place in 1..starts.len() {
            starts[place] += starts[place - 1];
        }
        let (mut next, mut followers) = (starts.clone(), vec![0; list.len()]);
        for (task, on) in list {
            let next: &mut u32 = &mut next[usize::try_from(*on).unwrap()];
            followers[usize::try_from(*next).unwrap()] = *task;
            *next += 1;
        }
        Self { starts, followers, needs }
    }

    fn run_all(&self) -> Duration {
        let mut needs = self.needs.clone();
        timed(|| {
            let mut queue = Vec::with_capacity(needs.len());
            queue.extend((0..TASKS).filter(|task| needs[usize::try_from(*task).unwrap()] == 0));
            let mut done = 0;
            while let Some(task) = queue.get(done).copied() {
                let task = usize::try_from(task).unwrap();
                let span = [self.starts[task], self.starts[task + 1]]
                    .map(|at| usize::try_from(at).unwrap());
                for follower in &self.followers[span[0]..span[1]] {
                    let left = &mut needs[usize::try_from(*follower).unwrap()];
                    *left -= 1;
                    if *left == 0 {
                        queue.push(*follower);
                    }
                }
                done += 1;
            }
            assert_eq!(done, needs.len());
        })
    }
}
