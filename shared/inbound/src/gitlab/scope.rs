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
mod tests;
