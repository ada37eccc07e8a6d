//! Lists of named static keys in a secret: an invalid entry disables only itself, and the keys of every version are accepted.

mod entry;
mod ring;

pub use entry::{EntryPosition, ListEntry};
pub use ring::{KeyHolder, KeyProblem, KeyProblemKind, KeyRing};
