//! [`state_store_conformance!`](crate::state_store_conformance): the list of the cases, and a test of each.

use super::{StateDesk, StateEnv, StateSetup};

/// Makes a test of each case of the conformance suite, for the store that `$make` makes.
///
/// `$make` is an async function or closure from [`StateSetup`](crate::state::StateSetup) to
/// [`StateEnv`](crate::state::StateEnv); it is called afresh for each case. The tests stand in one module per
/// topic, so that a failure names the rule: put the macro in a module of its own, or alone in a file. Keys end by
/// the setup's clock, which no case waits for: the store must read it.
///
/// What a store can and cannot do is said after it:
///
/// - `durable`: its environment [reopens](crate::state::StateEnv::reopens) it. The cases on durability run
///   besides, and after each other case it is opened again and must show the same.
/// - `fixed_bounds`: it keeps and takes as much as it likes. The cases that need the bounds of
///   the setup are *ignored*, each by its name.
///
/// ```
/// # extern crate safeguards_testkit;
/// mod plain {
///     use std::sync::Arc;
///
///     use safeguards_testkit::{
///         state::{PlainStateStore, StateEnv, StateSetup}, // your store
///         state_store_conformance,
///     };
///
///     async fn make(setup: StateSetup) -> StateEnv {
///         StateEnv::new(Arc::new(PlainStateStore::new(setup)))
///     }
///
///     state_store_conformance!(make);
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! state_store_conformance {
    ($make:expr $(, $option:ident)* $(,)?) => {
        $crate::__state_cases! { ($make) [$($option)*] }
    };
}

/// Runs one case, on a runtime of its own. Then reads all changes; a store that can be opened again is, and must
/// still show the same.
///
/// # Panics
///
/// Where the store does not keep the rule.
#[doc(hidden)]
pub fn run<M, C>(make: M, setup: StateSetup, case: C)
where
    M: AsyncFnOnce(StateSetup) -> StateEnv,
    C: AsyncFnOnce(&StateDesk),
{
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build();
    runtime.expect("a runtime for the case").block_on(async {
        let desk = StateDesk::new(make(setup.clone()).await, setup);
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
macro_rules! __state_cases {
    ($make:tt $options:tt) => {
        $crate::__state_topic! { $make $options bad_input {
            any names_of_agents_have_a_form,
            any values_are_bounded,
            any depth_is_bounded,
            any times_to_live_are_bounded,
            any rules_are_bounded,
            any the_size_of_a_page_is_bounded,
            any what_cannot_be_used_is_said_first,
        }}
        $crate::__state_topic! { $make $options changes {
            any each_kind_of_change_is_told,
            any a_change_carries_what_is_there,
            any a_scope_is_a_key_or_a_prefix,
            any a_key_is_followed_over_its_ends,
            any changes_are_read_from_anywhere,
            any what_may_not_be_read_is_not_told,
            any who_loses_the_right_is_told,
            any who_gains_the_right_is_shown_the_key,
            any the_rules_of_the_time_count,
            any changes_of_one_answer_are_bounded,
            bounds forgotten_changes_are_said_to_be,
            bounds who_waits_from_what_is_forgotten_is_answered,
            any a_revision_to_come_is_refused,
            any who_is_behind_does_not_wait,
            any each_change_wakes_who_waits,
            any who_waits_no_more_harms_nobody,
        }}
        $crate::__state_topic! { $make $options concurrency {
            any no_increment_is_lost,
            any one_of_many_comes_first,
            any one_of_many_deletes,
            any who_follows_misses_none,
            any nobody_sees_half_a_write,
            any each_key_ends_once,
            any what_is_dropped_is_done_as_a_whole,
        }}
        $crate::__state_topic! { $make $options deleting {
            any a_deleted_key_is_absent,
            any a_deletion_may_have_a_condition,
            any what_is_absent_is_named,
            any who_writes_next_begins_anew,
            any earlier_versions_go_too,
        }}
        $crate::__state_topic! { $make $options durability {
            durable all_is_there_again,
            durable keys_end_meanwhile,
            durable numbers_go_on,
            durable time_goes_on,
        }}
        $crate::__state_topic! { $make $options history {
            any versions_are_told_newest_first,
            any a_version_is_what_was_read,
            any so_many_versions_are_told,
            bounds so_many_versions_are_kept,
            any other_terms_are_no_version,
            any a_version_is_as_private_as_it_was,
        }}
        $crate::__state_topic! { $make $options lifetimes {
            any a_key_is_gone_at_the_very_instant,
            any an_end_counts_from_the_write,
            any a_write_keeps_the_end,
            any an_end_may_be_set_and_taken_back,
            any an_end_is_a_change,
            any ends_come_before_what_is_done,
            any ends_are_told_in_order,
            any an_expired_key_is_not_as_it_was,
            any a_sweep_tells_the_next_end,
            any the_shortest_and_the_longest_are_kept,
            any a_clock_that_is_set_back_brings_nothing_back,
        }}
        $crate::__state_topic! { $make $options listing {
            any keys_stand_in_order,
            any a_prefix_lists_what_begins_so,
            any a_list_gives_what_is_read,
            any pages_of_any_size_have_each_key_once,
            any a_page_may_begin_anywhere,
            any who_stays_is_on_one_page,
            any a_page_has_a_hundred,
            any what_may_not_be_read_is_left_out,
        }}
        $crate::__state_topic! { $make $options reading {
            any an_absent_key_has_a_revision,
            any what_was_written_is_read,
            any what_is_not_said_is_as_usual,
            any any_json_is_kept,
            any a_reading_is_a_copy,
            any keys_do_not_mix,
            any a_reading_tells_both_revisions,
        }}
        $crate::__state_topic! { $make $options rights {
            any the_first_writer_is_the_owner,
            any rules_name_the_writers,
            any a_public_key_is_everyones_to_write,
            any a_private_key_is_refused,
            any who_may_write_may_read,
            any a_writer_does_not_own,
            any rules_come_with_the_first_write,
            any rules_stay_until_others_are_set,
            any a_key_is_handed_over,
            any terms_leave_the_value,
            any terms_may_have_a_condition,
            any an_absent_key_has_no_terms,
            any a_right_is_looked_at_before_a_revision,
        }}
        $crate::__state_topic! { $make $options room {
            bounds keys_are_bounded,
            bounds bytes_are_bounded,
            bounds what_is_kept_no_more_makes_room,
            bounds room_is_looked_for_last,
        }}
        $crate::__state_topic! { $make $options writing {
            any each_write_has_the_next_revision,
            any a_write_replaces_the_whole_value,
            any the_same_again_is_a_change,
            any a_write_on_what_was_read_is_made,
            any a_write_on_an_old_revision_conflicts,
            any a_write_on_absence_is_made_once,
            any what_came_and_went_is_a_change,
            any what_went_and_came_again_is_a_change,
            any changes_of_other_keys_do_not_matter,
            any a_later_revision_is_good_too,
            any a_revision_to_come_is_refused,
            any a_write_on_a_condition_is_made_once,
            bounds a_forgotten_absence_is_a_conflict,
        }}
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __state_topic {
    ($make:tt $options:tt $topic:ident { $($need:ident $case:ident,)* }) => {
        mod $topic {
            #[allow(
                unused_imports,
                clippy::wildcard_imports,
                reason = "what makes the store is named as where the suite stands"
            )]
            use super::*;

            $($crate::__state_case! { $make $options $need $topic $case })*
        }
    };
}

/// One case as a test; as one that is ignored, with the reason, if it needs what the store cannot do. Looks through
/// the options for the one that is about this case.
#[doc(hidden)]
#[macro_export]
macro_rules! __state_case {
    ($make:tt [durable $($rest:ident)*] durable $topic:ident $case:ident) => {
        $crate::__state_test! { $make large $topic $case }
    };
    ($make:tt [fixed_bounds $($rest:ident)*] bounds $topic:ident $case:ident) => {
        $crate::__state_test! { $make small $topic $case "needs bounds that can be set" }
    };
    ($make:tt [durable $($rest:ident)*] $need:ident $topic:ident $case:ident) => {
        $crate::__state_case! { $make [$($rest)*] $need $topic $case }
    };
    ($make:tt [fixed_bounds $($rest:ident)*] $need:ident $topic:ident $case:ident) => {
        $crate::__state_case! { $make [$($rest)*] $need $topic $case }
    };
    ($make:tt [] any $topic:ident $case:ident) => {
        $crate::__state_test! { $make large $topic $case }
    };
    ($make:tt [] bounds $topic:ident $case:ident) => {
        $crate::__state_test! { $make small $topic $case }
    };
    ($make:tt [] durable $topic:ident $case:ident) => {
        $crate::__state_test! { $make large $topic $case "needs a store that can be opened again" }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __state_test {
    (($make:expr) $setup:ident $topic:ident $case:ident $($reason:literal)?) => {
        #[test]
        $(#[ignore = $reason])?
        fn $case() {
            let setup = $crate::state::StateSetup::$setup();
            $crate::state::suite::run($make, setup, $crate::state::$topic::$case);
        }
    };
}
