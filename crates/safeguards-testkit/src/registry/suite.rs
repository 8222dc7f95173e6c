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
