//! [`Kind`]: which strategy it is, by the name that the file gives.

use super::super::{mistake::MistakeKind, near::near, section::Section};

/// Which strategy it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Kind {
    FanOut,
    Graph,
    HandOver,
    MapReduce,
    Pipeline,
    Supervisor,
    Vote,
}

impl Kind {
    /// All of them, by name.
    pub(super) const ALL: [Self; 7] = [
        Self::FanOut,
        Self::Graph,
        Self::HandOver,
        Self::MapReduce,
        Self::Pipeline,
        Self::Supervisor,
        Self::Vote,
    ];

    /// Its name.
    pub(in super::super) const fn name(self) -> &'static str {
        match self {
            Self::FanOut => "fan_out",
            Self::Graph => "graph",
            Self::HandOver => "hand_over",
            Self::MapReduce => "map_reduce",
            Self::Pipeline => "pipeline",
            Self::Supervisor => "supervisor",
            Self::Vote => "vote",
        }
    }

    /// Whether agents run side by side.
    pub(in super::super) const fn is_concurrent(self) -> bool {
        !matches!(self, Self::Pipeline | Self::HandOver)
    }

    /// Whether it gives inputs to whoever can do something.
    pub(in super::super) const fn spreads(self) -> bool {
        matches!(self, Self::FanOut | Self::MapReduce)
    }
}

/// Reads `strategy = "NAME"`.
pub(in super::super) fn read_kind(file: &mut Section<'_>) -> Kind {
    let Some(text) = file.text("strategy", "write the name of a strategy, such as \"pipeline\"")
    else {
        return Kind::Pipeline;
    };
    let name = *text.get_ref();
    if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == name) {
        return kind;
    }
    let known = Kind::ALL.map(Kind::name);
    let help = match near(name, known) {
        Some(near) => format!("did you mean \"{near}\"? "),
        None => String::new(),
    };
    let known = known.join(", ");
    let message = format!("there is no strategy \"{name}\"; {help}known are {known}");
    file.reader.mistake(MistakeKind::Strategy, &text.span(), message);
    Kind::Pipeline
}
