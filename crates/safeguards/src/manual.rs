//! The manual: the pages of `docs/`, so that their code compiles and they belong to one version.
//!
//! [`concepts`] say what the words mean, [`guides`] how to do something, [`reference`](mod@reference) what every key and
//! code is, [`internals`] how it works inside, for those who change it, and [`decisions`] why it is so.

/// One page, as a module of this name.
macro_rules! page {
    ($name:ident, $path:literal) => {
        #[doc = include_str!(concat!("../docs/", $path))]
        pub mod $name {}
    };
}

/// What the words mean, and what is promised.
pub mod concepts {
    page!(ledger, "concepts/ledger.md");
    page!(runs, "concepts/runs.md");
}

/// How to do something, step by step.
pub mod guides {
    page!(alerts, "guides/alerts.md");
    page!(api, "guides/api.md");
    page!(coming_from_python, "guides/coming-from-python.md");
    page!(configuration, "guides/configuration.md");
    page!(discovery, "guides/discovery.md");
    page!(durability, "guides/durability.md");
    page!(events, "guides/events.md");
    page!(observing, "guides/observing.md");
    page!(replay, "guides/replay.md");
    page!(shared_state, "guides/shared-state.md");
    page!(stores, "guides/stores.md");
    page!(teams, "guides/teams.md");
    page!(testing, "guides/testing.md");
    page!(upgrading, "guides/upgrading.md");
    page!(webhooks, "guides/webhooks.md");
}

#[doc = include_str!("../docs/reference/README.md")]
pub mod reference {
    page!(agent_cards, "reference/agent-cards.md");
    page!(agents_command, "reference/agents-command.md");
    page!(alert_rules, "reference/alert-rules.md");
    page!(benches, "reference/benches.md");
    page!(config, "reference/config.md");
    page!(errors, "reference/errors.md");
    page!(laws, "reference/laws.md");
    page!(ledger_lines, "reference/ledger-lines.md");
    page!(loops, "reference/loops.md");
    page!(price_file, "reference/price-file.md");
    page!(queries, "reference/queries.md");
    page!(run_json, "reference/run-json.md");
    page!(runs, "reference/runs.md");
    page!(team_file, "reference/team-file.md");
    page!(telemetry, "reference/telemetry.md");
}

#[doc = include_str!("../docs/internals/README.md")]
pub mod internals {
    page!(hub, "internals/hub.md");
    page!(ledger, "internals/ledger.md");
    page!(registry, "internals/registry.md");
    page!(runner, "internals/runner.md");
}

#[doc = include_str!("../docs/decisions/README.md")]
pub mod decisions {
    page!(
        d0001_names_are_checked_where_they_are_made,
        "decisions/0001-names-are-checked-where-they-are-made.md"
    );
    page!(
        d0002_an_operation_is_remembered_with_its_entry,
        "decisions/0002-an-operation-is-remembered-with-its-entry.md"
    );
    page!(d0003_usage_is_read_with_accounts, "decisions/0003-usage-is-read-with-accounts.md");
    page!(d0004_entries_are_facts, "decisions/0004-entries-are-facts.md");
    page!(
        d0005_entries_alone_decide_what_is_dropped,
        "decisions/0005-entries-alone-decide-what-is-dropped.md"
    );
    page!(
        d0006_a_text_that_is_no_amount_is_denied,
        "decisions/0006-a-text-that-is-no-amount-is-denied.md"
    );
    page!(
        d0007_what_is_only_told_may_be_larger,
        "decisions/0007-what-is-only-told-may-be-larger.md"
    );
    page!(d0008_a_command_is_given_away, "decisions/0008-a-command-is-given-away.md");
    page!(d0009_a_handle_is_a_hint, "decisions/0009-a-handle-is-a-hint.md");
    page!(
        d0010_metadata_of_an_opening_is_the_accounts,
        "decisions/0010-metadata-of-an-opening-is-the-accounts.md"
    );
    page!(
        d0011_a_soft_limit_and_its_hundred_percent,
        "decisions/0011-a-soft-limit-and-its-hundred-percent.md"
    );
    page!(d0012_orders_left_open, "decisions/0012-orders-left-open.md");
    page!(d0013_a_channel_gets_notifications, "decisions/0013-a-channel-gets-notifications.md");
    page!(d0014_grouped_unless_said_otherwise, "decisions/0014-grouped-unless-said-otherwise.md");
    page!(d0015_stopping_leaves_what_waits, "decisions/0015-stopping-leaves-what-waits.md");
    page!(d0016_a_store_is_told_what_changed, "decisions/0016-a-store-is-told-what-changed.md");
    page!(
        d0017_webhooks_are_signed_as_others_sign_them,
        "decisions/0017-webhooks-are-signed-as-others-sign-them.md"
    );
    page!(d0018_cards_are_kept_whole, "decisions/0018-cards-are-kept-whole.md");
    page!(
        d0019_who_does_a_step_is_chosen_by_the_runner,
        "decisions/0019-who-does-a-step-is-chosen-by-the-runner.md"
    );
    page!(d0020_one_lease_for_each_agent, "decisions/0020-one-lease-for-each-agent.md");
    page!(d0021_a_run_is_taken_over_in_legs, "decisions/0021-a-run-is-taken-over-in-legs.md");
    page!(d0022_a_hold_lives_an_hour_at_a_time, "decisions/0022-a-hold-lives-an-hour-at-a-time.md");
    page!(
        d0023_an_abandoned_attempt_is_settled_at_once,
        "decisions/0023-an-abandoned-attempt-is-settled-at-once.md"
    );
    page!(
        d0024_an_ended_run_that_did_not_succeed_may_go_on,
        "decisions/0024-an-ended-run-that-did-not-succeed-may-go-on.md"
    );
    page!(d0025_one_row_a_flush, "decisions/0025-one-row-a-flush.md");
    page!(d0026_who_leaves_says_from_where, "decisions/0026-who-leaves-says-from-where.md");
    page!(d0027_a_flush_waits_a_moment, "decisions/0027-a-flush-waits-a-moment.md");
    page!(d0028_what_was_told_is_noted, "decisions/0028-what-was-told-is-noted.md");
    page!(d0029_what_is_read_is_verified, "decisions/0029-what-is-read-is-verified.md");
}
