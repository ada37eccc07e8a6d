//! The directory of an audit log: locked by one process; its files are created and removed durably.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::AuditQueueError;

const LOCK: &str = "queue.lock";
/// How long to wait for the lock.
const LOCK_TIMEOUT: Duration = Duration::from_millis(500);

/// The directory, locked while this value lives.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    lock: File,
}

impl Directory {
    /// Creates the directory if absent, and locks it.
    pub(super) fn open(path: &Path) -> Result<Self, AuditQueueError> {
        fs::create_dir_all(path).map_err(AuditQueueError::io("create the directory", path))?;
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync(parent).map_err(AuditQueueError::io("sync the directory", parent))?;
        }
        let file = path.join(LOCK);
        let mut lock = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&file)
            .map_err(AuditQueueError::io("open", &file))?;
        match locked(&lock) {
            Ok(true) => {}
            Ok(false) => {
                let mut holder = String::new();
                let holder = lock.read_to_string(&mut holder).ok().map(|_| holder);
                return Err(AuditQueueError::InUse {
                    directory: path.to_owned(),
                    holder: holder
                        .map(|text| text.trim().to_owned())
                        .filter(|text| !text.is_empty()),
                });
            }
            Err(source) => return Err(AuditQueueError::io("lock", &file)(source)),
        }
        // Only for the error message of a second process.
        let _ = lock
            .set_len(0)
            .and_then(|()| writeln!(lock, "process {}", std::process::id()));
        Ok(Self {
            path: path.to_owned(),
            lock,
        })
    }

    /// The path of the directory.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Files whose name is `<prefix><middle><suffix>`, with the middle, ordered by name.
    pub(super) fn list(&self, prefix: &str, suffix: &str) -> Result<Vec<(String, PathBuf)>, AuditQueueError> {
        let read = || -> io::Result<Vec<(String, PathBuf)>> {
            let mut found = Vec::new();
            for file in fs::read_dir(&self.path)? {
                let file = file?;
                let name = file.file_name();
                let middle = name
                    .to_str()
                    .and_then(|name| name.strip_prefix(prefix)?.strip_suffix(suffix));
                if let Some(middle) = middle {
                    found.push((middle.to_owned(), file.path()));
                }
            }
            found.sort();
            Ok(found)
        };
        read().map_err(AuditQueueError::io("list", &self.path))
    }

    /// Creates a file atomically: even after a power cut it is complete or absent.
    pub(super) fn create(&self, name: &str, content: &[u8]) -> io::Result<File> {
        let unfinished = self.path.join("unfinished");
        let mut file = File::options()
            .create(true)
            .truncate(true)
            .read(true)
            .write(true)
            .open(&unfinished)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&unfinished, self.path.join(name))?;
        sync(&self.path)?;
        Ok(file)
    }

    /// Removes a file durably.
    pub(super) fn remove(&self, file: &Path) -> io::Result<()> {
        match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        sync(&self.path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // Closing is not enough: a child process that is just starting may still hold a copy.
        let _ = self.lock.unlock();
    }
}

/// Takes the lock; waits briefly for a process that is ending.
fn locked(lock: &File) -> io::Result<bool> {
    let until = Instant::now() + LOCK_TIMEOUT;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() >= until => return Ok(false),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// A new, renamed or removed name is on disk only when its directory is (fsync(2)).
fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
