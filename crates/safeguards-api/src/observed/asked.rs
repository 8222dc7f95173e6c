//! [`Asked`]: what of a command is told once it is answered, kept while the ledger has the command itself.

use safeguards_budget::{Action, Command};
use safeguards_types::{AccountId, Amounts, OperationId};

/// What of a command is kept.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) op: OperationId,
    /// The command's name.
    pub(super) command: &'static str,
    pub(super) spending: Option<Spending>,
}

/// What changes hands where the command is granted.
#[derive(Debug)]
pub(super) enum Spending {
    Spent(Amounts),
    Refunded(Amounts),
}

impl Asked {
    pub(super) fn of(command: &Command) -> Self {
        let spending = match &command.action {
            Action::Charge(charge) | Action::Record(charge) => {
                Some(Spending::Spent(charge.amounts.clone()))
            }
            Action::Settle(settle) => Some(Spending::Spent(settle.amounts.clone())),
            Action::Refund { amounts, .. } => Some(Spending::Refunded(amounts.clone())),
            // A hold is no spending, and everything else moves limits.
            Action::PlaceHold(_) | _ => None,
        };
        Self { op: command.op, command: command.action.name(), spending }
    }
}

/// The account that a command names first; none where it names a hold or an operation.
pub(super) fn account(command: &Command) -> Option<&AccountId> {
    Some(match &command.action {
        Action::OpenAccount(open) => &open.account,
        Action::Charge(charge) | Action::Record(charge) => &charge.account,
        Action::PlaceHold(place) => &place.charge.account,
        Action::Divide(divide) => &divide.parent,
        Action::Allocate { parent, .. } => parent,
        Action::Transfer { from, .. } => from,
        Action::CloseAccount { account }
        | Action::SetLimit { account, .. }
        | Action::SetRemaining { account, .. }
        | Action::RemoveLimit { account, .. }
        | Action::SetProtection { account, .. }
        | Action::SetParent { account, .. }
        | Action::SetPriority { account, .. }
        | Action::Suspend { account, .. }
        | Action::Resume { account, .. }
        | Action::Reclaim { account, .. } => account,
        Action::Settle(settle) => settle.attribute_to.as_ref()?,
        Action::Release { .. } | _ => return None,
    })
}

/// What a command spends, sets aside or takes back.
pub(super) const fn amounts(command: &Command) -> Option<&Amounts> {
    Some(match &command.action {
        Action::Charge(charge) | Action::Record(charge) => &charge.amounts,
        Action::PlaceHold(place) => &place.charge.amounts,
        Action::Settle(settle) => &settle.amounts,
        Action::Refund { amounts, .. } => amounts,
        Action::Release { .. } | _ => return None,
    })
}
