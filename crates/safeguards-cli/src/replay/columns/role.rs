//! [`Role`]: what a column may hold, and how traces call such a column.

/// What a column may hold that a replay wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Time,
    Input,
    Output,
    Cached,
    Model,
    Agent,
    Session,
    Framework,
}

impl Role {
    const ALL: [Self; 8] = [
        Self::Time,
        Self::Input,
        Self::Output,
        Self::Cached,
        Self::Model,
        Self::Agent,
        Self::Session,
        Self::Framework,
    ];

    /// The role's name in `--map` and `--by`.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Input => "input",
            Self::Output => "output",
            Self::Cached => "cached",
            Self::Model => "model",
            Self::Agent => "agent",
            Self::Session => "session",
            Self::Framework => "framework",
        }
    }

    pub(super) fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.key() == key)
    }

    /// Names that traces give such a column, best first; compared by letters and digits alone, so that
    /// `prompt_tokens`, `promptTokens` and `Prompt tokens` are one.
    pub(super) const fn known_names(self) -> &'static [&'static str] {
        match self {
            Self::Time => &[
                "timestamp",
                "time",
                "ts",
                "datetime",
                "tsus",
                "tsms",
                "tsns",
                "timestampus",
                "timestampms",
                "timestampns",
                "createdat",
                "startedat",
                "starttime",
                "requesttime",
                "arrivaltime",
                "arrivedat",
            ],
            Self::Input => &[
                "inputtokens",
                "prompttokens",
                "contexttokens",
                "requesttokens",
                "inputlength",
                "numprefilltokens",
            ],
            Self::Output => &[
                "outputtokens",
                "completiontokens",
                "generatedtokens",
                "responsetokens",
                "outputlength",
                "numdecodetokens",
            ],
            // Never guessed: whether cached tokens are part of the input differs from source to source.
            Self::Cached => &[],
            Self::Model => &["model", "modelname", "modelid"],
            Self::Agent => &["agent", "agentname", "agentid"],
            Self::Session => &["session", "sessionid", "conversationid"],
            Self::Framework => &["framework"],
        }
    }
}
