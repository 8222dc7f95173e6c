//! [`event_bus_conformance!`](crate::event_bus_conformance): the list of the cases, and a test of each.

use super::{BusDesk, BusEnv, BusSetup};

/// Makes a test of each case of the conformance suite, for the event bus that `$make` makes.
///
/// `$make` is an async function or closure from [`BusSetup`](crate::bus::BusSetup) to [`BusEnv`](crate::bus::BusEnv);
/// it is called afresh for each case. The tests stand in one module per topic, so that a failure names the rule:
/// put the macro in a module of its own, or alone in a file.
///
/// What a bus cannot do is said after it:
///
/// - `own_clock`: its clock cannot be set. The cases that need that are *ignored*, each by its name. The others run
///   in real time; with a clock that can be set the runtime's time is [paused](tokio::time::pause), and no case
///   waits.
/// - `fixed_bounds`: it does not take the bounds of the setup. The cases that need small ones are ignored.
///
/// ```
/// # extern crate safeguards_testkit;
/// mod memory {
///     use std::sync::Arc;
///
///     use safeguards_notify::MemoryEventBus;
///     use safeguards_testkit::{
///         bus::{BusEnv, BusSetup},
///         event_bus_conformance,
///     };
///
///     async fn make(setup: BusSetup) -> BusEnv {
///         let bus = MemoryEventBus::builder()
///             .clock(setup.clock)
///             .log_max(setup.log_max)
///             .dead_letters_max(setup.dead_letters_max)
///             .hops_max(setup.hops_max)
///             .wait_max(setup.wait_max)
///             .build();
///         BusEnv::new(Arc::new(bus))
///     }
///
///     event_bus_conformance!(make);
/// }
/// # mod server {
/// # use safeguards_testkit::{bus::{BusEnv, BusSetup}, event_bus_conformance};
/// # async fn make(_: BusSetup) -> BusEnv { unimplemented!() }
///
/// // A server with a clock and bounds of its own.
/// event_bus_conformance!(make, own_clock, fixed_bounds);
/// # }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! event_bus_conformance {
    ($make:expr $(, $option:ident)* $(,)?) => {
        $crate::__bus_cases! { ($make) [$($option)*] }
    };
}

/// Runs one case, on a runtime of its own.
///
/// # Panics
///
/// Where the bus does not keep the rule.
#[doc(hidden)]
pub fn run<M, C>(make: M, setup: BusSetup, is_simulated: bool, case: C)
where
    M: AsyncFnOnce(BusSetup) -> BusEnv,
    C: AsyncFnOnce(&BusDesk),
{
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(is_simulated).build();
    runtime.expect("a runtime for the case").block_on(async {
        let desk = BusDesk::new(make(setup.clone()).await, setup);
        case(&desk).await;
    });
}

/// The list of the cases, by topic, each with what it needs of the bus: `any`, a `clock` that can be set, small
/// `bounds`, or `both` of them.
#[doc(hidden)]
#[macro_export]
macro_rules! __bus_cases {
    ($make:tt $options:tt) => {
        $crate::__bus_topic! { $make $options asking {
            any a_reply_reaches_who_asked,
            any the_first_reply_counts,
            any a_reply_is_seen_by_who_asked_and_who_watches,
            any where_nobody_listens_nobody_is_waited_for,
            clock a_late_reply_is_refused_by_how_late_it_is,
            clock at_its_deadline_a_reply_is_late,
            any who_asked_and_is_gone_gets_no_reply,
            any what_is_no_request_cannot_be_answered,
            any many_requests_have_each_its_own_reply,
            any requests_are_bounded,
        }}
        $crate::__bus_topic! { $make $options dead_letters {
            any what_nobody_asked_for_is_no_dead_letter,
            clock a_dead_letter_says_what_why_and_when,
            bounds dead_letters_are_bounded_and_counted,
        }}
        $crate::__bus_topic! { $make $options filters {
            any a_subscription_sees_what_its_filter_matches,
            any subscriptions_may_begin_and_end_at_any_time,
            any each_subscription_has_events_of_its_own,
            any many_topics_do_not_mix,
            any a_read_that_is_dropped_loses_nothing,
        }}
        $crate::__bus_topic! { $make $options hops {
            any an_event_tells_its_cause,
            bounds two_agents_cannot_wake_each_other_for_ever,
            any replies_have_hops,
        }}
        $crate::__bus_topic! { $make $options messages {
            any a_message_goes_to_its_agent_alone,
            any who_watches_sees_messages_too,
            any an_agent_may_have_several_inboxes,
            any without_an_inbox_the_publisher_is_told,
            any a_dropped_inbox_is_none,
            any an_inbox_has_a_queue,
        }}
        $crate::__bus_topic! { $make $options publishing {
            any events_are_numbered_from_1_without_holes,
            any what_is_refused_takes_no_number,
            any an_event_reads_as_it_was_published,
            clock an_event_has_the_time_of_the_bus,
            any the_publisher_is_told_how_many_see_it,
            any bodies_are_bounded,
            any names_of_agents_have_a_form,
            any there_is_one_order_for_all,
        }}
        $crate::__bus_topic! { $make $options queues {
            any the_oldest_is_lost_and_a_gap_says_so,
            any losses_side_by_side_are_one_gap,
            any a_gap_stands_in_its_place,
            any a_gap_begins_and_ends_with_an_event_that_was_lost,
            any a_queue_holds_as_many_as_it_was_told,
            any a_slow_subscriber_harms_no_other,
            any the_bound_of_a_queue_is_bounded,
        }}
        $crate::__bus_topic! { $make $options replay {
            any now_is_from_the_next_event_on,
            any from_a_number_on_all_is_seen_once,
            any a_replay_sees_what_the_subscription_would_have,
            bounds what_is_gone_is_a_gap_first,
            any a_replay_may_be_longer_than_the_queue,
            any a_cursor_from_elsewhere_is_refused,
            any another_subscription_goes_on_where_one_stood,
            any what_was_lost_can_be_replayed,
        }}
        $crate::__bus_topic! { $make $options waiting {
            any a_publisher_waits_until_there_is_room,
            any who_waits_holds_up_nobody_else,
            any nobody_sees_what_waits,
            both a_publisher_gives_up,
            any a_dropped_subscriber_frees_the_publisher,
            any a_publisher_that_is_dropped_publishes_nothing,
            any all_must_have_room,
            any many_publishers_are_all_served,
        }}
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __bus_topic {
    ($make:tt $options:tt $topic:ident { $($need:ident $case:ident,)* }) => {
        mod $topic {
            #[allow(
                unused_imports,
                clippy::wildcard_imports,
                reason = "what makes the bus is named as where the suite stands"
            )]
            use super::*;

            $($crate::__bus_case! { $make $options [$options] $need $topic $case })*
        }
    };
}

/// One case as a test; as one that is ignored, with the reason, if it needs what the bus cannot do. Looks through the
/// options, and keeps all of them at hand for the test itself.
#[doc(hidden)]
#[macro_export]
macro_rules! __bus_case {
    ($make:tt [own_clock $($rest:ident)*] $all:tt clock $topic:ident $case:ident) => {
        $crate::__bus_test! { $make $all large $topic $case "needs a clock that can be set" }
    };
    ($make:tt [own_clock $($rest:ident)*] $all:tt both $topic:ident $case:ident) => {
        $crate::__bus_test! { $make $all small $topic $case "needs a clock that can be set" }
    };
    ($make:tt [fixed_bounds $($rest:ident)*] $all:tt bounds $topic:ident $case:ident) => {
        $crate::__bus_test! { $make $all small $topic $case "needs bounds that can be set" }
    };
    ($make:tt [fixed_bounds $($rest:ident)*] $all:tt both $topic:ident $case:ident) => {
        $crate::__bus_test! { $make $all small $topic $case "needs bounds that can be set" }
    };
    // This option is not about this case; perhaps the next one is.
    ($make:tt [own_clock $($rest:ident)*] $all:tt $need:ident $topic:ident $case:ident) => {
        $crate::__bus_case! { $make [$($rest)*] $all $need $topic $case }
    };
    ($make:tt [fixed_bounds $($rest:ident)*] $all:tt $need:ident $topic:ident $case:ident) => {
        $crate::__bus_case! { $make [$($rest)*] $all $need $topic $case }
    };
    ($make:tt [] $all:tt any $topic:ident $case:ident) => {
        $crate::__bus_test! { $make $all large $topic $case }
    };
    ($make:tt [] $all:tt clock $topic:ident $case:ident) => {
        $crate::__bus_test! { $make $all large $topic $case }
    };
    ($make:tt [] $all:tt bounds $topic:ident $case:ident) => {
        $crate::__bus_test! { $make $all small $topic $case }
    };
    ($make:tt [] $all:tt both $topic:ident $case:ident) => {
        $crate::__bus_test! { $make $all small $topic $case }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __bus_test {
    (($make:expr) [[$($option:ident)*]] $setup:ident $topic:ident $case:ident $($reason:literal)?) => {
        #[test]
        $(#[ignore = $reason])?
        fn $case() {
            let setup = $crate::bus::BusSetup::$setup();
            let options: &[&str] = &[$(stringify!($option)),*];
            let is_simulated = !options.contains(&"own_clock");
            $crate::bus::suite::run($make, setup, is_simulated, $crate::bus::$topic::$case);
        }
    };
}
