//! Panics of code that is not ours: caught, and turned into text.

use std::{
    any::Any,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

/// Calls `call`; gives the text of its panic.
///
/// What `call` borrows may be left half-changed, so pass nothing that is used afterwards and minds.
pub(crate) fn catch<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| text(&*panic))
}

/// Awaits `future`; gives the text of its panic.
pub(crate) async fn catch_async<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = pin!(future);
    poll_fn(|context| match catch(|| future.as_mut().poll(context)) {
        Ok(poll) => poll.map(Ok),
        // A future that panicked is not polled again: this ends the loop.
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

fn text(panic: &(dyn Any + Send)) -> String {
    let literal = || panic.downcast_ref::<&str>().copied();
    let formatted = || panic.downcast_ref::<String>().map(String::as_str);
    literal().or_else(formatted).unwrap_or("a panic without a text").to_owned()
}
