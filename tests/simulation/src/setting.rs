//! What stays constant during a life: GitLab's version, project settings, rules file.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use rules::Rules;

use crate::people::Person;

/// A GitLab version: major and minor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u16, pub u16);

impl Version {
    /// Approvals are listed with their times.
    #[must_use]
    pub fn has_approved_at(self) -> bool {
        self >= Self(18, 4)
    }

    /// Hooks contain the time of the act.
    #[must_use]
    pub fn has_actioned_at(self) -> bool {
        self >= Self(18, 10)
    }

    /// Diff versions contain their patch id.
    #[must_use]
    pub fn has_patch_id(self) -> bool {
        self >= Self(16, 3)
    }

    /// A reset by GitLab sends a hook.
    #[must_use]
    pub fn has_reset_hooks(self) -> bool {
        self >= Self(18, 3)
    }

    /// Hooks contain the time of the merge.
    #[must_use]
    pub fn has_merged_at(self) -> bool {
        self >= Self(19, 0)
    }

    /// An approval can be withdrawn after the merge.
    #[must_use]
    pub fn withdraws_after_merge(self) -> bool {
        self < Self(16, 0)
    }
}

/// A label of the project or its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    /// `security::high`.
    High,
    /// `security::low`, of the same scope.
    Low,
    /// `sec/critical`, of the project.
    CriticalOfProject,
    /// `sec/critical`, of the group.
    CriticalOfGroup,
    /// A label that no rule names.
    Backend,
}

impl Label {
    /// Every label.
    pub const ALL: [Self; 5] = [
        Self::High,
        Self::Low,
        Self::CriticalOfProject,
        Self::CriticalOfGroup,
        Self::Backend,
    ];

    /// GitLab's id.
    #[must_use]
    pub fn id(self) -> i64 {
        match self {
            Self::High => 1,
            Self::Low => 2,
            Self::CriticalOfProject => 3,
            Self::CriticalOfGroup => 4,
            Self::Backend => 5,
        }
    }

    /// Its title at the beginning.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::High => "security::high",
            Self::Low => "security::low",
            Self::CriticalOfProject | Self::CriticalOfGroup => "sec/critical",
            Self::Backend => "backend",
        }
    }

    /// Whether it shares its scope with the other scoped label: GitLab allows one of them at a time.
    #[must_use]
    pub fn is_scoped(self) -> bool {
        matches!(self, Self::High | Self::Low)
    }

    /// Whether the rules treat it as a security label.
    #[must_use]
    pub fn is_security(self) -> bool {
        self != Self::Backend
    }
}

/// Which rules file is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// The group approves; one approval is enough.
    Plain,
    /// Two approvals are required.
    Two,
    /// Committers may not approve.
    NoCommitters,
    /// One listed person may also approve.
    WithListed,
    /// The approvers of a GitLab approval rule may also approve.
    WithRule,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 5] = [
        Self::Plain,
        Self::Two,
        Self::NoCommitters,
        Self::WithListed,
        Self::WithRule,
    ];

    /// The rules file.
    #[must_use]
    pub fn text(self) -> String {
        let more = match self {
            Self::Plain => "",
            Self::Two => ", minimum: 2",
            Self::NoCommitters => ", exclude_committers: true",
            Self::WithListed => ", users: [504]",
            Self::WithRule => ", approval_rule: Security",
        };
        format!(
            r#"version: 1
instances:
  main: {{ api_url: "https://gitlab.example.com" }}
labels: ["security::*", "sec/*"]
tiers:
  - {{ name: critical, labels: ["*critical"] }}
  - {{ name: high, labels: ["*high"] }}
  - {{ name: low, labels: ["*low"] }}
approvers: {{ group_id: 4242{more} }}
slack: {{ security_lead_channel: C0SECLEAD }}
"#
        )
    }

    /// The rules.
    ///
    /// # Panics
    /// Never: the files above are valid, and a test reads them all.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "the texts are constants of this file, and a test reads them all"
    )]
    pub fn rules(self) -> &'static Rules {
        static RULES: [OnceLock<Rules>; 5] = [const { OnceLock::new() }; 5];
        RULES[self as usize].get_or_init(|| Rules::parse(&self.text()).expect("a valid rules file"))
    }

    /// How many valid approvals are required.
    #[must_use]
    pub fn minimum(self) -> usize {
        if self == Self::Two { 2 } else { 1 }
    }

    /// Whether a person outside the team may approve.
    #[must_use]
    pub fn lists(self, person: Person) -> bool {
        match self {
            Self::WithListed => person == Person::Listed,
            Self::WithRule => person == Person::Carol,
            _ => false,
        }
    }
}

/// How long GitLab shows the merge without its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeTime {
    /// The time is shown with the state.
    Shown,
    /// Hidden for this many milliseconds after the merge.
    HiddenFor(i64),
    /// Hidden forever.
    Hidden,
}

/// What stays constant during a life.
#[derive(Debug, Clone)]
pub struct Setting {
    /// GitLab's version.
    pub version: Version,
    /// The rules file.
    pub profile: Profile,
    /// How far GitLab's clock is ahead of ours, in milliseconds.
    pub clock_offset_ms: i64,
    /// A push removes approvals that were given for another patch.
    pub resets_on_push: bool,
    /// A push removes this code owner's approval.
    pub code_owner: Option<Person>,
    /// Members of the security group at the beginning.
    pub team: BTreeSet<Person>,
    /// Labels set at creation.
    pub labels: BTreeSet<Label>,
    /// Whether GitLab shows the time of the merge.
    pub merge_time: MergeTime,
}

#[cfg(test)]
mod tests {
    use super::Profile;

    #[test]
    fn every_rules_file_is_valid() {
        for profile in Profile::ALL {
            assert!(profile.rules().approvers("main").is_some(), "{profile:?}");
        }
    }
}
