//! Accounts of a tree by their number: the same for ours, the floor and the peers.

/// How many accounts stand under one pool at most.
const POOL: usize = 1_000;

/// A tree of accounts that spend, all at the same depth, and what stands above them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tree {
    /// How deep the accounts stand; 1 for roots.
    pub(crate) levels: usize,
    /// How many accounts spend.
    pub(crate) accounts: usize,
}

impl Tree {
    /// One account that spends, under a pool of an organization.
    pub(crate) const ONE: Self = Self { levels: 3, accounts: 1 };

    /// The names from the account of this number up to the root.
    pub(crate) fn path(self, account: usize) -> Vec<String> {
        let above = (1..self.levels).rev().map(|level| match level {
            1 => "organization".to_owned(),
            level => format!("pool-{level}-{}", account / POOL),
        });
        [format!("agent-{account}")].into_iter().chain(above).collect()
    }

    /// The paths of all accounts that spend.
    pub(crate) fn paths(self) -> impl Iterator<Item = Vec<String>> {
        (0..self.accounts).map(move |account| self.path(account))
    }

    /// Who spends in a round: each account as likely as any other, the same in every run.
    pub(crate) fn draw(self, count: usize, random: &mut fastrand::Rng) -> Vec<usize> {
        (0..count).map(|_| random.usize(..self.accounts)).collect()
    }
}
