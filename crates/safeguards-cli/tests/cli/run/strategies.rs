//! Every strategy that a team file may have, with programs.

use serde_json::{Value, json};

use super::{agent, audit, report, says};

/// Gives its input, as it got it.
const ECHO: &str = r#"input=$(sed 's/^{"task":"[^"]*","input":\(.*\),"run":.*/\1/'); echo "{\"output\":$input,\"cost\":{\"USD\":\"0.01\"}}""#;

/// Runs a team to its success; gives its output and the names of its steps.
#[track_caller]
fn done(top: &str, agents: &[String]) -> (Value, Vec<String>) {
    let report =
        report(&format!("{top}\n[pool]\nlimits = [\"5.00 USD\"]\n{}", agents.concat()), &[]);
    audit(&report);
    assert_eq!(report["state"], "succeeded", "{report:#}");
    let steps = report["steps"].as_array().unwrap().iter();
    let steps = steps.map(|step| step["step"].as_str().unwrap().to_owned());
    (report["output"].clone(), steps.collect())
}

#[test]
fn a_vote_counts_and_a_judge_decides() {
    let team = [agent("a", &says("yes")), agent("b", &says("no")), agent("c", &says("yes"))];
    assert_eq!(done("strategy = \"vote\"\nvote = { hear_all = true }", &team).0, "yes");
    let judged = "strategy = \"vote\"\nvote = { judge = \"b\" }";
    assert_eq!(done(judged, &team).0, "no");
}

#[test]
fn a_fan_out_is_done_with_its_quorum() {
    let bad = "cat > /dev/null; echo '{\"error\":\"down\",\"cost\":{}}'";
    let team = [agent("a", &says("one")), agent("b", bad), agent("c", &says("three"))];
    let top = "strategy = \"fan_out\"\nfan_out = { policy = { at_least = 2 } }";
    assert_eq!(done(top, &team).0, json!(["one", null, "three"]));
}

#[test]
fn maps_are_reduced_by_who_is_named() {
    let team = [agent("last", ECHO), agent("a", &says("one")), agent("b", &says("two"))];
    let (output, steps) =
        done("strategy = \"map_reduce\"\nmap_reduce = { reducer = \"last\" }", &team);
    assert_eq!(output, json!(["one", "two"]));
    assert_eq!(steps, ["a", "b", "reduce"]);
}

#[test]
fn a_supervisor_cuts_up_gives_out_and_puts_together() {
    let lead = r#"case "$(cat)" in
      *decompose*) echo '{"output":["read","write","check"],"cost":{"USD":"0.01"}}';;
      *) echo '{"output":"all three","cost":{"USD":"0.01"}}';; esac"#;
    let team = [agent("ann", &says("x")), agent("lead", lead), agent("bob", &says("y"))];
    let (output, steps) =
        done("strategy = \"supervisor\"\nsupervisor = { supervisor = \"lead\" }", &team);
    assert_eq!(output, "all three");
    assert_eq!(steps, ["decompose", "ann-1", "bob-2", "ann-3", "combine"]);
}

#[test]
fn speakers_hand_over_until_one_names_nobody_and_ping_pong_is_stopped() {
    let to = |next: &str| {
        format!("cat > /dev/null; echo '{{\"output\":{{\"next_speaker\":{next}}},\"cost\":{{}}}}'")
    };
    let team = [agent("a", &to("\"b\"")), agent("b", &to("null"))];
    let (_, steps) = done("strategy = \"hand_over\"", &team);
    assert_eq!(steps, ["a-1", "b-2"]);
    let pong = [agent("a", &to("\"b\"")), agent("b", &to("\"a\""))].concat();
    let top = "strategy = \"hand_over\"\nrun = { hand_overs_max = 3 }";
    let report = report(&format!("{top}\n[pool]\nlimits = [\"5.00 USD\"]\n{pong}"), &[]);
    assert_eq!(report["reason"]["code"], "run.too_many_hand_overs", "{report:#}");
}

#[test]
fn a_graph_begins_each_when_what_it_waits_for_is_done() {
    let team = [
        format!("{}after = [\"left\", \"right\"]\n", agent("end", ECHO)),
        agent("left", &says("l")),
        format!("{}after = [\"left\"]\n", agent("right", &says("r"))),
    ];
    let (output, _) = done("strategy = \"graph\"", &team);
    assert_eq!(output, json!({ "end": { "input": null, "after": { "left": "l", "right": "r" } } }));
}

#[test]
fn the_budget_of_a_run_bounds_it_beside_its_accounts() {
    let team = [agent("a", &says("one")), agent("b", &says("two"))].concat();
    let report = report(
        &format!("run = {{ budget = \"0.12 USD\" }}\n[pool]\nlimits = [\"5.00 USD\"]\n{team}"),
        &[],
    );
    assert_eq!(
        (&report["exit"], &report["reason"]["code"]),
        (&json!(3), &json!("run.budget_exceeded")),
        "{report:#}"
    );
    assert_eq!(report["spent"]["USD"], "0.04");
}
