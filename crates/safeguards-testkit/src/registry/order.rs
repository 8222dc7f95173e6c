//! Who comes first, in each order.

use super::prelude::*;

async fn come(desk: &RegistryDesk, statuses: impl IntoIterator<Item = (&str, Status)>) {
    for (who, status) in statuses {
        desk.register(able(who, "x").status(status)).await;
    }
}

fn query(order: Order) -> Query {
    Query::new("x").unwrap().order(order)
}

/// Equals stand by name, letter by letter; capital letters before small ones, ASCII before all else.
pub async fn equals_stand_by_name(desk: &RegistryDesk) {
    for who in ["b", "a.b", "a", "É", "Z", "é", "a-b", "10", "9", "aa", "a b", "ä"] {
        desk.register(able(who, "x").status(Status::new().load(1))).await;
    }
    let by_name = ["10", "9", "Z", "a", "a b", "a-b", "a.b", "aa", "b", "É", "ä", "é"];
    for order in [
        Order::Name,
        Order::Best,
        Order::LeastLoaded,
        Order::Priority,
        Order::Cheapest(Unit::USD),
        Order::MostBudget(Unit::USD),
    ] {
        let found = desk.find(&query(order.clone())).await;
        assert_eq!(found.names().map(AgentId::as_str).collect::<Vec<_>>(), by_name, "{order:?}");
    }
}

/// The best first: the healthiest, and among these who has the highest priority. A query asks for that unless it says
/// otherwise.
pub async fn the_best_come_first(desk: &RegistryDesk) {
    let rows = [
        ("a", Health::Unhealthy, Priority::P10),
        ("b", Health::Degraded, Priority::P10),
        ("c", Health::Healthy, Priority::P1),
        ("d", Health::Healthy, Priority::P9),
        ("e", Health::Degraded, Priority::P2),
        ("f", Health::Healthy, Priority::P9),
        ("g", Health::Unhealthy, Priority::P1),
    ];
    for (who, health, priority) in rows {
        desk.register(able(who, "x").status(Status::new().health(health)).priority(priority)).await;
    }
    desk.finds(&query(Order::Best), "d f c b e a g").await;
    desk.finds(&Query::new("x").unwrap(), "d f c b e a g").await;
}

/// Who is kept from working is no less healthy for that.
pub async fn blocks_count_for_no_order(desk: &RegistryDesk) {
    let blocked = Status::new().block(Block::BreakerOpen { until: None });
    come(desk, [("a", blocked), ("b", Status::new())]).await;
    desk.finds(&query(Order::Best), "a b").await;
}

/// By name alone, whatever else holds.
pub async fn by_name_alone(desk: &RegistryDesk) {
    desk.register(able("b", "x").priority(Priority::P10)).await;
    desk.register(able("a", "x").status(Status::new().health(Health::Unhealthy))).await;
    desk.finds(&query(Order::Name), "a b").await;
}

/// Who has the fewest tasks comes first, and whose tasks are unknown last.
pub async fn the_least_loaded_come_first(desk: &RegistryDesk) {
    let load = |tasks| Status::new().load(tasks);
    let rows = [
        ("a", Status::new()),
        ("b", load(10)),
        ("c", load(0)),
        ("d", load(u32::MAX)),
        ("e", load(9)),
        ("f", load(0)),
    ];
    come(desk, rows).await;
    desk.finds(&query(Order::LeastLoaded), "c f e b d a").await;
}

/// Whose cheapest capability that is meant costs least comes first; of whom that is unknown last.
pub async fn the_cheapest_come_first(desk: &RegistryDesk) {
    let rows: [(&str, Vec<Capability>); 6] = [
        ("a", vec![cap("x")]),
        ("b", vec![cap("x").cost(usd!(3)), cap("x.y").cost(usd!(1))]),
        ("c", vec![cap("x").cost(usd!(2)), cap("other").cost(usd!(0))]),
        ("d", vec![cap("x").cost(tokens!(1))]),
        ("e", vec![cap("x").cost(usd!(0))]),
        ("f", vec![cap("x").cost([usd!(1.000000000001), tokens!(7)])]),
    ];
    for (who, capabilities) in rows {
        let said = Registration::lasting(who);
        desk.register(capabilities.into_iter().fold(said, Registration::capability)).await;
    }
    desk.finds(&query(Order::Cheapest(Unit::USD)), "e b f c a d").await;
    desk.finds(&query(Order::Cheapest(Unit::TOKENS)), "d f a b c e").await;
    desk.finds(&query(Order::Cheapest(Unit::from("hours"))), "a b c d e f").await;
    // Only what is meant counts.
    let all = Query::all().order(Order::Cheapest(Unit::USD));
    desk.finds(&all, "c e b f a d").await;
    let words = Query::all().text("other").order(Order::Cheapest(Unit::USD));
    desk.finds(&words, "c").await;
}

/// Who may still spend the most comes first; nothing comes before unknown.
pub async fn the_most_budget_comes_first(desk: &RegistryDesk) {
    let available = |amounts: Vec<Amount>| Status::new().available(Amounts::from_iter(amounts));
    let most = Amount::new(Quantity::MAX, Unit::USD);
    let rows = [
        ("a", available(vec![])),
        ("b", available(vec![usd!(5), tokens!(1)])),
        ("c", available(vec![usd!(0)])),
        ("d", available(vec![most])),
        ("e", available(vec![tokens!(9)])),
        ("f", available(vec![usd!(5.000000000001)])),
    ];
    come(desk, rows).await;
    desk.finds(&query(Order::MostBudget(Unit::USD)), "d f b c a e").await;
    desk.finds(&query(Order::MostBudget(Unit::TOKENS)), "e b a c d f").await;
}

/// Who has the highest priority comes first.
pub async fn the_highest_priority_comes_first(desk: &RegistryDesk) {
    let rows = [
        ("a", Some(Priority::P1)),
        ("b", None),
        ("c", Some(Priority::P10)),
        ("d", Some(Priority::P5)),
    ];
    for (who, priority) in rows {
        let said = able(who, "x").status(Status::new().health(Health::Unhealthy));
        desk.register(priority.into_iter().fold(said, Registration::priority)).await;
    }
    desk.register(able("e", "x").priority(Priority::P2)).await;
    desk.finds(&query(Order::Priority), "c b d e a").await;
}

/// Orders follow how agents stand now.
pub async fn an_order_follows_what_changes(desk: &RegistryDesk) {
    let a = desk.register(able("a", "x").status(Status::new().load(1))).await;
    desk.register(able("b", "x").status(Status::new().load(2))).await;
    desk.finds(&query(Order::LeastLoaded), "a b").await;
    desk.stands(&a, Status::new().load(3)).await;
    desk.finds(&query(Order::LeastLoaded), "b a").await;
    desk.stands(&a, Status::new()).await;
    desk.finds(&query(Order::LeastLoaded), "b a").await;
    desk.register(able("b", "x").priority(Priority::P1).replacing()).await;
    desk.finds(&query(Order::Priority), "a b").await;
}
