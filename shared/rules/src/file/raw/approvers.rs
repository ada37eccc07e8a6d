//! `approvers`: who may approve at each instance.

use std::collections::BTreeMap;

use model::UserId;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::super::{ApproverGroup, Approvers, Form};
use super::{Problems, RawInstances};

/// Group id in the template that a deployment must replace.
const PLACEHOLDER_GROUP: i64 = 0;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawApprovers {
    #[serde(default)]
    group_id: Option<Spanned<i64>>,
    #[serde(default)]
    include_inherited: bool,
    #[serde(default)]
    minimum_access_level: Option<Spanned<i64>>,
    #[serde(default)]
    users: Vec<Spanned<i64>>,
    #[serde(default)]
    approval_rule: Option<Spanned<String>>,
    #[serde(default)]
    minimum: Option<Spanned<u32>>,
    #[serde(default)]
    exclude_committers: bool,
}

/// The approvers of each instance. Ids at the top level belong to the only instance; with several it is ambiguous.
pub(super) fn by_instance(
    problems: &mut Problems,
    form: Form,
    shared: Option<&Spanned<RawApprovers>>,
    instances: &RawInstances,
) -> BTreeMap<String, Approvers> {
    let misplaced = shared.filter(|_| form == Form::New && instances.len() > 1);
    if let Some(at) = misplaced {
        let places: Vec<String> = instances
            .keys()
            .map(|name| format!("instances.{name}.approvers"))
            .collect();
        problems.refuse(
            at,
            &format!(
                "approvers: numeric ids belong to one instance, but the file has several; write {} instead",
                places.join(" and ")
            ),
        );
    }
    let for_all = shared.map(|raw| checked(problems, raw));
    let mut approvers = BTreeMap::new();
    for (name, instance) in instances {
        let own = instance.value.approvers.as_ref();
        match (own, &for_all) {
            (Some(own), Some(_)) if misplaced.is_none() => problems.refuse(
                own,
                &format!("instances.{name}.approvers: the file also has approvers at the top level; remove one of the two"),
            ),
            (None, None) => problems.refuse(
                instance,
                &format!("instances.{name}: approvers are missing; write instances.{name}.approvers, otherwise no approval there is valid"),
            ),
            _ => (),
        }
        let own = own.map(|raw| checked(problems, raw)).or_else(|| for_all.clone());
        approvers.extend(own.map(|own| (name.clone(), own)));
    }
    approvers
}

fn checked(problems: &mut Problems, raw: &Spanned<RawApprovers>) -> Approvers {
    let RawApprovers {
        group_id,
        users,
        approval_rule,
        minimum,
        ..
    } = &raw.value;
    if group_id.is_none() && users.is_empty() && approval_rule.is_none() {
        problems.refuse(
            raw,
            "approvers: name a group_id, users or an approval_rule; otherwise no user could ever approve",
        );
    }
    if let Some(at) = minimum.as_ref().filter(|minimum| minimum.value == 0) {
        problems.refuse(at, "minimum must be at least 1");
    }
    let group = group_id.as_ref().map(|id| {
        match id.value {
            PLACEHOLDER_GROUP => problems.placeholder(id, "group_id is still 0; set it to the numeric id of the security team's group"),
            value if value < 0 => problems.refuse(id, "group_id must be positive"),
            _ => (),
        }
        let level = raw.value.minimum_access_level.as_ref();
        if let Some(at) = level.filter(|level| ![5, 10, 15, 20, 25, 30, 40, 50, 60].contains(&level.value)) {
            problems.refuse(at, "minimum_access_level is not a GitLab access level: 10 guest, 20 reporter, 30 developer, 40 maintainer, 50 owner");
        }
        ApproverGroup {
            id: id.value,
            include_inherited: raw.value.include_inherited,
            minimum_access_level: level.map_or(30, |level| level.value),
        }
    });
    for user in users.iter().filter(|user| user.value <= 0) {
        problems.refuse(user, "users: use GitLab's numeric user ids");
    }
    Approvers {
        group,
        users: users.iter().map(|user| UserId(user.value)).collect(),
        approval_rule: approval_rule.as_ref().map(|rule| problems.text("approval_rule", rule)),
        minimum: minimum.as_ref().map_or(1, |minimum| minimum.value as usize),
        exclude_committers: raw.value.exclude_committers,
    }
}
