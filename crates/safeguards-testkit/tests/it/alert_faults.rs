//! What faulty channels and stores do; and each case for channels and stores stands in its list.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc, time::Duration};

use safeguards_notify::{
    Alert, AlertChange, AlertId, AlertQuery, AlertRecord, AlertStore, Channel, Delivery,
    DeliveryErrorKind, DeliveryId, MemoryAlertStore, Notification, topic,
};
use safeguards_testkit::{
    ChannelFault, FaultyAlertStore, FaultyChannel, RecordingChannel, StoreFault,
};
use safeguards_types::{OperationIds, Severity, Timestamp};
use tokio::time::{Instant, timeout};

fn delivery() -> Delivery {
    let id = AlertId::from(OperationIds::seeded(1).mint(Timestamp::UNIX_EPOCH));
    let alert = Alert::new(Severity::Low, topic!("team.note"), "ready");
    Delivery::new(Notification::new(DeliveryId::of(id, "ops"), "ops", alert))
}

fn faulty() -> (FaultyChannel, RecordingChannel) {
    let seen = RecordingChannel::new();
    (FaultyChannel::new(seen.clone()), seen)
}

/// Makes one attempt at which this goes wrong: what it says, and how many have arrived.
async fn attempt(fault: Option<ChannelFault>) -> (Option<DeliveryErrorKind>, usize) {
    let (channel, seen) = faulty();
    channel.script([fault]);
    let result = channel.deliver(&delivery()).await;
    assert_eq!(channel.attempts()[0].fault, fault);
    (result.err().map(|error| error.kind()), seen.texts().len())
}

#[tokio::test(start_paused = true)]
async fn each_fault_of_a_channel_does_what_it_says() {
    const HOUR: Duration = Duration::from_hours(1);
    let retryable = Some(DeliveryErrorKind::Retryable);
    assert_eq!(attempt(None).await, (None, 1));
    assert_eq!(attempt(Some(ChannelFault::Down)).await, (retryable, 0));
    assert_eq!(attempt(Some(ChannelFault::Busy(HOUR))).await, (retryable, 0));
    assert_eq!(attempt(Some(ChannelFault::AnswerLost)).await, (retryable, 1));
    let permanent = Some(DeliveryErrorKind::Permanent);
    assert_eq!(attempt(Some(ChannelFault::Refused)).await, (permanent, 0));
    let before = Instant::now();
    assert_eq!(attempt(Some(ChannelFault::Slow(HOUR))).await, (None, 1));
    assert_eq!(before.elapsed(), HOUR);
    assert!(timeout(HOUR, attempt(Some(ChannelFault::Hang))).await.is_err());
    let panicked = tokio::spawn(attempt(Some(ChannelFault::Panic))).await;
    assert!(panicked.unwrap_err().is_panic());
}

#[tokio::test(start_paused = true)]
async fn a_script_comes_before_the_plan_and_mending_ends_both() {
    let (channel, seen) = faulty();
    let handed_out = channel.clone();
    channel.plan(|delivery| (delivery.attempt() < 3).then_some(ChannelFault::Down));
    channel.script([None]);
    for number in [1, 2, 3] {
        let _ = handed_out.deliver(&delivery().at_attempt(number)).await;
    }
    let faults: Vec<_> = channel.attempts().iter().map(|attempt| attempt.fault).collect();
    assert_eq!(faults, [None, Some(ChannelFault::Down), None]);
    let attempts: Vec<u32> = seen.take().iter().map(Delivery::attempt).collect();
    assert_eq!(attempts, [1, 3]);
    channel.fail_always(ChannelFault::Refused);
    channel.script([Some(ChannelFault::Down)]);
    channel.mend();
    assert!(handed_out.deliver(&delivery()).await.is_ok());
    assert_eq!(seen.wait_for(1).await.len(), 1);
}

#[tokio::test(start_paused = true)]
#[should_panic = "2 were to come; these came: [\n    \"low  team.note: ready\",\n]"]
async fn waiting_for_what_never_comes_has_an_end() {
    let (channel, seen) = faulty();
    channel.deliver(&delivery()).await.unwrap();
    seen.wait_for(2).await;
}

#[tokio::test(start_paused = true)]
async fn each_fault_of_a_store_does_what_it_says() {
    let memory = MemoryAlertStore::new();
    let store = FaultyAlertStore::new(memory.clone());
    let alert = delivery().notification().first().as_ref().clone();
    let mut json = serde_json::to_value(alert).unwrap();
    json["id"] = serde_json::to_value(OperationIds::seeded(1).mint(Timestamp::UNIX_EPOCH)).unwrap();
    let alert: Arc<Alert> = Arc::new(serde_json::from_value(json).unwrap());
    let changes = [AlertChange::Accepted(AlertRecord::new(alert, []))];
    let kept = || memory.sync().history(&AlertQuery::all()).len();
    store.script([Some(StoreFault::Before), Some(StoreFault::Hang), Some(StoreFault::After)]);
    assert!(store.commit(&changes).await.unwrap_err().is_retryable());
    assert!(timeout(Duration::from_hours(1), store.commit(&changes)).await.is_err());
    assert_eq!(kept(), 0);
    assert!(store.commit(&changes).await.unwrap_err().is_retryable());
    assert_eq!(kept(), 1);
    store.fail_reads();
    assert!(store.unfinished().await.is_err() && store.dead_letters().await.is_err());
    assert!(store.history(&AlertQuery::all()).await.is_err());
    store.fail_always(StoreFault::Before);
    assert!(store.commit(&changes).await.is_err());
    store.mend();
    assert!(store.commit(&changes).await.is_ok() && store.unfinished().await.is_ok());
    assert_eq!(store.commits(), 5);
}

/// The names of the public async functions of a file that take nothing but this.
fn written(file: &str, takes: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/alerts").join(file);
    let text = fs::read_to_string(path).unwrap();
    let functions = text.lines().filter_map(|line| line.strip_prefix("pub async fn "));
    let cases = functions.filter_map(|line| line.strip_suffix(&format!("({takes}) {{")));
    cases.map(str::to_owned).collect()
}

#[test]
fn every_case_stands_in_its_list_once() {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/alerts/suite.rs");
    let suite = fs::read_to_string(suite).unwrap();
    let listed = suite.lines().filter_map(|line| {
        let (need, case) = line.trim().strip_suffix(',')?.split_once(' ')?;
        let is_need = ["any", "fails", "bounds", "durable", "tears"].contains(&need);
        is_need.then(|| case.to_owned())
    });
    let listed: Vec<String> = listed.collect();
    let mut cases = written("channel_cases.rs", "env: &ChannelEnv");
    for topic in ["unfinished", "history", "dead_letters", "once", "durability"] {
        cases.extend(written(&format!("store_cases/{topic}.rs"), "desk: &StoreDesk"));
    }
    assert!(cases.len() > 50, "{}", cases.len());
    assert_eq!(listed.len(), cases.len());
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), cases);
}
