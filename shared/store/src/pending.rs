//! What waits for GitLab: evaluations of merges, and reviews before a merge.

mod evaluation;
mod evaluations;
mod reviews;
mod schedule;

pub(crate) use evaluation::{EVALUATION, EVALUATION_COLUMNS, read_evaluation};
pub use evaluation::{Evaluation, EvaluationSource, EvaluationState};
pub use reviews::PendingReview;
pub(crate) use reviews::{REVIEW, REVIEW_COLUMNS, read_pending_review};
