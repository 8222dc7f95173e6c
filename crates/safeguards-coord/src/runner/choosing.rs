//! A step that is given to nobody by name: who does it is chosen when it begins.

use std::{sync::Arc, time::Duration};

use safeguards_discovery::Query;
use tokio::{task::JoinSet, time::timeout};

use super::Shared;
use crate::{
    Candidate, Member, RunFault, Selection, Selector, State, TeamSelector, Unfit,
    error::with_causes,
    panics::panic_text,
    seat::need_text,
    selector::{Counted, UNFIT_TOLD, Under},
};

/// How long a choice may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much is told of why one candidate was not chosen.
const WHY_CHARS: usize = 300;

/// Asks who of the team does what is needed. Whoever is chosen is counted before anybody else is.
pub(super) async fn choose(
    run: &Shared,
    need: Option<&Arc<Query>>,
) -> Result<(Arc<Member>, Under), (State, RunFault)> {
    // A step is given to somebody by name, who is found, or by a need.
    let Some(need) = need else {
        let fault =
            RunFault::NobodyCapable { need: String::new(), why: "nothing is needed".to_owned() };
        return Err((State::Failed, fault));
    };
    let own: Option<Arc<dyn Selector>> = run.runner.selector.clone();
    let selector = own.unwrap_or_else(|| Arc::new(TeamSelector::new()));
    let loads = &run.runner.loads;
    let _turn = loads.turn().await;
    let candidates: Vec<Candidate> = {
        let candidate = |member: &Arc<Member>| {
            let load = loads.of(member.id()).unwrap_or(0);
            Candidate::new(member.id().clone(), load).estimate(run.to_hold(member))
        };
        run.team.members().iter().map(candidate).collect()
    };
    let failed = |message: String| {
        let need = need_text(need);
        (State::Failed, RunFault::SelectorFailed { need, message })
    };
    let mut asked = JoinSet::new();
    let asked_for = Arc::clone(need);
    asked.spawn(async move { selector.select(&asked_for, &candidates).await });
    let answer = match timeout(PATIENCE, asked.join_next()).await {
        Ok(Some(answer)) => answer,
        Ok(None) => return Err(failed("it gave no answer".to_owned())),
        Err(_) => return Err(failed(format!("no answer within {PATIENCE:?}"))),
    };
    let answer = answer.map_err(|error| {
        let need = need_text(need);
        let message = match error.try_into_panic() {
            Ok(panic) => panic_text(&*panic),
            Err(error) => error.to_string(),
        };
        (State::Failed, RunFault::SelectorPanicked { need, message })
    })?;
    match answer.map_err(|error| failed(format!("{}: {}", error.code(), with_causes(&error))))? {
        Selection::Chosen(agent) => match run.team.member(&agent) {
            Some(member) => Ok((Arc::clone(member), loads.begin(&agent, Counted::Attempt))),
            None => Err(failed(format!("it chose {agent}, who is not in the team"))),
        },
        Selection::Nobody(unfit) => {
            let need = need_text(need);
            Err((State::Denied, RunFault::NobodyCapable { need, why: why(&unfit) }))
        }
    }
}

/// Why nobody was chosen, in a text of a bounded length.
fn why(unfit: &[Unfit]) -> String {
    if unfit.is_empty() {
        return "the selector does not say why".to_owned();
    }
    let cut = |unfit: &Unfit| {
        let whole = unfit.to_string();
        let mut told: String = whole.chars().take(WHY_CHARS).collect();
        if told.len() < whole.len() {
            told.push('…');
        }
        told
    };
    let told: Vec<String> = unfit.iter().take(UNFIT_TOLD).map(cut).collect();
    match unfit.len().saturating_sub(told.len()) {
        0 => told.join("; "),
        more => format!("{}; and {more} more", told.join("; ")),
    }
}
