//! The seam: what holds for the trait itself, whatever is asked.

use std::{future::poll_fn, task::Poll};

use super::prelude::*;

/// Gives way so many times, and is over then.
async fn pass(mut times: usize) {
    poll_fn(|context| {
        if times == 0 {
            return Poll::Ready(());
        }
        times -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Any of its futures may be dropped at any point: the commands then took effect as a whole or not at all,
/// and the same batch may be sent again.
pub async fn a_submission_that_is_dropped_may_be_sent_again(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(1_000)))]).await;
    let ledger = desk.ledger();
    for polls in 0..32 {
        let batch = [
            desk.command(charge("a", usd!(1))),
            desk.command(charge("a", tokens!(1))),
            desk.command(hold("a", usd!(1), 3_600)),
        ];
        let batch = if polls % 2 == 0 { Batch::linked(batch) } else { Batch::independent(batch) };
        tokio::select! {
            biased;
            _ = ledger.submit(batch.clone()) => {}
            () = pass(polls) => {}
        }
        let first = desk.submit(batch.clone()).await;
        assert!(first.iter().all(Result::is_ok), "dropped after {polls} polls: {first:?}");
        assert_eq!(desk.submit(batch).await, first);
    }
    desk.counts("a", "32 + 32 USD, 32 + 0 tokens").await;
    assert_eq!(desk.entries().await.len(), 1 + 3 * 32);
}

/// One call reads many accounts at one revision: what they show, they showed together.
pub async fn a_read_shows_one_revision_while_others_write(desk: &Desk) {
    desk.with([open("pool"), open("a").under("pool"), open("b").under("pool")]).await;
    let writers: Vec<_> = ["a", "b"]
        .into_iter()
        .map(|account| {
            let ledger = desk.ledger();
            let commands: Vec<_> =
                (0..200).map(|_| desk.command(charge(account, usd!(1)))).collect();
            tokio::spawn(async move {
                for command in commands {
                    ledger.apply(command).await.unwrap();
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let ids = ["a", "pool", "b"].map(AccountId::from);
    let mut revision = None;
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        let read = desk.ledger().accounts(&ids).await.unwrap();
        let spent: Vec<_> = read
            .accounts
            .iter()
            .map(|account| account.as_ref().unwrap().spent.get(&Unit::USD))
            .collect();
        assert_eq!(spent[0].checked_add(spent[2]), Some(spent[1]), "at {:?}", read.revision);
        assert!(read.revision >= revision, "a later read shows no earlier revision");
        revision = read.revision;
        tokio::task::yield_now().await;
    }
    desk.counts("pool", "400 + 0 USD").await;
}

/// Entries come in commit order and without gaps while others write.
pub async fn entries_have_no_gaps_while_others_write(desk: &Desk) {
    desk.with([open("a"), open("b")]).await;
    let writers: Vec<_> = ["a", "b"]
        .into_iter()
        .map(|account| {
            let ledger = desk.ledger();
            let commands: Vec<_> =
                (0..200).map(|_| desk.command(charge(account, usd!(1)))).collect();
            tokio::spawn(async move {
                for command in commands {
                    ledger.apply(command).await.unwrap();
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let (mut next, mut read) = (EntryId::FIRST, 0);
    loop {
        let done = writers.iter().all(tokio::task::JoinHandle::is_finished);
        let page = desk.ledger().entries(next, 7).await.unwrap();
        for entry in &page.entries {
            read += 1;
            assert_eq!(entry.id, EntryId::new(read));
        }
        if done && page.entries.is_empty() {
            break;
        }
        next = page.next;
        tokio::task::yield_now().await;
    }
    assert_eq!(read, 402);
}

/// The same command sent by several at once is carried out once, and answered alike.
pub async fn the_same_command_by_several_at_once_is_done_once(desk: &Desk) {
    desk.with([open("a")]).await;
    for _ in 0..10 {
        let command = desk.command(charge("a", usd!(1)));
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let (ledger, command) = (desk.ledger(), command.clone());
                tokio::spawn(async move { ledger.apply(command).await.unwrap() })
            })
            .collect();
        let mut receipts = Vec::new();
        for task in tasks {
            receipts.push(task.await.unwrap());
        }
        assert!(receipts.windows(2).all(|pair| pair[0] == pair[1]), "{receipts:?}");
    }
    desk.counts("a", "10 + 0 USD").await;
}

/// A hold ends once, however many try at once.
pub async fn a_hold_ends_once_however_many_try(desk: &Desk) {
    desk.with([open("a")]).await;
    for _ in 0..10 {
        let held = desk.hold("a", usd!(2), 3_600).await;
        let tasks: Vec<_> = (0..4)
            .map(|number| {
                let action = if number == 0 { release(held) } else { settle(held, usd!(1)).into() };
                let (ledger, command) = (desk.ledger(), desk.command(action));
                tokio::spawn(async move { ledger.apply(command).await.is_ok() })
            })
            .collect();
        let mut ended = 0;
        for (number, task) in tasks.into_iter().enumerate() {
            // A release may come first, and a settlement be late.
            ended += u32::from(task.await.unwrap() && number > 0);
        }
        assert_eq!(ended, 1);
    }
    desk.counts("a", "10 + 0 USD").await;
}

/// A batch of independent commands may mix denials and receipts, and its order is kept.
pub async fn outcomes_come_back_in_the_order_of_the_commands(desk: &Desk) {
    desk.with([open("a").limit(lifetime(usd!(50)))]).await;
    let commands: Vec<_> = (0..100).map(|_| desk.command(charge("a", usd!(1)))).collect();
    let outcomes = desk.submit(Batch::independent(commands)).await;
    for (number, outcome) in (0_u64..).zip(&outcomes) {
        let entry = outcome.as_ref().ok().map(|receipt| receipt.entry.number());
        assert_eq!(entry, (number < 50).then_some(number + 2));
    }
}

/// A ledger says what it promises, and its bounds are not nothing.
pub async fn a_ledger_says_what_it_promises(desk: &Desk) {
    let guarantees = desk.ledger().guarantees();
    let bounds = guarantees.bounds;
    for bound in [bounds.commands_max, bounds.depth_max, bounds.accounts_max, bounds.operations_max]
    {
        assert!(bound > 0);
    }
    desk.done(open("a")).await;
    assert_eq!(desk.ledger().guarantees(), guarantees);
}
