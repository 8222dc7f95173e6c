//! [`faults`]: all that keeps alerts from going where a team file wants them.

use std::sync::Arc;

use safeguards_notify::ConsoleChannel;

use super::{
    super::{Mistake, MistakeKind, TeamSpec, mistake::Place},
    AlertsError, Making, TargetFault, own_name, read_rules,
};

/// All that is wrong with targets, secrets and rules. `rules_at` is where the file names its rules. Files that alerts go to
/// are opened, and so made where they are not there.
pub(in super::super) fn faults(
    spec: &TeamSpec,
    rules_at: Place,
    variables: &dyn Fn(&str) -> Option<String>,
) -> Vec<Mistake> {
    let making = Making { spec, console: &ConsoleChannel::stderr, variables };
    let mut mistakes: Vec<Mistake> = Vec::new();
    for alert in &spec.alerts {
        match making.channel(alert) {
            Ok(_) => {}
            Err(TargetFault::Mistake(mistake)) => mistakes.push(mistake),
            Err(TargetFault::File(error)) => {
                let message = with_cause(&error);
                mistakes.push(making.mistake(MistakeKind::AlertFile, alert.place, message));
            }
        }
    }
    let names: Vec<Arc<str>> = spec
        .alerts
        .iter()
        .enumerate()
        .map(|(index, alert)| own_name(alert, index).into())
        .collect();
    match read_rules(spec, &names) {
        Ok(_) => {}
        Err(AlertsError::Rules { path, error }) => {
            let file = path.display().to_string();
            mistakes.extend(error.mistakes().map(|mistake| Mistake {
                kind: MistakeKind::Rule(mistake.kind),
                file: file.clone(),
                line: mistake.line.unwrap_or(1),
                column: mistake.column.unwrap_or(1),
                message: mistake.message.clone(),
            }));
        }
        Err(error) => {
            mistakes.push(making.mistake(MistakeKind::Unreadable, rules_at, with_cause(&error)));
        }
    }
    mistakes
}

/// What went wrong, and why.
pub(in super::super) fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
