//! [`channel_conformance!`](crate::channel_conformance) and
//! [`alert_store_conformance!`](crate::alert_store_conformance): the lists of their cases, and a test of each.

use super::{ChannelEnv, StoreDesk, StoreEnv, StoreSetup};

/// Makes a test of each line of the contract of [`Channel`](safeguards_notify::Channel), for the channel that
/// `$make` makes.
///
/// `$make` is an async function or closure that gives a [`ChannelEnv`](crate::ChannelEnv); it is called afresh
/// for each case. Put the macro in a module of its own. With `fails`, the environment has channels that are
/// [out of order](crate::ChannelEnv::failing), and the case on failures runs besides; else it is *ignored*, by
/// its name.
///
/// ```
/// # extern crate safeguards_testkit;
/// mod recording {
///     use std::sync::Arc;
///
///     use safeguards_testkit::{ChannelEnv, RecordingChannel, Repeats, channel_conformance};
///
///     async fn make() -> ChannelEnv {
///         let channel = RecordingChannel::new();
///         let seen = channel.clone();
///         let read = move || std::future::ready(seen.texts());
///         ChannelEnv::new(Arc::new(channel), Repeats::Shown, read)
///     }
///
///     channel_conformance!(make);
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! channel_conformance {
    ($make:expr $(, $option:ident)* $(,)?) => {
        $crate::__channel_cases! { ($make) [$($option)*]
            any one_alert_arrives,
            any alerts_arrive_in_order,
            any a_group_arrives_in_full_or_in_number,
            any a_counted_group_arrives,
            any an_escalation_arrives,
            any a_repeat_is_as_declared,
            any hostile_text_stays_text,
            any text_beyond_ascii_arrives,
            any the_longest_message_arrives,
            any the_largest_group_arrives,
            any an_alert_without_words_arrives,
            any several_hubs_share_it,
            any a_future_that_was_dropped_does_no_harm,
            any debug_shows_no_secret,
            fails a_failure_says_why_and_no_secret,
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __channel_cases {
    ($make:tt $options:tt $($need:ident $case:ident,)*) => {
        $($crate::__channel_case! { $make $options $need $case })*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __channel_case {
    (($make:expr) [fails] fails $case:ident) => {
        $crate::__channel_case! { ($make) [] any $case }
    };
    (($make:expr) [] fails $case:ident) => {
        #[test]
        #[ignore = "needs a channel that is out of order"]
        fn $case() {
            $crate::alerts::suite::run_channel($make, $crate::alerts::channel_cases::$case);
        }
    };
    (($make:expr) $options:tt any $case:ident) => {
        #[test]
        fn $case() {
            $crate::alerts::suite::run_channel($make, $crate::alerts::channel_cases::$case);
        }
    };
}

/// Makes a test of each line of the contract of [`AlertStore`](safeguards_notify::AlertStore), for the store
/// that `$make` makes.
///
/// `$make` is an async function or closure from [`StoreSetup`](crate::StoreSetup) to
/// [`StoreEnv`](crate::StoreEnv); it is called afresh for each case. The tests stand in one module per topic:
/// put the macro in a module of its own.
///
/// What a store can and cannot do is said after it:
///
/// - `durable`: its environment [reopens](crate::StoreEnv::reopens) it. The cases on durability run besides.
/// - `tears`: its environment can [tear](crate::StoreEnv::tears) what the last commit wrote. The cases on that
///   run besides.
/// - `fixed_bounds`: it does not take the bounds of the setup. The cases that need small ones are *ignored*.
///
/// ```
/// # extern crate safeguards_testkit;
/// mod memory {
///     use std::sync::Arc;
///
///     use safeguards_notify::MemoryAlertStore;
///     use safeguards_testkit::{StoreEnv, StoreSetup, alert_store_conformance};
///
///     async fn make(setup: StoreSetup) -> StoreEnv {
///         StoreEnv::new(Arc::new(MemoryAlertStore::with_bounds(setup.bounds)))
///     }
///
///     alert_store_conformance!(make);
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! alert_store_conformance {
    ($make:expr $(, $option:ident)* $(,)?) => {
        $crate::__store_cases! { ($make) [$($option)*]
            unfinished {
                any a_new_store_is_empty,
                any an_alert_waits_for_its_channels,
                any what_goes_nowhere_waits_for_nothing,
                any alerts_wait_in_the_order_in_which_they_were_sent,
                any a_notification_takes_its_alerts_over_for_its_channel_alone,
                any notifications_wait_in_the_order_in_which_they_were_made,
                any what_arrived_waits_no_longer,
                any what_was_given_up_on_waits_no_longer,
                any what_was_never_queued_can_be_given_up_on,
                any what_was_muted_meanwhile_waits_no_longer,
                any an_escalation_takes_the_place_of_the_one_of_its_name,
                any an_escalation_ends,
                any what_is_unfinished_is_given_back_to_the_letter,
                bounds what_is_unfinished_is_kept_beyond_the_history,
            }
            history {
                any the_latest_alerts_come_oldest_first,
                any a_limit_leaves_the_latest,
                any each_condition_of_a_query_holds,
                any conditions_hold_together,
                any a_record_says_who_muted_it,
                any marks_are_kept,
                any marks_on_unknown_alerts_are_passed_over,
                any a_record_is_given_back_to_the_letter,
                bounds the_oldest_are_dropped,
                bounds what_was_dropped_is_not_found_by_its_id,
            }
            dead_letters {
                any dead_letters_come_oldest_first,
                any each_reason_is_kept,
                any what_was_withdrawn_is_out,
                any what_was_withdrawn_may_be_queued_again,
                any what_is_given_up_on_again_stands_last,
                any what_is_not_there_cannot_be_withdrawn,
                bounds dead_letters_that_are_dropped_are_counted,
            }
            once {
                any nothing_changes_nothing,
                any a_repeat_changes_nothing,
                any a_longer_repeat_adds_what_is_new,
                any all_that_ever_was_may_come_again_at_once,
                any changes_take_effect_in_their_order,
                any what_was_committed_is_read,
                any a_commit_that_was_dropped_is_done_or_not,
            }
            durability {
                durable what_was_committed_is_there_when_it_is_opened_again,
                durable work_goes_on_where_it_stood,
                durable a_repeat_after_it_was_opened_again_changes_nothing,
                tears a_commit_that_was_torn_took_effect_as_a_whole_or_not_at_all,
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __store_cases {
    ($make:tt $options:tt $($topic:ident { $($need:ident $case:ident,)* })*) => {
        $($crate::__store_topic! { $make $options $topic $($need $case,)* })*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __store_topic {
    ($make:tt $options:tt $topic:ident $($need:ident $case:ident,)*) => {
        mod $topic {
            #[allow(
                unused_imports,
                clippy::wildcard_imports,
                reason = "what makes the store is named as where the suite stands"
            )]
            use super::*;

            $($crate::__store_case! { $make $options $need $topic $case })*
        }
    };
}

/// One case as a test; as one that is ignored, with the reason; or, if it is about what the store does not
/// promise, as none.
#[doc(hidden)]
#[macro_export]
macro_rules! __store_case {
    ($make:tt $options:tt any $topic:ident $case:ident) => {
        $crate::__store_test! { $make large $topic $case }
    };
    ($make:tt [] bounds $topic:ident $case:ident) => {
        $crate::__store_test! { $make small $topic $case }
    };
    ($make:tt [] $need:ident $topic:ident $case:ident) => {};
    ($make:tt [fixed_bounds $($options:ident)*] bounds $topic:ident $case:ident) => {
        $crate::__store_test! { $make small $topic $case "needs bounds that can be set" }
    };
    ($make:tt [durable $($options:ident)*] durable $topic:ident $case:ident) => {
        $crate::__store_test! { $make large $topic $case }
    };
    ($make:tt [tears $($options:ident)*] tears $topic:ident $case:ident) => {
        $crate::__store_test! { $make large $topic $case }
    };
    // This option is not about this case; perhaps the next one is.
    ($make:tt [durable $($options:ident)*] $need:ident $topic:ident $case:ident) => {
        $crate::__store_case! { $make [$($options)*] $need $topic $case }
    };
    ($make:tt [tears $($options:ident)*] $need:ident $topic:ident $case:ident) => {
        $crate::__store_case! { $make [$($options)*] $need $topic $case }
    };
    ($make:tt [fixed_bounds $($options:ident)*] $need:ident $topic:ident $case:ident) => {
        $crate::__store_case! { $make [$($options)*] $need $topic $case }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __store_test {
    (($make:expr) $bounds:ident $topic:ident $case:ident $($reason:literal)?) => {
        #[test]
        $(#[ignore = $reason])?
        fn $case() {
            let setup = $crate::StoreSetup::$bounds();
            $crate::alerts::suite::run_store(
                $make,
                setup,
                $crate::alerts::store_cases::$topic::$case,
            );
        }
    };
}

/// A runtime for one case: two threads, so that what it does at once is done at once.
#[expect(clippy::expect_used, reason = "a test without a runtime is no test")]
fn on_a_runtime(case: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build();
    runtime.expect("a runtime for the case").block_on(case);
}

/// Runs one case on a channel of its own.
///
/// # Panics
///
/// Where the channel does not keep the rule.
#[doc(hidden)]
pub fn run_channel<M, C>(make: M, case: C)
where
    M: AsyncFnOnce() -> ChannelEnv,
    C: AsyncFnOnce(&ChannelEnv),
{
    on_a_runtime(async {
        let env = make().await;
        case(&env).await;
    });
}

/// Runs one case on a store of its own. A durable store is then opened again, and must still show the same.
///
/// # Panics
///
/// Where the store does not keep the rule.
#[doc(hidden)]
pub fn run_store<M, C>(make: M, setup: StoreSetup, case: C)
where
    M: AsyncFnOnce(StoreSetup) -> StoreEnv,
    C: AsyncFnOnce(&StoreDesk),
{
    on_a_runtime(async {
        let desk = StoreDesk::new(make(setup).await);
        case(&desk).await;
        if desk.reopens() {
            let before = desk.all().await;
            desk.reopen().await;
            assert_eq!(desk.all().await, before, "it was opened again");
        }
    });
}
