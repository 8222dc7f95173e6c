//! Random publishers, subscribers, slow readers, drops and cursors: the bus in memory beside a naive one, and what
//! each subscriber saw beside what was published.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test names the cases that it is about")]

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use proptest::{collection::vec, prelude::*};
use safeguards_notify::{
    Cursor, Event, EventBus, Gap, MemoryEventBus, NewEvent, PublishError, Published, Subscribe,
    Subscription, Topic, TopicFilter, WhenFull,
};
use safeguards_testkit::bus::{BusSetup, PlainEventBus};

/// One thing that somebody does.
#[derive(Clone, Debug)]
enum Act {
    /// Publishes; where it has to wait, the future is dropped.
    Publish(Note),
    /// Publishes; where it has to wait, it does, unless another one does already.
    PublishAndWait(Note),
    /// The publisher that waits gives up.
    GiveUp,
    Subscribe(Wanted),
    /// A subscriber, counted round, takes so much.
    Read(usize, usize),
    /// A subscriber, counted round, goes.
    Drop(usize),
}

#[derive(Clone, Debug)]
struct Note {
    topic: &'static str,
    to: Option<&'static str>,
}

#[derive(Clone, Debug)]
struct Wanted {
    filter: &'static str,
    inbox: Option<&'static str>,
    with_messages: bool,
    queue_max: usize,
    waits: bool,
    /// So many events back; 0 is now, and everything beyond 20 the oldest that there is.
    back: u64,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let topic = prop::sample::select(vec!["a", "b", "a.b", "a.c"]);
    let agent = || prop::sample::select(vec!["x", "y"]);
    let note =
        (topic, prop::option::weighted(0.2, agent())).prop_map(|(topic, to)| Note { topic, to });
    let filter = prop::sample::select(vec!["a", "a.b", "a.*", "*", "**"]);
    let wanted = (
        filter,
        prop::option::weighted(0.3, agent()),
        prop::bool::weighted(0.3),
        1_usize..5,
        prop::bool::weighted(0.3),
        prop_oneof![3 => Just(0), 1 => 1_u64..25],
    );
    let wanted = wanted.prop_map(|(filter, inbox, with_messages, queue_max, waits, back)| Wanted {
        filter,
        inbox,
        with_messages,
        queue_max,
        waits,
        back,
    });
    let act = prop_oneof![
        8 => note.clone().prop_map(Act::Publish),
        // For everybody: whose inbox went away meanwhile is told when there is room, or at once; both are right.
        3 => note.prop_map(|note| Act::PublishAndWait(Note { to: None, ..note })),
        1 => Just(Act::GiveUp),
        3 => wanted.prop_map(Act::Subscribe),
        5 => (any::<usize>(), 1_usize..6).prop_map(|(who, much)| Act::Read(who, much)),
        1 => any::<usize>().prop_map(Act::Drop),
    ];
    vec(act, 1..120)
}

type Publishing = Pin<Box<dyn Future<Output = Result<Published, PublishError>>>>;

/// One bus, and those who use it.
struct World {
    bus: Arc<dyn EventBus>,
    next_seq: u64,
    readers: Vec<Reader>,
    gone: Vec<Reader>,
    publishing: Option<(Publishing, Note)>,
    published: Vec<(u64, Note)>,
}

struct Reader {
    wanted: Subscribe,
    subscription: Option<Subscription>,
    first: u64,
    /// How far it read when it went, or was done.
    seen: Vec<Result<Event, Gap>>,
}

/// Polls once, and needs no waker: the world is looked at again after each act.
fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

fn now<T>(future: impl Future<Output = T>) -> T {
    poll(Box::pin(future).as_mut()).expect("nothing to wait for")
}

impl World {
    fn of(bus: Arc<dyn EventBus>) -> Self {
        let (readers, gone, published) = (Vec::new(), Vec::new(), Vec::new());
        Self { bus, next_seq: 1, readers, gone, publishing: None, published }
    }

    /// What an act comes to, in words.
    fn act(&mut self, act: &Act) -> String {
        let mut said = match act {
            Act::Publish(note) => {
                let mut publishing = self.publish(note);
                let result = poll(publishing.as_mut());
                drop(publishing);
                self.note(note, result)
            }
            Act::PublishAndWait(note) if self.publishing.is_none() => {
                let mut publishing = self.publish(note);
                let result = poll(publishing.as_mut());
                if result.is_none() {
                    self.publishing = Some((publishing, note.clone()));
                }
                self.note(note, result)
            }
            Act::PublishAndWait(_) => "another waits".to_owned(),
            Act::GiveUp => {
                self.publishing = None;
                "gives up".to_owned()
            }
            Act::Subscribe(wanted) => self.subscribe(wanted),
            Act::Read(who, much) => self.read(*who, *much),
            Act::Drop(who) => {
                if !self.readers.is_empty() {
                    let mut reader = self.readers.remove(who % self.readers.len());
                    reader.subscription = None;
                    self.gone.push(reader);
                }
                "goes".to_owned()
            }
        };
        if let Some((mut publishing, note)) = self.publishing.take() {
            let result = poll(publishing.as_mut());
            if result.is_none() {
                self.publishing = Some((publishing, note));
            } else {
                let then = self.note(&note, result);
                said = format!("{said}, then {then}");
            }
        }
        said
    }

    fn publish(&self, note: &Note) -> Publishing {
        let event = NewEvent::new(Topic::parse(note.topic).unwrap(), note.topic);
        let event = note.to.iter().fold(event, |event, agent| event.to(*agent));
        let bus = Arc::clone(&self.bus);
        Box::pin(async move { bus.publish(event).await })
    }

    fn note(&mut self, note: &Note, result: Option<Result<Published, PublishError>>) -> String {
        match result {
            Some(Ok(published)) => {
                assert_eq!(published.seq, self.next_seq, "numbers have no holes");
                self.next_seq += 1;
                self.published.push((published.seq, note.clone()));
                format!("#{} to {}", published.seq, published.subscribers)
            }
            Some(Err(error)) => error.to_string(),
            None => "waits".to_owned(),
        }
    }

    fn subscribe(&mut self, wanted: &Wanted) -> String {
        let cursor = match wanted.back {
            0 => Cursor::Now,
            21.. => Cursor::Oldest,
            back => Cursor::Seq(self.next_seq.saturating_sub(back)),
        };
        let subscribe = Subscribe::to(TopicFilter::parse(wanted.filter).unwrap()).unwrap();
        let subscribe = subscribe.queue_max(wanted.queue_max).from(cursor);
        let when_full = if wanted.waits { WhenFull::Wait } else { WhenFull::LoseOldest };
        let subscribe = subscribe.when_full(when_full);
        let subscribe =
            wanted.inbox.iter().fold(subscribe, |subscribe, agent| subscribe.inbox_of(*agent));
        let subscribe = if wanted.with_messages { subscribe.with_messages() } else { subscribe };
        let subscription = now(self.bus.subscribe(subscribe.clone())).unwrap();
        let first = match cursor {
            Cursor::Seq(seq) => seq.max(1),
            // Of what is no longer there nothing is known from outside; the naive bus is asked for that.
            other => match subscription.cursor() {
                Cursor::Seq(seq) => seq,
                unclear => panic!("{other:?} became {unclear:?}"),
            },
        };
        let said = format!("from {first}");
        let seen = Vec::new();
        self.readers.push(Reader {
            wanted: subscribe,
            subscription: Some(subscription),
            first,
            seen,
        });
        said
    }

    fn read(&mut self, who: usize, much: usize) -> String {
        if self.readers.is_empty() {
            return "nobody reads".to_owned();
        }
        let who = who % self.readers.len();
        let reader = &mut self.readers[who];
        let subscription = reader.subscription.as_mut().unwrap();
        let mut said = Vec::new();
        for _ in 0..much {
            let next = match subscription.try_next() {
                Ok(Some(event)) => {
                    said.push(event.to_string());
                    Ok(event)
                }
                Ok(None) => break,
                Err(gap) => {
                    said.push(gap.to_string());
                    Err(gap)
                }
            };
            reader.seen.push(next);
        }
        format!("reads {}", said.join(", "))
    }

    /// What each subscriber saw, beside what was published: all that it wanted, once and in order, or in a gap.
    fn look_through(&mut self) {
        let last = self.next_seq - 1;
        for number in 0..self.readers.len() {
            self.read(number, usize::MAX);
        }
        let done = self.readers.iter().map(|reader| (reader, last));
        let gone = self.gone.iter().map(|reader| {
            let last =
                reader.seen.last().map(|seen| seen.as_ref().map_or_else(|gap| gap.to, Event::seq));
            (reader, last.unwrap_or(0))
        });
        for (reader, last) in done.chain(gone) {
            let mut next = reader.first;
            for seen in &reader.seen {
                let (from, to) = seen
                    .as_ref()
                    .map_or_else(|gap| (gap.from, gap.to), |event| (event.seq(), event.seq()));
                assert!(from >= next && to >= from, "{seen:?} comes before {next}");
                self.none_wanted(reader, next..from);
                if let Ok(event) = seen {
                    assert!(reader.wanted.sees(event));
                    let (_, note) = &self.published[usize::try_from(to).unwrap() - 1];
                    assert_eq!(event.topic().as_str(), note.topic);
                }
                next = to + 1;
            }
            self.none_wanted(reader, next..last + 1);
            let is_alike = |pair: &[Result<Event, Gap>]| pair[0].is_err() && pair[1].is_err();
            if reader.wanted.is_waited_for() {
                let gaps = reader.seen.iter().filter(|seen| seen.is_err()).count();
                let is_first = reader.seen.first().is_some_and(Result::is_err);
                assert_eq!(gaps, usize::from(is_first), "only what was gone before may be lost");
                assert!(!reader.seen.windows(2).any(is_alike));
            }
        }
    }

    fn none_wanted(&self, reader: &Reader, range: std::ops::Range<u64>) {
        for (seq, note) in &self.published {
            let matches = reader.wanted.filter().matches(&Topic::parse(note.topic).unwrap());
            let is_for_it = match note.to {
                Some(agent) => {
                    reader.wanted.agent().is_some_and(|inbox| inbox.as_str() == agent)
                        || reader.wanted.sees_messages()
                }
                None => reader.wanted.agent().is_none(),
            };
            assert!(
                !(range.contains(seq) && matches && is_for_it),
                "#{seq} is missing: {:?} saw {:?}",
                reader.wanted,
                reader.seen
            );
        }
    }
}

proptest! {
    #[test]
    fn a_subscriber_sees_all_that_it_wanted_or_is_told_what_it_missed(acts in acts()) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        let _entered = runtime.enter();
        let setup = BusSetup::small();
        let memory = MemoryEventBus::builder()
            .clock(setup.clock.clone())
            .log_max(setup.log_max)
            .dead_letters_max(setup.dead_letters_max)
            .build();
        let mut memory = World::of(Arc::new(memory));
        let mut plain = World::of(Arc::new(PlainEventBus::new(setup)));
        for (number, act) in acts.iter().enumerate() {
            prop_assert_eq!(memory.act(act), plain.act(act), "act {} of {:#?}", number, acts);
        }
        memory.look_through();
        plain.look_through();
        let dead = [&memory, &plain].map(|world| now(world.bus.dead_letters()).unwrap());
        prop_assert_eq!(&dead[0], &dead[1]);
    }
}
