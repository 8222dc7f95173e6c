//! Runs are listed, the latest first.

use super::{RunHeads, prelude::*};

/// The run that began last comes first.
pub async fn the_latest_come_first(desk: &RunStoreDesk) {
    for (run, seconds) in [("b", 2), ("a", 3), ("d", -1), ("c", 0)] {
        desk.begin(head_at(run, seconds)).await;
    }
    assert_eq!(desk.listed(&RunQuery::all()).await, "a b c d");
}

/// Runs that began in one instant stand by name, the last first.
pub async fn equals_stand_by_name(desk: &RunStoreDesk) {
    for run in ["b", "a", "é", "B", "ab", "c"] {
        desk.begin(head(run)).await;
    }
    assert_eq!(desk.listed(&RunQuery::all()).await, "é c b ab a B");
}

/// Neither what is appended, nor an end, nor a taking over moves a run.
pub async fn the_order_is_that_of_beginning(desk: &RunStoreDesk) {
    for (run, seconds) in [("a", 1), ("b", 2), ("c", 3)] {
        desk.begin(head_at(run, seconds)).await;
    }
    desk.append("a", 1, intent("s", 1)).await;
    desk.append("b", 1, end("failed")).await;
    desk.take_over("a", 1, 50).await;
    assert_eq!(desk.listed(&RunQuery::all()).await, "c b a");
}

/// Where only the unfinished are asked for, those that have ended are left out.
pub async fn only_the_unfinished_where_that_is_asked(desk: &RunStoreDesk) {
    for (run, seconds) in [("a", 1), ("b", 2), ("c", 3), ("d", 4)] {
        desk.begin(head_at(run, seconds)).await;
    }
    desk.append("b", 1, end("succeeded")).await;
    desk.append("d", 1, end("failed")).await;
    let query = RunQuery::all().unfinished();
    assert_eq!(desk.listed(&query).await, "c a");
    desk.take_over("b", 1, 50).await;
    assert_eq!(desk.listed(&query).await, "c b a");
    assert_eq!(desk.listed(&RunQuery::all()).await, "d c b a");
}

/// Where one team is asked for, others are left out, be they called nearly so.
pub async fn only_one_team_where_that_is_asked(desk: &RunStoreDesk) {
    for (run, team) in [("a", "x"), ("b", "y"), ("c", "x"), ("d", "X"), ("e", "x.y"), ("f", "")] {
        desk.begin(RunHeads::new().team(team).head(run)).await;
    }
    assert_eq!(desk.listed(&RunQuery::all().team("x")).await, "c a");
    assert_eq!(desk.listed(&RunQuery::all().team("")).await, "f");
    assert_eq!(desk.listed(&RunQuery::all().team("z")).await, "");
}

/// All that is asked for holds of each run in the list.
pub async fn filters_hold_together(desk: &RunStoreDesk) {
    let runs = [("a", "x", true), ("b", "x", false), ("c", "y", false), ("d", "x", false)];
    for (number, (run, team, ends)) in (0_i64..).zip(runs) {
        desk.begin(RunHeads::new().team(team).begun_after(number).head(run)).await;
        if ends {
            desk.append(run, 1, end("succeeded")).await;
        }
    }
    let query = RunQuery::all().team("x").unfinished();
    assert_eq!(desk.listed(&query).await, "d b");
    assert_eq!(desk.listed(&query.clone().limit(1)).await, "d");
    assert_eq!(desk.listed(&query.clone().after("d")).await, "b");
    assert_eq!(desk.listed(&query.after("b")).await, "");
}

/// Pages of any size together have each run once, in order.
pub async fn pages_of_any_size_have_each_run_once(desk: &RunStoreDesk) {
    for number in 0..20_i64 {
        // Three begin at once each time.
        desk.begin(head_at(&format!("{number:02}"), number.div_euclid(3))).await;
    }
    let whole = desk.listed(&RunQuery::all()).await;
    for size in [1, 2, 3, 7, 20, 50] {
        let (mut pages, mut query) = (Vec::new(), RunQuery::all().limit(size));
        loop {
            let page = desk.listed(&query).await;
            let Some(last) = page.split(' ').next_back().filter(|last| !last.is_empty()) else {
                break;
            };
            query = query.after(last);
            assert!(page.split(' ').count() <= size, "{page}");
            pages.push(page);
        }
        assert_eq!(pages.join(" "), whole, "in pages of {size}");
    }
    assert_eq!(desk.listed(&RunQuery::all().limit(0)).await, "");
}

/// A page may begin after any run that is there, also after one that is not asked for.
pub async fn a_page_goes_on_after_any_run(desk: &RunStoreDesk) {
    for (number, run) in (0_i64..).zip(["a", "b", "c", "d"]) {
        desk.begin(head_at(run, number)).await;
    }
    desk.append("c", 1, end("succeeded")).await;
    let query = RunQuery::all().unfinished().after("c");
    assert_eq!(desk.listed(&query).await, "b a");
    assert_eq!(desk.listed(&RunQuery::all().after("a")).await, "");
}

/// A page after a run that is not there is an error, since it would be wrong.
pub async fn a_page_after_nobody_is_refused(desk: &RunStoreDesk) {
    desk.ended(head("a")).await;
    desk.begin(head("b")).await;
    desk.forget("a").await;
    for after in ["a", "never"] {
        let error = desk.store().runs(&RunQuery::all().after(after)).await.unwrap_err();
        assert_eq!(error.code(), "runs.unknown_run");
    }
}

/// A page has no more than so many runs, however many are asked for.
pub async fn a_page_of_runs_is_bounded(desk: &RunStoreDesk) {
    for number in 0..1_003_i64 {
        desk.begin(head_at(&format!("{number:04}"), number)).await;
    }
    let mut query = RunQuery::all();
    query.limit = usize::MAX;
    let page = desk.store().runs(&query).await.unwrap();
    assert_eq!(page.len(), RunStoreBounds::PAGE);
    assert_eq!(desk.listed(&query.after("0003")).await, "0002 0001 0000");
}
