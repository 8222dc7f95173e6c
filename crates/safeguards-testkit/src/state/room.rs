//! A store takes as much as it says, and says so where there is no room.

use super::prelude::*;

fn is_full(error: &StateError, wanted: StateRoom, most: usize) {
    let StateError::Full { key, room, max } = error else { panic!("{error:?}") };
    assert_eq!((key.as_str(), *room, *max), ("new", wanted, most), "{error}");
}

/// There are so many keys; those that are there may be written all the same, and who goes makes room.
pub async fn keys_are_bounded(desk: &StateDesk) {
    let max = desk.setup().keys_max;
    for number in 0..max {
        desk.set("a", &format!("{number}"), 0).await;
    }
    is_full(&desk.refuses("a", write("new", 0), "state.full").await, StateRoom::Keys, max);
    desk.set("a", "0", 1).await;
    desk.delete("a", "1").await;
    desk.write("a", write("new", 0).ttl(Duration::from_secs(1))).await;
    desk.wait(1);
    desk.set("a", "new", 1).await;
}

/// There are so many bytes of values, with their earlier versions; what gives way makes room.
pub async fn bytes_are_bounded(desk: &StateDesk) {
    let max = desk.setup().bytes_max;
    let text = |bytes: usize| Value::from("x".repeat(bytes.checked_sub(2).unwrap()));
    desk.set("a", "k", text(300)).await;
    desk.set("a", "k", text(400)).await;
    desk.set("a", "new", text(300)).await;
    is_full(&desk.refuses("a", write("new", 1), "state.full").await, StateRoom::Bytes, max);
    desk.delete("a", "new").await;
    let error = desk.refuses("a", write("new", text(301)), "state.full").await;
    is_full(&error, StateRoom::Bytes, max);
    desk.set("a", "new", text(300)).await;
    desk.delete("a", "k").await;
    desk.set("a", "new", text(700)).await;
}

/// The version that is kept no more makes room for the new one.
pub async fn what_is_kept_no_more_makes_room(desk: &StateDesk) {
    let text = |bytes: usize| Value::from("x".repeat(bytes.checked_sub(2).unwrap()));
    for bytes in [250, 250, 250, 250, 250, 200, 300, 250] {
        desk.set("a", "new", text(bytes)).await;
    }
    let error = desk.refuses("a", write("new", text(251)), "state.full").await;
    is_full(&error, StateRoom::Bytes, desk.setup().bytes_max);
}

/// That there is no room is said after all else.
pub async fn room_is_looked_for_last(desk: &StateDesk) {
    let old = desk.set("a", "0", 0).await;
    for number in 0..desk.setup().keys_max {
        desk.set("a", &format!("{number}"), 0).await;
    }
    let ahead = desk.revision().await.number().checked_add(1).unwrap();
    desk.refuses("a", write("new", 0).ttl(Duration::ZERO), "state.invalid_ttl").await;
    desk.refuses("a", write("new", 0).if_revision(Revision::new(ahead)), "state.ahead").await;
    desk.refuses("b", write("0", "x".repeat(2_000)), "state.not_writable").await;
    desk.refuses("a", write("0", "x".repeat(2_000)).if_revision(old), "state.conflict").await;
    desk.refuses("a", write("0", "x".repeat(2_000)), "state.full").await;
}
