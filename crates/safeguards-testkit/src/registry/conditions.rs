//! Conditions on the metadata of capabilities, one test after the other.

use super::prelude::*;

/// Agents whose one capability has this value at `k`, named by their place; the last has none.
async fn stage(desk: &RegistryDesk, values: &[Value]) {
    for (place, value) in values.iter().enumerate() {
        let capability = cap("a").with("k", value.clone());
        desk.register(Registration::lasting(format!("{place}")).capability(capability)).await;
    }
    desk.register(able("none", "a")).await;
}

#[track_caller]
fn check(desk: &RegistryDesk, test: Test, expected: &str) -> impl Future<Output = ()> {
    check_at(desk, MetadataPath::of(["k"]), test, expected)
}

#[track_caller]
fn check_at(
    desk: &RegistryDesk,
    path: MetadataPath,
    test: Test,
    expected: &str,
) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let mut query = Query::new("a").unwrap().order(Order::Name);
        query.conditions.push(Condition::new(path.clone(), test.clone()));
        let found = names(&desk.find(&query).await);
        assert_eq!(found, expected, "{caller}: {test:?}");
        // And the other way round: whoever is not found is found by the opposite.
        query.conditions[0].test = Test::not(test.clone());
        let opposite = desk.find(&query).await;
        let all = desk.find(&Query::new("a").unwrap().order(Order::Name)).await;
        let rest: Vec<_> = all.names().map(AgentId::as_str).collect();
        let rest: Vec<_> =
            rest.into_iter().filter(|name| !found.split(' ').any(|one| one == *name)).collect();
        assert_eq!(names(&opposite), rest.join(" "), "{caller}: not {test:?}");
    }
}

/// Listed values must all be contained: in the list, or be the one value.
pub async fn all_listed_values_are_contained(desk: &RegistryDesk) {
    stage(
        desk,
        &[json!(["x", "y"]), json!("x"), json!(["y", "z"]), json!({"x": 1}), json!([["x", "y"]])],
    )
    .await;
    check(desk, Test::contains("x"), "0 1").await;
    check(desk, Test::contains(["x", "y"]), "0").await;
    check(desk, Test::contains(["y"]), "0 2").await;
    check(desk, Test::contains(["y", "x", "y"]), "0").await;
    check(desk, Test::contains(["x", "w"]), "").await;
    check(desk, Test::contains("X"), "").await;
    check(desk, Test::contains(json!([])), "0 1 2 3 4").await;
    desk.finds(&Query::new("a").unwrap().with("k", ["x"]).order(Order::Name), "0 1").await;
}

/// A list within a list is one value.
pub async fn a_list_within_a_list_is_one_value(desk: &RegistryDesk) {
    stage(desk, &[json!([[1, 2], 3]), json!([1, 2]), json!([1, 2, 3])]).await;
    check(desk, Test::Contains(vec![json!([1, 2])]), "0 1").await;
    check(desk, Test::Contains(vec![json!([1, 2]), json!(3)]), "0").await;
    check(desk, Test::contains([1, 2]), "1 2").await;
    check(desk, Test::equals(json!([1, 2])), "1").await;
    check(desk, Test::equals(json!([2, 1])), "").await;
}

/// At least one of the values is contained; of none, none is.
pub async fn any_of_the_values_is_contained(desk: &RegistryDesk) {
    stage(desk, &[json!(["x", "y"]), json!("z"), json!(["w"]), json!(null), json!([])]).await;
    check(desk, Test::any_of(["y", "z"]), "0 1").await;
    check(desk, Test::any_of("w"), "2").await;
    check(desk, Test::AnyOf(vec![json!(null), json!("x")]), "0 3").await;
    check(desk, Test::any_of(json!([])), "").await;
}

/// A value is this one, and no other.
pub async fn a_value_equals(desk: &RegistryDesk) {
    let values =
        [json!("x"), json!(["x"]), json!(true), json!("true"), json!({"a": [1], "b": null})];
    stage(desk, &values).await;
    check(desk, Test::equals("x"), "0").await;
    check(desk, Test::equals(json!(["x"])), "1").await;
    check(desk, Test::equals(true), "2").await;
    check(desk, Test::equals("true"), "3").await;
    check(desk, Test::equals(json!({"b": null, "a": [1.0]})), "4").await;
    check(desk, Test::equals(json!({"a": [1]})), "").await;
    check(desk, Test::equals(json!({"a": [1], "c": null})), "").await;
}

/// Numbers are the same where they are the same number, however written, also inside of lists.
pub async fn numbers_are_what_they_are_worth(desk: &RegistryDesk) {
    let values =
        [json!(1), json!(1.0), json!("1"), json!([1.0, 2]), json!(true), json!(0), json!(-0.0)];
    stage(desk, &values).await;
    check(desk, Test::equals(1), "0 1").await;
    check(desk, Test::equals(1.0), "0 1").await;
    check(desk, Test::contains(1), "0 1 3").await;
    check(desk, Test::contains(json!([1, 2.0])), "3").await;
    check(desk, Test::equals(json!([1, 2.0])), "3").await;
    check(desk, Test::any_of("1"), "2").await;
    check(desk, Test::equals(0), "5 6").await;
    check(desk, Test::equals(-0.0), "5 6").await;
    check(desk, Test::at_least(1), "0 1").await;
    check(desk, Test::at_most(0.0), "5 6").await;
}

/// Large whole numbers are told apart to the last digit.
pub async fn large_numbers_are_told_apart(desk: &RegistryDesk) {
    let values = [
        json!(9_007_199_254_740_992_u64),
        json!(9_007_199_254_740_993_u64),
        json!(u64::MAX),
        json!(18_446_744_073_709_551_614_u64),
        json!(i64::MIN),
        json!(-9_223_372_036_854_775_807_i64),
    ];
    stage(desk, &values).await;
    check(desk, Test::equals(9_007_199_254_740_993_u64), "1").await;
    check(desk, Test::equals(9_007_199_254_740_992_u64), "0").await;
    check(desk, Test::equals(9_007_199_254_740_992.0), "0").await;
    check(desk, Test::equals(u64::MAX), "2").await;
    check(desk, Test::at_least(u64::MAX), "2").await;
    check(desk, Test::at_most(i64::MIN), "4").await;
    check(desk, Test::at_least(9_007_199_254_740_993_u64), "1 2 3").await;
}

/// A value lies between the bounds; each bound belongs to the range or not, as it says.
pub async fn a_value_lies_in_a_range(desk: &RegistryDesk) {
    stage(desk, &[json!(1), json!(2), json!(2.5), json!(3), json!("2"), json!([2]), json!(null)])
        .await;
    let range = |from: Option<i32>, above: Option<i32>, to: Option<i32>, below: Option<i32>| {
        let value = |bound: Option<i32>| bound.map(Value::from);
        Test::Range { from: value(from), above: value(above), to: value(to), below: value(below) }
    };
    check(desk, range(Some(2), None, None, None), "1 2 3").await;
    check(desk, range(None, Some(2), None, None), "2 3").await;
    check(desk, range(None, None, Some(2), None), "0 1").await;
    check(desk, range(None, None, None, Some(2)), "0").await;
    check(desk, range(Some(2), None, Some(3), None), "1 2 3").await;
    check(desk, range(None, Some(2), None, Some(3)), "2").await;
    check(desk, range(Some(1), Some(2), Some(3), Some(3)), "2").await;
    check(desk, range(Some(3), None, Some(2), None), "").await;
    check(desk, Test::at_least(2.5), "2 3").await;
}

/// Texts compare with texts, letter by letter; numbers with texts not at all.
pub async fn texts_compare_letter_by_letter(desk: &RegistryDesk) {
    stage(
        desk,
        &[json!("a"), json!("b"), json!("B"), json!("10"), json!("9"), json!(9), json!("é")],
    )
    .await;
    check(desk, Test::at_least("a"), "0 1 6").await;
    check(desk, Test::at_most("B"), "2 3 4").await;
    check(desk, Test::at_least("9"), "0 1 2 4 6").await;
    check(desk, Test::at_least(0), "5").await;
    let mixed =
        Test::Range { from: Some(json!(0)), above: None, to: Some(json!("z")), below: None };
    check(desk, mixed, "").await;
}

/// A `null` is a value; what is not there is none.
pub async fn null_is_a_value(desk: &RegistryDesk) {
    stage(desk, &[json!(null), json!(false), json!([]), json!([null])]).await;
    check(desk, Test::Exists, "0 1 2 3").await;
    check(desk, Test::Absent, "none").await;
    check(desk, Test::equals(Value::Null), "0").await;
    check(desk, Test::contains(Value::Null), "0 3").await;
    check(desk, Test::not(Test::equals(Value::Null)), "1 2 3 none").await;
}

/// What does not hold holds as its opposite, twice turned round as itself; also where there is no value.
pub async fn not_turns_a_test_round(desk: &RegistryDesk) {
    stage(desk, &[json!(1), json!("x")]).await;
    check(desk, Test::not(Test::equals(1)), "1 none").await;
    check(desk, Test::not(Test::not(Test::equals(1))), "0").await;
    check(desk, Test::not(Test::Exists), "none").await;
    check(desk, Test::not(Test::Absent), "0 1").await;
    check(desk, Test::not(Test::any_of(json!([]))), "0 1 none").await;
    check(desk, Test::not(Test::at_least(0)), "1 none").await;
}

/// A path leads into objects within objects, and into no list; a dot may belong to a key.
pub async fn a_path_leads_into_objects(desk: &RegistryDesk) {
    stage(
        desk,
        &[
            json!({"in": {"deep": 5}}),
            json!({"in": 5}),
            json!([{"in": {"deep": 5}}]),
            json!({"in.deep": 5}),
            json!({"in": {"deep": null}}),
            json!({"in": {"": 5, "a\\b": 6}}),
        ],
    )
    .await;
    let deep = || MetadataPath::parse("k.in.deep").unwrap();
    check_at(desk, deep(), Test::equals(5), "0").await;
    check_at(desk, deep(), Test::Exists, "0 4").await;
    check_at(desk, deep(), Test::Absent, "1 2 3 5 none").await;
    check_at(desk, MetadataPath::parse(r"k.in\.deep").unwrap(), Test::equals(5), "3").await;
    check_at(desk, MetadataPath::parse(r"k.in.a\\b").unwrap(), Test::equals(6), "5").await;
    check_at(desk, MetadataPath::of(["k", "in"]), Test::equals(5), "1").await;
    check_at(desk, MetadataPath::of(["k", "0"]), Test::Exists, "").await;
    check_at(desk, MetadataPath::of(["k.in.deep"]), Test::Exists, "").await;
    check_at(desk, MetadataPath::of(["in", "deep"]), Test::Exists, "").await;
}

/// As deep as metadata goes, conditions reach.
pub async fn conditions_reach_as_deep_as_metadata(desk: &RegistryDesk) {
    let deepest = (1..16).fold(json!("x"), |value, _| json!({ "k": value }));
    desk.register(Registration::lasting("deep").capability(cap("a").with("k", deepest))).await;
    let path = MetadataPath::of(vec!["k"; 16]);
    check_at(desk, path, Test::contains("x"), "deep").await;
    check_at(desk, MetadataPath::of(vec!["k"; 15]), Test::contains("x"), "").await;
}

/// However long a text is, it is told from one that begins like it.
pub async fn long_texts_are_told_apart(desk: &RegistryDesk) {
    let long = |end: &str| format!("{}{end}", "x".repeat(5_000));
    stage(desk, &[json!(long("a")), json!(long("b")), json!([long("a"), 1])]).await;
    check(desk, Test::equals(long("a")), "0").await;
    check(desk, Test::contains(long("a")), "0 2").await;
    check(desk, Test::any_of(json!([long("b"), long("c")])), "1").await;
    check(desk, Test::at_least(long("b")), "1").await;
}

/// However much metadata there is, each of it is found.
pub async fn much_metadata_is_found(desk: &RegistryDesk) {
    let mut capability = cap("a");
    for number in 0..2_000 {
        capability = capability.with(format!("key {number}"), number);
    }
    capability = capability.with("list", (0..3_000).collect::<Vec<i32>>());
    desk.register(Registration::lasting("much").capability(capability)).await;
    for number in [0, 63, 64, 255, 256, 1_023, 1_999] {
        let path = MetadataPath::of([format!("key {number}")]);
        check_at(desk, path.clone(), Test::equals(number), "much").await;
        check_at(desk, path, Test::equals(-1), "").await;
        check_at(desk, MetadataPath::of(["list"]), Test::contains(number), "much").await;
    }
    check_at(desk, MetadataPath::of(["list"]), Test::contains([2_999, 0]), "much").await;
    check_at(desk, MetadataPath::of(["list"]), Test::contains([2_999, 3_000]), "").await;
}

/// Several conditions hold together, also of one place.
pub async fn conditions_hold_together(desk: &RegistryDesk) {
    stage(desk, &[json!(["x", "y"]), json!(["x"]), json!("y")]).await;
    let query = || Query::new("a").unwrap().order(Order::Name);
    desk.finds(&query().with("k", "x").with("k", "y"), "0").await;
    let not_y = Test::not(Test::contains("y"));
    desk.finds(&query().with("k", "x").when("k", not_y).unwrap(), "1").await;
    desk.finds(&query().with("k", "x").when("k", Test::Absent).unwrap(), "").await;
}
