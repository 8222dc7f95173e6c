//! The example of `safeguards-redb`'s README, which needs that crate alone.

use safeguards_redb::{
    RedbStore,
    budget::{Charge, LedgerExt, Limit, OpenAccount},
    types::usd,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("fleet-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;

    let store = RedbStore::open(folder.join("fleet.redb"))?;
    let reader = OpenAccount::new("reader").limit(Limit::lifetime(usd!(1)));
    store.open_account(reader, store.operation()).await?;
    let job = store.operation(); // names this piece of work; kept with it, retries are safe
    let first = store.charge(Charge::new("reader", usd!(0.42)), job).await?;
    drop(store);

    // Another process, another day: all is there, and what is sent again is not paid again.
    let store = RedbStore::open(folder.join("fleet.redb"))?;
    assert_eq!(store.charge(Charge::new("reader", usd!(0.42)), job).await?, first);
    assert_eq!(first.available, usd!(0.58).into());
    println!("{} left", first.available);
    drop(store);
    Ok(std::fs::remove_dir_all(folder)?)
}
