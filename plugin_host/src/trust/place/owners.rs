//! Who can change what lies on a way.

use std::{fs, io, os::unix::fs::MetadataExt, path::Path};

use super::{
    super::{TrustProblem, snapshot},
    way::Way,
};

const GROUP: u32 = 0o020;
const OTHERS: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// Permissions and owners, which are the same for whoever asks.
#[derive(Clone, Copy)]
struct Place {
    mode: u32,
    user: u32,
    group: u32,
}

/// What others can do to a place.
#[derive(Debug, PartialEq, Eq)]
enum Harm {
    /// It is theirs, and so are its permissions.
    Own,
    /// They can write there by these permissions.
    Write(u32),
}

/// The first place on a way that others can change, so that the way leads elsewhere or what it leads to is other.
pub(super) fn harmed(way: &Way) -> io::Result<Option<TrustProblem>> {
    let own = snapshot::own_user()?;
    for (directory, exchanges) in &way.directories {
        let place = Place::of(directory)?;
        if let Some(harm) = place.harm(own, !exchanges) {
            return Ok(Some(place.problem(directory, &harm, own)));
        }
    }
    for link in &way.links {
        let place = Place::of(link)?;
        // Everybody may write to a link, as its permissions say, and nobody can.
        if place.is_foreign(own) {
            return Ok(Some(place.problem(link, &Harm::Own, own)));
        }
    }
    let Some(end) = &way.end else { return Ok(None) };
    let place = Place::of(end)?;
    let harm = place.harm(own, false);
    Ok(harm.map(|harm| place.problem(end, &harm, own)))
}

impl Place {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::symlink_metadata(path)?;
        Ok(Self {
            mode: metadata.mode() & 0o7777,
            user: metadata.uid(),
            group: metadata.gid(),
        })
    }

    /// Whether it belongs to neither `own`, who loads plugins, nor to root.
    fn is_foreign(self, own: u32) -> bool {
        self.user != own && self.user != 0
    }

    /// What others than `own` and root can do to it.
    ///
    /// In a directory above, a file of somebody else's can only be renamed when the directory is not
    /// sticky. The group of a user's own, which has the user's number (see `pam_umask(8)`), is not others.
    fn harm(self, own: u32, above: bool) -> Option<Harm> {
        if self.is_foreign(own) {
            return Some(Harm::Own);
        }
        let private_group = self.user == self.group && self.user != 0;
        let harmful = match above {
            true if self.mode & STICKY != 0 => 0,
            true => OTHERS,
            false if private_group => OTHERS,
            false => OTHERS | GROUP,
        };
        (self.mode & harmful != 0).then_some(Harm::Write(harmful))
    }

    fn problem(self, path: &Path, harm: &Harm, own: u32) -> TrustProblem {
        let path = path.to_owned();
        match harm {
            Harm::Own => TrustProblem::ForeignOwner {
                path,
                expected: own,
                found: self.user,
            },
            Harm::Write(harmful) => TrustProblem::Writable {
                path,
                expected: self.mode & !harmful,
                found: self.mode,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: u32 = 1000;

    fn harm(mode: u32, user: u32, group: u32, above: bool) -> Option<Harm> {
        Place { mode, user, group }.harm(ME, above)
    }

    #[test]
    fn mine_and_roots_are_not_foreign() {
        for above in [false, true] {
            for user in [ME, 0] {
                assert_eq!(harm(0o755, user, user, above), None);
            }
            assert_eq!(harm(0o755, 1001, ME, above), Some(Harm::Own));
            // Whoever owns a directory may rename in it, sticky or not.
            assert_eq!(harm(0o1777, 1001, 1001, above), Some(Harm::Own));
        }
        assert_eq!(
            Place {
                mode: 0o755,
                user: ME,
                group: ME
            }
            .harm(0, true),
            Some(Harm::Own)
        );
    }

    #[test]
    fn a_group_is_others_unless_it_is_the_users_own() {
        let both = Some(Harm::Write(OTHERS | GROUP));
        assert_eq!(harm(0o775, ME, ME, false), None);
        assert_eq!(harm(0o777, ME, ME, false), Some(Harm::Write(OTHERS)));
        assert_eq!(harm(0o775, ME, 100, false), both);
        assert_eq!(harm(0o775, 0, ME, false), both);
        assert_eq!(harm(0o775, 0, 0, false), both);
        assert_eq!(harm(0o775, 1001, 1001, false), Some(Harm::Own));
    }

    #[test]
    fn above_a_sticky_directory_may_be_everybodys() {
        assert_eq!(harm(0o1777, 0, 0, true), None);
        assert_eq!(harm(0o777, 0, 0, true), Some(Harm::Write(OTHERS)));
        assert_eq!(harm(0o775, 0, 100, true), None);
        assert_eq!(harm(0o1777, 0, 0, false), Some(Harm::Write(OTHERS | GROUP)));
    }
}
