//! Keys are listed by how they begin, a page at a time, as far as the agent may read them.

use super::prelude::*;

/// Keys stand in the order of their bytes.
pub async fn keys_stand_in_order(desk: &StateDesk) {
    for name in ["b", "a/1", "é", "a", "B", "a/10", "a/2", "z"] {
        desk.set("a", name, 0).await;
    }
    desk.lists("b", "", "B a a/1 a/10 a/2 b z é").await;
}

/// A prefix means all keys that begin with it, letter by letter.
pub async fn a_prefix_lists_what_begins_so(desk: &StateDesk) {
    for name in ["a", "a/", "a/1", "a/2", "a0", "A/1", "b", "é", "éa"] {
        desk.set("a", name, 0).await;
    }
    desk.lists("b", "a/", "a/ a/1 a/2").await;
    desk.lists("b", "a", "a a/ a/1 a/2 a0").await;
    desk.lists("b", "é", "é éa").await;
    desk.lists("b", "a/3", "").await;
    desk.lists("b", "zz", "").await;
    desk.lists("b", &"a".repeat(10_000), "").await;
}

/// An entry of a list is what a reading gives, and the page tells how far the store is.
pub async fn a_list_gives_what_is_read(desk: &StateDesk) {
    desk.write("a", write("k", json!({ "n": 1 })).ttl(Duration::from_mins(1))).await;
    desk.set("b", "l", 2).await;
    let page = desk.page("c", &StateQuery::all()).await;
    assert_eq!((page.revision, &page.next), (Revision::new(2), &None));
    for entry in page.entries {
        assert_eq!(entry, desk.entry("c", entry.key.as_str()).await);
    }
}

/// Pages of any size together have each key once.
pub async fn pages_of_any_size_have_each_key_once(desk: &StateDesk) {
    for number in 0..20 {
        let private = if number % 3 == 0 { KeyRules::private() } else { KeyRules::new() };
        desk.write("a", write(&format!("j/{number:02}"), number).rules(private)).await;
    }
    desk.set("a", "other", 0).await;
    for agent in ["a", "b"] {
        let all = names(&desk.page(agent, &StateQuery::prefix("j/")).await);
        for size in [1, 2, 7, 12, 13, 14, 19, 20, 21] {
            let (mut found, mut query) = (Vec::new(), StateQuery::prefix("j/").limit(size));
            loop {
                let page = desk.page(agent, &query).await;
                found.push(names(&page));
                let Some(next) = page.next else { break };
                assert_eq!(page.entries.len(), size, "a page that is not the last is full");
                query = query.after(next);
            }
            assert!(found.iter().all(|page| !page.is_empty()), "no page is empty");
            assert_eq!(found.join(" "), all, "{size}");
        }
    }
}

/// A page begins after a key, whether that is there or not.
pub async fn a_page_may_begin_anywhere(desk: &StateDesk) {
    for name in ["a/1", "a/2", "a/3", "b/1"] {
        desk.set("a", name, 0).await;
    }
    let after =
        async |from: &str| names(&desk.page("a", &StateQuery::prefix("a/").after(key(from))).await);
    assert_eq!(after("a/1").await, "a/2 a/3");
    assert_eq!(after("a/15").await, "a/2 a/3");
    assert_eq!(after("A").await, "a/1 a/2 a/3");
    assert_eq!(after("a/3").await, "");
    assert_eq!(after("b").await, "");
}

/// Who stays is on exactly one page, whoever comes and goes in between.
pub async fn who_stays_is_on_one_page(desk: &StateDesk) {
    for name in ["b", "d", "f", "h"] {
        desk.set("a", name, 0).await;
    }
    let first = desk.page("a", &StateQuery::all().limit(2)).await;
    assert_eq!(names(&first), "b d");
    desk.set("a", "a", 0).await;
    desk.set("a", "e", 0).await;
    desk.delete("a", "d").await;
    let query = StateQuery::all().limit(10).after(first.next.unwrap());
    assert_eq!(names(&desk.page("a", &query).await), "e f h");
}

/// A page has a hundred keys unless another number is asked for.
pub async fn a_page_has_a_hundred(desk: &StateDesk) {
    for number in 0..=StateQuery::LIMIT {
        desk.set("a", &format!("{number:03}"), 0).await;
    }
    let page = desk.page("a", &StateQuery::all()).await;
    assert_eq!(page.entries.len(), StateQuery::LIMIT);
    assert_eq!(page.next, Some(key("099")));
}

/// What an agent may not read is left out, name and all.
pub async fn what_may_not_be_read_is_left_out(desk: &StateDesk) {
    desk.set("a", "k", 0).await;
    desk.write("a", write("l", 0).rules(KeyRules::private().readers(["b"]))).await;
    desk.write("c", write("m", 0).rules(KeyRules::private())).await;
    desk.lists("a", "", "k l").await;
    desk.lists("b", "", "k l").await;
    desk.lists("c", "", "k m").await;
    let page = desk.page("nobody", &StateQuery::all().limit(1)).await;
    assert_eq!((names(&page).as_str(), page.next), ("k", None), "nor is there a next page for it");
}
