//! The end of a file: the entries in it, and whether the last line is complete.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use serde::Deserialize;
use uuid::Uuid;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tail {
    /// The ids of the whole lines, oldest first; a line that is not an entry has none.
    pub(super) ids: Vec<Uuid>,
    /// The bytes after the last line break.
    pub(super) torn: Vec<u8>,
}

#[derive(Deserialize)]
struct Identified {
    id: Uuid,
}

impl Tail {
    /// Reads at most the last `window` bytes of `file`, which is `length` bytes long.
    pub(super) fn read(file: &File, length: u64, window: u64) -> io::Result<Self> {
        let start = length.saturating_sub(window);
        let size = usize::try_from(length - start).map_err(io::Error::other)?;
        let mut bytes = vec![0; size];
        file.read_exact_at(&mut bytes, start)?;
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let torn = bytes.split_off(end);
        let mut lines = bytes.split(|byte| *byte == b'\n');
        if start > 0 {
            // The window begins within a line.
            lines.next();
        }
        let ids = lines.filter_map(|line| serde_json::from_slice(line).ok().map(|Identified { id }| id));
        Ok(Self {
            ids: ids.collect(),
            torn,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn tail(text: &[u8], window: u64) -> (Vec<u128>, Vec<u8>) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        let tail = Tail::read(&file, text.len() as u64, window).unwrap();
        (tail.ids.iter().map(Uuid::as_u128).collect(), tail.torn)
    }

    fn line(number: u128) -> String {
        format!(r#"{{"id":"{}","text":"x"}}"#, Uuid::from_u128(number))
    }

    #[test]
    fn whole_lines_yield_ids_and_torn_line_remains() {
        let (one, two) = (line(1), line(2));
        for (text, ids, torn) in [
            (String::new(), vec![], ""),
            ("\n".to_owned(), vec![], ""),
            (format!("{one}\n{two}\n"), vec![1, 2], ""),
            (format!("{one}\n{}", &two[..10]), vec![1], &two[..10]),
            (format!("{one}\n{two}"), vec![1], two.as_str()),
            (two[..10].to_owned(), vec![], &two[..10]),
            (format!("{one}\ntext\n{{}}\n\n{two}\n"), vec![1, 2], ""),
        ] {
            assert_eq!(tail(text.as_bytes(), 1000), (ids, torn.as_bytes().to_vec()), "{text}");
        }
        assert_eq!(tail(b"\xff\xfe\0\n\xff", 1000), (vec![], b"\xff".to_vec()));
    }

    #[test]
    fn window_starting_mid_line_reads_only_later_lines() {
        let text = format!("{}\n{}\n", line(1), line(2));
        let size = text.len() as u64;
        assert_eq!(tail(text.as_bytes(), size).0, [1, 2]);
        assert_eq!(tail(text.as_bytes(), size - 1).0, [2]);
        assert_eq!(tail(text.as_bytes(), 10).0, [0; 0]);
    }
}
