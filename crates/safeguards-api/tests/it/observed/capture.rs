//! [`Captured`]: a subscriber that keeps all that it is told.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
};

use parking_lot::Mutex;

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

pub(super) type Fields = BTreeMap<&'static str, String>;

/// What stands in the code for a span or an event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known(pub(super) &'static Metadata<'static>);

impl Known {
    pub(super) fn name(self) -> &'static str {
        self.0.name()
    }

    /// The names of all fields, given or not, besides the message for people.
    pub(super) fn fields(self) -> Vec<&'static str> {
        let names = self.0.fields().iter().map(|field| field.name());
        names.filter(|name| *name != "message").collect()
    }

    /// Whether whoever prints it shows what happened.
    pub(super) fn has_message(self) -> bool {
        self.0.fields().field("message").is_some()
    }
}

/// A span that was opened.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    pub(super) known: Known,
    /// Where its parent stands among the spans.
    pub(super) parent: Option<usize>,
    pub(super) fields: Fields,
    pub(super) is_closed: bool,
}

/// An event that was told.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) known: Known,
    pub(super) span: Option<usize>,
    pub(super) fields: Fields,
}

#[derive(Debug, Default)]
pub(super) struct Everything {
    pub(super) spans: Vec<Opened>,
    pub(super) events: Vec<Told>,
    by_id: HashMap<u64, usize>,
}

/// Keeps spans and events. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub(super) struct Captured(pub(super) Arc<Mutex<Everything>>);

struct Visitor<'f>(&'f mut Fields);

impl Visit for Visitor<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

impl<S: Subscriber + for<'l> LookupSpan<'l>> Layer<S> for Captured {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let parent = context.span(id).and_then(|span| span.parent()).map(|span| span.id());
        let mut all = self.0.lock();
        let mut fields = Fields::new();
        attributes.record(&mut Visitor(&mut fields));
        let parent = parent.and_then(|id| all.by_id.get(&id.into_u64()).copied());
        let place = all.spans.len();
        let known = Known(attributes.metadata());
        all.spans.push(Opened { known, parent, fields, is_closed: false });
        all.by_id.insert(id.into_u64(), place);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut all = self.0.lock();
        let place = all.by_id[&id.into_u64()];
        values.record(&mut Visitor(&mut all.spans[place].fields));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let span = context.event_span(event).map(|span| span.id());
        let mut all = self.0.lock();
        let mut fields = Fields::new();
        event.record(&mut Visitor(&mut fields));
        let span = span.and_then(|id| all.by_id.get(&id.into_u64()).copied());
        all.events.push(Told { known: Known(event.metadata()), span, fields });
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        let mut all = self.0.lock();
        let place = all.by_id[&id.into_u64()];
        all.spans[place].is_closed = true;
    }
}

impl Captured {
    /// The spans of this name, in order.
    pub(super) fn spans(&self, name: &str) -> Vec<Opened> {
        let all = self.0.lock();
        all.spans.iter().filter(|span| span.known.name() == name).cloned().collect()
    }

    /// The events of this name, in order.
    pub(super) fn events(&self, name: &str) -> Vec<Told> {
        let all = self.0.lock();
        all.events.iter().filter(|event| event.known.name() == name).cloned().collect()
    }

    /// The names of the spans around a place, the outermost first.
    pub(super) fn way_to(&self, place: Option<usize>) -> Vec<&'static str> {
        let all = self.0.lock();
        let next = |place: &usize| all.spans[*place].parent;
        let mut way: Vec<_> =
            std::iter::successors(place, next).map(|place| all.spans[place].known.name()).collect();
        way.reverse();
        way
    }
}
