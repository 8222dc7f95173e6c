//! `[pool]` and `[[pools]]`: the team's own account, and further ones below it.

use safeguards_budget::{Limit, OpenAccount, ProtectionStep};
use safeguards_types::{AccountId, Priority};
use toml::Spanned;

use super::{mistake::MistakeKind, section::Section};

/// A pool: an account that agents and other pools stand below.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolSpec {
    /// Its name.
    pub account: AccountId,
    /// The pool that it stands below; `None` for the team's own, which is the root.
    pub parent: Option<AccountId>,
    /// How much its work matters.
    pub priority: Priority,
    /// Its limits.
    pub limits: Vec<Limit>,
    /// Which last parts of its limits are kept for whom.
    pub protection: Vec<ProtectionStep>,
}

impl PoolSpec {
    /// The command that opens its account.
    pub(super) fn open(&self) -> OpenAccount {
        let Self { account, parent, priority, limits, protection } = self.clone();
        let mut open = OpenAccount::new(account).priority(priority);
        open.parent = parent;
        open.limits = limits;
        open.protection = protection;
        open
    }
}

/// A pool as it was read, with the place of its name.
#[derive(Debug)]
pub(super) struct PoolDraft<'a> {
    pub(super) spec: PoolSpec,
    /// Its name, or what stands for it, where it stands.
    pub(super) name: Spanned<()>,
    pub(super) parent: Option<Spanned<&'a str>>,
}

/// Reads `[pool]`: the team's own account, without limits where there is no such table.
pub(super) fn read_own<'a>(file: &mut Section<'a>, team: &AccountId) -> PoolDraft<'a> {
    let name = Spanned::new(file.span(), ());
    match file.table("pool", &format!("pool {team}")) {
        Some(mut section) => {
            let name = Spanned::new(section.span(), ());
            let spec = read_body(&mut section, team.clone());
            section.finish(&[]);
            PoolDraft { spec, name, parent: None }
        }
        None => PoolDraft {
            spec: PoolSpec {
                account: team.clone(),
                parent: None,
                priority: Priority::default(),
                limits: Vec::new(),
                protection: Vec::new(),
            },
            name,
            parent: None,
        },
    }
}

/// Reads each `[[pools]]`. Those without `parent` stand below the team's own account.
pub(super) fn read_further<'a>(file: &mut Section<'a>, team: &AccountId) -> Vec<PoolDraft<'a>> {
    let sections = file.tables("pools", "a pool");
    sections.into_iter().filter_map(|section| read_named(section, team)).collect()
}

/// Reads each `[[pools]]`. Those without `parent` stand below none.
pub(super) fn read_all<'a>(file: &mut Section<'a>) -> Vec<PoolDraft<'a>> {
    // Nobody is called so; it stands for none.
    let nobody = AccountId::from("");
    let sections = file.tables("pools", "a pool");
    let mut pools: Vec<PoolDraft<'a>> =
        sections.into_iter().filter_map(|section| read_named(section, &nobody)).collect();
    for pool in &mut pools {
        pool.spec.parent = pool.spec.parent.take().filter(|parent| *parent != nobody);
    }
    pools
}

fn read_named<'a>(mut section: Section<'a>, team: &AccountId) -> Option<PoolDraft<'a>> {
    let text = section.required_name();
    let parent = section.text("parent", "write the name of another pool");
    let name = text.as_ref().map(|text| {
        section.rename(format!("pool {}", text.get_ref()));
        AccountId::from(*text.get_ref())
    });
    let mut spec = read_body(&mut section, name.unwrap_or_else(|| team.clone()));
    section.finish(&[]);
    let text = text?;
    let above = parent.as_ref().map(|name| AccountId::from(*name.get_ref()));
    spec.parent = Some(above.unwrap_or_else(|| team.clone()));
    Some(PoolDraft { spec, name: Spanned::new(text.span(), ()), parent })
}

fn read_body(section: &mut Section<'_>, account: AccountId) -> PoolSpec {
    PoolSpec {
        account,
        parent: None,
        priority: section.priority(),
        limits: section.limits(),
        protection: read_protection(section),
    }
}

/// Reads `protect = [{ last = "10%", from = 5 }]`.
fn read_protection(section: &mut Section<'_>) -> Vec<ProtectionStep> {
    let mut steps = Vec::new();
    for mut item in section.tables("protect", "a step of `protect`") {
        let last = item.text("last", "write a percentage, such as \"10%\"");
        let from = item.number(
            "from",
            |level| Priority::try_from(level).ok(),
            "write the lowest priority that may use it, from 1 to 10",
        );
        let last_percent = last.as_ref().and_then(|text| item.reader.percent(text));
        match (last_percent, from) {
            (Some(last), Some(from)) => steps.push(ProtectionStep::new(last, from)),
            _ if item.lacks("last") || item.lacks("from") => {
                let message = "a step of `protect` needs both keys: { last = \"10%\", from = 5 }";
                item.reader.mistake(MistakeKind::Missing, &item.span(), message);
            }
            _ => {}
        }
        item.finish(&[]);
    }
    steps
}
