//! Answers come in pages, which together have each agent once.

use super::prelude::*;

async fn many(desk: &RegistryDesk, how_many: u32) {
    for number in 0..how_many {
        // Three loads, so that most are equals.
        let status = Status::new().load(number.rem_euclid(3));
        desk.register(able(&format!("{number:03}"), "x").status(status)).await;
    }
}

/// All pages, one after the other.
async fn pages(desk: &RegistryDesk, query: &Query) -> Vec<Found> {
    let mut query = query.clone();
    let mut pages = Vec::new();
    loop {
        let page = desk.find(&query).await;
        let next = page.next.clone();
        pages.push(page);
        let Some(next) = next else { return pages };
        assert!(pages.len() < 1_000, "pages come to an end");
        query = query.after(next);
    }
}

fn all_names(pages: &[Found]) -> Vec<&str> {
    pages.iter().flat_map(Found::names).map(AgentId::as_str).collect()
}

/// Pages of any size have together what one page has, in its order.
pub async fn pages_of_any_size_have_each_agent_once(desk: &RegistryDesk) {
    many(desk, 20).await;
    for order in [Order::Name, Order::LeastLoaded, Order::Best, Order::Cheapest(Unit::USD)] {
        let whole = [desk.find(&Query::new("x").unwrap().order(order.clone())).await];
        for limit in [1, 2, 3, 7, 19, 20, 21] {
            let query = Query::new("x").unwrap().order(order.clone()).limit(limit);
            let pages = pages(desk, &query).await;
            assert_eq!(all_names(&pages), all_names(&whole), "{order:?} by {limit}");
            assert_eq!(pages.len(), 20_usize.div_ceil(limit), "{order:?} by {limit}");
            assert!(pages.iter().all(|page| page.total == 20), "{order:?} by {limit}");
        }
    }
}

/// The last page says that it is the last; a full one that is not, where the next begins.
pub async fn the_last_page_says_so(desk: &RegistryDesk) {
    many(desk, 4).await;
    let page = desk.find(&Query::all().order(Order::Name).limit(4)).await;
    assert_eq!((page.agents.len(), page.next), (4, None));
    let page = desk.find(&Query::all().order(Order::Name).limit(3)).await;
    let next = page.next.unwrap();
    assert_eq!(next.order(), Order::Name.name());
    assert_eq!(next.place(), (0, &AgentId::from("002")));
    assert_eq!((page.agents.len(), page.total), (3, 4));
    let page = desk.find(&Query::new("nothing").unwrap()).await;
    assert_eq!((page.agents.len(), page.total, page.next), (0, 0, None));
}

/// A hundred are on a page unless another number is asked for.
pub async fn a_page_has_a_hundred(desk: &RegistryDesk) {
    many(desk, 101).await;
    let page = desk.find(&Query::all().order(Order::Name)).await;
    assert_eq!((page.agents.len(), page.total), (Query::LIMIT, 101));
    desk.finds(&Query::all().order(Order::Name).after(page.next.unwrap()), "100").await;
    let page = desk.find(&Query::all().limit(Bounds::PAGE)).await;
    assert_eq!(page.agents.len(), 101);
}

/// A cursor goes through text and back.
pub async fn a_cursor_goes_through_text(desk: &RegistryDesk) {
    for who in ["a:b", "a", "c: d:", "b"] {
        desk.register(able(who, "x").status(Status::new().load(1))).await;
    }
    let mut query = Query::all().order(Order::LeastLoaded).limit(1);
    let mut seen = Vec::new();
    loop {
        let page = desk.find(&query).await;
        seen.push(names(&page));
        let Some(next) = page.next else { break };
        query = query.after(next.to_string().parse().unwrap());
    }
    assert_eq!(seen, ["a", "a:b", "b", "c: d:"]);
}

/// Who stayed is on exactly one page, whoever came and went between two.
pub async fn who_stays_is_on_one_page(desk: &RegistryDesk) {
    many(desk, 12).await;
    let query = Query::new("x").unwrap().order(Order::Name).limit(4);
    let first = desk.find(&query).await;
    assert_eq!(names(&first), "000 001 002 003");
    // The one that the page ended with, one of the page, and one to come are gone; others come on both sides.
    for gone in ["003", "001", "005"] {
        desk.delete(gone).await.unwrap();
    }
    for new in ["0025", "0045", "zz"] {
        desk.register(able(new, "x")).await;
    }
    let second = desk.find(&query.clone().after(first.next.unwrap())).await;
    assert_eq!((names(&second).as_str(), second.total), ("004 0045 006 007", 12));
    let third = desk.find(&query.after(second.next.unwrap())).await;
    assert_eq!(names(&third), "008 009 010 011");
    assert!(third.next.is_some());
}

/// A lease that runs out between two pages takes only its agent away.
pub async fn an_end_between_pages_takes_one_agent_away(desk: &RegistryDesk) {
    many(desk, 4).await;
    desk.register(agent("0005").capability(cap("x"))).await;
    desk.register(agent("0015").capability(cap("x"))).await;
    let query = Query::new("x").unwrap().order(Order::Name).limit(2);
    let first = desk.find(&query).await;
    assert_eq!((names(&first).as_str(), first.total), ("000 0005", 6));
    desk.wait(60);
    let second = desk.find(&query.after(first.next.unwrap())).await;
    assert_eq!((names(&second).as_str(), second.total), ("001 002", 4));
}

/// A cursor is good for its order alone.
pub async fn a_cursor_of_another_order_is_refused(desk: &RegistryDesk) {
    many(desk, 4).await;
    let all = || Query::all().limit(1);
    let cursor = desk.find(&all().order(Order::Name)).await.next.unwrap();
    for order in [Order::Best, Order::LeastLoaded, Order::Cheapest(Unit::USD)] {
        let query = all().order(order).after(cursor.clone());
        desk.refuses_query(&query, "discovery.invalid_cursor", "after").await;
    }
    let cursor = desk.find(&all().order(Order::Cheapest(Unit::USD))).await.next.unwrap();
    let query = all().order(Order::Cheapest(Unit::TOKENS)).after(cursor);
    desk.refuses_query(&query, "discovery.invalid_cursor", "after").await;
}

/// Nothing comes after the last, and all after a place before the first.
pub async fn a_cursor_may_stand_anywhere(desk: &RegistryDesk) {
    many(desk, 3).await;
    let query = |key, agent: &str| {
        let order = Order::LeastLoaded;
        Query::all().after(Cursor::new(order.name(), key, agent.into())).order(order)
    };
    desk.finds(&query(i128::MIN, ""), "000 001 002").await;
    desk.finds(&query(0, "000"), "001 002").await;
    desk.finds(&query(0, "zzz"), "001 002").await;
    desk.finds(&query(1, "000"), "001 002").await;
    desk.finds(&query(2, "002"), "").await;
    desk.finds(&query(i128::MAX, ""), "").await;
}

/// A page has from one to the bound.
pub async fn the_size_of_a_page_is_bounded(desk: &RegistryDesk) {
    many(desk, 3).await;
    desk.refuses_query(&Query::all().limit(0), "discovery.invalid_limit", "limit").await;
    let more = Bounds::PAGE.saturating_add(1);
    desk.refuses_query(&Query::all().limit(more), "discovery.invalid_limit", "limit").await;
}

/// Pages in the order of words have each agent once, too.
pub async fn pages_by_words_have_each_agent_once(desk: &RegistryDesk) {
    for number in 0..9 {
        let text = format!("red {}", "green ".repeat(number));
        desk.register(agent(&format!("{number}")).describe(text)).await;
    }
    let query = Query::search("green red");
    let whole = names(&desk.find(&query).await);
    let pages = pages(desk, &query.limit(2)).await;
    assert_eq!(all_names(&pages).join(" "), whole);
}
