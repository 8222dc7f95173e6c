//! [`HttpServer`]: a small HTTP server that answers as it is told, and notes what it was asked.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
    time::sleep,
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

/// Serves on a free port of the loopback address until it is dropped. Connections are kept alive.
#[derive(Debug)]
pub(crate) struct HttpServer {
    address: SocketAddr,
    scheme: &'static str,
    notes: Arc<Notes>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Notes {
    requests: Mutex<Vec<Request>>,
    connections: AtomicUsize,
    /// Connections that are over, however they ended.
    ended: AtomicUsize,
}

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Method and path, as in `POST /hooks`.
    pub(crate) line: String,
    /// Names in small letters.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: u16,
    headers: String,
    text: Vec<u8>,
    delay: Duration,
    ending: Ending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Whole,
    /// The text goes on without end.
    Endless,
    /// The text stops in its middle, and nothing comes any more.
    Stuck,
    /// The connection is closed before anything is answered.
    HungUp,
}

impl Request {
    /// The value of a header, empty where it was not sent.
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn parse(head: &str) -> Self {
        let mut lines = head.split("\r\n");
        let line = lines.next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
        let headers = lines.filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        });
        Self { line, headers: headers.collect(), body: Vec::new() }
    }
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        let (headers, text) = (String::new(), Vec::new());
        Self { status, headers, text, delay: Duration::ZERO, ending: Ending::Whole }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        for part in [name, ": ", value, "\r\n"] {
            self.headers.push_str(part);
        }
        self
    }

    pub(crate) fn text(self, text: impl Into<Vec<u8>>) -> Self {
        Self { text: text.into(), ..self }
    }

    /// Answers so much later.
    pub(crate) fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Repeats the text without end.
    pub(crate) fn endless(self) -> Self {
        Self { ending: Ending::Endless, ..self }
    }

    /// Promises more text than it sends, and then sends nothing.
    pub(crate) fn stuck(self) -> Self {
        Self { ending: Ending::Stuck, ..self }
    }

    pub(crate) fn redirect(status: u16, to: &str) -> Self {
        Self::status(status).header("location", to)
    }

    pub(crate) fn hang_up() -> Self {
        Self { ending: Ending::HungUp, ..Self::status(0) }
    }

    fn bytes(&self) -> Vec<u8> {
        let length = match self.ending {
            Ending::Endless => usize::MAX / 2,
            Ending::Stuck => self.text.len() + 1,
            Ending::Whole | Ending::HungUp => self.text.len(),
        };
        let (status, headers) = (self.status, &self.headers);
        let head = format!("HTTP/1.1 {status} Told\r\n{headers}content-length: {length}\r\n\r\n");
        [head.as_bytes(), &self.text].concat()
    }
}

impl HttpServer {
    /// Serves `http`. Each request is answered as `script` says.
    pub(crate) async fn start(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::bind("http", None, Arc::new(script)).await
    }

    /// Serves `https`.
    pub(crate) async fn start_tls(
        config: Arc<ServerConfig>,
        script: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::bind("https", Some(TlsAcceptor::from(config)), Arc::new(script)).await
    }

    async fn bind(scheme: &'static str, tls: Option<TlsAcceptor>, script: Arc<Script>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let notes = Arc::new(Notes::default());
        let task = tokio::spawn(accept(listener, tls, script, Arc::clone(&notes)));
        Self { address, scheme, notes, task }
    }

    /// The URL of `path`, which begins with `/`, by the address.
    pub(crate) fn url(&self, path: &str) -> String {
        self.url_at("127.0.0.1", path)
    }

    /// The same by a name.
    pub(crate) fn url_at(&self, host: &str, path: &str) -> String {
        format!("{}://{host}:{}{path}", self.scheme, self.address.port())
    }

    /// What was asked up to now, in the order in which the requests were complete.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.notes.requests.lock().clone()
    }

    /// The only request.
    #[track_caller]
    pub(crate) fn request(&self) -> Request {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.into_iter().next().unwrap()
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.notes.connections.load(Ordering::SeqCst)
    }

    /// Waits until so many connections are over.
    pub(crate) async fn ended(&self, count: usize) {
        while self.notes.ended.load(Ordering::SeqCst) < count {
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Script = dyn Fn(&Request) -> Reply + Send + Sync;

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    script: Arc<Script>,
    notes: Arc<Notes>,
) {
    // They end with this task.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        notes.connections.fetch_add(1, Ordering::SeqCst);
        let (script, notes, tls) = (Arc::clone(&script), Arc::clone(&notes), tls.clone());
        connections.spawn(async move {
            // How a client ends its side is its own affair.
            let _ = connect(stream, tls, &*script, &notes).await;
            notes.ended.fetch_add(1, Ordering::SeqCst);
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn connect(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    script: &Script,
    notes: &Notes,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    match tls {
        None => serve(stream, script, notes).await,
        Some(tls) => serve(tls.accept(stream).await?, script, notes).await,
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    script: &Script,
    notes: &Notes,
) -> std::io::Result<()> {
    let mut read = Vec::new();
    while let Some(request) = next_request(&mut stream, &mut read).await? {
        let reply = script(&request);
        notes.requests.lock().push(request);
        if !reply.delay.is_zero() {
            tokio::select! {
                () = sleep(reply.delay) => {}
                more = stream.read_buf(&mut read) => if more? == 0 {
                    return Ok(());
                }
            }
        }
        if reply.ending == Ending::HungUp {
            return Ok(());
        }
        stream.write_all(&reply.bytes()).await?;
        match reply.ending {
            Ending::Endless => loop {
                stream.write_all(&reply.text).await?;
            },
            // Until the client has enough of it.
            Ending::Stuck => return stream.read_u8().await.map(drop),
            Ending::Whole | Ending::HungUp => {}
        }
    }
    Ok(())
}

/// Reads up to the end of a request; `None` where the client has closed. What came behind it stays in `read`.
async fn next_request(
    stream: &mut (impl AsyncRead + Unpin),
    read: &mut Vec<u8>,
) -> std::io::Result<Option<Request>> {
    const HEAD_END: &[u8] = b"\r\n\r\n";
    let head_end = loop {
        if let Some(at) = read.windows(HEAD_END.len()).position(|four| four == HEAD_END) {
            break at;
        }
        // A method has large letters; what begins otherwise is somebody who wants to speak TLS.
        let is_http = read.first().is_none_or(u8::is_ascii_uppercase);
        if !is_http || stream.read_buf(read).await? == 0 {
            return Ok(None);
        }
    };
    let mut request = Request::parse(std::str::from_utf8(&read[..head_end]).unwrap());
    let start = head_end + HEAD_END.len();
    let end = start + request.header("content-length").parse().unwrap_or(0);
    while read.len() < end {
        if stream.read_buf(read).await? == 0 {
            return Ok(None);
        }
    }
    request.body = read[start..end].to_vec();
    read.drain(..end);
    Ok(Some(request))
}
