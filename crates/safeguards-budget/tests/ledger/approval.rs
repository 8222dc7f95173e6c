//! Leave for transfers and raises: who may give it, until when, and that it is applied once.

use std::time::Duration;

use safeguards_budget::{
    Account, Approval, ApprovalError, ApprovalState, Change, Command, LedgerExt, Limit, LimitMode,
    MemoryLedger, OpenAccount, Percent, Window,
};
use safeguards_types::{Clock, SimClock, Timestamp, Unit, usd};

use crate::desk::{MORNING, at, quantity};

/// Two siblings with 10 dollars each, under a clock that stands still.
struct Stage {
    ledger: MemoryLedger,
    clock: SimClock,
}

impl Stage {
    async fn new() -> Self {
        let clock = SimClock::at(at(MORNING));
        let ledger = MemoryLedger::with_clock(clock.clone());
        let limit = || Limit::lifetime(usd!(10)).warn_at(Percent::EIGHTY);
        for open in [
            OpenAccount::new("pool"),
            OpenAccount::new("reader").under("pool").limit(limit()),
            OpenAccount::new("writer").under("pool").limit(limit().soft()),
            OpenAccount::new("helper").under("pool").limit(limit()),
        ] {
            ledger.open_account(open, ledger.operation()).await.unwrap();
        }
        Self { ledger, clock }
    }

    async fn account(&self, id: &str) -> Account {
        self.ledger.account(&id.into()).await.unwrap().unwrap()
    }

    async fn limit(&self, id: &str) -> Limit {
        self.account(id).await.limits.remove(0).limit
    }

    /// A request of ada's that may be decided for an hour.
    fn request(&self, change: Change) -> Approval {
        let expires_at = self.clock.now().saturating_add(Duration::from_hours(1));
        Approval::request(self.ledger.operation(), change, "ada", "the night run", expires_at)
    }
}

fn transfer(amount: &str) -> Change {
    let amount = quantity(amount);
    Change::Transfer { from: "reader".into(), to: "helper".into(), unit: Unit::USD, amount }
}

fn remaining(account: &str, amount: &str) -> Change {
    let (account, amount) = (account.into(), quantity(amount));
    Change::RaiseRemaining { account, unit: Unit::USD, window: Window::Lifetime, amount }
}

/// What is stored is what was there.
#[track_caller]
fn stored(approval: &Approval) -> Approval {
    let json = serde_json::to_string(approval).unwrap();
    let read: Approval = serde_json::from_str(&json).unwrap();
    assert_eq!(read, *approval, "{json}");
    assert_eq!(read.command(), approval.command());
    read
}

#[tokio::test]
async fn a_transfer_is_applied_with_its_audit() {
    let stage = Stage::new().await;
    let requested = stage.request(transfer("4"));
    stage.clock.advance(Duration::from_mins(10));
    let mut approval = stored(&requested);
    approval.approve("grace", stage.clock.now(), None).unwrap();
    let mut approval = stored(&approval);
    stage.clock.advance(Duration::from_mins(10));
    let receipt = approval.apply(&stage.ledger).await.unwrap();
    assert_eq!(stage.limit("reader").await.amount, quantity("6"));
    assert_eq!(stage.limit("helper").await.amount, quantity("14"));

    let page = stage.ledger.sync().entries(receipt.entry, 1);
    let audit = serde_json::json!({
        "request": requested.id(),
        "requested_by": "ada",
        "requested_at": "2026-01-05T09:00:00Z",
        "reason": "the night run",
        "approved_by": "grace",
        "approved_at": "2026-01-05T09:10:00Z",
    });
    assert_eq!(page.entries[0].metadata().unwrap()["approval"], audit);
    let (by, at) = ("grace".to_owned(), at("2026-01-05T09:10:00Z"));
    assert_eq!(*stored(&approval).state(), ApprovalState::Applied { by, at, entry: receipt.entry });
}

#[tokio::test]
async fn what_was_applied_before_a_crash_is_applied_once() {
    let stage = Stage::new().await;
    let mut approval = stage.request(transfer("4"));
    let command = approval.approve("grace", stage.clock.now(), None).unwrap();
    let before = stored(&approval);
    let first = approval.apply(&stage.ledger).await.unwrap();

    // The program stopped before it could store that it was applied.
    let mut again = before;
    assert_eq!(again.command(), Some(command));
    assert_eq!(again.apply(&stage.ledger).await.unwrap(), first);
    assert_eq!(stage.limit("helper").await.amount, quantity("14"));
    assert_eq!(again, approval);
    assert_eq!(again.command(), None);
    let error = again.apply(&stage.ledger).await.unwrap_err();
    assert!(error.to_string().ends_with("is applied; it cannot be applied"), "{error}");
}

#[tokio::test]
async fn a_raise_keeps_mode_and_warnings() {
    let stage = Stage::new().await;
    let current = stage.limit("writer").await;
    let mut approval = stage.request(Change::raise("writer", &current, quantity("25")));
    let account = stage.account("writer").await;
    approval.approve("grace", stage.clock.now(), Some(&account)).unwrap();
    stored(&approval).apply(&stage.ledger).await.unwrap();
    let raised = stage.limit("writer").await;
    assert_eq!((raised.amount, raised.mode), (quantity("25"), LimitMode::Soft));
    assert_eq!(raised.warnings(), [Percent::EIGHTY]);

    let mut approval = stage.request(remaining("reader", "12"));
    let account = stage.account("reader").await;
    approval.approve("grace", stage.clock.now(), Some(&account)).unwrap();
    stored(&approval).apply(&stage.ledger).await.unwrap();
    assert_eq!(stage.limit("reader").await.amount, quantity("12"));
}

#[tokio::test]
async fn what_raises_nothing_is_not_approved() {
    let stage = Stage::new().await;
    let (reader, writer) = (stage.account("reader").await, stage.account("writer").await);
    let now = stage.clock.now();
    let check = |change: Change, account: Option<&Account>, reason: &str| {
        let mut approval = stage.request(change);
        let error = approval.approve("grace", now, account).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("request {} raises nothing: {reason}", approval.id())
        );
        assert_eq!(*approval.state(), ApprovalState::Requested);
    };
    let limit = Limit::lifetime(usd!(1));
    let raise = |amount| Change::raise("reader", &limit, quantity(amount));
    check(raise("10"), Some(&reader), "there is 10 already, asked 10");
    check(raise("3"), Some(&reader), "there is 10 already, asked 3");
    check(remaining("reader", "10"), Some(&reader), "there is 10 already, asked 10");
    let none = "no account was passed that has such a limit";
    check(raise("11"), None, none);
    check(raise("11"), Some(&writer), none);
    let daily = Limit::per_day(usd!(1), "UTC").unwrap();
    check(Change::raise("reader", &daily, quantity("11")), Some(&reader), none);
    // Of another mode by now: to set it would do more than raise it.
    check(Change::raise("writer", &limit, quantity("11")), Some(&writer), none);
}

#[tokio::test]
async fn each_state_allows_what_may_follow_it() {
    #[track_caller]
    fn check(approval: &mut Approval, now: Timestamp, state: &str) {
        let message =
            |wanted| format!("request {} is {state}; it cannot be {wanted}", approval.id());
        let (approved, rejected) = (message("approved"), message("rejected"));
        assert_eq!(approval.approve("grace", now, None).unwrap_err().to_string(), approved);
        assert_eq!(approval.reject("grace", "", now).unwrap_err().to_string(), rejected);
        assert_eq!(stored(approval).state().name(), state);
    }
    let stage = Stage::new().await;
    let now = stage.clock.now();
    let mut approval = stage.request(transfer("1"));
    approval.approve("grace", now, None).unwrap();
    check(&mut approval, now, "approved");
    // What was approved in time does not expire.
    assert!(!approval.expire(Timestamp::MAX));
    check(&mut approval, Timestamp::MAX, "approved");
    approval.apply(&stage.ledger).await.unwrap();
    check(&mut approval, now, "applied");

    let mut approval = stage.request(transfer("1"));
    approval.reject("ada", "not needed any more", now).unwrap();
    check(&mut approval, now, "rejected");
    let error = approval.apply(&stage.ledger).await.unwrap_err();
    assert!(matches!(error, ApprovalError::WrongState { state: "rejected", .. }), "{error}");
}

#[tokio::test]
async fn nobody_approves_their_own_request() {
    let stage = Stage::new().await;
    let mut approval = stage.request(transfer("1"));
    let error = approval.approve("ada", stage.clock.now(), None).unwrap_err();
    let message =
        format!("request {} was made by ada; somebody else has to approve it", approval.id());
    assert_eq!(error.to_string(), message);
    approval.approve("grace", stage.clock.now(), None).unwrap();
}

#[tokio::test]
async fn at_its_last_instant_a_request_is_expired() {
    let stage = Stage::new().await;
    let open = stage.request(transfer("1"));
    let (ends_at, just_before) = (open.expires_at(), at("2026-01-05T09:59:59.999999999Z"));
    assert!(!open.clone().expire(just_before));
    open.clone().approve("grace", just_before, None).unwrap();

    let mut approval = open;
    let error = approval.approve("grace", ends_at, None).unwrap_err();
    assert!(error.to_string().ends_with("is expired; it cannot be approved"), "{error}");
    // A clock that steps back does not revive it.
    let error = approval.approve("grace", just_before, None).unwrap_err();
    assert!(error.to_string().ends_with("is expired; it cannot be approved"), "{error}");
    assert!(stored(&approval).expire(just_before));
}

#[tokio::test]
async fn a_denial_ends_it_unless_it_says_nothing_of_the_command() {
    let stage = Stage::new().await;
    let now = stage.clock.now();
    let mut approval = stage.request(transfer("11"));
    approval.approve("grace", now, None).unwrap();
    let error = approval.apply(&stage.ledger).await.unwrap_err();
    assert!(matches!(error, ApprovalError::Command { .. }), "{error}");
    let ApprovalState::Denied { code, message, .. } = stored(&approval).state().clone() else {
        panic!("{:?}", approval.state())
    };
    assert_eq!(code, "budget.limit_exceeded");
    assert!(message.starts_with("reader has 10.00 USD left"), "{message}");

    // The approver's clock is six minutes ahead of the ledger's: later it will do.
    let mut approval = stage.request(transfer("1"));
    approval.approve("grace", now.saturating_add(Duration::from_mins(6)), None).unwrap();
    let error = approval.apply(&stage.ledger).await.unwrap_err();
    assert!(error.to_string().contains("ahead of the ledger's clock"), "{error}");
    assert_eq!(approval.state().name(), "approved");
    stage.clock.advance(Duration::from_mins(6));
    approval.apply(&stage.ledger).await.unwrap();
}

#[tokio::test]
async fn a_request_may_be_decided_long_after_it_was_made() {
    let stage = Stage::new().await;
    let mut approval = stage.request(transfer("1"));
    stage.clock.advance(Duration::from_mins(59));
    let command: Command = approval.approve("grace", stage.clock.now(), None).unwrap();
    // Its id bears the time of the approval, or the ledger might find it too old.
    assert_eq!(command.op.minted_at(), stage.clock.now());
}
