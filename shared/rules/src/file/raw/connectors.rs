//! `linear`, `jira` and `confluence`: what is updated after a merge.

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::Problems;
use crate::{AuditPage, ConfluenceRules, JiraRules, LinearRules, Tracking};

/// Confluence accepts pages of a few megabytes, but its editor becomes slow long before.
const DEFAULT_PAGE_KILOBYTES: u32 = 512;
/// Between a page with room for its heading and one that Confluence would hardly accept.
const PAGE_KILOBYTES: std::ops::RangeInclusive<u32> = 8..=4096;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLinear {
    #[serde(default)]
    teams: Vec<Spanned<String>>,
    #[serde(default)]
    completed_state: Option<Spanned<String>>,
    #[serde(default)]
    audited_label: Option<Spanned<String>>,
    #[serde(default)]
    exception_label: Option<Spanned<String>>,
    #[serde(default)]
    close_exceptions: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawJira {
    base_url: Spanned<String>,
    #[serde(default)]
    projects: Vec<Spanned<String>>,
    #[serde(default)]
    done_status: Option<Spanned<String>>,
    #[serde(default)]
    audited_label: Option<Spanned<String>>,
    #[serde(default)]
    exception_label: Option<Spanned<String>>,
    #[serde(default)]
    close_exceptions: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawConfluence {
    base_url: Spanned<String>,
    #[serde(default)]
    page_id: Option<Spanned<u64>>,
    #[serde(default)]
    space: Option<Spanned<String>>,
    #[serde(default)]
    title: Option<Spanned<String>>,
    #[serde(default)]
    parent_id: Option<Spanned<u64>>,
    #[serde(default)]
    page_limit_kilobytes: Option<Spanned<u32>>,
}

pub(super) fn linear(problems: &mut Problems, raw: RawLinear) -> LinearRules {
    let labels = [raw.audited_label.as_ref(), raw.exception_label.as_ref()];
    let prefixes = prefixes(problems, "linear: teams", &raw.teams);
    LinearRules {
        tracking: tracking(problems, prefixes, labels, raw.close_exceptions),
        completed_state: raw
            .completed_state
            .map(|state| problems.text("completed_state", &state)),
    }
}

pub(super) fn jira(problems: &mut Problems, raw: RawJira) -> JiraRules {
    let labels = [raw.audited_label.as_ref(), raw.exception_label.as_ref()];
    for label in labels.into_iter().flatten() {
        if label.value.trim().contains(char::is_whitespace) {
            problems.refuse(label, "jira: Jira labels cannot contain spaces");
        }
    }
    let prefixes = prefixes(problems, "jira: projects", &raw.projects);
    JiraRules {
        base_url: problems.address("jira: base_url", &raw.base_url),
        tracking: tracking(problems, prefixes, labels, raw.close_exceptions),
        done_status: raw.done_status.map(|status| problems.text("done_status", &status)),
    }
}

pub(super) fn confluence(problems: &mut Problems, raw: &Spanned<RawConfluence>) -> ConfluenceRules {
    let RawConfluence {
        page_id,
        space,
        title,
        parent_id,
        ..
    } = &raw.value;
    let page = match (page_id, space, title) {
        (Some(id), None, None) => AuditPage::Id(id.value.to_string()),
        (None, Some(space), Some(title)) => AuditPage::Titled {
            space: problems.text("confluence: space", space),
            title: problems.text("confluence: title", title),
            parent_id: parent_id.as_ref().map(|id| id.value.to_string()),
        },
        _ => {
            problems.refuse(raw, "confluence: identify the page by page_id, or by space and title");
            AuditPage::Id(String::new())
        }
    };
    if let (Some(_), Some(parent)) = (page_id, parent_id) {
        problems.refuse(parent, "confluence: parent_id requires space and title");
    }
    let limit = raw.value.page_limit_kilobytes.as_ref();
    if let Some(at) = limit.filter(|limit| !PAGE_KILOBYTES.contains(&limit.value)) {
        problems.refuse(at, "confluence: page_limit_kilobytes must be between 8 and 4096");
    }
    ConfluenceRules {
        base_url: problems.address("confluence: base_url", &raw.value.base_url),
        page,
        page_limit_bytes: limit.map_or(DEFAULT_PAGE_KILOBYTES, |limit| limit.value) as usize * 1024,
    }
}

fn tracking(
    problems: &mut Problems,
    prefixes: Vec<String>,
    labels: [Option<&Spanned<String>>; 2],
    close_exceptions: bool,
) -> Tracking {
    let tracking = Tracking {
        prefixes,
        audited_label: name(problems, "audited_label", labels[0], "audited"),
        exception_label: name(problems, "exception_label", labels[1], "audit-exception"),
        close_exceptions,
    };
    require_distinct_labels(problems, &tracking, labels);
    tracking
}

/// Rejects two equal labels: every issue would appear to have both.
fn require_distinct_labels(problems: &mut Problems, tracking: &Tracking, given: [Option<&Spanned<String>>; 2]) {
    let same = tracking.audited_label.to_lowercase() == tracking.exception_label.to_lowercase();
    if let Some(at) = given.into_iter().flatten().next().filter(|_| same) {
        problems.refuse(at, "audited_label and exception_label must differ");
    }
}

fn name(problems: &mut Problems, field: &str, given: Option<&Spanned<String>>, default: &str) -> String {
    given.map_or_else(|| default.to_owned(), |name| problems.text(field, name))
}

fn prefixes(problems: &mut Problems, field: &str, raw: &[Spanned<String>]) -> Vec<String> {
    for prefix in raw {
        let is_prefix = prefix.value.starts_with(|c: char| c.is_ascii_alphabetic())
            && prefix.value.chars().all(|c| c.is_ascii_alphanumeric());
        if !is_prefix {
            problems.refuse(
                prefix,
                &format!("{field}: use the letters before the number, such as ENG of ENG-123"),
            );
        }
    }
    raw.iter().map(|prefix| prefix.value.to_ascii_uppercase()).collect()
}
