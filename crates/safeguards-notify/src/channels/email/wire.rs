//! [`Wire`]: a connection to a mail server that is read a line at a time until it is private.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// A connection that begins without TLS.
///
/// Who reads it gets one line at most. Otherwise the one who talks to the server would keep what came behind
/// the answer to `STARTTLS`, and after TLS has begun take it for the server's private words, though anybody
/// on the way may have written it. So it is TLS that gets those bytes, and refuses them.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    /// What was read and not given on yet begins at `start`.
    kept: Vec<u8>,
    start: usize,
    /// How many bytes came since the last line end.
    line: usize,
    is_private: bool,
}

/// How long a line of an answer is at most; the protocol has 512 bytes.
const LINE_BYTES_MAX: usize = 16 * 1024;

const READ_BYTES: usize = 4 * 1024;

/// The first byte of a conversation in TLS, which no command begins with.
const HANDSHAKE: u8 = 22;

impl Wire {
    pub(super) const fn new(stream: TcpStream) -> Self {
        Self { stream, kept: Vec::new(), start: 0, line: 0, is_private: false }
    }

    /// Gives on what is kept: to the end of the line, or all of it where it is private.
    fn give(&mut self, out: &mut ReadBuf<'_>) -> io::Result<()> {
        let kept = self.kept.get(self.start..).unwrap_or_default();
        let room = kept.len().min(out.remaining());
        let line_end = kept.iter().take(room).position(|byte| *byte == b'\n');
        let count = match line_end {
            Some(at) if !self.is_private => at.saturating_add(1),
            _ => room,
        };
        out.put_slice(kept.get(..count).unwrap_or_default());
        self.start = self.start.saturating_add(count);
        self.line = if line_end.is_some() { 0 } else { self.line.saturating_add(count) };
        if !self.is_private && self.line > LINE_BYTES_MAX {
            let what = format!("its answer has a line of more than {LINE_BYTES_MAX} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        Ok(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.start >= this.kept.len() {
            if this.is_private {
                return Pin::new(&mut this.stream).poll_read(context, out);
            }
            this.kept.resize(READ_BYTES, 0);
            let mut read = ReadBuf::new(&mut this.kept);
            let polled = Pin::new(&mut this.stream).poll_read(context, &mut read);
            let count = read.filled().len();
            this.kept.truncate(count);
            this.start = 0;
            ready!(polled)?;
        }
        Poll::Ready(this.give(out))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.is_private = this.is_private || bytes.first() == Some(&HANDSHAKE);
        Pin::new(&mut this.stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}
