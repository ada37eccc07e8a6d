//! `slack.pods` and `instances.<name>.pods`: which pod gets a message when a merge is archived.

use std::collections::BTreeMap;

use model::UserId;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::super::Form;
use super::{Problems, RawInstances};
use crate::{Pod, Pods};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPod {
    channel: Spanned<String>,
    #[serde(default)]
    labels: Vec<Spanned<String>>,
    #[serde(default)]
    reviewers: Vec<Spanned<i64>>,
    #[serde(default)]
    projects: Vec<Spanned<String>>,
}

/// The pods of each instance. Channels, labels and paths apply everywhere, `reviewers` are ids of one instance.
pub(super) fn by_instance(
    problems: &mut Problems,
    form: Form,
    shared: &[Spanned<RawPod>],
    fallback: Option<&Spanned<String>>,
    instances: &RawInstances,
) -> BTreeMap<String, Pods> {
    if form == Form::New && instances.len() > 1 {
        for at in shared.iter().filter_map(|pod| pod.value.reviewers.first()) {
            problems.refuse(
                at,
                "pods: reviewers are ids of one instance, but the file has several; write all pods below instances.<name>.pods instead",
            );
        }
    }
    let for_all = checked(problems, shared);
    let fallback_channel = fallback.map(|channel| problems.channel("pod_fallback_channel", channel));
    let mut pods = BTreeMap::new();
    for (name, instance) in instances {
        let own = &instance.value.pods;
        // Pods of two lists have no common order, and the first pod that matches gets the message.
        if let Some(at) = own.first().filter(|_| !shared.is_empty()) {
            problems.refuse(
                at,
                &format!(
                    "instances.{name}.pods: the file also has slack.pods; write all pods below instances.<name>.pods"
                ),
            );
        }
        let own = checked(problems, own);
        let pods_of_instance = Pods {
            pods: if own.is_empty() { for_all.clone() } else { own },
            fallback_channel: fallback_channel.clone(),
        };
        pods.insert(name.clone(), pods_of_instance);
    }
    pods
}

fn checked(problems: &mut Problems, raw: &[Spanned<RawPod>]) -> Vec<Pod> {
    let mut pods = Vec::new();
    for pod in raw {
        let RawPod {
            channel,
            labels,
            reviewers,
            projects,
        } = &pod.value;
        if labels.is_empty() && reviewers.is_empty() && projects.is_empty() {
            problems.refuse(
                pod,
                "pods: name labels, reviewers or projects; otherwise no merge request would ever match this pod",
            );
        }
        for reviewer in reviewers.iter().filter(|reviewer| reviewer.value <= 0) {
            problems.refuse(reviewer, "pods: reviewers must be GitLab's numeric user ids");
        }
        pods.push(Pod {
            channel: problems.channel("pods: channel", channel),
            labels: problems.patterns("pods: labels", labels),
            reviewers: reviewers.iter().map(|reviewer| UserId(reviewer.value)).collect(),
            projects: problems.patterns("pods: projects", projects),
        });
    }
    pods
}
