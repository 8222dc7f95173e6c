//! A task graph beside a naive model: a plain map of tasks, searched whole at every question.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*, sample::Index};
use safeguards_coord::{GraphError, Missing, NewTask, OnFailure, TaskGraph, TaskState, TaskView};
use safeguards_types::Priority;

const TASKS: usize = 9;
const RESOURCES: usize = 3;

fn name(task: usize) -> String {
    // Not in the order of the numbers, so that names, numbers and ranks are three things.
    format!("t{}", (task * 5) % TASKS)
}

fn resource(resource: usize) -> String {
    format!("r{resource}")
}

#[derive(Clone, Debug)]
enum Ask {
    Add { task: usize, after: Vec<usize>, resources: Vec<usize>, priority: i64 },
    Depend(usize, usize),
    Free(usize, usize),
    Require(usize, usize),
    Prioritize(usize, i64),
    Remove(usize),
    StartNext,
    Start(usize, Vec<usize>),
    Complete(usize),
    Fail(usize),
    Retry(usize),
    Provide(usize),
    Withdraw(usize),
    WriteAndRead,
}

fn ask() -> impl Strategy<Value = Ask> {
    let task = || 0..TASKS;
    let resource = || 0..RESOURCES;
    let add = (task(), vec(task(), 0..3), vec(resource(), 0..2), 4_i64..7);
    let add = add.prop_map(|(task, after, resources, priority)| Ask::Add {
        task,
        after,
        resources,
        priority,
    });
    prop_oneof![
        6 => add,
        5 => (task(), task()).prop_map(|(task, on)| Ask::Depend(task, on)),
        2 => (task(), task()).prop_map(|(task, on)| Ask::Free(task, on)),
        1 => (task(), resource()).prop_map(|(task, resource)| Ask::Require(task, resource)),
        1 => (task(), 4_i64..7).prop_map(|(task, priority)| Ask::Prioritize(task, priority)),
        1 => task().prop_map(Ask::Remove),
        4 => Just(Ask::StartNext),
        2 => (task(), vec(resource(), 0..3)).prop_map(|(task, there)| Ask::Start(task, there)),
        5 => task().prop_map(Ask::Complete),
        2 => task().prop_map(Ask::Fail),
        2 => task().prop_map(Ask::Retry),
        2 => resource().prop_map(Ask::Provide),
        1 => resource().prop_map(Ask::Withdraw),
        1 => Just(Ask::WriteAndRead),
    ]
}

#[derive(Clone, Debug)]
struct Task {
    needs: Vec<String>,
    resources: Vec<String>,
    priority: Priority,
    rank: usize,
    /// `Waiting` stands for ready too.
    state: TaskState,
}

#[derive(Clone, Debug, Default)]
struct Model {
    tasks: BTreeMap<String, Task>,
    provided: BTreeSet<String>,
    blocks: bool,
    ranks: usize,
}

/// What the model says to a question: the code of a refusal, or what is told.
type Answer = Result<String, &'static str>;

impl Model {
    fn state(&self, task: &str) -> Option<TaskState> {
        let known = self.tasks.get(task)?;
        let is_ready = known.state == TaskState::Waiting && self.missing(task, &[]).is_none();
        Some(if is_ready { TaskState::Ready } else { known.state })
    }

    fn missing(&self, task: &str, available: &[String]) -> Option<(Vec<String>, Vec<String>)> {
        let task = &self.tasks[task];
        let is_done = |need: &&String| {
            self.tasks.get(*need).is_some_and(|need| need.state == TaskState::Succeeded)
        };
        let tasks: Vec<_> = task.needs.iter().filter(|need| !is_done(need)).cloned().collect();
        let is_there = |need: &&String| self.provided.contains(*need) || available.contains(need);
        let resources = task.resources.iter().filter(|need| !is_there(need)).cloned();
        let resources: Vec<_> = resources.collect();
        (!tasks.is_empty() || !resources.is_empty()).then_some((tasks, resources))
    }

    fn ready(&self) -> Vec<String> {
        let is_ready = |task: &&String| self.state(task) == Some(TaskState::Ready);
        let mut ready: Vec<_> = self.tasks.keys().filter(is_ready).cloned().collect();
        ready.sort_by_key(|task| {
            let task = &self.tasks[task];
            (std::cmp::Reverse(task.priority), task.rank)
        });
        ready
    }

    /// Whether `task` is reached from `from` by needs.
    fn reaches(&self, from: &str, task: &str) -> bool {
        let needs = self.tasks.get(from).map(|task| task.needs.clone()).unwrap_or_default();
        from == task || needs.iter().any(|need| self.reaches(need, task))
    }

    fn depend(&mut self, task: &str, on: &str) -> Answer {
        if self.reaches(on, task) {
            return Err("graph.cycle");
        }
        let needs = &mut self.tasks.get_mut(task).unwrap().needs;
        let is_new = !needs.iter().any(|need| need == on);
        if is_new {
            needs.push(on.to_owned());
        }
        Ok(is_new.to_string())
    }

    /// Skips and un-skips until all is as it must be.
    fn settle(&mut self) {
        loop {
            let mut changed = false;
            for name in self.tasks.keys().cloned().collect::<Vec<_>>() {
                let needs = self.tasks[&name].needs.clone();
                let is_lost = needs
                    .iter()
                    .any(|need| self.tasks.get(need).is_some_and(|need| need.state.is_failure()));
                let task = self.tasks.get_mut(&name).unwrap();
                let state = if task.state == TaskState::Waiting && is_lost && !self.blocks {
                    TaskState::Skipped
                } else if task.state == TaskState::Skipped && !is_lost {
                    TaskState::Waiting
                } else {
                    task.state
                };
                changed |= state != task.state;
                task.state = state;
            }
            if !changed {
                return;
            }
        }
    }

    fn to_come(&self, task: &str) -> Result<(), &'static str> {
        match self.tasks.get(task) {
            None => Err("graph.unknown_task"),
            Some(task) if task.state == TaskState::Waiting => Ok(()),
            Some(_) => Err("graph.wrong_state"),
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each question")]
    fn answer(&mut self, ask: &Ask) -> Answer {
        let done = Ok(String::new());
        match ask {
            Ask::Add { task, after, resources, priority } => {
                let task = name(*task);
                if self.tasks.contains_key(&task) {
                    return Err("graph.duplicate_task");
                }
                let before = self.clone();
                let priority = Priority::try_from(*priority).unwrap();
                let mut unique = Vec::new();
                for needed in resources.iter().map(|at| resource(*at)) {
                    if !unique.contains(&needed) {
                        unique.push(needed);
                    }
                }
                self.tasks.insert(
                    task.clone(),
                    Task {
                        needs: Vec::new(),
                        resources: unique,
                        priority,
                        rank: self.ranks,
                        state: TaskState::Waiting,
                    },
                );
                for on in after {
                    if let Err(code) = self.depend(&task, &name(*on)) {
                        // The rank is used up; nobody sees that.
                        *self = before;
                        return Err(code);
                    }
                }
                self.ranks += 1;
                done
            }
            Ask::Depend(task, on) => {
                self.to_come(&name(*task))?;
                self.depend(&name(*task), &name(*on))
            }
            Ask::Free(task, on) => {
                self.to_come(&name(*task))?;
                let needs = &mut self.tasks.get_mut(&name(*task)).unwrap().needs;
                let before = needs.len();
                needs.retain(|need| *need != name(*on));
                Ok((needs.len() < before).to_string())
            }
            Ask::Require(task, resource) => {
                self.to_come(&name(*task))?;
                let resources = &mut self.tasks.get_mut(&name(*task)).unwrap().resources;
                let is_new = !resources.contains(&self::resource(*resource));
                if is_new {
                    resources.push(self::resource(*resource));
                }
                Ok(is_new.to_string())
            }
            Ask::Prioritize(task, priority) => {
                self.to_come(&name(*task))?;
                let priority = Priority::try_from(*priority).unwrap();
                self.tasks.get_mut(&name(*task)).unwrap().priority = priority;
                done
            }
            Ask::Remove(task) => {
                let state = self.state(&name(*task)).ok_or("graph.unknown_task")?;
                if state == TaskState::Running {
                    return Err("graph.wrong_state");
                }
                if self.tasks.values().any(|other| other.needs.contains(&name(*task))) {
                    return Err("graph.has_dependants");
                }
                self.tasks.remove(&name(*task));
                done
            }
            Ask::StartNext => {
                let Some(first) = self.ready().first().cloned() else { return Ok(String::new()) };
                self.tasks.get_mut(&first).unwrap().state = TaskState::Running;
                Ok(first)
            }
            Ask::Start(task, there) => {
                self.to_come(&name(*task))?;
                let there: Vec<_> = there.iter().map(|at| resource(*at)).collect();
                if self.missing(&name(*task), &there).is_some() {
                    return Err("graph.not_ready");
                }
                self.tasks.get_mut(&name(*task)).unwrap().state = TaskState::Running;
                done
            }
            Ask::Complete(task) => {
                let state = self.state(&name(*task)).ok_or("graph.unknown_task")?;
                if state.is_ended() {
                    return Err("graph.wrong_state");
                }
                let missing = self.missing(&name(*task), &[]);
                if missing.is_some_and(|(tasks, _)| !tasks.is_empty()) {
                    return Err("graph.not_ready");
                }
                self.tasks.get_mut(&name(*task)).unwrap().state = TaskState::Succeeded;
                done
            }
            Ask::Fail(task) => {
                let state = self.state(&name(*task)).ok_or("graph.unknown_task")?;
                if state.is_ended() {
                    return Err("graph.wrong_state");
                }
                let before = self.clone();
                self.tasks.get_mut(&name(*task)).unwrap().state = TaskState::Failed;
                self.settle();
                let is_skipped = |task: &&String| {
                    self.tasks[*task].state == TaskState::Skipped
                        && before.tasks[*task].state != TaskState::Skipped
                };
                let skipped: Vec<_> = self.tasks.keys().filter(is_skipped).cloned().collect();
                Ok(skipped.join(" "))
            }
            Ask::Retry(task) => {
                let state = self.state(&name(*task)).ok_or("graph.unknown_task")?;
                if !matches!(state, TaskState::Failed | TaskState::Running) {
                    return Err("graph.wrong_state");
                }
                self.tasks.get_mut(&name(*task)).unwrap().state = TaskState::Waiting;
                done
            }
            Ask::Provide(at) => Ok(self.provided.insert(resource(*at)).to_string()),
            Ask::Withdraw(at) => Ok(self.provided.remove(&resource(*at)).to_string()),
            Ask::WriteAndRead => done,
        }
    }
}

/// Asks the graph, now by name and now by number.
fn answer(graph: &mut TaskGraph, ask: &Ask, model: &Model) -> Answer {
    let done = |()| String::new();
    let answer = match ask {
        Ask::Add { task, after, resources, priority } => {
            let task = NewTask::new(name(*task))
                .after(after.iter().map(|on| name(*on)))
                .needs(resources.iter().map(|at| resource(*at)))
                .priority(Priority::try_from(*priority).unwrap());
            graph.add(task).map(|id| {
                assert_eq!(graph.task(id).unwrap().id(), id);
                String::new()
            })
        }
        Ask::Depend(task, on) => {
            let (task, on) = (name(*task), name(*on));
            let answer = match (graph.task(&task), graph.task(&on)) {
                (Some(task), Some(on)) => {
                    let (task, on) = (task.id(), on.id());
                    graph.add_dependency(task, on)
                }
                _ => graph.add_dependency(&task, &on),
            };
            if let Err(GraphError::Cycle(cycle)) = &answer {
                check_cycle(&cycle.tasks().collect::<Vec<_>>(), &task, &on, model);
            }
            answer.map(|is_new| is_new.to_string())
        }
        Ask::Free(task, on) => {
            graph.remove_dependency(&name(*task), &name(*on)).map(|was| was.to_string())
        }
        Ask::Require(task, at) => {
            graph.add_resource(&name(*task), resource(*at)).map(|is_new| is_new.to_string())
        }
        Ask::Prioritize(task, priority) => {
            let priority = Priority::try_from(*priority).unwrap();
            graph.set_priority(&name(*task), priority).map(done)
        }
        Ask::Remove(task) => graph.remove(&name(*task)).map(done),
        Ask::StartNext => {
            let started = graph.start_next();
            Ok(started.map(|task| graph.name(task).to_owned()).unwrap_or_default())
        }
        Ask::Start(task, there) => {
            graph.start_with(&name(*task), there.iter().map(|at| resource(*at))).map(done)
        }
        Ask::Complete(task) => graph.complete(&name(*task)).map(done),
        Ask::Fail(task) => graph.fail(&name(*task)).map(|skipped| {
            let mut lost = BTreeSet::from([name(*task)]);
            for task in &skipped {
                let view = graph.task(*task).unwrap();
                assert!(view.dependencies().any(|need| lost.contains(need)), "{skipped:?}");
                assert!(lost.insert(view.name().to_owned()));
            }
            lost.remove(&name(*task));
            lost.into_iter().collect::<Vec<_>>().join(" ")
        }),
        Ask::Retry(task) => graph.retry(&name(*task)).map(done),
        Ask::Provide(at) => graph.provide(resource(*at)).map(|is_news| is_news.to_string()),
        Ask::Withdraw(at) => Ok(graph.withdraw(resource(*at)).to_string()),
        Ask::WriteAndRead => {
            let text = serde_json::to_string(graph).unwrap();
            *graph = serde_json::from_str(&text).unwrap();
            assert_eq!(serde_json::to_string(graph).unwrap(), text);
            Ok(String::new())
        }
    };
    answer.map_err(|error| error.code())
}

fn check_cycle(cycle: &[&str], task: &str, on: &str, model: &Model) {
    assert_eq!((cycle[0], cycle[1 % cycle.len()]), (task, on), "{cycle:?}");
    for (at, task) in cycle.iter().enumerate().skip(1) {
        let next = cycle[(at + 1) % cycle.len()].to_owned();
        assert!(model.tasks[*task].needs.contains(&next), "{task} needs {next}: {cycle:?}");
    }
    let unique: BTreeSet<_> = cycle.iter().collect();
    assert_eq!(unique.len(), cycle.len(), "{cycle:?}");
}

/// All that one can ask a graph is what the model says.
fn check_same(graph: &TaskGraph, model: &Model) {
    let mut by_rank: Vec<_> = model.tasks.iter().collect();
    by_rank.sort_by_key(|(_, task)| task.rank);
    let names: Vec<_> = by_rank.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(graph.tasks().map(TaskView::name).collect::<Vec<_>>(), names);
    assert_eq!(graph.ready().map(|task| graph.name(task)).collect::<Vec<_>>(), model.ready());
    let mut counts = BTreeMap::new();
    for (name, task) in &model.tasks {
        let view = graph.task(name).unwrap();
        let state = model.state(name).unwrap();
        *counts.entry(state.as_str()).or_insert(0) += 1;
        assert_eq!(view.state(), state, "{name}");
        assert_eq!(view.priority(), task.priority, "{name}");
        assert_eq!(view.dependencies().collect::<Vec<_>>(), task.needs, "{name}");
        let resources: Vec<_> = view.resources().map(|(resource, _)| resource).collect();
        assert_eq!(resources, task.resources, "{name}");
        let dependants: BTreeSet<_> = view.dependants().map(TaskView::name).collect();
        let needed_by = model.tasks.iter().filter(|(_, task)| task.needs.contains(name));
        assert_eq!(dependants, needed_by.map(|(name, _)| name.as_str()).collect());
        check_missing(graph.missing(name).unwrap(), name, &[], model);
        let there = [resource(0), resource(2)];
        check_missing(graph.blocked(name, &there).unwrap(), name, &there, model);
    }
    let of = |state: TaskState| counts.get(state.as_str()).copied().unwrap_or(0_u32);
    let told = graph.counts();
    let states = [TaskState::Waiting, TaskState::Ready, TaskState::Running, TaskState::Succeeded];
    assert_eq!([told.waiting, told.ready, told.running, told.succeeded], states.map(of));
    assert_eq!([told.failed, told.skipped], [TaskState::Failed, TaskState::Skipped].map(of));
    assert_eq!(usize::try_from(graph.len()).unwrap(), model.tasks.len());
    let edges: usize = model.tasks.values().map(|task| task.needs.len()).sum();
    assert_eq!(usize::try_from(graph.dependencies()).unwrap(), edges);
    assert_eq!(
        graph.provided().collect::<BTreeSet<_>>(),
        model.provided.iter().map(String::as_str).collect()
    );
    check_stalled(graph, model);
}

fn check_missing(told: Option<Missing>, task: &str, available: &[String], model: &Model) {
    let (tasks, resources) = model.missing(task, available).unwrap_or_default();
    assert_eq!(told.is_none(), tasks.is_empty() && resources.is_empty(), "{task}");
    let told = told.unwrap_or_default();
    let of = |is: &dyn Fn(&str) -> bool| -> Vec<String> {
        tasks.iter().filter(|task| is(task)).cloned().collect()
    };
    assert_eq!(told.unknown, of(&|task| !model.tasks.contains_key(task)));
    let has_failed = |task: &str| model.tasks.get(task).is_some_and(|task| task.state.is_failure());
    assert_eq!(told.failed, of(&has_failed));
    assert_eq!((told.tasks, told.resources), (tasks, resources), "{task}");
}

fn check_stalled(graph: &TaskGraph, model: &Model) {
    let stalled: BTreeSet<_> = graph.stalled().map(|task| task.name().to_owned()).collect();
    let is_stalled = |(name, task): &(&String, &Task)| {
        model.state(name) == Some(TaskState::Waiting)
            && (task.resources.iter().any(|resource| !model.provided.contains(resource))
                || task
                    .needs
                    .iter()
                    .any(|need| model.tasks.get(need).is_none_or(|need| need.state.is_failure())))
    };
    let expected = model.tasks.iter().filter(is_stalled).map(|(name, _)| name.clone());
    assert_eq!(stalled, expected.collect());
}

fn check_critical_path(graph: &TaskGraph, model: &Model) {
    fn heaviest(model: &Model, task: &str) -> u64 {
        let Some(known) = model.tasks.get(task) else { return 0 };
        let before = known.needs.iter().map(|need| heaviest(model, need)).max();
        before.unwrap_or(0) + weight(task)
    }
    let expected = model.tasks.keys().map(|task| heaviest(model, task)).max().unwrap_or(0);
    let path = graph.critical_path_by(|task| weight(graph.name(task)));
    assert_eq!(path.weight, expected);
    let names: Vec<_> = path.tasks.iter().map(|task| graph.name(*task)).collect();
    assert_eq!(names.iter().map(|task| weight(task)).sum::<u64>(), expected);
    for pair in names.windows(2) {
        assert!(model.tasks[pair[1]].needs.iter().any(|need| need == pair[0]), "{names:?}");
    }
}

/// From 0 to 3.
fn weight(task: &str) -> u64 {
    u64::from(task.as_bytes()[1]) % 4
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_graph_is_what_a_plain_map_is(
        blocks in any::<bool>(),
        asks in vec(ask(), 1..60),
    ) {
        let on_failure = if blocks { OnFailure::Block } else { OnFailure::Skip };
        let mut graph = TaskGraph::new().on_failure(on_failure);
        let mut model = Model { blocks, ..Model::default() };
        for (at, ask) in asks.iter().enumerate() {
            let told = answer(&mut graph, ask, &model);
            let expected = model.answer(ask);
            model.settle();
            prop_assert_eq!(told, expected, "{:?}", ask);
            // To ask everything costs more than to answer; whatever goes wrong is still wrong two asks later.
            if at % 3 == 2 || at + 1 == asks.len() {
                check_same(&graph, &model);
            }
        }
        check_critical_path(&graph, &model);
    }
}

/// How many tasks the graph has in which searches go far.
const MANY: usize = 120;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Long searches, and levels: more edges than a search may look at, in any order, some taken away again.
    #[test]
    fn no_order_of_edges_makes_a_cycle(
        edges in vec((0..MANY, 0..MANY, 0_u8..10, any::<Index>()), 800),
        density in 1_usize..4,
    ) {
        let mut graph = TaskGraph::new();
        let ids: Vec<_> = (0..MANY).map(|task| graph.add(task.to_string()).unwrap()).collect();
        let mut needs = vec![BTreeSet::<usize>::new(); MANY];
        let mut refused = 0;
        for (task, on, kind, any) in edges {
            if kind == 0 {
                let tied: Vec<_> = (0..MANY).filter(|task| !needs[*task].is_empty()).collect();
                if tied.is_empty() { continue }
                let task = tied[any.index(tied.len())];
                let on = *needs[task].iter().next().unwrap();
                needs[task].remove(&on);
                prop_assert_eq!(graph.remove_dependency(ids[task], ids[on]), Ok(true));
                continue;
            }
            // Most edges go one way, so that the graph grows deep; which way, changes with the density.
            let (task, on) = if usize::from(kind) % density == 0 { (task, on) } else { (task.max(on), task.min(on)) };
            match graph.add_dependency(ids[task], ids[on]) {
                Ok(is_new) => prop_assert_eq!(is_new, needs[task].insert(on)),
                Err(GraphError::Cycle(cycle)) => {
                    refused += 1;
                    prop_assert!(reaches(&needs, on, task));
                    if cycle.len() <= 16 {
                        let tasks: Vec<usize> = cycle.tasks().map(|task| task.parse().unwrap()).collect();
                        prop_assert_eq!((tasks[0], tasks[1 % tasks.len()]), (task, on));
                        for (at, task) in tasks.iter().enumerate().skip(1) {
                            prop_assert!(needs[*task].contains(&tasks[(at + 1) % tasks.len()]));
                        }
                    }
                    continue;
                }
                Err(error) => return Err(TestCaseError::fail(error.to_string())),
            }
            prop_assert!(!reaches(&needs, on, task), "a cycle: {} needs {}", task, on);
        }
        prop_assert!(refused > 0);
    }
}

fn reaches(needs: &[BTreeSet<usize>], from: usize, task: usize) -> bool {
    let (mut seen, mut stack) = (BTreeSet::from([from]), vec![from]);
    while let Some(here) = stack.pop() {
        if here == task {
            return true;
        }
        stack.extend(needs[here].iter().filter(|need| seen.insert(**need)));
    }
    false
}
