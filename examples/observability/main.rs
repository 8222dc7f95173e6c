//! A team that is watched: metrics to Prometheus, traces and metrics over OTLP, and what arrives there.
//!
//! `cargo run -p observability-example --example observability`
//!
//! It starts a collector of its own on a free port. Yours is another endpoint, and an HTTP client that you have: the
//! features `reqwest-client` and `reqwest-blocking-client` of `opentelemetry-otlp` bring one.

mod arrived;
mod client;
mod collector;
mod otlp_recorder;

use std::{error::Error, sync::Arc};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use metrics_util::layers::FanoutBuilder;
use opentelemetry::{metrics::MeterProvider, trace::TracerProvider};
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{Resource, metrics::SdkMeterProvider, trace::SdkTracerProvider};
use safeguards::{
    api::telemetry, budget::MemoryLedger, notify::ConsoleChannel, prelude::*, pricing::Usage,
};
use tracing_subscriber::{Registry, layer::SubscriberExt, util::SubscriberInitExt};

use self::{client::PlainClient, collector::Collector, otlp_recorder::OtlpRecorder};

/// What sends spans and metrics, until it is shut down.
struct Watching {
    traces: SdkTracerProvider,
    meters: SdkMeterProvider,
    prometheus: PrometheusHandle,
}

/// Turns it on: whatever tells or counts in this process is seen from now on.
fn watch(endpoint: &str) -> Result<Watching, Box<dyn Error>> {
    let client = Arc::new(PlainClient);
    let resource = Resource::builder().with_service_name("observability-example").build();

    let spans = SpanExporter::builder()
        .with_http()
        .with_shared_http_client(Arc::<PlainClient>::clone(&client))
        .with_endpoint(format!("{endpoint}/v1/traces"))
        .build()?;
    let traces = SdkTracerProvider::builder()
        .with_resource(resource.clone())
        .with_batch_exporter(spans)
        .build();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(traces.tracer("safeguards"))
        // Where in the code a span was opened, on which thread, and how long it waited: nothing that one asks here.
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false);
    Registry::default().with(layer).try_init()?;

    let metrics = MetricExporter::builder()
        .with_http()
        .with_shared_http_client(client)
        .with_endpoint(format!("{endpoint}/v1/metrics"))
        .build()?;
    let meters =
        SdkMeterProvider::builder().with_resource(resource).with_periodic_exporter(metrics).build();
    let prometheus = PrometheusBuilder::new().build_recorder();
    let handle = prometheus.handle();
    let both = FanoutBuilder::default()
        .add_recorder(prometheus)
        .add_recorder(OtlpRecorder::new(meters.meter("safeguards")))
        .build();
    metrics::set_global_recorder(both).map_err(|error| error.to_string())?;
    telemetry::describe_metrics();
    Ok(Watching { traces, meters, prometheus: handle })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let collector = Collector::start()?;
    let watching = watch(collector.endpoint())?;

    work().await?;

    let text = watching.prometheus.render();
    println!("{text}");
    arrived::at_prometheus(&text);
    // What waits is sent now.
    watching.traces.shutdown()?;
    watching.meters.shutdown()?;
    let received = collector.received();
    println!("{} spans and {} metrics arrived", received.spans.len(), received.metrics.len());
    arrived::at_collector(&received);
    Ok(())
}

/// One run that succeeds, and one that is denied, of which an alert tells.
async fn work() -> Result<(), Box<dyn Error>> {
    let sg = Safeguards::builder(MemoryLedger::new()).channel("ops", ConsoleChannel::stderr());
    let sg = sg.build()?;
    let running = sg.start()?;
    let pool = sg.v2().pools().create("research", usd!(1.00), P5).await?;
    for name in ["reader", "writer"] {
        sg.v2().agents().create(name, usd!(0.60), P5).pool(&pool).await?;
    }

    let reader = agent_fn("reader", |_, _| async {
        // An agent's own spans stand in its attempt's.
        tracing::info_span!("look_up", library = "bees").in_scope(|| ());
        Ok(Reply::text("notes on bees").usage("gpt-4o", Usage::new(12_000, 400)))
    });
    let writer =
        agent_fn("writer", |_, _| async { Ok(Reply::text("a page on bees").cost(usd!(0.08))) });
    let members = [Member::new(reader, usd!(0.50)), Member::new(writer, usd!(0.50))];
    let team = Team::new("research", "research", members)?;
    let options = RunOptions::new(sg.operation());
    let report = sg.runner().run(&team, Task::new("bees"), &Pipeline::new(), options).await?;
    assert_eq!(report.state, State::Succeeded, "{report:?}");

    let greedy = agent_fn("writer", |_, _| async { Ok(Reply::text("never")) });
    let team = Team::new("wishes", "research", [Member::new(greedy, usd!(30))])?;
    let options = RunOptions::new(sg.operation());
    let report = sg.runner().run(&team, Task::new("a villa"), &Pipeline::new(), options).await?;
    assert_eq!(report.state, State::Denied, "{report:?}");

    assert!(running.stop().await.is_empty(), "the alert arrived");
    Ok(())
}
