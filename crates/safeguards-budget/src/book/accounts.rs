//! Commands about the tree: units, opening and closing, places, priorities, suspension, protection.

use safeguards_types::{AccountId, Timestamp, Unit};

use super::{
    Book, Done,
    arena::Ix,
    deed::{Deed, Limits, SetLimit},
    node::Node,
    sound::{Zero, check_bound, check_given, check_name},
};
use crate::{Command, Denial, Limit, OpenAccount, ProtectionStep};

impl Book {
    pub(super) fn register_unit(&mut self, command: &Command, unit: &Unit) -> Result<Done, Denial> {
        check_name(unit.as_str())?;
        self.check_metadata(command)?;
        Ok(self.do_as_commanded(command))
    }

    pub(super) fn open_account(
        &mut self,
        command: &Command,
        open: &OpenAccount,
        now: Timestamp,
    ) -> Result<Done, Denial> {
        let parent = self.check_opening(open)?;
        self.check_metadata(command)?;
        let opened = self.post_opened(open, parent, &command.metadata);
        let too_many = || Denial::TooManyAccounts { max: self.bounds.accounts_max };
        let ix = opened.ok_or_else(too_many)?;
        let opened = |limit: &Limit| limit.window.span_from(now);
        let set =
            |limit: &Limit| SetLimit { node: ix, limit: limit.clone(), opened: opened(limit) };
        let limits = Limits { set: open.limits.iter().map(set).collect(), ..Limits::default() };
        self.post_limits(&limits);
        Ok(Done::bare(Deed::Limits(Box::new(limits))))
    }

    /// Whether an account may be opened; gives its parent.
    fn check_opening(&self, open: &OpenAccount) -> Result<Option<Ix<Node>>, Denial> {
        let OpenAccount { account, parent, priority: _, limits, protection } = open;
        let mut by_unit: Vec<&Limit> = limits.iter().collect();
        by_unit.sort_by_key(|limit| (&limit.unit, limit.window.by_length()));
        check_given(by_unit.iter().map(|limit| (&limit.unit, limit.amount)), Zero::Allowed)?;
        by_unit.iter().try_for_each(|limit| self.unit(&limit.unit).map(drop))?;
        if self.find(account).is_some() {
            return Err(Denial::DuplicateAccount { account: account.clone() });
        }
        let parent = parent.as_ref().map(|parent| self.open(parent)).transpose()?;
        let above = parent.map_or(0, |parent| self.nodes.get(parent).path.len());
        if above >= self.bounds.depth_max {
            let account = account.clone();
            return Err(Denial::DepthExceeded { account, max: self.bounds.depth_max });
        }
        if self.nodes.len() >= self.bounds.accounts_max {
            return Err(Denial::TooManyAccounts { max: self.bounds.accounts_max });
        }
        check_name(account.as_str())?;
        self.check_limit_count(limits.len())?;
        self.check_steps(protection)?;
        limits.iter().try_for_each(|limit| self.check_percents(limit))?;
        let mut pairs = by_unit.iter().zip(by_unit.iter().skip(1));
        match pairs.find(|(limit, later)| limit.is_same(&later.unit, &later.window)) {
            Some((twice, _)) => Err(Denial::BoundExceeded {
                bound: "limits",
                given: format!("a second limit of {} over {}", twice.unit, twice.window),
                allowed: "one for each unit and window".to_owned(),
            }),
            None => Ok(parent),
        }
    }

    pub(super) fn close_account(
        &mut self,
        command: &Command,
        account: &AccountId,
    ) -> Result<Done, Denial> {
        let ix = self.open(account)?;
        self.check_metadata(command)?;
        let node = self.nodes.get(ix);
        if node.open_children > 0 || node.open_holds > 0 {
            return Err(Denial::NotEmpty { account: account.clone() });
        }
        Ok(self.do_as_commanded(command))
    }

    pub(super) fn set_protection(
        &mut self,
        command: &Command,
        account: &AccountId,
        steps: &[ProtectionStep],
    ) -> Result<Done, Denial> {
        self.open(account)?;
        self.check_steps(steps)?;
        self.check_metadata(command)?;
        Ok(self.do_as_commanded(command))
    }

    pub(super) fn set_parent(
        &mut self,
        command: &Command,
        account: &AccountId,
        parent: Option<&AccountId>,
        from: Option<&AccountId>,
    ) -> Result<Done, Denial> {
        let ix = self.known(account)?;
        let parent = parent.map(|parent| self.known(parent)).transpose()?;
        let from = from.map(|from| self.known(from)).transpose()?;
        self.check_open(ix)?;
        [parent, from].into_iter().flatten().try_for_each(|named| self.check_open(named))?;
        if from.is_some() && self.nodes.get(ix).parent != from {
            return Err(Denial::NotChild { account: account.clone() });
        }
        let above = parent.map_or(&[][..], |parent| &*self.nodes.get(parent).path);
        if above.contains(&ix) {
            return Err(Denial::Cycle { account: account.clone() });
        }
        if above.len().saturating_add(self.height(ix)) > self.bounds.depth_max {
            let account = account.clone();
            return Err(Denial::DepthExceeded { account, max: self.bounds.depth_max });
        }
        self.check_metadata(command)?;
        Ok(self.do_as_commanded(command))
    }

    /// Carries out a command that needs nothing but an open account.
    pub(super) fn change_account(
        &mut self,
        command: &Command,
        account: &AccountId,
    ) -> Result<Done, Denial> {
        self.open(account)?;
        self.check_metadata(command)?;
        Ok(self.do_as_commanded(command))
    }

    pub(super) fn suspend_or_resume(
        &mut self,
        command: &Command,
        account: &AccountId,
        reason: Option<&str>,
    ) -> Result<Done, Denial> {
        self.open(account)?;
        let bytes = reason.map_or(0, str::len);
        check_bound("reason", bytes, self.bounds.reason_bytes_max, "bytes")?;
        self.check_metadata(command)?;
        Ok(self.do_as_commanded(command))
    }

    fn do_as_commanded(&mut self, command: &Command) -> Done {
        self.post_as_commanded(&command.action);
        Done::bare(Deed::AsCommanded)
    }
}
