//! [`Handler`]: the reaction inside the process, at once.

use std::{
    cell::Cell,
    collections::VecDeque,
    error, fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use safeguards_types::Timestamp;

use crate::{Alert, AlertId, TopicFilter, panics};

/// Reacts to alerts inside the process, while [`Alerts::send`](crate::Alerts::send) runs.
///
/// Every closure that takes an alert is one; it may return nothing (that counts as handled), a `bool`,
/// [`Handled`], or a `Result` of these.
///
/// # Contract
///
/// - It is quick and never blocks: who sends an alert waits for it.
/// - It may be called by several threads at once.
/// - It may send alerts, and add or remove handlers. An alert sent from within four handlers one inside
///   the other is queued for the channels, yet shown to no handler: so ends a handler that answers itself.
/// - A panic or an error is its own affair: it is noted, and the other handlers run.
pub trait Handler: Send + Sync + 'static {
    /// Reacts, and says whether it dealt with the alert. Either way the other handlers see it too.
    ///
    /// # Errors
    ///
    /// Where the handler failed.
    fn on_alert(&self, alert: &Alert) -> Result<Handled, HandlerError>;
}

/// Whether a handler dealt with an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Handled {
    /// It did.
    Yes,
    /// It only looked.
    No,
}

/// A handler's own failure.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct HandlerError(Box<dyn error::Error + Send + Sync>);

impl HandlerError {
    /// Says that the handler failed because of `source`.
    pub fn new(source: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        Self(source.into())
    }
}

/// What a closure may return to be a [`Handler`].
pub trait IntoHandled {
    /// Says it in the handler's words.
    ///
    /// # Errors
    ///
    /// Where the closure's answer was an error.
    fn into_handled(self) -> Result<Handled, HandlerError>;
}

impl IntoHandled for () {
    fn into_handled(self) -> Result<Handled, HandlerError> {
        Ok(Handled::Yes)
    }
}

impl IntoHandled for bool {
    fn into_handled(self) -> Result<Handled, HandlerError> {
        Ok(if self { Handled::Yes } else { Handled::No })
    }
}

impl IntoHandled for Handled {
    fn into_handled(self) -> Result<Handled, HandlerError> {
        Ok(self)
    }
}

impl<T, E> IntoHandled for Result<T, E>
where
    T: IntoHandled,
    E: Into<Box<dyn error::Error + Send + Sync>>,
{
    fn into_handled(self) -> Result<Handled, HandlerError> {
        self.map_err(HandlerError::new)?.into_handled()
    }
}

impl<F, R> Handler for F
where
    F: Fn(&Alert) -> R + Send + Sync + 'static,
    R: IntoHandled,
{
    fn on_alert(&self, alert: &Alert) -> Result<Handled, HandlerError> {
        self(alert).into_handled()
    }
}

/// Which handler of a hub: given back by [`Alerts::on`](crate::Alerts::on), so that it can be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HandlerId(u64);

/// What a handler did wrong. One handler has one report, whatever the number of its faults.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HandlerFault {
    /// Which handler.
    pub handler: HandlerId,
    /// The topics that it asked for.
    pub filter: TopicFilter,
    /// What went wrong the first time.
    pub kind: FaultKind,
    /// What it said the first time.
    pub message: String,
    /// The alert at which it went wrong the first time.
    pub alert: Option<AlertId>,
    /// When that alert was sent.
    pub at: Option<Timestamp>,
    /// How many times something went wrong, the first included.
    pub count: u64,
}

/// What can be wrong with a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// It panicked.
    Panicked,
    /// It returned an error.
    Failed,
    /// It was passed over: the alert was sent from within four handlers, one inside the other.
    Nested,
}

impl FaultKind {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Panicked => "notify.handler_panicked",
            Self::Failed => "notify.handler_failed",
            Self::Nested => "notify.handler_nested",
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Panicked => "panicked",
            Self::Failed => "failed",
            Self::Nested => "was passed over",
        })
    }
}

/// How many handlers may run one inside the other on one thread.
const DEPTH_MAX: u32 = 4;
/// How many fault reports are kept; the oldest is dropped first.
const FAULTS_MAX: usize = 256;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Counts one more handler on this thread until it is dropped, be it by a panic.
struct Nesting;

impl Nesting {
    fn enter() -> Option<Self> {
        let depth = DEPTH.get();
        (depth < DEPTH_MAX).then(|| {
            DEPTH.set(depth.saturating_add(1));
            Self
        })
    }
}

impl Drop for Nesting {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get().saturating_sub(1));
    }
}

/// The handlers of one hub, in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct Handlers {
    // Copied on change, so that a handler runs without the lock and may itself add or remove one.
    list: Mutex<Arc<Vec<Registered>>>,
    next: Mutex<u64>,
    faults: Mutex<VecDeque<HandlerFault>>,
}

/// What handlers made of an alert.
#[derive(Debug)]
pub(crate) struct Shown {
    /// Whether any of them dealt with it.
    pub(crate) handled: bool,
    /// The faults of those that had none before.
    pub(crate) first_faults: Vec<HandlerFault>,
}

#[derive(Clone)]
struct Registered {
    id: HandlerId,
    filter: TopicFilter,
    handler: Arc<dyn Handler>,
    /// Whether it was reported. Its report may have left since, and is no first one when it comes again.
    is_reported: Arc<AtomicBool>,
}

impl fmt::Debug for Registered {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?} on {:?}", self.id, self.filter)
    }
}

impl Handlers {
    pub(crate) fn add(&self, filter: TopicFilter, handler: impl Handler) -> HandlerId {
        let mut list = self.list.lock();
        let mut next = self.next.lock();
        let id = HandlerId(*next);
        *next = next.saturating_add(1);
        let (handler, is_reported) = (Arc::new(handler), Arc::default());
        Arc::make_mut(&mut list).push(Registered { id, filter, handler, is_reported });
        id
    }

    pub(crate) fn remove(&self, id: HandlerId) -> bool {
        let without = |list: &[Registered]| {
            let kept = list.iter().filter(|registered| registered.id != id);
            Arc::new(kept.cloned().collect::<Vec<_>>())
        };
        let mut list = self.list.lock();
        let kept = without(&list);
        let found = kept.len() < list.len();
        // What is taken out is dropped without the lock: its `Drop` is the user's.
        let replaced = std::mem::replace(&mut *list, kept);
        drop(list);
        drop(replaced);
        found
    }

    pub(crate) fn faults(&self) -> Vec<HandlerFault> {
        self.faults.lock().iter().cloned().collect()
    }

    /// Shows `alert` to the handlers whose filter it matches.
    pub(crate) fn show(&self, alert: &Alert) -> Shown {
        let list = Arc::clone(&self.list.lock());
        let meant = |registered: &&Registered| registered.filter.matches(alert.topic());
        let mut shown = Shown { handled: false, first_faults: Vec::new() };
        for registered in list.iter().filter(meant) {
            match call(&*registered.handler, alert) {
                Ok(answer) => shown.handled |= answer == Handled::Yes,
                Err((kind, message)) => {
                    shown.first_faults.extend(self.note(registered, alert, kind, message));
                }
            }
        }
        shown
    }

    /// Notes a fault; gives the report where it is the handler's first.
    fn note(
        &self,
        registered: &Registered,
        alert: &Alert,
        kind: FaultKind,
        message: String,
    ) -> Option<HandlerFault> {
        let mut faults = self.faults.lock();
        let known = faults.iter_mut().find(|fault| fault.handler == registered.id);
        if let Some(fault) = known {
            fault.count = fault.count.saturating_add(1);
            return None;
        }
        if faults.len() >= FAULTS_MAX {
            faults.pop_front();
        }
        let fault = HandlerFault {
            handler: registered.id,
            filter: registered.filter.clone(),
            kind,
            message,
            alert: alert.id(),
            at: alert.at(),
            count: 1,
        };
        faults.push_back(fault.clone());
        (!registered.is_reported.swap(true, Ordering::SeqCst)).then_some(fault)
    }
}

fn call(handler: &dyn Handler, alert: &Alert) -> Result<Handled, (FaultKind, String)> {
    let Some(_nesting) = Nesting::enter() else {
        let message = format!("sent from within {DEPTH_MAX} handlers, one inside the other");
        return Err((FaultKind::Nested, message));
    };
    // The error is the user's too: its text, and its end, may panic.
    let told = panics::catch(|| handler.on_alert(alert).map_err(|error| error.to_string()));
    match told {
        Ok(answer) => answer.map_err(|error| (FaultKind::Failed, error)),
        Err(panic) => Err((FaultKind::Panicked, panic)),
    }
}

#[cfg(test)]
mod tests {
    use safeguards_types::Severity;

    use super::*;
    use crate::topic;

    fn alert() -> Alert {
        Alert::new(Severity::Low, topic!("budget.low"), "low")
    }

    fn filter(text: &str) -> TopicFilter {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check_return<R: IntoHandled + 'static>(give: fn() -> R, expected: bool, faults: usize) {
        let handlers = Handlers::default();
        handlers.add(filter("**"), move |_: &Alert| give());
        assert_eq!(handlers.show(&alert()).handled, expected);
        assert_eq!(handlers.faults().len(), faults);
    }

    #[test]
    fn what_a_closure_may_return() {
        check_return(|| (), true, 0);
        check_return(|| true, true, 0);
        check_return(|| false, false, 0);
        check_return(|| Handled::No, false, 0);
        check_return(|| Ok::<_, String>(()), true, 0);
        check_return(|| Ok::<_, HandlerError>(false), false, 0);
        check_return(|| Err::<(), _>("no mail"), false, 1);
        check_return(|| -> bool { panic!("a handler that panics, on purpose") }, false, 1);
    }

    #[test]
    fn all_that_match_run_in_order_whatever_the_others_return() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let note = |name: &'static str, answer: bool| {
            let seen = Arc::clone(&seen);
            move |_: &Alert| {
                seen.lock().push(name);
                answer
            }
        };
        let handlers = Handlers::default();
        handlers.add(filter("budget.**"), note("first", true));
        handlers.add(filter("team.**"), note("not meant", true));
        let second = handlers.add(filter("**"), note("second", false));
        handlers.add(filter("budget.low"), note("third", true));
        assert!(handlers.show(&alert()).handled);
        assert!(handlers.remove(second) && !handlers.remove(second));
        assert!(handlers.show(&alert()).handled);
        let seen = seen.lock().clone();
        assert_eq!(seen, ["first", "second", "third", "first", "third"]);
    }

    #[test]
    fn one_report_for_each_handler_with_its_count() {
        let handlers = Handlers::default();
        let broken = |_: &Alert| -> bool { panic!("a handler that panics, on {}", "purpose") };
        let first = handlers.add(filter("budget.*"), broken);
        let second = handlers.add(filter("**"), |_: &Alert| Err::<(), _>("no mail"));
        for _ in 0..3 {
            handlers.show(&alert());
        }
        let faults = handlers.faults();
        let brief = |fault: &HandlerFault| (fault.handler, fault.kind, fault.count);
        assert_eq!(
            faults.iter().map(brief).collect::<Vec<_>>(),
            [(first, FaultKind::Panicked, 3), (second, FaultKind::Failed, 3)]
        );
        assert_eq!(faults[0].message, "a handler that panics, on purpose");
        assert_eq!(faults[1].message, "no mail");
    }

    #[test]
    fn a_handler_has_one_first_fault_even_where_its_report_has_left() {
        let handlers = Handlers::default();
        for _ in 0..=FAULTS_MAX {
            handlers.add(filter("**"), |_: &Alert| Err::<(), _>("no mail"));
        }
        let firsts = [(); 3].map(|()| handlers.show(&alert()).first_faults.len());
        assert_eq!(firsts, [FAULTS_MAX + 1, 0, 0]);
        assert_eq!(handlers.faults().len(), FAULTS_MAX);
    }

    #[test]
    fn an_error_whose_text_panics_is_a_panic_of_its_handler() {
        #[derive(Debug, thiserror::Error)]
        struct Wordless;
        impl fmt::Display for Wordless {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                panic!("no words, on purpose")
            }
        }
        let handlers = Handlers::default();
        handlers.add(filter("**"), |_: &Alert| Err::<(), _>(Wordless));
        assert!(!handlers.show(&alert()).handled);
        assert_eq!(handlers.faults()[0].kind, FaultKind::Panicked);
    }

    #[test]
    fn a_handler_may_change_the_list_and_answer_itself_without_end() {
        let handlers = Arc::new(Handlers::default());
        let calls = Arc::new(Mutex::new(0_u32));
        let (shared, count) = (Arc::clone(&handlers), Arc::clone(&calls));
        handlers.add(filter("**"), move |alert: &Alert| {
            *count.lock() += 1;
            let added = shared.add(filter("other"), |_: &Alert| ());
            shared.show(alert);
            shared.remove(added)
        });
        assert!(handlers.show(&alert()).handled);
        assert_eq!(*calls.lock(), DEPTH_MAX);
        assert_eq!(handlers.faults()[0].kind, FaultKind::Nested);
        // The count of a thread goes back to where it was.
        assert!(handlers.show(&alert()).handled);
        assert_eq!(*calls.lock(), 2 * DEPTH_MAX);
    }
}
