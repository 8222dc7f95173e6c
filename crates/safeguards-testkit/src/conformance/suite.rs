//! [`ledger_conformance!`](crate::ledger_conformance): the list of the cases, and a test of each.

use safeguards_budget::Bounds;

use super::Desk;
use crate::{Setup, TestEnv, audit::audit_ledger};

/// Makes a test of each case of the conformance suite, for the ledger that `$make` makes.
///
/// `$make` is an async function or closure from [`Setup`] to [`TestEnv`]; it is called afresh for each case. The
/// tests stand in one module per topic, so that a failure names the rule: put the macro in a module of its own,
/// or alone in a file.
///
/// What a ledger can and cannot do is said after it:
///
/// - `durable`: it says so itself, and its environment [reopens](TestEnv::reopens) it. The cases on durability
///   run besides.
/// - `own_clock`: its clock cannot be set. The cases that need that are *ignored*, each by its name.
/// - `fixed_bounds`: it does not take the bounds of [`Setup`]. The cases that need small ones are ignored.
///
/// ```
/// # extern crate safeguards_testkit;
/// mod memory {
///     use std::sync::Arc;
///
///     use safeguards_budget::MemoryLedger;
///     use safeguards_testkit::{Setup, TestEnv, ledger_conformance};
///
///     async fn make(setup: Setup) -> TestEnv {
///         let ledger = MemoryLedger::with_bounds(setup.clock.clone(), setup.bounds);
///         TestEnv::new(Arc::new(ledger), setup.clock)
///     }
///
///     ledger_conformance!(make);
/// }
/// # mod database {
/// # use safeguards_testkit::{Setup, TestEnv, ledger_conformance};
/// # async fn make(_: Setup) -> TestEnv { unimplemented!() }
///
/// // A database with a clock of its own.
/// ledger_conformance!(make, durable, own_clock, fixed_bounds);
/// # }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! ledger_conformance {
    ($make:expr $(, $option:ident)* $(,)?) => {
        $crate::__ledger_cases! { ($make) [$($option)*] }
    };
}

/// Runs one case, on a runtime of its own. What the case left behind is then looked at, as long as all entries
/// are kept: an auditor reads them, and a durable ledger is opened again and must still show the same.
///
/// # Panics
///
/// Where the ledger does not keep the rule.
#[doc(hidden)]
pub fn run<M, C>(make: M, bounds: Bounds, case: C)
where
    M: AsyncFnOnce(Setup) -> TestEnv,
    C: AsyncFnOnce(&Desk),
{
    // Two threads, so that what cases do at once is done at once.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime for the case");
    runtime.block_on(async {
        let desk = Desk::new(make(Setup::new(bounds)).await);
        case(&desk).await;
        if desk.bounds().operations_max < Bounds::default().operations_max {
            return;
        }
        audit(&desk).await;
        if desk.reopens() {
            let entries = desk.entries().await;
            desk.reopen().await;
            assert_eq!(desk.entries().await, entries, "it was opened again");
            audit(&desk).await;
        }
    });
}

async fn audit(desk: &Desk) {
    let found = audit_ledger(&*desk.ledger()).await.expect("entries are read");
    assert!(found.is_empty(), "the auditor found: {found:#?}");
}

/// The list of the cases, by topic, each with what it needs of the ledger: `any`, a `clock` that can be set,
/// small `bounds`, both of them (`forgets`), or that it is `durable`.
#[doc(hidden)]
#[macro_export]
macro_rules! __ledger_cases {
    ($make:tt $options:tt) => {
        $crate::__topic! { $make $options accounts {
            any an_account_reads_as_it_was_opened,
            any an_account_is_a_root_of_priority_5_unless_said,
            any a_name_is_used_once,
            any an_unknown_account_is_named,
            any accounts_are_read_in_the_order_asked,
            any a_subtree_is_read_parents_first_and_children_by_name,
            any a_subtree_shows_the_same_accounts,
            any a_priority_may_be_set_anew,
            any an_account_names_each_unit_that_was_ever_counted,
        }}
        $crate::__topic! { $make $options allocate {
            any each_named_child_gets_its_share,
            any a_limit_of_another_mode_becomes_hard,
            any only_children_get_a_share,
            any no_more_is_allocated_than_is_unallocated,
            any what_raises_nothing_is_allocated_all_the_same,
            any limits_that_do_not_deny_count_for_nothing,
            any a_parent_without_a_limit_may_allocate_anything,
            any a_share_below_what_is_used_is_granted,
        }}
        $crate::__topic! { $make $options amounts {
            any nothing_cannot_be_spent,
            any no_amount_at_all_is_given_to_settlements_alone,
            any nothing_is_allowed_where_it_means_something,
            any an_amount_has_a_largest,
            any weights_and_minimums_have_the_range_of_amounts,
            any a_counter_has_a_largest,
            any what_is_held_has_a_largest,
            any a_limit_has_a_largest,
            any a_text_that_is_no_amount_is_denied,
        }}
        $crate::__topic! { $make $options attribution {
            any the_accounts_between_are_added_in_front,
            any several_below_may_draw_one_hold,
            any somebody_beside_or_above_is_no_descendant,
            any descendant_is_meant_by_the_tree_of_now,
            any in_front_comes_the_tree_of_now_and_then_the_frozen_set,
            clock in_front_all_counts_in_the_windows_of_now,
            any neither_state_nor_limit_of_it_hold_a_settlement_back,
            any a_late_settlement_may_be_attributed,
            any a_refund_reaches_the_accounts_in_front,
        }}
        $crate::__topic! { $make $options bounds {
            any names_of_accounts_have_a_form,
            any names_of_units_have_a_form,
            any a_wrong_name_elsewhere_is_unknown,
            any scopes_are_bounded_as_named,
            any limits_are_bounded,
            any limits_that_come_with_a_share_are_bounded,
            any steps_are_bounded,
            any percents_are_bounded,
            any metadata_is_bounded,
            any reasons_are_bounded,
            any depth_is_bounded,
            any depth_is_bounded_for_all_that_moves,
            any times_to_live_are_bounded,
            clock instants_are_bounded,
        }}
        $crate::__topic! { $make $options charge_set {
            any spender_upward_then_scopes_as_named_each_once,
            any an_account_counts_once_however_often_it_is_reached,
            any the_set_is_frozen_into_the_hold,
            any direct_is_what_the_spender_itself_made,
            any what_does_not_fit_somewhere_is_recorded_nowhere,
        }}
        $crate::__topic! { $make $options closing {
            any an_account_with_open_children_cannot_be_closed,
            any an_account_that_counts_an_open_hold_cannot_be_closed,
            clock a_due_hold_keeps_no_account_open,
            any a_command_that_names_a_closed_account_is_denied,
            any what_has_happened_may_be_written_at_a_closed_account,
            any a_closed_child_counts_for_nothing,
        }}
        $crate::__topic! { $make $options conservation {
            any spending_is_the_sum_of_the_entries,
            any what_is_held_comes_back_to_nothing,
            any a_transfer_changes_no_total,
            any an_allocation_changes_no_spending,
            any children_may_exceed_their_parent_whose_limit_still_holds,
        }}
        $crate::__topic! { $make $options divide {
            any each_gets_its_part_by_weight,
            any what_is_left_over_goes_to_the_largest_remainders,
            any all_weights_zero_means_equal_parts,
            any minimums_come_first_until_nobody_is_below,
            any a_weight_of_nothing_gets_the_minimum,
            any minimums_that_exceed_what_there_is_are_refused,
            any what_each_has_left_is_its_share,
            any no_more_is_divided_than_is_free,
            any where_nothing_is_free_nothing_is_left,
            any without_a_limit_the_amount_must_be_said,
            any only_children_get_a_part,
            any the_largest_and_smallest_weights_are_cut_exactly,
        }}
        $crate::__topic! { $make $options durability {
            durable what_was_answered_is_there_when_it_is_opened_again,
            durable a_retry_after_it_was_opened_again_gives_the_first_receipt,
            durable work_goes_on_where_it_stood,
            durable denials_leave_nothing_behind,
            durable it_says_that_it_is_durable,
        }}
        $crate::__topic! { $make $options entries {
            any every_accepted_command_makes_one_entry,
            any an_entry_keeps_the_command_and_its_receipt,
            any pages_of_any_size_give_the_same_entries,
            any a_page_begins_where_it_is_told,
            any a_settlements_entry_says_its_parts,
            any a_holds_entry_says_until_when,
            any limits_are_told_as_they_are_now,
            any a_read_names_its_revision,
        }}
        $crate::__topic! { $make $options explained {
            any a_denial_carries_all_numbers,
            clock a_window_says_to_wait_for_its_end,
            clock more_than_the_limit_never_fits,
            clock a_lifetime_says_when_enough_holds_have_expired,
            any a_lifetime_that_holds_would_not_free_says_never,
            clock advice_to_wait_leaves_room_for_what_is_protected,
            clock the_advice_is_over_all_that_block,
            clock what_is_protected_above_counts_for_the_advice,
            any the_account_first_in_the_set_is_named,
            any then_the_unit_by_text_then_the_shortest_window,
            any windows_of_equal_length_are_named_in_a_fixed_order,
            any a_denial_has_a_stable_code_and_says_who,
        }}
        $crate::__topic! { $make $options forgetting {
            forgets the_last_operations_are_kept_however_old,
            forgets beyond_that_the_young_are_kept,
            forgets a_forgotten_operation_is_never_executed_again,
            forgets an_unused_id_from_before_the_horizon_is_too_old,
            forgets entries_are_bounded_however_young,
            forgets a_page_says_what_is_no_longer_kept,
            forgets what_is_forgotten_cannot_be_refunded,
            forgets what_is_kept_is_not_forgotten_however_old_its_id,
            forgets a_hold_that_ended_long_ago_is_forgotten,
            forgets an_open_hold_is_never_forgotten,
            forgets an_ending_that_was_taken_back_is_not_counted_as_one,
            forgets what_is_forgotten_still_counts,
            bounds accounts_are_bounded_and_closed_ones_count,
        }}
        $crate::__topic! { $make $options grants {
            any the_last_step_fits_and_one_more_does_not,
            any what_is_held_counts_as_if_spent,
            any every_account_above_is_asked,
            any every_scope_is_asked_and_what_is_above_it,
            any every_unit_is_asked,
            any every_window_is_asked,
            any a_limit_of_nothing_lets_nothing_pass,
            any a_lowered_limit_grants_nothing_new,
            any after_an_overrun_nothing_new_is_granted,
            any only_hard_limits_deny,
            any many_at_once_overshoot_nothing,
        }}
        $crate::__topic! { $make $options holds {
            any a_hold_sets_aside_at_its_whole_set,
            any what_is_over_returns_when_a_hold_is_settled,
            any a_release_gives_all_back,
            any a_settled_hold_cannot_be_ended_again,
            any a_released_hold_can_be_settled_late_and_once,
            any a_hold_that_was_never_placed_is_unknown,
            clock a_hold_expires_at_its_instant_and_not_before,
            clock a_due_hold_reads_as_expired_before_anybody_swept_it,
            clock an_expired_hold_can_be_settled_late_and_once,
            clock an_expired_hold_cannot_be_released_or_extended,
            clock a_late_settlement_may_leave_an_account_over_its_limit,
            clock an_extension_never_shortens,
            clock a_tick_ends_what_is_due_and_tells_the_next_deadline,
        }}
        $crate::__topic! { $make $options limits {
            any setting_a_limit_again_changes_it,
            any zones_are_told_apart_by_their_names,
            any limits_are_listed_by_unit_and_the_shortest_window,
            any a_limit_may_be_set_below_what_is_used,
            any a_change_of_amount_or_mode_keeps_the_counters,
            any a_new_lifetime_limit_counts_the_lifetime_so_far,
            any a_new_windowed_limit_starts_at_nothing,
            any a_limit_that_is_removed_denies_no_more,
            any what_remains_is_set_in_one_step,
            any what_remains_makes_a_hard_limit_if_there_is_none,
            any what_remains_keeps_mode_and_warnings,
            any only_a_limit_that_is_set_gets_other_warnings,
            any a_shadow_limit_keeps_its_warnings,
        }}
        $crate::__topic! { $make $options linked {
            any independent_commands_are_each_judged_alone,
            any later_commands_see_the_effects_of_earlier_ones,
            any if_one_is_denied_nothing_happens,
            any a_batch_that_failed_is_not_remembered,
            clock a_batch_that_fails_takes_the_sweeping_back,
            any sent_again_a_linked_batch_gives_its_receipts_again,
            any commands_that_were_sent_alone_are_known_when_linked,
            any a_known_id_among_new_ones_is_a_conflict,
            any an_id_twice_in_one_batch_is_done_once,
            any too_many_commands_are_refused_before_all_else,
            any a_batch_of_nothing_does_nothing,
        }}
        $crate::__topic! { $make $options moving {
            any history_stays_where_it_was_counted,
            any an_account_is_moved_from_where_it_is_said_to_stand,
            any new_ancestors_limit_what_moved_and_what_is_below,
            any nobody_stands_below_itself,
            any an_account_may_be_moved_to_where_it_stands,
            any siblings_and_children_are_meant_by_the_tree_of_now,
        }}
        $crate::__topic! { $make $options once {
            any the_same_command_again_gives_the_first_receipt,
            any a_known_command_is_answered_before_all_else,
            any another_command_under_a_known_id_is_a_conflict,
            any sameness_is_by_value_and_scopes_in_order,
            any denials_are_not_remembered,
            any every_kind_of_command_is_done_once,
            any a_hold_that_ended_is_not_placed_again,
            clock the_receipt_is_the_first_one_in_a_later_window_too,
            clock an_id_from_the_future_is_too_new,
            any an_old_id_that_was_never_used_is_carried_out,
        }}
        $crate::__topic! { $make $options precedence {
            any operation_conflict_first,
            any operation_too_new_before_invalid_amount,
            forgets operation_too_old_before_invalid_amount,
            any invalid_amount_before_amount_overflow,
            any amount_overflow_given_before_unknown_unit,
            any unknown_unit_before_the_accounts,
            any duplicate_account_before_unknown_account,
            any unknown_account_before_closed_account,
            any unknown_account_before_unknown_hold,
            any closed_account_before_where_accounts_stand,
            any unknown_unit_before_holds_and_entries,
            any hold_ended_before_not_descendant,
            any refund_exceeds_charge_before_bound_exceeded,
            any not_descendant_before_bound_exceeded,
            any where_accounts_stand_before_no_limit,
            any cycle_before_depth_before_bounds,
            bounds too_many_accounts_before_bound_exceeded,
            any bound_exceeded_before_states,
            any suspended_before_overflow_before_limit_exceeded,
            any the_code_decides_before_the_account,
            any limit_exceeded_before_protected,
            any limit_exceeded_before_insufficient_for_minimums,
            any minimums_before_the_overflow_of_a_new_limit,
        }}
        $crate::__topic! { $make $options protection {
            any the_largest_step_above_the_spender_is_kept,
            any the_largest_counts_whatever_the_order,
            any the_protected_part_is_rounded_up,
            any each_limit_of_the_account_is_protected_and_no_other,
            any the_spenders_priority_counts_at_every_account,
            any an_account_is_held_to_its_own_steps,
            any above_the_limit_itself_it_is_limit_exceeded,
            any soft_and_shadow_limits_are_not_protected,
            any steps_are_replaced_as_a_whole,
            any nothing_and_all_may_be_protected,
        }}
        $crate::__topic! { $make $options receipts {
            any available_is_the_least_over_the_set,
            any units_without_a_hard_limit_are_left_out,
            any available_is_never_below_nothing,
            any which_units_a_receipt_names,
            any commands_that_spend_nothing_say_nothing_of_what_is_left,
            any a_soft_limit_is_crossed_when_spending_reaches_it,
            any what_is_held_crosses_nothing_until_it_is_settled,
            any warnings_come_lowest_first_and_the_limit_last,
            any a_warning_is_rounded_up,
            clock a_threshold_is_reached_anew_in_the_next_window,
            any a_limit_on_trial_says_what_it_would_have_denied,
            any the_lists_are_in_the_order_of_the_set,
        }}
        $crate::__topic! { $make $options reclaim {
            any first_what_the_parent_has_unallocated,
            any then_from_siblings_of_lower_priority_lowest_first,
            any never_what_is_held_or_spent,
            any of_equal_priority_by_id,
            any siblings_without_anything_left_give_nothing,
            any unallocated_is_what_no_child_and_not_the_parent_uses,
            any a_parent_without_a_limit_gives_all,
            any the_account_needs_a_lifetime_hard_limit,
            any a_root_has_nobody_to_take_from,
        }}
        $crate::__topic! { $make $options refunds {
            any a_refund_takes_back_a_part_or_all,
            any all_that_spends_can_be_refunded,
            any more_than_is_left_cannot_be_refunded,
            any a_unit_that_was_not_spent_cannot_be_refunded,
            any only_what_spent_can_be_refunded,
            any a_settlement_of_nothing_has_nothing_to_refund,
            clock a_refund_lowers_only_the_window_that_is_current,
            clock a_refund_takes_from_the_excess_first,
            any a_refund_of_the_held_part_lowers_its_window,
            any a_refund_lowers_no_window_that_did_not_count_the_spending,
            any a_refund_goes_where_the_charge_was_counted,
        }}
        $crate::__topic! { $make $options seam {
            any a_submission_that_is_dropped_may_be_sent_again,
            any a_read_shows_one_revision_while_others_write,
            any entries_have_no_gaps_while_others_write,
            any the_same_command_by_several_at_once_is_done_once,
            any a_hold_ends_once_however_many_try,
            any outcomes_come_back_in_the_order_of_the_commands,
            any a_ledger_says_what_it_promises,
        }}
        $crate::__topic! { $make $options settlement {
            any held_part_and_excess_are_told_apart,
            any a_unit_that_was_not_held_is_excess,
            any a_hold_may_be_settled_with_nothing,
            any a_hold_that_is_kept_open_is_drawn_step_by_step,
            any a_hold_of_which_nothing_is_left_stays_open,
            any a_release_after_a_draw_gives_back_the_rest,
            any a_late_settlement_ends_the_hold_whatever_keep_open_says,
            clock the_held_part_belongs_to_the_window_of_the_placement,
            clock the_excess_belongs_to_the_window_of_now,
            clock what_is_late_belongs_to_the_window_of_now,
            any the_held_part_counts_at_no_window_that_was_made_since,
            any a_window_that_was_set_anew_holds_nothing,
            clock a_hold_does_not_count_in_the_next_window,
            any a_lifetime_limit_set_afterwards_counts_what_is_held,
            clock an_overrun_is_said_of_the_window_that_counts_it,
        }}
        $crate::__topic! { $make $options suspension {
            any nothing_new_begins_at_a_suspended_account,
            any any_account_of_the_set_suspends,
            any a_resumption_clears_its_own_flag_only,
            any an_extension_asks_the_frozen_set,
            any all_else_works_at_a_suspended_account,
        }}
        $crate::__topic! { $make $options sweeping {
            clock due_holds_end_before_the_command_is_judged,
            clock an_expiry_says_what_it_freed,
            clock due_holds_end_in_the_order_of_their_instants,
            clock what_was_swept_stays_although_the_command_is_denied,
            clock what_is_answered_by_its_id_sweeps_nothing,
            clock holds_are_swept_that_meet_the_accounts_and_those_above,
            clock holds_that_count_elsewhere_are_left,
            clock holds_at_scopes_are_swept_and_unknown_scopes_passed_over,
            clock ending_a_hold_sweeps_its_frozen_set,
            clock a_settlement_sweeps_whom_it_is_attributed_to,
            clock a_refund_sweeps_the_frozen_set_of_what_it_refunds,
            clock sharing_out_sweeps_the_children_too,
        }}
        $crate::__topic! { $make $options time {
            clock now_never_goes_back,
            clock a_clock_that_steps_back_reopens_no_window,
            clock a_clock_that_steps_back_revives_no_hold,
            clock what_writes_no_entry_does_not_move_now,
            clock an_expiry_moves_now_to_its_own_instant,
            clock a_batch_that_failed_does_not_move_now,
            clock a_batch_is_decided_at_one_instant,
        }}
        $crate::__topic! { $make $options transfer {
            any limit_moves_and_the_sum_stays,
            any only_what_is_left_can_be_given,
            any protection_does_not_hold_a_transfer_back,
            any those_above_are_not_asked,
            any only_siblings_can_be_given_to,
            any both_need_a_lifetime_hard_limit,
        }}
        $crate::__topic! { $make $options truth {
            any a_settlement_beyond_hold_and_limit_is_recorded,
            any a_record_beyond_the_limit_is_recorded,
            any a_record_is_never_denied_for_limits_suspension_or_closure,
            any protection_does_not_hold_a_settlement_or_record_back,
            any an_overrun_counts_what_is_held_besides,
            any a_settlement_under_a_lowered_limit_is_an_overrun,
            any what_passes_soft_and_shadow_limits_is_no_overrun,
            any what_was_begun_ends_on_a_suspended_account,
            any what_was_begun_ends_on_a_closed_account,
        }}
        $crate::__topic! { $make $options units {
            any three_units_are_there_from_the_start,
            any an_unregistered_unit_is_denied_everywhere,
            any a_registered_unit_is_counted_and_uncapped,
            any units_are_told_apart_by_their_text,
        }}
        $crate::__topic! { $make $options windows {
            clock windows_of_seconds_are_counted_from_the_epoch,
            clock at_its_boundary_a_window_begins_anew,
            clock idle_windows_are_passed_over,
            clock a_day_is_that_of_its_zone,
            clock days_follow_the_clocks_of_their_zone,
            clock a_day_without_midnight_begins_when_it_begins,
            clock a_date_that_did_not_exist_is_no_day,
            clock a_week_begins_with_its_monday,
            clock a_month_begins_with_its_first_day,
            clock a_new_limit_says_since_when_it_counts,
            any a_lifetime_has_no_boundaries,
            clock a_window_above_begins_anew_too,
            clock an_entry_tells_its_windows,
        }}
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __topic {
    ($make:tt $options:tt $topic:ident { $($need:ident $case:ident,)* }) => {
        mod $topic {
            #[allow(
                unused_imports,
                clippy::wildcard_imports,
                reason = "what makes the ledger is named as where the suite stands"
            )]
            use super::*;

            $($crate::__case! { $make $options $need $topic $case })*
        }
    };
}

/// One case as a test; as one that is ignored, with the reason; or, if it is about what the ledger does not
/// promise, as none.
#[doc(hidden)]
#[macro_export]
macro_rules! __case {
    ($make:tt [$($options:ident)*] any $topic:ident $case:ident) => {
        $crate::__test! { $make default $topic $case }
    };
    ($make:tt [] bounds $topic:ident $case:ident) => {
        $crate::__test! { $make small_bounds $topic $case }
    };
    ($make:tt [] forgets $topic:ident $case:ident) => {
        $crate::__test! { $make small_bounds $topic $case }
    };
    ($make:tt [] clock $topic:ident $case:ident) => {
        $crate::__test! { $make default $topic $case }
    };
    ($make:tt [] durable $topic:ident $case:ident) => {};
    ($make:tt [durable $($options:ident)*] durable $topic:ident $case:ident) => {
        $crate::__test! { $make default $topic $case }
    };
    ($make:tt [own_clock $($options:ident)*] clock $topic:ident $case:ident) => {
        $crate::__test! { $make default $topic $case "needs a clock that can be set" }
    };
    ($make:tt [own_clock $($options:ident)*] forgets $topic:ident $case:ident) => {
        $crate::__test! { $make small_bounds $topic $case "needs a clock that can be set" }
    };
    ($make:tt [fixed_bounds $($options:ident)*] bounds $topic:ident $case:ident) => {
        $crate::__test! { $make small_bounds $topic $case "needs bounds that can be set" }
    };
    ($make:tt [fixed_bounds $($options:ident)*] forgets $topic:ident $case:ident) => {
        $crate::__test! { $make small_bounds $topic $case "needs bounds that can be set" }
    };
    // This option is not about this case; perhaps the next one is.
    ($make:tt [durable $($options:ident)*] $need:ident $topic:ident $case:ident) => {
        $crate::__case! { $make [$($options)*] $need $topic $case }
    };
    ($make:tt [own_clock $($options:ident)*] $need:ident $topic:ident $case:ident) => {
        $crate::__case! { $make [$($options)*] $need $topic $case }
    };
    ($make:tt [fixed_bounds $($options:ident)*] $need:ident $topic:ident $case:ident) => {
        $crate::__case! { $make [$($options)*] $need $topic $case }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __test {
    (($make:expr) $bounds:ident $topic:ident $case:ident $($reason:literal)?) => {
        #[test]
        $(#[ignore = $reason])?
        fn $case() {
            let bounds = $crate::conformance::suite::$bounds();
            $crate::conformance::suite::run($make, bounds, $crate::conformance::$topic::$case);
        }
    };
}

/// The bounds that a ledger has unless it is told others.
#[doc(hidden)]
pub fn default() -> Bounds {
    Bounds::default()
}

/// Bounds that a few commands reach.
#[doc(hidden)]
pub fn small_bounds() -> Bounds {
    Setup::small_bounds()
}
