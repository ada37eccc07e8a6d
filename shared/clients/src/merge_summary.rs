//! A decided merge as reported to other systems: the verdict, who approved, and where the evidence is.

use jiff::Timestamp;
use model::{EvidenceRef, IssueMention, LedgerRow, MentionPlace, User, Verdict, VerdictOutcome};
use rules::{Tracking, Wording};
use uuid::Uuid;

/// Texts from outside are cut to this many characters each.
const LONGEST: usize = 200;

/// A decided merge, and everything that is reported about it.
#[derive(Debug, Clone)]
pub struct MergeSummary {
    /// Id of the effect. The target is searched for it.
    pub reference: Uuid,
    /// State of the review.
    pub row: LedgerRow,
    pub verdict: Verdict,
    /// The decision with this verdict.
    pub decision_id: Uuid,
    /// When the decision was made.
    pub decided_at: Timestamp,
    /// The evidence of the decision.
    pub evidence: Option<EvidenceRef>,
    /// The exception, if the merge is one.
    pub exception_id: Option<Uuid>,
    /// Issues that the merge request mentions.
    pub mentions: Vec<IssueMention>,
    /// The issue that an earlier effect updated.
    pub earlier_issue: Option<String>,
    /// An earlier effect of this merge was applied or begun.
    pub is_correction: bool,
    /// The verdict rests on GitLab's own answer. Without it no issue is closed: the content of a delivery alone is not proof.
    pub is_confirmed: bool,
}

/// Changes of an issue's labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Labels<'a> {
    /// Our label to add.
    pub(crate) add: Option<&'a str>,
    /// Our labels that a correction made obsolete.
    pub(crate) remove: Vec<&'a str>,
}

/// How to mark an issue.
#[derive(Debug, Clone, Copy)]
pub struct TrackerOptions<'a> {
    pub wording: &'a Wording,
    /// The exception of another merge keeps the issue open.
    pub blocked_by_exception: bool,
    /// Change nothing, only read.
    pub read_only: bool,
}

impl MergeSummary {
    /// `payments/gateway!12`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}!{}", short(&self.row.project_path), self.row.merge_request.mr_iid)
    }

    /// Whether the merge is an exception.
    #[must_use]
    pub fn is_exception(&self) -> bool {
        self.verdict.exception().is_some()
    }

    /// The verdict in one sentence.
    #[must_use]
    pub fn sentence(&self, wording: &Wording) -> String {
        match self.verdict.outcome {
            VerdictOutcome::Approved { .. } => "Merged with the security team's approval.".to_owned(),
            VerdictOutcome::Exception { kind } => {
                format!("Merged without a valid security approval. {}", wording.why(kind))
            }
            VerdictOutcome::Declassified => {
                "Merged after the security team removed the label: no approval was needed.".to_owned()
            }
            VerdictOutcome::NotCarried | VerdictOutcome::Pending { .. } => {
                "No matching security label: no approval was needed.".to_owned()
            }
        }
    }

    /// Users whose approval counted, each with its time.
    #[must_use]
    pub fn approvers(&self) -> Vec<String> {
        let valid = self.verdict.approvals.iter().filter(|seen| seen.against.is_empty());
        let approvers = valid.map(|seen| match seen.approved_at {
            Some(at) => format!("{} ({at:.0})", person(&seen.user)),
            None => person(&seen.user),
        });
        approvers.collect()
    }

    /// Users who were asked to review, each with the state of the review.
    #[must_use]
    pub fn reviewers(&self) -> Vec<String> {
        let reviewers = self.row.reviewers.iter().map(|reviewer| match &reviewer.state {
            Some(state) => format!("{} ({})", person(&reviewer.user), short(state)),
            None => person(&reviewer.user),
        });
        reviewers.collect()
    }

    /// The details as pairs of a name and a text. None of them is markup.
    #[must_use]
    pub fn particulars(&self) -> Vec<(&'static str, String)> {
        let merge = self.row.merge.as_ref();
        let merger = merge.and_then(|merge| merge.by.as_ref());
        let mut particulars = vec![
            ("Approved by", or_none(&self.approvers())),
            ("Reviewers", or_none(&self.reviewers())),
            ("Merged by", merger.map_or_else(|| "unknown".to_owned(), person)),
        ];
        particulars.extend(merge.map(|merge| ("Merged at", format!("{:.0}", merge.at))));
        let labels: Vec<String> = self.row.review.labels.iter().map(|label| short(label)).collect();
        particulars.push(("Security labels", or_none(&labels)));
        particulars.push(("Risk tier", short(&self.row.review.risk_tier)));
        let commit = merge.and_then(|merge| merge.commit_sha.as_ref());
        particulars.extend(commit.map(|commit| ("Merge commit", short(commit))));
        particulars.extend(self.exception_id.map(|id| ("Exception", id.to_string())));
        particulars.push(("Decision", self.decision_id.to_string()));
        let evidence = self.evidence.as_ref();
        particulars.extend(evidence.map(|evidence| ("Evidence", format!("sha256:{}", evidence.sha256))));
        particulars
    }

    /// Keys of issues that may be the linked one, in the order in which they are tried, with the place of the mention.
    pub(crate) fn candidates(&self, tracking: &Tracking) -> Vec<(MentionPlace, &str)> {
        // A correction goes to the issue that was marked before, independent of the current mentions.
        let earlier = self
            .earlier_issue
            .iter()
            .map(|key| (MentionPlace::Branch, key.as_str()));
        let mentions = self
            .mentions
            .iter()
            .map(|mention| (mention.place, mention.key.as_str()));
        let counting = mentions.filter(|(_, key)| tracking.counts(key)).take(MOST_CANDIDATES);
        earlier.chain(counting).collect()
    }

    /// The changes of the issue's labels.
    pub(crate) fn labels<'a>(&self, tracking: &'a Tracking, blocked_by_exception: bool) -> Labels<'a> {
        let (audited, exception) = (tracking.audited_label.as_str(), tracking.exception_label.as_str());
        let (add, wrong) = match self.verdict.outcome {
            VerdictOutcome::Approved { .. } => (Some(audited).filter(|_| !blocked_by_exception), vec![exception]),
            VerdictOutcome::Exception { .. } => (Some(exception), vec![audited]),
            // Nothing was audited, and nothing is wrong.
            VerdictOutcome::Declassified | VerdictOutcome::NotCarried | VerdictOutcome::Pending { .. } => {
                (None, vec![audited, exception])
            }
        };
        let mut remove = if self.is_correction { wrong } else { Vec::new() };
        // The other merge's exception still needs it.
        remove.retain(|label| !(blocked_by_exception && *label == exception));
        Labels { add, remove }
    }

    /// Whether to close the issue.
    pub(crate) fn closes(&self, tracking: &Tracking, blocked_by_exception: bool) -> bool {
        let wanted = match self.verdict.outcome {
            VerdictOutcome::Approved { .. } => true,
            VerdictOutcome::Exception { .. } => tracking.close_exceptions,
            VerdictOutcome::Declassified | VerdictOutcome::NotCarried | VerdictOutcome::Pending { .. } => false,
        };
        wanted && self.is_confirmed && !blocked_by_exception
    }

    /// Why the issue stays open, if the comment must say it.
    pub(crate) fn stays_open(&self, tracking: &Tracking, blocked_by_exception: bool) -> Option<&'static str> {
        match self.verdict.outcome {
            VerdictOutcome::Exception { .. } if !self.closes(tracking, blocked_by_exception) => {
                Some("This issue stays open until the merge is reviewed.")
            }
            VerdictOutcome::Approved { .. } if blocked_by_exception => Some(
                "This issue stays open: another merge for it has no valid approval, and that exception is still open.",
            ),
            _ => None,
        }
    }
}

/// At most this many keys are looked up.
const MOST_CANDIDATES: usize = 8;

/// With the id, because the username may have changed since.
fn person(user: &User) -> String {
    format!("{} (id {})", short(&user.username), user.id)
}

fn or_none(texts: &[String]) -> String {
    if texts.is_empty() {
        "none".to_owned()
    } else {
        texts.join(", ")
    }
}

fn short(text: &str) -> String {
    crate::plain::line(text, LONGEST)
}

/// Result of marking the issue of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tracked {
    /// Everything is as wanted.
    Done,
    /// The issue lacks something, and changes were not requested.
    Missing,
}
