//! [`run_store_conformance!`](crate::run_store_conformance): the list of the cases, and a test of each.

use super::{RunStoreDesk, RunStoreEnv, RunStoreSetup};

/// Makes a test of each case of the conformance suite, for the run store that `$make` makes.
///
/// `$make` is an async function or closure from [`RunStoreSetup`](crate::runs::RunStoreSetup) to
/// [`RunStoreEnv`](crate::runs::RunStoreEnv); it is called afresh for each case. The tests stand in one module per
/// topic, so that a failure names the rule: put the macro in a module of its own, or alone in a file.
///
/// What a store can and cannot do is said after it:
///
/// - `durable`: its environment [reopens](crate::runs::RunStoreEnv::reopens) it. The cases on durability run besides,
///   and after each other case it is opened again and must show the same.
/// - `fixed_bounds`: it has bounds of its own. The cases that need those of the setup are *ignored*, each by its name.
///
/// ```
/// # extern crate safeguards_testkit;
/// mod plain {
///     use std::sync::Arc;
///
///     use safeguards_testkit::{
///         runs::{PlainRunStore, RunStoreEnv, RunStoreSetup}, // your store
///         run_store_conformance,
///     };
///
///     async fn make(setup: RunStoreSetup) -> RunStoreEnv {
///         RunStoreEnv::new(Arc::new(PlainRunStore::new(setup)))
///     }
///
///     run_store_conformance!(make);
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! run_store_conformance {
    ($make:expr $(, $option:ident)* $(,)?) => {
        $crate::__run_store_cases! { ($make) [$($option)*] }
    };
}

/// Runs one case, on a runtime of its own. Then reads all runs; a store that can be opened again is, and must still
/// show the same.
///
/// # Panics
///
/// Where the store does not keep the rule.
#[doc(hidden)]
pub fn run<M, C>(make: M, setup: RunStoreSetup, case: C)
where
    M: AsyncFnOnce(RunStoreSetup) -> RunStoreEnv,
    C: AsyncFnOnce(&RunStoreDesk),
{
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build();
    runtime.expect("a runtime for the case").block_on(async {
        let desk = RunStoreDesk::new(make(setup).await, setup);
        case(&desk).await;
        desk.audit().await;
        if desk.reopens() {
            let before = desk.all().await;
            desk.reopen().await;
            assert_eq!(desk.all().await, before, "it was opened again");
            desk.audit().await;
        }
    });
}

/// The list of the cases, by topic, each with what it needs of the store: `any`, small `bounds`, or that it is
/// `durable`.
#[doc(hidden)]
#[macro_export]
macro_rules! __run_store_cases {
    ($make:tt $options:tt) => {
        $crate::__run_store_topic! { $make $options beginning {
            any what_is_begun_is_there,
            any a_run_begins_in_its_first_leg,
            any who_never_began_is_not_there,
            any a_name_is_taken_once,
            any names_are_told_apart,
            any heads_are_kept_to_the_letter,
        }}
        $crate::__run_store_topic! { $make $options appending {
            any entries_keep_their_order,
            any entries_are_kept_to_the_letter,
            any each_attempt_has_its_own,
            any an_outcome_may_come_without_an_intent,
            any runs_do_not_mix,
            any nothing_is_appended_to_nobody,
            any a_taking_over_is_not_appended,
        }}
        $crate::__run_store_topic! { $make $options legs {
            any a_taking_over_begins_the_next_leg,
            any who_wrote_before_writes_no_more,
            any nobody_writes_ahead,
            any a_run_is_taken_over_from_its_leg_alone,
            any each_leg_has_its_own_entries,
            any an_ended_run_goes_on,
            any legs_go_on_and_on,
            any nobody_takes_over_nobody,
        }}
        $crate::__run_store_topic! { $make $options repeats {
            any a_beginning_may_be_repeated,
            any a_beginning_may_be_repeated_late,
            any what_was_taken_over_is_not_begun_again,
            any an_append_may_be_repeated,
            any an_append_may_be_repeated_late,
            any what_says_otherwise_is_refused,
            any an_earlier_leg_repeats_nothing,
            any a_taking_over_may_be_repeated,
            any a_taking_over_is_repeated_until_somebody_writes,
            any an_end_may_be_repeated,
        }}
        $crate::__run_store_topic! { $make $options ending {
            any an_end_is_shown,
            any each_state_may_be_the_end,
            any nothing_comes_after_the_end,
            any an_end_needs_no_outcome,
            any two_ends_contradict_each_other,
        }}
        $crate::__run_store_topic! { $make $options pages {
            any entries_are_read_from_anywhere,
            any pages_of_any_size_have_each_entry_once,
            any a_page_is_bounded,
            any nobody_has_no_entries,
        }}
        $crate::__run_store_topic! { $make $options listing {
            any the_latest_come_first,
            any equals_stand_by_name,
            any the_order_is_that_of_beginning,
            any only_the_unfinished_where_that_is_asked,
            any only_one_team_where_that_is_asked,
            any filters_hold_together,
            any pages_of_any_size_have_each_run_once,
            any a_page_goes_on_after_any_run,
            any a_page_after_nobody_is_refused,
            any a_page_of_runs_is_bounded,
        }}
        $crate::__run_store_topic! { $make $options forgetting {
            any what_is_forgotten_is_gone,
            any nobody_is_not_forgotten,
            any what_goes_on_is_not_forgotten,
            any what_was_taken_over_is_not_forgotten,
            any a_forgotten_name_may_begin_anew,
        }}
        $crate::__run_store_topic! { $make $options bounds {
            bounds of_the_ended_the_latest_are_kept,
            bounds what_began_anew_is_as_old_as_its_latest_end,
            bounds what_was_taken_over_ends_anew,
            bounds what_has_not_ended_is_kept,
            bounds so_many_run_at_once,
            bounds an_ended_run_goes_on_where_there_is_room,
            bounds a_run_has_so_many_entries,
            bounds there_is_room_for_an_end,
            bounds a_full_run_may_be_taken_over,
            bounds a_repeat_needs_no_room,
            bounds an_entry_has_so_many_bytes,
            bounds a_head_has_so_many_bytes,
            bounds names_count_too,
        }}
        $crate::__run_store_topic! { $make $options concurrency {
            any nothing_is_lost_among_many,
            any many_runs_go_on_at_once,
            any one_of_many_begins,
            any one_of_many_takes_over,
            any of_two_that_contradict_one_is_refused,
            any nobody_sees_an_end_without_what_came_before,
            any one_of_many_forgets,
            any what_is_dropped_is_done_as_a_whole,
        }}
        $crate::__run_store_topic! { $make $options durability {
            durable all_is_there_again,
            durable legs_go_on,
            durable repeats_are_known,
            durable what_was_forgotten_stays_gone,
            durable it_says_that_it_lasts,
        }}
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __run_store_topic {
    ($make:tt $options:tt $topic:ident { $($need:ident $case:ident,)* }) => {
        mod $topic {
            #[allow(
                unused_imports,
                clippy::wildcard_imports,
                reason = "what makes the store is named as where the suite stands"
            )]
            use super::*;

            $($crate::__run_store_case! { $make $options $need $topic $case })*
        }
    };
}

/// One case as a test; as one that is ignored, with the reason, if it needs what the store cannot do. Looks through the
/// options for the one that is about this case.
#[doc(hidden)]
#[macro_export]
macro_rules! __run_store_case {
    ($make:tt [durable $($rest:ident)*] durable $topic:ident $case:ident) => {
        $crate::__run_store_test! { $make large $topic $case }
    };
    ($make:tt [fixed_bounds $($rest:ident)*] bounds $topic:ident $case:ident) => {
        $crate::__run_store_test! { $make small $topic $case "needs bounds that can be set" }
    };
    ($make:tt [durable $($rest:ident)*] $need:ident $topic:ident $case:ident) => {
        $crate::__run_store_case! { $make [$($rest)*] $need $topic $case }
    };
    ($make:tt [fixed_bounds $($rest:ident)*] $need:ident $topic:ident $case:ident) => {
        $crate::__run_store_case! { $make [$($rest)*] $need $topic $case }
    };
    ($make:tt [] any $topic:ident $case:ident) => {
        $crate::__run_store_test! { $make large $topic $case }
    };
    ($make:tt [] bounds $topic:ident $case:ident) => {
        $crate::__run_store_test! { $make small $topic $case }
    };
    ($make:tt [] durable $topic:ident $case:ident) => {
        $crate::__run_store_test! { $make large $topic $case "needs a store that can be opened again" }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __run_store_test {
    (($make:expr) $setup:ident $topic:ident $case:ident $($reason:literal)?) => {
        #[test]
        $(#[ignore = $reason])?
        fn $case() {
            let setup = $crate::runs::RunStoreSetup::$setup();
            $crate::runs::suite::run($make, setup, $crate::runs::$topic::$case);
        }
    };
}
