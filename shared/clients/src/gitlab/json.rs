//! Types that several of GitLab's answers share. Unknown fields are ignored: GitLab adds some with every release.

use model::{User, UserId};
use serde::{Deserialize, Deserializer};

/// A user as GitLab embeds one.
#[derive(Debug, Deserialize)]
pub(super) struct UserJson {
    pub(super) id: i64,
    #[serde(default)]
    username: Option<String>,
}

impl From<UserJson> for User {
    fn from(user: UserJson) -> Self {
        Self {
            id: UserId(user.id),
            username: user.username.unwrap_or_default(),
        }
    }
}

/// For lists that GitLab may also send as `null`.
pub(super) fn null_as_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
