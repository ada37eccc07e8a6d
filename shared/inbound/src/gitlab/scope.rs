//! Which projects a hook's tokens are accepted for.

use model::ProjectId;

use crate::gitlab::Hook;

/// The project of a delivery, as far as it could be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProjectSeen<'a> {
    pub id: Option<ProjectId>,
    /// `group/subgroup/project`.
    pub path: Option<&'a str>,
}

/// Picks the hook for the project, of those whose token matched.
///
/// A hook bound to the project precedes an unbound one; among equals the first wins. `None`: out of scope. A project that could not
/// be read is outside every bound hook.
#[must_use]
pub fn hook_in_scope<'h>(hooks: &[&'h Hook], project: ProjectSeen<'_>) -> Option<&'h Hook> {
    let bound = hooks.iter().find(|hook| hook.is_bound() && hook.covers(project));
    bound.or_else(|| hooks.iter().find(|hook| !hook.is_bound())).copied()
}

impl Hook {
    /// Whether the hook is limited to named projects or namespaces.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        !self.projects.is_empty() || !self.namespaces.is_empty()
    }

    fn covers(&self, project: ProjectSeen<'_>) -> bool {
        project.id.is_some_and(|id| self.projects.contains(&id))
            || project
                .path
                .is_some_and(|path| self.namespaces.iter().any(|namespace| is_within(path, namespace)))
    }
}

/// Whether a project path is in a namespace. Whole segments count, so `group` does not cover `group-evil/x`; letter case is
/// ignored, since GitLab's paths are unique without it.
fn is_within(path: &str, namespace: &str) -> bool {
    let namespace = namespace.trim_matches('/');
    let Some((head, rest)) = path.split_at_checked(namespace.len()) else {
        return false;
    };
    !namespace.is_empty() && head.eq_ignore_ascii_case(namespace) && rest.starts_with('/') && rest.len() > 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::gitlab::{HookSet, WebhookSecret};

    fn hooks(entries: &[(&str, &str)]) -> HookSet {
        let entries: Vec<_> = entries
            .iter()
            .map(|(name, binding)| {
                format!(r#"{{"name": "{name}", "instance": "i", "secret_tokens": ["t"] {binding}}}"#)
            })
            .collect();
        let json = format!(r#"{{"hooks": [{}]}}"#, entries.join(","));
        HookSet::merge([WebhookSecret::parse(&json.as_str().into()).unwrap()]).0
    }

    fn picked(set: &HookSet, id: Option<i64>, path: Option<&str>) -> Option<String> {
        let hooks: Vec<_> = set.hooks().iter().collect();
        hook_in_scope(
            &hooks,
            ProjectSeen {
                id: id.map(ProjectId),
                path,
            },
        )
        .map(|hook| hook.name.clone())
    }

    #[test]
    fn unbound_hook_covers_every_project() {
        let set = hooks(&[("all", "")]);
        assert_eq!(picked(&set, Some(7), Some("a/b")).as_deref(), Some("all"));
        assert_eq!(picked(&set, None, None).as_deref(), Some("all"));
    }

    #[test]
    fn bound_hook_covers_only_its_projects_and_namespaces() {
        let set = hooks(&[(
            "bound",
            r#","projects": [7], "namespaces": ["group/", "other/sub", "/Ümlaut/"]"#,
        )]);
        let cases = [
            (Some(7), Some("elsewhere/x"), true),
            (Some(7), None, true),
            (Some(8), Some("group/x"), true),
            (Some(8), Some("GROUP/deep/x"), true),
            (Some(8), Some("other/sub/x"), true),
            (Some(8), Some("Ümlaut/x"), true),
            (Some(8), Some("group-evil/x"), false),
            (Some(8), Some("groupx"), false),
            (Some(8), Some("group"), false),
            (Some(8), Some("group/"), false),
            (Some(8), Some("evil/group/x"), false),
            (Some(8), Some("other/subversive/x"), false),
            (Some(8), Some("/group/x"), false),
            (Some(8), Some("Ü"), false),
            (Some(8), Some(""), false),
            (Some(8), None, false),
            (None, None, false),
        ];
        for (id, path, inside) in cases {
            assert_eq!(picked(&set, id, path).is_some(), inside, "{id:?} {path:?}");
        }
    }

    #[test]
    fn an_empty_namespace_covers_nothing() {
        let set = hooks(&[("bound", r#","namespaces": ["", "/"]"#)]);
        assert_eq!(picked(&set, Some(7), Some("a/b")), None);
        assert_eq!(picked(&set, Some(7), Some("/b")), None);
    }

    #[test]
    fn hook_bound_to_the_project_is_preferred() {
        let set = hooks(&[
            ("all", ""),
            ("first", r#","projects": [1]"#),
            ("second", r#","projects": [2]"#),
        ]);
        assert_eq!(picked(&set, Some(2), None).as_deref(), Some("second"));
        assert_eq!(picked(&set, Some(3), None).as_deref(), Some("all"));
        assert_eq!(hook_in_scope(&[], ProjectSeen::default()).map(|hook| &hook.name), None);
    }

    proptest! {
        #[test]
        fn covered_path_begins_with_the_whole_namespace(path in ".{0,40}", namespace in "[a-z/]{0,10}") {
            if is_within(&path, &namespace) {
                let prefix = format!("{}/", namespace.trim_matches('/'));
                prop_assert!(path.to_ascii_lowercase().starts_with(&prefix));
            }
        }
    }
}
