//! [`registry_conformance!`](crate::registry_conformance): the list of the cases, and a test of each.

use super::{RegistryDesk, RegistryEnv, RegistrySetup};

/// Makes a test of each case of the conformance suite, for the registry that `$make` makes.
///
/// `$make` is an async function or closure from [`RegistrySetup`](crate::registry::RegistrySetup) to
/// [`RegistryEnv`](crate::registry::RegistryEnv); it is called afresh for each case. The tests stand in one module per
/// topic, so that a failure names the rule: put the macro in a module of its own, or alone in a file. Leases run out by
/// the setup's clock, which no case waits for: the registry must read it.
///
/// What a registry can and cannot do is said after it:
///
/// - `durable`: its environment [reopens](crate::registry::RegistryEnv::reopens) it. The cases on durability run
///   besides, and after each other case it is opened again and must show the same.
/// - `fixed_bounds`: it keeps as many changes as it likes, and takes as many agents. The cases that need the bounds of
///   the setup are *ignored*, each by its name.
///
/// ```
/// # extern crate safeguards_testkit;
/// mod plain {
///     use std::sync::Arc;
///
///     use safeguards_testkit::{
///         registry::{PlainRegistry, RegistryEnv, RegistrySetup}, // your registry
///         registry_conformance,
///     };
///
///     async fn make(setup: RegistrySetup) -> RegistryEnv {
///         RegistryEnv::new(Arc::new(PlainRegistry::new(setup)))
///     }
///
///     registry_conformance!(make);
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! registry_conformance {
    ($make:expr $(, $option:ident)* $(,)?) => {
        $crate::__registry_cases! { ($make) [$($option)*] }
    };
}

/// Runs one case, on a runtime of its own. Then reads all changes; a registry that can be opened again is, and must
/// still show the same.
///
/// # Panics
///
/// Where the registry does not keep the rule.
#[doc(hidden)]
pub fn run<M, C>(make: M, setup: RegistrySetup, case: C)
where
    M: AsyncFnOnce(RegistrySetup) -> RegistryEnv,
    C: AsyncFnOnce(&RegistryDesk),
{
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build();
    runtime.expect("a runtime for the case").block_on(async {
        let desk = RegistryDesk::new(make(setup.clone()).await, setup);
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

/// The list of the cases, by topic, each with what it needs of the registry: `any`, small `bounds`, or that it is
/// `durable`.
#[doc(hidden)]
#[macro_export]
macro_rules! __registry_cases {
    ($make:tt $options:tt) => {
        $crate::__registry_topic! { $make $options bad_input {
            any names_of_agents_have_a_form,
            any leases_have_a_length,
            any metadata_is_bounded,
            any descriptions_are_bounded,
            any tags_are_bounded,
            any costs_are_bounded,
            any blocks_are_bounded,
            any documents_are_bounded,
            any capabilities_are_bounded,
            any ranges_have_bounds_that_compare,
            any conditions_are_bounded,
            any a_path_leads_somewhere,
            any there_are_words_to_search_for,
            any relevance_needs_words,
            any among_is_bounded,
        }}
        $crate::__registry_topic! { $make $options changes {
            any each_kind_of_change_is_told,
            any a_change_carries_what_is_new,
            any a_newcomer_is_told_in_full,
            any ends_come_before_what_is_done,
            any revisions_begin_at_one,
            any changes_are_read_from_anywhere,
            any changes_of_one_answer_are_bounded,
            bounds forgotten_changes_are_said_to_be,
            bounds who_waits_from_what_is_forgotten_is_told,
            any a_revision_to_come_is_refused,
            any who_is_behind_does_not_wait,
            any each_change_wakes_who_waits,
            any all_who_wait_are_woken,
            any who_waits_no_more_harms_nobody,
            any what_was_found_and_what_changed_is_what_is_found,
        }}
        $crate::__registry_topic! { $make $options concurrency {
            any nothing_is_lost_among_many,
            any of_two_that_contradict_one_is_refused,
            any one_name_is_one_agent,
            any nobody_sees_a_half_replaced_agent,
            any one_of_many_deletes,
            any who_follows_misses_none,
            any each_lease_runs_out_once,
            any what_is_dropped_is_done_as_a_whole,
        }}
        $crate::__registry_topic! { $make $options conditions {
            any all_listed_values_are_contained,
            any a_list_within_a_list_is_one_value,
            any any_of_the_values_is_contained,
            any a_value_equals,
            any numbers_are_what_they_are_worth,
            any large_numbers_are_told_apart,
            any a_value_lies_in_a_range,
            any texts_compare_letter_by_letter,
            any null_is_a_value,
            any not_turns_a_test_round,
            any a_path_leads_into_objects,
            any conditions_reach_as_deep_as_metadata,
            any long_texts_are_told_apart,
            any much_metadata_is_found,
            any conditions_hold_together,
        }}
        $crate::__registry_topic! { $make $options durability {
            durable all_is_there_again,
            durable leases_run_out_meanwhile,
            durable numbers_go_on,
            durable time_goes_on,
        }}
        $crate::__registry_topic! { $make $options leases {
            any an_agent_is_gone_at_the_very_instant,
            any a_renewal_counts_from_now,
            any who_is_found_has_an_end,
            any a_renewal_is_no_change,
            any a_renewal_may_say_how_the_agent_stands,
            any who_comes_back_has_another_lease,
            any a_lease_renews_its_own_agent_alone,
            any a_forged_length_counts_for_nothing,
            any a_lasting_agent_stays,
            any the_latest_registration_says_how_long,
            any a_lease_may_be_short,
            any an_end_is_seen_without_sweeping,
            any changes_tell_an_end_without_sweeping,
            any what_is_found_counts_the_ends,
            any ends_are_told_in_order,
            any a_renewed_lease_ends_later,
            any a_sweep_tells_the_next_end,
            any the_end_that_was_told_comes,
            any a_clock_that_is_set_back_brings_nobody_back,
            any an_end_that_was_read_stays,
        }}
        $crate::__registry_topic! { $make $options leaving {
            any one_version_is_withdrawn,
            any all_versions_are_withdrawn,
            any who_withdraws_all_stays,
            any what_was_withdrawn_may_come_back_otherwise,
            any what_is_not_there_is_named,
            any nothing_is_taken_back_twice,
            any who_is_deleted_is_gone,
            any who_was_deleted_begins_anew,
            any nobody_inherits,
        }}
        $crate::__registry_topic! { $make $options names {
            any a_name_finds_what_is_below_it,
            any the_deepest_name_is_found_from_all_above,
            any what_is_meant_is_told,
            any a_match_tells_what_the_record_does,
            any who_can_do_nothing_is_found_where_nothing_is_asked,
            any a_range_of_versions_is_kept,
            any a_pre_release_is_found_where_it_is_named,
            any builds_are_versions_of_their_own,
            any all_must_hold_of_one_capability,
        }}
        $crate::__registry_topic! { $make $options order {
            any equals_stand_by_name,
            any the_best_come_first,
            any blocks_count_for_no_order,
            any by_name_alone,
            any the_least_loaded_come_first,
            any the_cheapest_come_first,
            any the_most_budget_comes_first,
            any the_highest_priority_comes_first,
            any an_order_follows_what_changes,
        }}
        $crate::__registry_topic! { $make $options pages {
            any pages_of_any_size_have_each_agent_once,
            any the_last_page_says_so,
            any a_page_has_a_hundred,
            any a_cursor_goes_through_text,
            any who_stays_is_on_one_page,
            any an_end_between_pages_takes_one_agent_away,
            any a_cursor_of_another_order_is_refused,
            any a_cursor_may_stand_anywhere,
            any the_size_of_a_page_is_bounded,
            any pages_by_words_have_each_agent_once,
        }}
        $crate::__registry_topic! { $make $options registering {
            any what_an_agent_says_is_known,
            any what_is_not_said_is_as_usual,
            any who_never_came_is_not_here,
            any what_is_new_is_added,
            any the_same_again_changes_nothing,
            any advertising_adds_a_capability,
            any other_content_is_a_conflict,
            any what_was_said_of_the_agent_stands,
            any a_status_may_be_said_anew,
            any versions_stand_side_by_side,
            any a_capability_said_twice_counts_once,
            any what_replaces_takes_the_place_of_all,
            any what_was_replaced_contradicts_nobody,
            any replacing_with_the_same_changes_nothing,
            any a_newcomer_may_replace,
            any agents_do_not_mix,
            any documents_are_kept_to_the_letter,
            bounds a_registry_is_full_at_last,
            bounds what_is_invalid_is_said_first,
        }}
        $crate::__registry_topic! { $make $options words {
            any a_word_is_found_in_each_place,
            any one_of_the_words_is_enough,
            any words_tell_which_capabilities_are_meant,
            any words_hold_with_what_else_is_asked,
            any who_is_found_by_words_has_a_relevance,
            any who_has_more_of_the_words_comes_first,
            any words_that_are_gone_are_not_found,
            any all_tags_are_there,
            any only_the_healthy_where_that_is_asked,
            any health_counts_as_it_is_now,
            any a_query_may_be_confined,
        }}
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __registry_topic {
    ($make:tt $options:tt $topic:ident { $($need:ident $case:ident,)* }) => {
        mod $topic {
            #[allow(
                unused_imports,
                clippy::wildcard_imports,
                reason = "what makes the registry is named as where the suite stands"
            )]
            use super::*;

            $($crate::__registry_case! { $make $options $need $topic $case })*
        }
    };
}

/// One case as a test; as one that is ignored, with the reason, if it needs what the registry cannot do. Looks through
/// the options for the one that is about this case.
#[doc(hidden)]
#[macro_export]
macro_rules! __registry_case {
    ($make:tt [durable $($rest:ident)*] durable $topic:ident $case:ident) => {
        $crate::__registry_test! { $make large $topic $case }
    };
    ($make:tt [fixed_bounds $($rest:ident)*] bounds $topic:ident $case:ident) => {
        $crate::__registry_test! { $make small $topic $case "needs bounds that can be set" }
    };
    ($make:tt [durable $($rest:ident)*] $need:ident $topic:ident $case:ident) => {
        $crate::__registry_case! { $make [$($rest)*] $need $topic $case }
    };
    ($make:tt [fixed_bounds $($rest:ident)*] $need:ident $topic:ident $case:ident) => {
        $crate::__registry_case! { $make [$($rest)*] $need $topic $case }
    };
    ($make:tt [] any $topic:ident $case:ident) => {
        $crate::__registry_test! { $make large $topic $case }
    };
    ($make:tt [] bounds $topic:ident $case:ident) => {
        $crate::__registry_test! { $make small $topic $case }
    };
    ($make:tt [] durable $topic:ident $case:ident) => {
        $crate::__registry_test! { $make large $topic $case "needs a registry that can be opened again" }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __registry_test {
    (($make:expr) $setup:ident $topic:ident $case:ident $($reason:literal)?) => {
        #[test]
        $(#[ignore = $reason])?
        fn $case() {
            let setup = $crate::registry::RegistrySetup::$setup();
            $crate::registry::suite::run($make, setup, $crate::registry::$topic::$case);
        }
    };
}
