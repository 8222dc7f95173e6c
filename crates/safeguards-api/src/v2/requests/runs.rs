//! Runs of teams, as they were written down.

use std::time::Duration;

use safeguards_coord::{RunId, RunQuery};
use safeguards_types::OperationId;
use serde_json::Value;

use super::requests;
use crate::v2::forms;

requests! {
    /// Lets a team that the program serves do a task, to its end.
    ExecuteTask {
        /// The name under which the team is served.
        team: String,
        /// The task, in words.
        task: String,
        /// The name of the strategy: `pipeline`, `fan_out`, `map_reduce`, `supervisor`, `vote` or `hand_over`.
        strategy: String,
        /// The caller's name for it, a version 7 UUID, from which the run has its name. A run of this name that is known
        /// already is refused: look at it, or resume it.
        op: OperationId,
        ;
        /// What the task is given besides its words: any JSON. Left out, nothing.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        input: Value,
        /// For how many seconds it may go on at the most, 1 to 10⁹. Left out, 600.
        #[serde(
            rename = "within_s",
            default,
            skip_serializing_if = "Option::is_none",
            with = "forms::maybe_seconds"
        )]
        within: Option<Duration>,
    }

    /// Goes on with a run that was cut off, or that has ended without success, to its end.
    ResumeRun {
        /// The name under which the team is served: the one that it was begun with.
        team: String,
        /// Which run.
        run: RunId,
        /// The name of the strategy that it was begun with.
        strategy: String,
        /// The caller's name for going on with it, a version 7 UUID.
        op: OperationId,
    }

    /// Asks for runs, by name, a page at a time.
    ListRuns {
        ;
        /// Whether only those are wanted that have not ended. Left out, all.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        unfinished_only: bool,
        /// Only runs of this team. Left out, of all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        team: Option<String>,
        /// Only those that come after this one: the last of the page before. Left out, from the first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<RunId>,
        /// How many at most. Left out, as many as are a page of the run store.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<usize>,
    }

    /// Asks how a run stands.
    GetRun {
        /// Which run.
        run: RunId,
    }

    /// Asks for what was written down of a run, in order, a page at a time.
    GetRunEntries {
        /// Which run.
        run: RunId,
        ;
        /// How many entries come before the first. Left out, 0.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<u64>,
        /// How many at most, 1 to 1,000; fewer are taken for 1, and more for 1,000. Left out, 100.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<usize>,
    }
}

impl From<ListRuns> for RunQuery {
    fn from(ListRuns { unfinished_only, team, after, limit }: ListRuns) -> Self {
        let mut query = Self::all();
        query.unfinished_only = unfinished_only;
        query.team = team;
        query.after = after;
        query.limit = limit.unwrap_or(query.limit);
        query
    }
}
