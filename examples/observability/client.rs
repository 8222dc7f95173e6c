//! [`PlainClient`]: speaks HTTP to the example's own collector.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};

const PATIENCE: Duration = Duration::from_secs(10);

/// One connection for each request, and no TLS: an example that talks to itself needs no more. It blocks, on the
/// threads that exporters have for themselves.
#[derive(Debug)]
pub(crate) struct PlainClient;

#[async_trait]
impl HttpClient for PlainClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let uri = request.uri();
        let host = uri.authority().ok_or("an endpoint has a host")?.as_str();
        let mut stream = TcpStream::connect(host)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let (path, length) = (uri.path(), request.body().len());
        write!(stream, "POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n")?;
        for (name, value) in request.headers() {
            write!(stream, "{name}: {}\r\n", value.to_str()?)?;
        }
        write!(stream, "content-length: {length}\r\n\r\n")?;
        stream.write_all(request.body())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let status = answer.split(' ').nth(1).ok_or("an answer has a status")?;
        Ok(Response::builder().status(status).body(Bytes::new())?)
    }
}
