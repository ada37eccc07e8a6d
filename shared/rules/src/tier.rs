//! Risk tiers: the highest tier that one of the labels belongs to.

use serde::{Deserialize, Serialize};

use crate::LabelPattern;

/// The tier of a merge request whose labels belong to no configured tier.
pub const UNCLASSIFIED: &str = "unclassified";

/// One tier; in the rules file the highest comes first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    pub name: String,
    /// Labels that belong to it.
    pub labels: Vec<LabelPattern>,
}

/// The first tier that any of the labels belongs to.
pub(crate) fn highest<'a>(tiers: &'a [Tier], labels: &[String]) -> &'a str {
    let belongs = |tier: &&Tier| {
        tier.labels
            .iter()
            .any(|pattern| labels.iter().any(|label| pattern.matches(label)))
    };
    tiers
        .iter()
        .find(belongs)
        .map_or(UNCLASSIFIED, |tier| tier.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::highest;
    use crate::testing::rules;

    #[test]
    fn the_highest_tier_of_any_label_wins() {
        let rules = rules();
        for (labels, expected) in [
            (vec!["security::low", "security::critical"], "critical"),
            (vec!["sec/high"], "high"),
            (vec!["security::review"], "standard"),
            (vec!["security::somehow"], "unclassified"),
            (vec![], "unclassified"),
        ] {
            let labels: Vec<String> = labels.into_iter().map(str::to_owned).collect();
            assert_eq!(highest(&rules.tiers, &labels), expected, "{labels:?}");
        }
    }
}
