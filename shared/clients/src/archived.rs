//! A merge as it is told to other systems afterwards: the verdict, who approved, and where the proof lies.

use jiff::Timestamp;
use model::{EvidenceRef, IssueMention, LedgerRow, MentionPlace, User, Verdict, VerdictOutcome};
use rules::{Tracking, Wording};
use uuid::Uuid;

/// Texts that people outside wrote are cut to this many characters each.
const LONGEST: usize = 200;

/// A merge that has been judged, and everything that is told of it.
#[derive(Debug, Clone)]
pub struct ArchivedMerge {
    /// Names this telling at the target, where it is found again by it: the id of the effect.
    pub reference: Uuid,
    /// Where the review stands.
    pub row: LedgerRow,
    pub verdict: Verdict,
    /// The decision that says so.
    pub decision_id: Uuid,
    /// When it was made.
    pub decided_at: Timestamp,
    /// What it rests on.
    pub evidence: Option<EvidenceRef>,
    /// The exception, if it is one.
    pub exception_id: Option<Uuid>,
    /// Issues that the merge request mentions.
    pub mentions: Vec<IssueMention>,
    /// The issue that an earlier telling was about.
    pub earlier_issue: Option<String>,
    /// Something else has been told of this merge before, or begun to be told.
    pub is_correction: bool,
    /// The verdict rests on GitLab's own answer. Without it no issue is closed: what a delivery alone says can be anybody's word.
    pub is_confirmed: bool,
}

/// What becomes of an issue's labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Labels<'a> {
    /// One of ours that it gets.
    pub(crate) add: Option<&'a str>,
    /// Those of ours that a correction has made wrong.
    pub(crate) remove: Vec<&'a str>,
}

/// How an issue is marked.
#[derive(Debug, Clone, Copy)]
pub struct Marking<'a> {
    pub wording: &'a Wording,
    /// The exception of another merge keeps the issue open.
    pub is_held: bool,
    /// Nothing is changed.
    pub only_look: bool,
}

impl ArchivedMerge {
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
                "Merged after the security team had taken the label off: no approval was needed.".to_owned()
            }
            VerdictOutcome::NotCarried | VerdictOutcome::Pending { .. } => {
                "No security label was carried: no approval was needed.".to_owned()
            }
        }
    }

    /// Users whose approval counted, each with its time.
    #[must_use]
    pub fn approvers(&self) -> Vec<String> {
        let valid = self.verdict.approvals.iter().filter(|seen| seen.against.is_empty());
        let told = valid.map(|seen| match seen.approved_at {
            Some(at) => format!("{} ({at:.0})", person(&seen.user)),
            None => person(&seen.user),
        });
        told.collect()
    }

    /// Users who were asked to review, each with how far they got.
    #[must_use]
    pub fn reviewers(&self) -> Vec<String> {
        let reviewers = self.row.reviewers.iter();
        let told = reviewers.map(|reviewer| match &reviewer.state {
            Some(state) => format!("{} ({})", person(&reviewer.user), short(state)),
            None => person(&reviewer.user),
        });
        told.collect()
    }

    /// What is worth knowing, as pairs of a name and a text. Nothing in them is markup.
    #[must_use]
    pub fn particulars(&self) -> Vec<(&'static str, String)> {
        let merge = self.row.merge.as_ref();
        let merger = merge.and_then(|merge| merge.by.as_ref());
        let mut particulars = vec![
            ("Approved by", or_nobody(&self.approvers())),
            ("Reviewers", or_nobody(&self.reviewers())),
            ("Merged by", merger.map_or_else(|| "unknown".to_owned(), person)),
        ];
        particulars.extend(merge.map(|merge| ("Merged at", format!("{:.0}", merge.at))));
        let labels: Vec<String> = self.row.review.labels.iter().map(|label| short(label)).collect();
        particulars.push(("Security labels", or_nobody(&labels)));
        particulars.push(("Risk tier", short(&self.row.review.risk_tier)));
        let commit = merge.and_then(|merge| merge.commit_sha.as_ref());
        particulars.extend(commit.map(|commit| ("Merge commit", short(commit))));
        particulars.extend(self.exception_id.map(|id| ("Exception", id.to_string())));
        particulars.push(("Decision", self.decision_id.to_string()));
        let evidence = self.evidence.as_ref();
        particulars.extend(evidence.map(|evidence| ("Evidence", format!("sha256:{}", evidence.sha256))));
        particulars
    }

    /// Keys of issues that may be the linked one, in the order in which they are tried, with where they stand.
    pub(crate) fn candidates(&self, tracking: &Tracking) -> Vec<(MentionPlace, &str)> {
        // What has been told once is corrected where it was told, whatever is mentioned now.
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

    /// What becomes of the issue's labels.
    pub(crate) fn labels<'a>(&self, tracking: &'a Tracking, is_held: bool) -> Labels<'a> {
        let (audited, exception) = (tracking.audited_label.as_str(), tracking.exception_label.as_str());
        let (add, wrong) = match self.verdict.outcome {
            VerdictOutcome::Approved { .. } => (Some(audited).filter(|_| !is_held), vec![exception]),
            VerdictOutcome::Exception { .. } => (Some(exception), vec![audited]),
            // Nothing was audited, and nothing is wrong either.
            VerdictOutcome::Declassified | VerdictOutcome::NotCarried | VerdictOutcome::Pending { .. } => {
                (None, vec![audited, exception])
            }
        };
        let mut remove = if self.is_correction { wrong } else { Vec::new() };
        // The other merge's exception still stands for it.
        remove.retain(|label| !(is_held && *label == exception));
        Labels { add, remove }
    }

    /// Whether the issue is to be closed.
    pub(crate) fn closes(&self, tracking: &Tracking, is_held: bool) -> bool {
        let wanted = match self.verdict.outcome {
            VerdictOutcome::Approved { .. } => true,
            VerdictOutcome::Exception { .. } => tracking.close_exceptions,
            VerdictOutcome::Declassified | VerdictOutcome::NotCarried | VerdictOutcome::Pending { .. } => false,
        };
        wanted && self.is_confirmed && !is_held
    }

    /// Why the issue stays open, if there is a reason to say so.
    pub(crate) fn stays_open(&self, tracking: &Tracking, is_held: bool) -> Option<&'static str> {
        match self.verdict.outcome {
            VerdictOutcome::Exception { .. } if !self.closes(tracking, is_held) => {
                Some("This issue stays open until somebody has looked at the merge.")
            }
            VerdictOutcome::Approved { .. } if is_held => Some(
                "This issue stays open: it has also been merged for without a valid approval, which nobody has dealt with yet.",
            ),
            _ => None,
        }
    }
}

/// No more keys than this are looked up.
const MOST_CANDIDATES: usize = 8;

/// With the number, because the username may have changed since.
fn person(user: &User) -> String {
    format!("{} (id {})", short(&user.username), user.id)
}

fn or_nobody(texts: &[String]) -> String {
    if texts.is_empty() {
        "none".to_owned()
    } else {
        texts.join(", ")
    }
}

fn short(text: &str) -> String {
    crate::plain::line(text, LONGEST)
}

/// What came of marking the issue of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tracked {
    /// Everything stands as it should.
    Done,
    /// Something is missing at the issue, and nothing was to be changed.
    Missing,
}
