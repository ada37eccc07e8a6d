//! The name of a merge request on the command line.

use model::{MergeRequestIid, MergeRequestKey, ProjectId};
use store::Store;

use crate::output::{CommandError, Ending};

/// A merge request by the name that a user gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MergeRequestName {
    /// The instance before a numeric project id, if given.
    instance: Option<String>,
    project: String,
    iid: i64,
}

impl MergeRequestName {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        const FORM: &str = "expected 7301!811, main/7301!811 or payments/gateway!811";
        let (project, iid) = text.rsplit_once('!').ok_or(FORM)?;
        let iid = iid.parse().ok().filter(|iid| *iid > 0).ok_or(FORM)?;
        let numeric = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let (instance, project) = match project.rsplit_once('/') {
            Some((instance, id)) if numeric(id) => (Some(instance.to_owned()), id),
            _ => (None, project),
        };
        if project.is_empty() {
            return Err(FORM);
        }
        Ok(Self {
            instance,
            project: project.to_owned(),
            iid,
        })
    }

    /// The one merge request with this name.
    pub(crate) async fn find(&self, store: &Store) -> Result<Option<MergeRequestKey>, CommandError> {
        if let (Some(instance), Ok(id)) = (&self.instance, self.project.parse()) {
            return Ok(Some(MergeRequestKey {
                instance: instance.clone(),
                project_id: ProjectId(id),
                mr_iid: MergeRequestIid(self.iid),
            }));
        }
        let mut found = store.merge_requests_called(&self.project, self.iid).await?;
        if found.len() > 1 {
            let names: Vec<_> = found.iter().map(ToString::to_string).collect();
            return Err(CommandError::Usage(format!(
                "ambiguous merge request: use one of {}",
                names.join(", ")
            )));
        }
        Ok(found.pop())
    }
}

pub(crate) fn unknown_merge_request(named: &MergeRequestName) -> Ending {
    let MergeRequestName { project, iid, .. } = named;
    crate::output::remark(&format!(
        "unknown merge request {project}!{iid}: no delivery reported it"
    ));
    Ending::Nothing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merge_request_names_are_parsed_or_rejected() {
        let named = |instance: Option<&str>, project: &str, iid| MergeRequestName {
            instance: instance.map(str::to_owned),
            project: project.to_owned(),
            iid,
        };
        let cases = [
            ("7301!811", named(None, "7301", 811)),
            ("main/7301!811", named(Some("main"), "7301", 811)),
            ("payments/gateway!811", named(None, "payments/gateway", 811)),
        ];
        for (text, expected) in cases {
            assert_eq!(MergeRequestName::parse(text), Ok(expected), "{text}");
        }
        for text in ["", "811", "!811", "7301!", "7301!x", "7301!-1", "7301!0"] {
            assert!(MergeRequestName::parse(text).is_err(), "{text:?}");
        }
    }
}
