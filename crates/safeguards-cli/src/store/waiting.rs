//! A sign on stderr that something long is under way, on a terminal alone.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often it turns.
const TURN: Duration = Duration::from_millis(120);

/// Does something, and meanwhile shows what, and for how long.
pub(super) fn show<T>(what: String, work: impl FnOnce() -> T) -> T {
    let sign = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let sign = match ProgressStyle::with_template("{spinner} {msg}  {elapsed}") {
        Ok(style) => sign.with_style(style),
        Err(_) => sign,
    };
    sign.set_message(what);
    sign.enable_steady_tick(TURN);
    let done = work();
    sign.finish_and_clear();
    done
}
