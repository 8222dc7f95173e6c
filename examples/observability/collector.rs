//! [`Collector`]: takes what comes over OTLP, in protobuf over HTTP, and keeps it.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use opentelemetry_proto::tonic::{
    collector::{metrics::v1::ExportMetricsServiceRequest, trace::v1::ExportTraceServiceRequest},
    metrics::v1::Metric,
    trace::v1::Span,
};
use prost::Message;

/// What arrived so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received {
    pub(crate) spans: Vec<Span>,
    pub(crate) metrics: Vec<Metric>,
}

/// A collector on a free port of this machine.
#[derive(Debug)]
pub(crate) struct Collector {
    endpoint: String,
    received: Arc<Mutex<Received>>,
}

impl Collector {
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let received = Arc::new(Mutex::new(Received::default()));
        let kept = Arc::clone(&received);
        // It ends with the program.
        thread::spawn(move || {
            for stream in listener.incoming() {
                if let Err(error) = stream.and_then(|stream| serve(stream, &kept)) {
                    eprintln!("the collector: {error}");
                }
            }
        });
        Ok(Self { endpoint, received })
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(crate) fn received(&self) -> Received {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One request.
fn serve(mut stream: TcpStream, received: &Mutex<Received>) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().map_err(io::Error::other)?;
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let status = match first.split(' ').nth(1) {
        Some("/v1/traces") => keep_spans(&body, received)?,
        Some("/v1/metrics") => keep_metrics(&body, received)?,
        _ => "404 Not Found",
    };
    write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}

fn keep_spans(body: &[u8], received: &Mutex<Received>) -> io::Result<&'static str> {
    let request = ExportTraceServiceRequest::decode(body).map_err(io::Error::other)?;
    let scopes = request.resource_spans.into_iter().flat_map(|of| of.scope_spans);
    let mut received = received.lock().unwrap_or_else(PoisonError::into_inner);
    received.spans.extend(scopes.flat_map(|scope| scope.spans));
    Ok("200 OK")
}

fn keep_metrics(body: &[u8], received: &Mutex<Received>) -> io::Result<&'static str> {
    let request = ExportMetricsServiceRequest::decode(body).map_err(io::Error::other)?;
    let scopes = request.resource_metrics.into_iter().flat_map(|of| of.scope_metrics);
    let mut received = received.lock().unwrap_or_else(PoisonError::into_inner);
    // Each sending has the whole sums: the last one counts.
    received.metrics = scopes.flat_map(|scope| scope.metrics).collect();
    Ok("200 OK")
}
