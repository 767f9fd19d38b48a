//! Who may open a region besides the user who made it, and the modes that say so.

use std::fmt;

use rustix::fs::Mode;

use crate::seat::SeatKind;

/// Who may subscribe to a region besides its own user. Publishing stays with that user.
///
/// Sharing guards against mistakes of those others, not against their malice. They cannot change a message or make anything
/// in the region's directory, and what they write is checked like any other damage. But whoever may subscribe writes `peers` and
/// locks the lock files. So it can keep others from joining, make a dead region look alive, hold lossless topics up, make
/// blocks be reused while others read them; and it can truncate `peers`, which ends every process that uses the region by
/// `SIGBUS`: a right to write is one to truncate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SharedWith {
    /// Nobody: files of mode 0600 in directories of mode 0700.
    #[default]
    Nobody,
    /// The members of the files' group: the creator's, or that of a set-group-ID directory.
    Group,
    /// Every user of the machine.
    Everybody,
}

impl SharedWith {
    /// The bits of `group` and `other` that count.
    const fn mask(self) -> u32 {
        match self {
            Self::Nobody => 0,
            Self::Group => 0o070,
            Self::Everybody => 0o077,
        }
    }

    const fn mode(self, owner: u32, others: u32) -> Mode {
        Mode::from_raw_mode(owner | others & self.mask())
    }

    /// Directories are entered and listed, and written by their owner alone.
    pub(crate) const fn directory(self) -> Mode {
        self.mode(0o700, 0o055)
    }

    /// `data` is read.
    pub(crate) const fn data(self) -> Mode {
        self.mode(0o600, 0o044)
    }

    /// `peers` is written: it has the subscribers' records.
    pub(crate) const fn peers(self) -> Mode {
        self.mode(0o600, 0o066)
    }

    /// Lock files of subscribers are written by those who sit there, those of publishers are looked at.
    pub(crate) const fn seat(self, kind: SeatKind) -> Mode {
        match kind {
            SeatKind::Publisher => self.mode(0o600, 0o044),
            SeatKind::Subscriber => self.mode(0o600, 0o066),
        }
    }

    /// What a directory of this mode was made for.
    pub(crate) const fn of_directory(mode: u32) -> Self {
        match mode & 0o055 {
            0 => Self::Nobody,
            0o055 => Self::Everybody,
            _ => Self::Group,
        }
    }

    /// True when those meant can enter and list a directory of this mode.
    pub(crate) const fn can_enter(self, mode: u32) -> bool {
        let needed = 0o055 & self.mask();
        mode & needed == needed
    }
}

impl fmt::Display for SharedWith {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nobody => "nobody",
            Self::Group => "its group",
            Self::Everybody => "everybody",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_may_write_a_directory_or_data_whoever_it_is_shared_with() {
        for shared in [SharedWith::Nobody, SharedWith::Group, SharedWith::Everybody] {
            let directory = shared.directory().as_raw_mode();
            assert_eq!((directory | shared.data().as_raw_mode()) & 0o022, 0);
            assert_eq!(SharedWith::of_directory(directory), shared);
            assert!(shared.can_enter(directory));
        }
        assert_eq!(SharedWith::Nobody.peers(), Mode::RUSR | Mode::WUSR);
        assert!(!SharedWith::Group.can_enter(0o700) && !SharedWith::Everybody.can_enter(0o750));
    }
}
