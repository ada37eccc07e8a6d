//! The people of a life: fixed accounts with fixed ids.

use model::{User, UserId};

/// An account at the simulated GitLab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Person {
    /// The author of the merge request.
    Author,
    /// In the security team by default.
    Alice,
    /// In the security team by default.
    Bob,
    /// Joins and leaves; also listed by the named approval rule.
    Carol,
    /// Listed by id in the rules of one profile.
    Listed,
    /// Never in the security team.
    Outsider,
    /// The account of a project access token, recognizable by its name.
    Token,
    /// A service account: only the user endpoint shows that it is a bot.
    Robot,
}

impl Person {
    /// Everyone.
    pub const ALL: [Self; 8] = [
        Self::Author,
        Self::Alice,
        Self::Bob,
        Self::Carol,
        Self::Listed,
        Self::Outsider,
        Self::Token,
        Self::Robot,
    ];

    /// GitLab's id of the account.
    #[must_use]
    pub fn id(self) -> UserId {
        UserId(match self {
            Self::Author => 7,
            Self::Alice => 501,
            Self::Bob => 502,
            Self::Carol => 503,
            Self::Listed => 504,
            Self::Outsider => 900,
            Self::Token => 990,
            Self::Robot => 991,
        })
    }

    /// The account behind an id.
    #[must_use]
    pub fn of(id: UserId) -> Option<Self> {
        Self::ALL.into_iter().find(|person| person.id() == id)
    }

    /// Its user name.
    #[must_use]
    pub fn username(self) -> &'static str {
        match self {
            Self::Author => "author",
            Self::Alice => "alice",
            Self::Bob => "bob",
            Self::Carol => "carol",
            Self::Listed => "listed",
            Self::Outsider => "outsider",
            Self::Token => "project_11_bot_ab12",
            Self::Robot => "release-robot",
        }
    }

    /// Whether it is a bot.
    #[must_use]
    pub fn is_bot(self) -> bool {
        matches!(self, Self::Token | Self::Robot)
    }

    /// The account as payloads and answers show it.
    #[must_use]
    pub fn user(self) -> User {
        User {
            id: self.id(),
            username: self.username().to_owned(),
        }
    }
}
