//! Users and members as GitLab writes them.

use serde_json::{Map, Value, json};

use super::overlay;
use super::world::{Group, Person, User, World};

/// Fields of a merge request that hold one person.
pub(super) const SINGLE: [&str; 5] = ["author", "assignee", "merge_user", "merged_by", "closed_by"];
/// The author of a merge request without one.
pub(super) const DEFAULT_AUTHOR: u64 = 600;
/// Fields of a merge request that hold several people.
pub(super) const LISTS: [&str; 1] = ["assignees"];

/// The short form that other records embed.
pub(super) fn short(world: &World, id: u64) -> Value {
    let user = world.users.get(&id).cloned().unwrap_or_default();
    json!({
        "id": id,
        "username": user.username,
        "public_email": "",
        "name": user.name,
        "state": user.state,
        "locked": false,
        "avatar_url": null,
        "web_url": format!("{}/{}", world.web_url, user.username),
    })
}

/// The short form of a person in a world.
pub(super) fn person(world: &World, person: &Person) -> Value {
    match person {
        Person::Id(id) => short(world, *id),
        Person::Whole(whole) => Value::Object(whole.clone()),
    }
}

/// The answer to `users/:id`.
pub(super) fn profile(world: &World, id: u64, user: &User) -> Value {
    let profile = overlay(
        short(world, id),
        &Map::from_iter([
            ("created_at".to_owned(), json!("2024-01-15T08:00:00.000Z")),
            ("bio".to_owned(), json!("")),
            ("location".to_owned(), json!("")),
            ("organization".to_owned(), json!("")),
            ("job_title".to_owned(), json!("")),
            ("bot".to_owned(), json!(user.bot)),
            ("followers".to_owned(), json!(0)),
            ("following".to_owned(), json!(0)),
            ("local_time".to_owned(), Value::Null),
        ]),
    );
    overlay(profile, &user.attributes)
}

/// The answer to `groups/:id/members`, or with `inherited` to `groups/:id/members/all`, where duplicate members appear once, at
/// the higher level.
pub(super) fn members(world: &World, group: &Group, inherited: bool) -> Vec<Value> {
    let mut members = group.members.clone();
    if inherited {
        for (id, member) in &group.inherited {
            let entry = members.entry(*id).or_insert_with(|| member.clone());
            if entry.access_level < member.access_level {
                *entry = member.clone();
            }
        }
    }
    let one = |(id, member): (&u64, &super::Member)| {
        overlay(
            short(world, *id),
            &Map::from_iter([
                ("access_level".to_owned(), json!(member.access_level)),
                ("created_at".to_owned(), json!("2024-02-01T08:00:00.000Z")),
                ("expires_at".to_owned(), json!(member.expires_at)),
                ("membership_state".to_owned(), json!("active")),
            ]),
        )
    };
    members.iter().map(one).collect()
}
