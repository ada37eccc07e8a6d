//! Builds a world from Rust: the first world, and short forms for common test data.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::world::{Approval, Group, LabelEvent, Member, MergeRequest, Person, Reviewer, User, Version, World};

impl Default for World {
    /// The first world: the group 4242 `security-team`, as the local stack's rules name it.
    fn default() -> Self {
        let mut world = Self {
            token: None,
            web_url: "https://gitlab.example.com".to_owned(),
            old_gitlab: false,
            omit_totals: false,
            rate_limited: None,
            projects: BTreeMap::new(),
            groups: BTreeMap::from([(
                4242,
                Group {
                    full_path: "security-team".to_owned(),
                    ..Group::default()
                },
            )]),
            users: BTreeMap::new(),
        };
        for (id, username, name, access_level) in [
            (501, "sec-alice", "Alice Sandoval", 40),
            (502, "sec-bob", "Bob Okafor", 30),
            (503, "sec-carol", "Carol Lindqvist", 40),
            (504, "sec-guest", "Gus Marchetti", 10),
        ] {
            name.clone_into(&mut world.user(id, username).name);
            world.member(4242, id, access_level);
        }
        "blocked".clone_into(&mut world.user(503, "sec-carol").state);
        world
    }
}

impl Default for User {
    fn default() -> Self {
        Self {
            username: String::new(),
            name: String::new(),
            state: "active".to_owned(),
            bot: false,
            attributes: Map::new(),
        }
    }
}

impl World {
    /// The user with this id, added if missing, with this user name.
    pub fn user(&mut self, id: u64, username: &str) -> &mut User {
        let user = self.users.entry(id).or_default();
        username.clone_into(&mut user.username);
        user
    }

    /// Makes a user a direct member of a group, at an access level.
    pub fn member(&mut self, group: u64, user: u64, access_level: u8) {
        let member = Member {
            access_level,
            expires_at: None,
        };
        self.groups.entry(group).or_default().members.insert(user, member);
    }

    /// The merge request with this iid, added if missing, as is its project.
    pub fn merge_request(&mut self, project: u64, iid: u64) -> &mut MergeRequest {
        self.projects
            .entry(project)
            .or_default()
            .merge_requests
            .entry(iid)
            .or_default()
    }
}

impl MergeRequest {
    /// Sets a field of GitLab's answer; people may be given by id.
    pub fn set(&mut self, field: &str, value: impl Into<Value>) -> &mut Self {
        self.attributes.insert(field.to_owned(), value.into());
        self
    }

    /// Merged by a user at a time.
    pub fn merged(&mut self, by: u64, at: &str) -> &mut Self {
        self.set("state", "merged").set("merge_user", by).set("merged_at", at)
    }

    /// Approved by a user at a time.
    pub fn approved(&mut self, by: u64, at: &str) -> &mut Self {
        self.approved_by.push(Approval {
            user: Person::Id(by),
            approved_at: Some(at.to_owned()),
        });
        self
    }

    /// A label event; the current labels are set with `set("labels", ...)`.
    pub fn label_event(&mut self, action: &str, label: &str, by: u64, at: &str) -> &mut Self {
        self.label_events.push(LabelEvent {
            id: None,
            label: label.into(),
            action: action.to_owned(),
            user: Some(Person::Id(by)),
            created_at: at.to_owned(),
        });
        self
    }

    /// Adds a version of the diff.
    pub fn version(&mut self, head: &str, patch_id: &str, at: &str) -> &mut Self {
        self.versions.push(Version {
            id: None,
            head_commit_sha: head.to_owned(),
            patch_id_sha: Some(patch_id.to_owned()),
            created_at: at.to_owned(),
        });
        self
    }

    /// Adds a reviewer.
    pub fn reviewer(&mut self, user: u64) -> &mut Self {
        self.reviewers.push(Reviewer::Id(user));
        self
    }

    /// Collects the ids of all people this merge request refers to.
    pub(super) fn people(&self, ids: &mut Vec<u64>) {
        let mut person = |person: &Person| match person {
            Person::Id(id) => ids.push(*id),
            Person::Whole(whole) => ids.extend(whole.get("id").and_then(Value::as_u64)),
        };
        self.approved_by.iter().for_each(|approval| person(&approval.user));
        self.approval_rules
            .iter()
            .flat_map(|rule| &rule.eligible_approvers)
            .for_each(&mut person);
        self.label_events
            .iter()
            .filter_map(|event| event.user.as_ref())
            .for_each(&mut person);
        for reviewer in &self.reviewers {
            match reviewer {
                Reviewer::Id(id) => person(&Person::Id(*id)),
                Reviewer::Stated { user, .. } => person(user),
            }
        }
        if !self.attributes.contains_key("author") {
            ids.push(super::people::DEFAULT_AUTHOR);
        }
        for field in super::people::SINGLE {
            ids.extend(self.attributes.get(field).and_then(Value::as_u64));
        }
        for list in super::people::LISTS
            .iter()
            .filter_map(|field| self.attributes.get(*field)?.as_array())
        {
            ids.extend(list.iter().filter_map(Value::as_u64));
        }
    }
}
