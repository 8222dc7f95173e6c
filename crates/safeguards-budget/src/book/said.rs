//! How an entry keeps its command: most commands say nothing that the deed does not say, and are made again of
//! it when they are asked for.

use safeguards_types::{AccountId, Timestamp};

use super::{
    Book,
    arena::Ix,
    deed::Deed,
    journal::{Answered, Said},
    node::Node,
};
use crate::{Action, Charge, Command, PlaceHold, Settle};

impl Said {
    /// Keeps a command that did this.
    pub(super) fn of(command: Command, deed: &Deed) -> Self {
        let plain = |charge: &Charge| charge.scopes.is_empty() && command.metadata.is_empty();
        let in_deed = match (&command.action, deed) {
            (Action::Charge(charge) | Action::Record(charge), Deed::Spent { .. }) => plain(charge),
            (Action::PlaceHold(place), Deed::Held { .. }) => plain(&place.charge),
            (Action::Settle(settle), Deed::Settled(_)) => {
                !settle.keep_open && settle.attribute_to.is_none() && command.metadata.is_empty()
            }
            _ => false,
        };
        if in_deed {
            Self::InDeed { recorded: matches!(command.action, Action::Record(_)) }
        } else {
            Self::InFull(Box::new(command))
        }
    }
}

impl Book {
    /// The command of an entry, as it was given.
    pub(super) fn command_of(
        &self,
        deed: &Deed,
        at: Timestamp,
        answered: &Answered,
    ) -> Option<Command> {
        let recorded = match &answered.said {
            Said::InFull(command) => return Some(Command::clone(command)),
            Said::InDeed { recorded } => *recorded,
        };
        let spender = |set: &[Ix<Node>]| -> Option<AccountId> {
            Some(self.nodes.get(*set.first()?).id.clone())
        };
        let action = match deed {
            Deed::Spent { set, amounts, .. } => {
                let charge = Charge::new(spender(set)?, self.amounts(amounts));
                if recorded { Action::Record(charge) } else { charge.into() }
            }
            Deed::Held { set, amounts, expires_at, .. } => {
                let ttl = expires_at.since(at);
                PlaceHold::new(spender(set)?, self.amounts(amounts), ttl).into()
            }
            Deed::Settled(settled) => {
                Settle::new(settled.hold, self.amounts(&settled.spent)).into()
            }
            Deed::AsCommanded
            | Deed::Limits(_)
            | Deed::Extended { .. }
            | Deed::Freed(_)
            | Deed::Refunded(_) => return None,
        };
        Some(Command::new(answered.op, action))
    }
}
