//! How a channel is treated: retries, circuit breaker, rate, expiry, dead letters.

use std::{num::NonZeroU32, time::Duration};

use safeguards_notify::{Breaker, BreakerState, ChannelOptions, GroupBy, Rate, Retry, Rules};
use safeguards_testkit::ChannelFault;
use tokio::time::sleep;

use crate::dispatch_hub::{Desk, NOTHING};

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn times(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap()
}

/// Pauses whose length is known to a half, and no breaker before a thousand failures.
fn options() -> ChannelOptions {
    ChannelOptions::new()
        .retry(Retry::attempts(4).pauses(seconds(8), seconds(16)))
        .breaker(Breaker::after(times(1_000)))
}

fn each() -> Rules {
    let mut rules = Rules::default();
    rules.otherwise = rules.otherwise.group_by(GroupBy::Each);
    rules
}

fn desk(options: &ChannelOptions) -> Desk {
    Desk::with(each(), &["ops"], options)
}

/// When the attempts began, in seconds, and at what.
fn attempts(desk: &Desk) -> Vec<(u64, String, u32)> {
    let attempts = desk.room.faulty("ops").attempts();
    let brief = attempts.iter().map(|attempt| {
        let message = attempt.delivery.notification().first().message().to_owned();
        (attempt.after.as_secs(), message, attempt.delivery.attempt())
    });
    brief.collect()
}

#[tokio::test(start_paused = true)]
async fn a_retry_comes_after_a_pause_that_doubles_and_the_next_waits() {
    let desk = desk(&options());
    desk.room.faulty("ops").script([Some(ChannelFault::Down); 3]);
    desk.note("a");
    desk.note("b");
    desk.wait(100).await;
    assert_eq!(desk.told("ops"), ["0: a", "0: b"]);
    let made = attempts(&desk);
    let pauses: Vec<u64> = made.windows(2).map(|two| two[1].0 - two[0].0).collect();
    assert!((4..=8).contains(&pauses[0]), "{made:?}");
    assert!((8..=16).contains(&pauses[1]), "{made:?}");
    assert!((8..=16).contains(&pauses[2]), "{made:?}");
    assert_eq!(pauses[3], 0, "{made:?}");
    let numbers: Vec<_> = made.iter().map(|(_, message, number)| (&**message, *number)).collect();
    assert_eq!(numbers, [("a", 1), ("a", 2), ("a", 3), ("a", 4), ("b", 1)]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_lost_comes_again_under_the_same_id() {
    let desk = desk(&options());
    desk.room.faulty("ops").script([Some(ChannelFault::AnswerLost)]);
    desk.note("a");
    desk.wait(100).await;
    assert_eq!(desk.told("ops"), ["0: a", "0: a"]);
    let ids: Vec<_> =
        desk.room.faulty("ops").attempts().iter().map(|attempt| attempt.delivery.id()).collect();
    assert_eq!(ids[0], ids[1]);
    assert_eq!(desk.alerts.status().channels[0].delivered, 1);
}

#[tokio::test(start_paused = true)]
async fn the_other_side_is_left_alone_for_as_long_as_it_asks_up_to_an_hour() {
    let desk = desk(&options());
    let asked = [seconds(600), Duration::from_hours(100), Duration::ZERO];
    desk.room.faulty("ops").script(asked.map(|span| Some(ChannelFault::Busy(span))));
    desk.note("a");
    desk.wait(5_000).await;
    let made = attempts(&desk);
    assert_eq!(made[1].0, 600);
    assert_eq!(made[2].0, 600 + 3_600);
    assert!((4_208..=4_216).contains(&made[3].0), "{made:?}");
}

#[tokio::test(start_paused = true)]
async fn a_breaker_opens_half_opens_and_closes() {
    let patient = options().retry(Retry::attempts(100).pauses(seconds(1), seconds(1)));
    let desk = desk(&patient.breaker(Breaker::after(times(3)).reset_in(seconds(50))));
    let breaker = || desk.alerts.status().channels[0].breaker;
    desk.room.faulty("ops").fail_always(ChannelFault::Down);
    desk.note("a");
    assert_eq!(breaker(), BreakerState::Closed);
    desk.wait(10).await;
    assert_eq!(attempts(&desk).len(), 3, "after three failures it is left alone");
    let BreakerState::Open { until } = breaker() else {
        panic!("{:?}", breaker());
    };
    assert!((51..=52).contains(&desk.room.second(until)));
    assert_eq!(desk.alerts.status().channels[0].last_error.as_deref(), Some("the line is down"));
    // One attempt fails and opens it again; the next one closes it.
    desk.wait(60).await;
    assert_eq!(attempts(&desk).len(), 4);
    assert!(matches!(breaker(), BreakerState::Open { .. }));
    desk.room.faulty("ops").mend();
    desk.note("b");
    desk.wait(20).await;
    assert_eq!(desk.told("ops"), NOTHING, "it is left alone, although it would do");
    desk.wait(30).await;
    assert_eq!(desk.told("ops"), ["0: a", "70: b"]);
    assert_eq!(breaker(), BreakerState::Closed);
    assert_eq!(desk.alerts.status().channels[0].last_error, None);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_an_answer_and_opens_no_breaker() {
    let desk = desk(&options().breaker(Breaker::after(times(1))));
    desk.room.faulty("ops").script([Some(ChannelFault::Refused), Some(ChannelFault::Panic)]);
    for message in ["a", "b", "c"] {
        desk.note(message);
    }
    desk.wait(1).await;
    assert_eq!(desk.told("ops"), ["0: c"]);
    assert_eq!(
        desk.dead().await,
        [
            "medium  team.note: a (did not reach ops: refused: not wanted here)",
            "medium  team.note: b (did not reach ops: the channel panicked: a channel that panics, on purpose)",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn attempts_keep_to_a_rate_with_a_burst_after_a_quiet_time() {
    let desk = desk(&options().rate(Rate::per(seconds(10)).burst(times(3))));
    for number in 0..6 {
        desk.note(&number.to_string());
    }
    desk.wait(200).await;
    for number in 6..11 {
        desk.note(&number.to_string());
    }
    desk.wait(100).await;
    let made: Vec<u64> = attempts(&desk).iter().map(|(at, ..)| *at).collect();
    assert_eq!(made, [0, 0, 0, 10, 20, 30, 200, 200, 200, 210, 220]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_too_long_is_given_up_on() {
    let desk = desk(&options().expires_after(seconds(100)));
    desk.room.faulty("ops").script([Some(ChannelFault::Busy(seconds(1_000)))]);
    desk.note("a");
    desk.wait(50).await;
    desk.note("b");
    desk.wait(60).await;
    assert_eq!(
        desk.dead().await,
        [
            "medium  team.note: a (did not reach ops: waited for more than 100s, 1 attempts: the line is busy)"
        ]
    );
    desk.wait(50).await;
    let dead = desk.alerts.dead_letters().await.unwrap();
    let at: Vec<u64> = dead.letters.iter().map(|letter| desk.room.second(letter.at)).collect();
    assert_eq!(at, [100, 150], "at the instant, not when the channel would be tried again");
    assert_eq!(attempts(&desk).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_full_gives_up_on_the_latest() {
    let desk = desk(&options().queue_max(2));
    desk.room.faulty("ops").script([Some(ChannelFault::Slow(seconds(5)))]);
    for message in ["a", "b", "c"] {
        desk.note(message);
    }
    desk.wait(10).await;
    assert_eq!(desk.told("ops"), ["0: a", "0: b"]);
    let dead = ["medium  team.note: c (did not reach ops: its queue of 2 was full)"];
    assert_eq!(desk.dead().await, dead);
    let status = &desk.alerts.status().channels[0];
    assert_eq!((status.delivered, status.given_up, status.waiting), (2, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_is_sent_again_once_with_all_its_attempts_before_it() {
    let desk = desk(&options());
    desk.room.faulty("ops").script([Some(ChannelFault::Refused)]);
    desk.note("a");
    desk.wait(1).await;
    let letter = desk.alerts.dead_letters().await.unwrap().letters[0].id();
    desk.room.faulty("ops").script([Some(ChannelFault::Down), Some(ChannelFault::Down)]);
    desk.alerts.resend(letter).await.unwrap();
    assert_eq!(desk.dead().await, NOTHING);
    let error = desk.alerts.resend(letter).await.unwrap_err();
    assert_eq!(error.code(), "notify.unknown_dead_letter");
    desk.wait(100).await;
    assert_eq!(desk.told("ops"), ["0: a"]);
    let numbers: Vec<u32> = attempts(&desk).iter().map(|(.., number)| *number).collect();
    assert_eq!(numbers, [1, 1, 2, 3]);
    // It dies again, is there once, and can be sent again once more.
    desk.room.faulty("ops").fail_always(ChannelFault::Refused);
    desk.note("b");
    desk.wait(1).await;
    let letter = desk.alerts.dead_letters().await.unwrap().letters[0].id();
    desk.alerts.resend(letter).await.unwrap();
    desk.wait(1).await;
    assert_eq!(desk.dead().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_stays_where_there_is_no_room_for_it() {
    let desk = desk(&options().queue_max(1));
    desk.room.faulty("ops").script([Some(ChannelFault::Refused), Some(ChannelFault::Hang)]);
    desk.note("a");
    desk.wait(1).await;
    desk.note("b");
    let letter = desk.alerts.dead_letters().await.unwrap().letters[0].clone();
    let error = desk.alerts.resend(letter.id()).await.unwrap_err();
    assert_eq!(error.code(), "notify.queue_full");
    assert_eq!(desk.alerts.dead_letters().await.unwrap().letters, [letter]);
}

#[tokio::test(start_paused = true)]
async fn stopping_brings_out_what_gathers() {
    let mut rules = Rules::default();
    rules.otherwise = rules.otherwise.wait(seconds(600));
    let mut desk = Desk::with(rules, &["ops"], &options());
    desk.note("a");
    desk.note("b");
    desk.send(crate::dispatch_hub::note("w").about("writer"));
    sleep(seconds(1)).await;
    assert!(desk.stop().await.is_empty());
    assert_eq!(desk.told("ops"), ["1: a b", "1: w"]);
    assert_eq!(desk.alerts.status().gathering, 0);
}
