//! The reviewer pod of a merge request.

use model::{User, UserId};
use serde::{Deserialize, Serialize};

use crate::LabelPattern;

/// A pod of reviewers, its channel, and how its merge requests are recognized.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pod {
    pub channel: String,
    /// Labels of its merge requests.
    pub labels: Vec<LabelPattern>,
    /// Its members, by numeric id.
    pub reviewers: Vec<UserId>,
    /// Paths of its projects, as patterns.
    pub projects: Vec<LabelPattern>,
}

/// All pods, and the channel for the rest.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pods {
    /// The pods, in the order of the file.
    pub pods: Vec<Pod>,
    /// Channel for merge requests without a pod; `None`: no message.
    pub fallback_channel: Option<String>,
}

/// The input for finding a pod.
#[derive(Debug, Clone, Copy)]
pub struct PodCandidate<'a> {
    /// Every label when it was read.
    pub labels: &'a [String],
    /// Users who approved, in order, then the assigned reviewers.
    pub reviewers: &'a [User],
    /// `group/project`.
    pub project_path: &'a str,
}

impl Pods {
    /// The pod's channel: by label, else by reviewer, else by project, else the fallback. For each, the first pod in the file.
    #[must_use]
    pub fn channel(&self, candidate: PodCandidate<'_>) -> Option<&str> {
        let by_label = |pod: &&Pod| {
            let matches = |pattern: &LabelPattern| candidate.labels.iter().any(|label| pattern.matches(label));
            pod.labels.iter().any(matches)
        };
        // The first reviewer that is in any pod decides, not the first pod.
        let of_reviewer = |user: &User| self.pods.iter().find(|pod| pod.reviewers.contains(&user.id));
        let by_project = |pod: &&Pod| {
            pod.projects
                .iter()
                .any(|pattern| pattern.matches(candidate.project_path))
        };
        let by_reviewer = || candidate.reviewers.iter().find_map(of_reviewer);
        let pod = self.pods.iter().find(by_label);
        let pod = pod.or_else(by_reviewer).or_else(|| self.pods.iter().find(by_project));
        pod.map(|pod| pod.channel.as_str()).or(self.fallback_channel.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(channel: &str, labels: &[&str], reviewers: &[i64], projects: &[&str]) -> Pod {
        let patterns = |texts: &[&str]| texts.iter().filter_map(|text| LabelPattern::new(text)).collect();
        Pod {
            channel: channel.to_owned(),
            labels: patterns(labels),
            reviewers: reviewers.iter().copied().map(UserId).collect(),
            projects: patterns(projects),
        }
    }

    #[test]
    fn label_precedes_reviewer_then_project_then_fallback() {
        let pods = Pods {
            pods: vec![
                pod("CPROJECT", &[], &[], &["payments/*"]),
                pod("CREVIEWER", &[], &[501], &[]),
                pod("CLABEL", &["pod::crypto"], &[502], &[]),
            ],
            fallback_channel: Some("CREST".to_owned()),
        };
        let user = |id| User {
            id: UserId(id),
            username: format!("user-{id}"),
        };
        for (labels, reviewers, project, expected) in [
            (&["Pod::Crypto"][..], &[501][..], "payments/gateway", "CLABEL"),
            (&["backend"], &[501], "payments/gateway", "CREVIEWER"),
            (&[], &[700, 502, 501], "payments/gateway", "CLABEL"),
            (&[], &[700], "payments/gateway", "CPROJECT"),
            (&[], &[], "platform/gateway", "CREST"),
        ] {
            let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
            let reviewers: Vec<User> = reviewers.iter().copied().map(user).collect();
            let candidate = PodCandidate {
                labels: &labels,
                reviewers: &reviewers,
                project_path: project,
            };
            assert_eq!(
                pods.channel(candidate),
                Some(expected),
                "{labels:?} {reviewers:?} {project}"
            );
        }
    }

    #[test]
    fn without_match_or_fallback_there_is_no_channel() {
        let candidate = PodCandidate {
            labels: &[],
            reviewers: &[],
            project_path: "a/b",
        };
        assert_eq!(Pods::default().channel(candidate), None);
    }
}
