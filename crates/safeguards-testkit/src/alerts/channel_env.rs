//! [`ChannelEnv`]: a fresh channel, and a look at the other side.

use std::{any::Any, fmt, future::Future, pin::Pin, sync::Arc};

use safeguards_notify::Channel;

/// Gives what arrived on the other side. The future need not be sent to another thread.
type Read = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Vec<String>>>>>;

/// What the other side makes of one notification that is delivered twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repeats {
    /// It has it once: the second time changes nothing.
    Once,
    /// It has it twice, and each says the delivery's id, so that whoever reads can tell.
    Named,
    /// It has it twice and cannot tell, as where people read. Say so in the channel's documentation.
    Shown,
}

/// A fresh channel, and a look at the other side: what [`channel_conformance!`](crate::channel_conformance) is
/// run on.
///
/// ```
/// use std::{fs, sync::Arc};
/// use safeguards_notify::JsonLinesChannel;
/// use safeguards_testkit::{ChannelEnv, Repeats};
///
/// async fn make() -> ChannelEnv {
///     let folder = tempfile::tempdir().expect("a folder");
///     let path = folder.path().join("alerts.jsonl");
///     let channel = JsonLinesChannel::open(&path).expect("a file");
///     let read = move || {
///         let text = fs::read_to_string(&path).expect("a text");
///         async move { text.lines().map(str::to_owned).collect() }
///     };
///     ChannelEnv::new(Arc::new(channel), Repeats::Once, read).keeping(folder)
/// }
/// ```
pub struct ChannelEnv {
    pub(super) channel: Arc<dyn Channel>,
    pub(super) repeats: Repeats,
    pub(super) read: Read,
    pub(super) failing: Vec<Arc<dyn Channel>>,
    pub(super) secrets: Vec<String>,
    guards: Vec<Box<dyn Any>>,
}

impl ChannelEnv {
    /// A channel, and a reader that gives everything that arrived on the other side since it was made, in
    /// order: one text for each request, mail or line, decoded so that a person could read it.
    pub fn new<F, Fut>(channel: Arc<dyn Channel>, repeats: Repeats, read: F) -> Self
    where
        F: Fn() -> Fut + 'static,
        Fut: Future<Output = Vec<String>> + 'static,
    {
        Self {
            channel,
            repeats,
            read: Box::new(move || Box::pin(read())),
            failing: Vec::new(),
            secrets: Vec::new(),
            guards: Vec::new(),
        }
    }

    /// What must be neither in `Debug` nor in an error: passwords, tokens, addresses that hold some.
    #[must_use]
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.secrets.push(secret.into());
        self
    }

    /// The same channel with the other side out of order: away, answering with an error, asking for another
    /// password. May be said several times. Say `fails` to the macro besides.
    #[must_use]
    pub fn failing(mut self, channel: Arc<dyn Channel>) -> Self {
        self.failing.push(channel);
        self
    }

    /// Keeps something until the case is over, such as a server.
    #[must_use]
    pub fn keeping(mut self, guard: impl Any) -> Self {
        self.guards.push(Box::new(guard));
        self
    }
}

impl fmt::Debug for ChannelEnv {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { channel, repeats, read: _, failing: _, secrets: _, guards: _ } = self;
        out.debug_struct("ChannelEnv")
            .field("channel", channel)
            .field("repeats", repeats)
            .finish_non_exhaustive()
    }
}
