//! Coming, staying and going.

use std::{cell::LazyCell, collections::HashMap, hint::black_box, time::Duration};

use parking_lot::Mutex;
use safeguards_discovery::{Lease, MemoryRegistry, Registration, Status};
use safeguards_types::{AgentId, Clock, SimClock, Timestamp};
use serde_json::Value;

use super::{
    bench::{
        Reach::{self, Most},
        Table, timed,
    },
    fleet::{self, Agent, CAPABILITIES, Fleet, TTL},
};

/// What a registration or a heartbeat may take.
const FIVE_MICROS: &[Reach] = &[Most(5_000.0)];
/// How many are here before those that come.
const HERE: usize = 100_000;
/// How many come, and go again, at a time.
const COMING: usize = 1_024;

/// The rows about coming and staying.
pub(crate) fn rows(table: &mut Table) {
    let fleet = LazyCell::new(Here::open);
    table.row("registration, nothing to offer, 100k", "a map of JSON", &[], || {
        (fleet.come(0), fleet.come_by_hand(0))
    });
    table.row("registration, 1 capability, 100k", "a map of JSON", FIVE_MICROS, || {
        (fleet.come(1), fleet.come_by_hand(1))
    });
    table.row("registration, 5 capabilities, 100k", "a map of JSON", &[], || {
        (fleet.come(CAPABILITIES), fleet.come_by_hand(CAPABILITIES))
    });
    table.row("registration again, the same, 100k", "a map of JSON", &[], || {
        (fleet.again(), fleet.come_by_hand(CAPABILITIES))
    });
    table.row("heartbeat, 100k", "a map of instants", FIVE_MICROS, || {
        (fleet.heartbeat(|_| None), fleet.heartbeat_by_hand())
    });
    table.row("heartbeat with another load, 100k", "a map of instants", FIVE_MICROS, || {
        (fleet.heartbeat(|turn| Some(Status::new().load(turn))), fleet.heartbeat_by_hand())
    });
}

/// A hundred thousand agents, and more that come and go.
struct Here {
    registry: MemoryRegistry,
    clock: SimClock,
    leases: Vec<Lease>,
    /// Those that are not here.
    others: Vec<Agent>,
    instants: Mutex<HashMap<String, Timestamp>>,
}

impl Here {
    fn open() -> Self {
        let clock = fleet::clock();
        let registry = MemoryRegistry::builder().clock(clock.clone()).build();
        let mut fleet = Fleet::new();
        let come = |agent: Agent| registry.sync().register(agent.registration()).unwrap();
        let leases: Vec<Lease> = fleet.by_ref().take(HERE).map(come).collect();
        let end = |lease: &Lease| (lease.agent.to_string(), lease.expires_at.unwrap());
        let instants = Mutex::new(leases.iter().map(end).collect());
        let others = fleet.take(COMING).collect();
        Self { registry, clock, leases, others, instants }
    }

    /// Registrations of those that are not here.
    fn coming(&self, capabilities: usize) -> Vec<Registration> {
        let cut = |agent: &Agent| {
            let mut registration = agent.registration();
            registration.capabilities.truncate(capabilities);
            registration
        };
        self.others.iter().map(cut).collect()
    }

    /// In parts, so that there are never many more than before; who came goes while nobody looks at the clock.
    fn in_parts(count: usize, mut part: impl FnMut(usize) -> Duration) -> Duration {
        let mut left = count;
        let mut spent = Duration::ZERO;
        while left > 0 {
            let now = left.min(COMING);
            spent += part(now);
            left -= now;
        }
        spent
    }

    fn come(&self, capabilities: usize) -> impl FnMut(usize) -> Duration {
        let coming = self.coming(capabilities);
        move |count| {
            Self::in_parts(count, |part| {
                let round: Vec<_> = coming.iter().take(part).cloned().collect();
                let spent = timed(|| {
                    for registration in round {
                        black_box(self.registry.sync().register(registration).unwrap());
                    }
                });
                for agent in self.others.iter().take(part) {
                    self.registry.sync().delete(&agent.id()).unwrap();
                }
                spent
            })
        }
    }

    /// What is done where there is no registry: nothing can be found in it but by looking through all.
    fn come_by_hand(&self, capabilities: usize) -> impl FnMut(usize) -> Duration {
        let coming = self.coming(capabilities);
        let documents = coming.iter().map(|one| (one.agent.to_string(), serde_json::to_value(one)));
        let documents: Vec<(String, Value)> =
            documents.map(|(name, document)| (name, document.unwrap())).collect();
        let map = Mutex::new(HashMap::new());
        move |count| {
            Self::in_parts(count, |part| {
                let round: Vec<_> = documents.iter().take(part).cloned().collect();
                let spent = timed(|| {
                    for (name, document) in round {
                        black_box(map.lock().insert(name, document));
                    }
                });
                map.lock().clear();
                spent
            })
        }
    }

    /// Everybody who is here says the same again.
    fn again(&self) -> impl FnMut(usize) -> Duration {
        let coming: Vec<_> = Fleet::new().take(COMING).map(|agent| agent.registration()).collect();
        move |count| {
            Self::in_parts(count, |part| {
                let round: Vec<_> = coming.iter().take(part).cloned().collect();
                timed(|| {
                    for registration in round {
                        black_box(self.registry.sync().register(registration).unwrap());
                    }
                })
            })
        }
    }

    /// Leases are renewed in no order of theirs, and the clock moves on with each: in a second each is renewed.
    fn heartbeat(&self, status: impl Fn(u32) -> Option<Status>) -> impl FnMut(usize) -> Duration {
        let mut turn = 0_usize;
        move |count| {
            timed(|| {
                for _ in 0..count {
                    turn += 1;
                    self.clock.advance(Duration::from_micros(10));
                    let lease = &self.leases[turn * 7_919 % HERE];
                    let load = u32::try_from(turn % 1_000).unwrap();
                    black_box(self.registry.sync().renew(lease, status(load)).unwrap());
                }
            })
        }
    }

    fn heartbeat_by_hand(&self) -> impl FnMut(usize) -> Duration {
        let names: Vec<AgentId> = self.leases.iter().map(|lease| lease.agent.clone()).collect();
        let mut turn = 0_usize;
        let clock = fleet::clock();
        move |count| {
            timed(|| {
                for _ in 0..count {
                    turn += 1;
                    clock.advance(Duration::from_micros(10));
                    let name = &names[turn * 7_919 % HERE];
                    if let Some(end) = self.instants.lock().get_mut(name.as_str()) {
                        *end = clock.now().saturating_add(TTL);
                    }
                }
            })
        }
    }
}
