//! [`OtlpRecorder`]: brings what is counted through the facade `metrics` to OpenTelemetry.

use std::sync::Arc;

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use opentelemetry::{KeyValue, metrics::Meter};

/// Each metric is an instrument of this meter, under its own name and with its own labels.
#[derive(Debug)]
pub(crate) struct OtlpRecorder {
    meter: Meter,
}

impl OtlpRecorder {
    pub(crate) const fn new(meter: Meter) -> Self {
        Self { meter }
    }
}

/// An instrument and the labels that it is used with.
struct Labeled<I>(I, Vec<KeyValue>);

impl<I> Labeled<I> {
    fn new(instrument: I, key: &Key) -> Arc<Self> {
        let label = |label: &metrics::Label| {
            KeyValue::new(label.key().to_owned(), label.value().to_owned())
        };
        Arc::new(Self(instrument, key.labels().map(label).collect()))
    }
}

impl CounterFn for Labeled<opentelemetry::metrics::Counter<u64>> {
    fn increment(&self, value: u64) {
        self.0.add(value, &self.1);
    }

    fn absolute(&self, _: u64) {
        // A counter of OpenTelemetry only adds. Safeguards sets none.
    }
}

impl GaugeFn for Labeled<opentelemetry::metrics::UpDownCounter<f64>> {
    fn increment(&self, value: f64) {
        self.0.add(value, &self.1);
    }

    #[expect(clippy::float_arithmetic, reason = "gauges of `metrics` are floats")]
    fn decrement(&self, value: f64) {
        self.0.add(-value, &self.1);
    }

    fn set(&self, _: f64) {
        // What goes up and down is not set. Safeguards sets none.
    }
}

impl HistogramFn for Labeled<opentelemetry::metrics::Histogram<f64>> {
    fn record(&self, value: f64) {
        self.0.record(value, &self.1);
    }
}

impl Recorder for OtlpRecorder {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
        // An instrument is described where it is made; whoever wants that keeps what comes here.
    }

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let counter = self.meter.u64_counter(key.name().to_owned()).build();
        Counter::from_arc(Labeled::new(counter, key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let counter = self.meter.f64_up_down_counter(key.name().to_owned()).build();
        Gauge::from_arc(Labeled::new(counter, key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        let histogram = self.meter.f64_histogram(key.name().to_owned()).build();
        Histogram::from_arc(Labeled::new(histogram, key))
    }
}
