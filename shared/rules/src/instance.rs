//! A merge request of an instance that the rules do not name: its approvers are unknown.

use model::{ExceptionKind, Reason};

use crate::case::MergeCase;

/// Why nothing is proven there; `None` if the rules name the instance.
pub(crate) fn unnamed(case: &MergeCase<'_>) -> Option<Reason> {
    if case.approvers.is_some() {
        return None;
    }
    Some(Reason {
        kind: ExceptionKind::Unverified,
        detail: format!(
            "the rules do not name the instance {}, so who may approve there is unknown",
            case.instance
        ),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use model::{ExceptionKind, User, Verdict, VerdictOutcome};
    use proptest::prelude::*;
    use proptest::sample::select;

    use crate::testing::{ALICE, AUTHOR, BOB, Life, OUTSIDER, rules, user};
    use crate::{ApproverGroup, PodCandidate, Rules, review_before_merge};

    /// The same history at another instance.
    fn at_instance(name: &str, mut life: Life) -> Life {
        name.clone_into(&mut life.facts.merge_request.instance);
        life
    }

    const PEOPLE: [i64; 4] = [ALICE, BOB, 503, OUTSIDER];

    /// One instance's part of the rules file.
    #[derive(Debug, Clone)]
    struct Team {
        group: i64,
        users: BTreeSet<i64>,
        reviewers: BTreeSet<i64>,
    }

    fn team() -> impl Strategy<Value = Team> {
        let people = || proptest::collection::btree_set(select(&PEOPLE[..]), 1..3);
        (1_i64..4, people(), people()).prop_map(|(group, users, reviewers)| Team {
            group,
            users,
            reviewers,
        })
    }

    fn written(name: &str, team: &Team) -> String {
        let ids = |ids: &BTreeSet<i64>| format!("{ids:?}").replace(['{', '}'], "");
        format!(
            "  {name}:\n    api_url: \"https://{name}.example.com\"\n    \
         approvers: {{ group_id: {}, users: [{}] }}\n    \
         pods: [{{ channel: C{}, reviewers: [{}] }}]\n",
            team.group,
            ids(&team.users),
            name.to_uppercase(),
            ids(&team.reviewers)
        )
    }

    fn of_both(main: &Team, acquired: &Team) -> Rules {
        let file = format!(
            "version: 1\ninstances:\n{}{}labels: [\"security::*\"]\ntiers: []\nslack: {{ security_lead_channel: C0SECLEAD }}\n",
            written("main", main),
            written("acquired", acquired)
        );
        Rules::parse(&file).unwrap()
    }

    /// The members that an instance's GitLab lists for a group: its id means another group at each instance.
    fn members(instance: &str, group: &ApproverGroup) -> Option<i64> {
        let shift = i64::from(instance != "main");
        PEOPLE
            .get(usize::try_from(group.id + shift).unwrap() % PEOPLE.len())
            .copied()
    }

    /// The same merge at an instance, approved by one person, with the membership that GitLab lists for that instance's approvers.
    fn verdict(instance: &str, approver: i64, rules: &Rules) -> Verdict {
        let approvers = rules.approvers(instance).unwrap();
        let mut eligible: Vec<i64> = approvers.users.iter().map(|user| user.0).collect();
        eligible.extend(approvers.group.iter().filter_map(|group| members(instance, group)));
        let mut life = at_instance(instance, Life::labelled())
            .eligible_now(&eligible)
            .approved_by(approver, "10:00:00");
        life.rules = rules.clone();
        life.verdict()
    }

    proptest! {
        #[test]
        fn ids_of_one_instance_never_count_elsewhere(main in team(), acquired in team(), approver in select(&PEOPLE[..])) {
            let rules = of_both(&main, &acquired);
            for (instance, own) in [("main", &main), ("acquired", &acquired)] {
                let group = ApproverGroup { id: own.group, include_inherited: false, minimum_access_level: 30 };
                let listed = own.users.contains(&approver) || members(instance, &group) == Some(approver);
                let approved = matches!(verdict(instance, approver, &rules).outcome, VerdictOutcome::Approved { .. });
                prop_assert_eq!(approved, listed, "{} {:?}", instance, own);

                let reviewers: [User; 1] = [user(approver)];
                let candidate = PodCandidate { labels: &[], reviewers: &reviewers, project_path: "pay/api" };
                let channel = format!("C{}", instance.to_uppercase());
                let expected = own.reviewers.contains(&approver).then_some(channel.as_str());
                prop_assert_eq!(rules.pods(instance).unwrap().channel(candidate), expected);
            }
        }

        #[test]
        fn other_instances_rules_never_change_a_verdict(main in team(), one in team(), other in team(), approver in select(&PEOPLE[..])) {
            let (before, after) = (of_both(&main, &one), of_both(&main, &other));
            prop_assert_eq!(before.approvers("main"), after.approvers("main"));
            prop_assert_eq!(before.pods("main"), after.pods("main"));
            prop_assert_eq!(verdict("main", approver, &before), verdict("main", approver, &after));
        }
    }

    #[test]
    fn an_unnamed_instance_ends_unverified() {
        for life in [
            Life::labelled(),
            Life::labelled().approved_by(ALICE, "10:00:00"),
            Life::labelled().approved_by(AUTHOR, "10:00:00"),
            Life::labelled().seen(ALICE, "10:00:00", Some(true)),
            Life::labelled().excluding_committers().approved_by(ALICE, "10:00:00"),
            // An eligible person removed the label: at a named instance that is `declassified`.
            Life::unlabelled().label_event(Some("security::high"), false, ALICE, "11:00:00"),
        ] {
            let verdict = at_instance("other", life).is_exception(ExceptionKind::Unverified);
            assert_eq!(verdict.reasons.len(), 1, "{:?}", verdict.reasons);
            assert!(verdict.reasons[0].detail.contains("do not name the instance other"));
            assert!(verdict.approvals.iter().all(|approval| !approval.against.is_empty()));
        }
    }

    #[test]
    fn an_unlabelled_merge_needs_no_approvers() {
        let verdict = at_instance("other", Life::unlabelled()).verdict();
        assert_eq!(verdict.outcome, VerdictOutcome::NotCarried);
    }

    #[test]
    fn no_review_of_an_unnamed_instance_is_approved() {
        let life = Life::labelled().approved_by(ALICE, "10:00:00");
        let decided = |life: &Life| review_before_merge(&life.facts(), &rules()).unwrap().1.decision;
        assert!(decided(&life).is_some());
        assert_eq!(decided(&at_instance("other", life)), None);
    }
}
