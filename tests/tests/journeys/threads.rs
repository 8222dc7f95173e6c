//! Eight threads that spend as the guide does: through `v2` nothing is lost and no more is spent than there is; through
//! `v1` what another one wrote in between is lost, as its page says.

use std::{
    error::Error,
    sync::{Arc, Barrier},
    thread,
};

use safeguards::{prelude::*, types::Unit};

type Test = Result<(), Box<dyn Error>>;

const THREADS: usize = 8;
const TURNS: usize = 250;

/// Real threads, each with a runtime of its own, that all begin at once.
fn in_threads<T: Send + 'static>(
    work: &(impl AsyncFn(usize) -> T + Clone + Send + 'static),
) -> Vec<T> {
    let begin = Arc::new(Barrier::new(THREADS));
    let threads = (0..THREADS).map(|number| {
        let (begin, work) = (Arc::clone(&begin), work.clone());
        thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            begin.wait();
            runtime.block_on(work(number))
        })
    });
    threads.collect::<Vec<_>>().into_iter().map(|thread| thread.join().unwrap()).collect()
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

async fn setup(sg: &Safeguards, budget: Amount) -> Test {
    let pool = sg.v2().pools().create("high_priority_tasks", usd!(500), P8).await?;
    sg.v2().agents().create("research_agent", budget, P7).pool(&pool).await?;
    Ok(())
}

fn left(sg: &Safeguards, account: &'static str) -> Result<String, Box<dyn Error>> {
    let account = block_on(sg.v2().budget().account(account))?.ok_or("no such account")?;
    assert!(account.held.is_zero(), "{account:?}");
    Ok(account.available(&Unit::USD).ok_or("no limit in dollars")?.to_string())
}

/// 2,000 charges of 0.007 USD are 14 USD: there is enough, and every one of them counts.
#[test]
fn what_eight_threads_spend_is_counted_to_the_last_digit() -> Test {
    let sg = Safeguards::in_memory();
    block_on(setup(&sg, usd!(100)))?;
    let (budget, job) = (sg.v2().budget(), sg.operation());
    let done = in_threads(&move |thread: usize| {
        let budget = budget.clone();
        async move {
            let mut done = 0;
            for turn in 0..TURNS {
                let op = job.step(&format!("{thread}/{turn}"));
                done += usize::from(budget.charge("research_agent", usd!(0.007), op).await.is_ok());
            }
            done
        }
    });
    assert_eq!(done, [TURNS; THREADS]);
    assert_eq!(left(&sg, "research_agent")?, "86");
    assert_eq!(left(&sg, "high_priority_tasks")?, "486");
    Ok(())
}

/// There is enough for 142 of 2,000 and a rest. Every turn holds more than it needs, so that who comes later must wait
/// for its turn; nobody overspends, whoever wins, and what is granted is what is gone.
#[test]
fn eight_threads_cannot_spend_what_only_some_of_them_can_have() -> Test {
    let sg = Safeguards::in_memory();
    block_on(setup(&sg, usd!(1)))?;
    let (budget, job) = (sg.v2().budget(), sg.operation());
    let granted: usize = in_threads(&move |thread: usize| {
        let budget = budget.clone();
        async move {
            let mut granted = 0;
            for turn in 0..TURNS {
                let op = job.step(&format!("{thread}/{turn}"));
                let work = async { ((), usd!(0.007)) };
                granted += usize::from(
                    budget.with_hold("research_agent", usd!(0.0071), op, work).await.is_ok(),
                );
            }
            granted
        }
    })
    .into_iter()
    .sum();
    assert_eq!(granted, 142, "each was granted while 0.0071 were free");
    assert_eq!(left(&sg, "research_agent")?, "0.006");
    Ok(())
}

/// The guide's way, one step of all threads after the other so that it happens every time: all read, then all write.
/// Seven of eight updates are lost.
#[test]
fn through_v1_what_others_wrote_in_between_is_lost() -> Test {
    let sg = Safeguards::in_memory();
    block_on(setup(&sg, usd!(100)))?;
    let budgets = sg.v1().budgets();
    let read = Arc::new(Barrier::new(THREADS));
    in_threads(&move |_| {
        let (budgets, read) = (budgets.clone(), Arc::clone(&read));
        async move {
            let budget = budgets.get_budget("research_agent").await.unwrap();
            read.wait();
            let left = budget.checked_sub(&usd!(0.42)).unwrap();
            budgets.update_budget("research_agent", left).await.unwrap();
        }
    });
    assert_eq!(left(&sg, "research_agent")?, "99.58", "3.36 USD were spent");
    Ok(())
}
