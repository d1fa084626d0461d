//! Commands at a terminal.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    os::{fd::AsRawFd, unix::fs::OpenOptionsExt},
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

/// What nothing here takes as long as.
const LONG: Duration = Duration::from_secs(60);

/// End of input, at the start of a line.
pub(super) const CTRL_D: &str = "\x04";

/// A command, and who sits at its terminal.
pub(super) struct Terminal {
    child: Child,
    side: File,
    shown: String,
}

impl Terminal {
    /// Starts a command whose input, output and errors are a pseudo-terminal.
    pub(super) fn run(mut command: Command) -> Self {
        let (side, other) = pair();
        command
            .stdin(other.try_clone().unwrap())
            .stdout(other.try_clone().unwrap())
            .stderr(other);
        // With `command` goes its other side: the child alone has it then.
        Self {
            child: command.spawn().unwrap(),
            side,
            shown: String::new(),
        }
    }

    /// Takes in what is shown next; false once the command has let go of the terminal.
    fn look(&mut self) -> bool {
        let begun = Instant::now();
        let mut buffer = [0; 1024];
        while begun.elapsed() < LONG {
            match self.side.read(&mut buffer) {
                Ok(read @ 1..) => {
                    let text = String::from_utf8_lossy(&buffer[..read]);
                    self.shown += &text.replace('\r', "");
                    return true;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    thread::sleep(Duration::from_millis(5));
                }
                // In place of an end there is an error.
                Ok(_) | Err(_) => return false,
            }
        }
        panic!("nothing more after: {}", self.shown);
    }

    /// Waits until `text` is the last that is shown.
    pub(super) fn wait_for(&mut self, text: &str) {
        while !self.shown.ends_with(text) {
            assert!(self.look(), "no '{text}' in: {}", self.shown);
        }
    }

    pub(super) fn enter(&mut self, keys: &str) {
        self.side.write_all(keys.as_bytes()).unwrap();
    }

    /// The exit code and all that was shown, once the command has ended.
    pub(super) fn end(mut self) -> (Option<i32>, String) {
        while self.look() {}
        (self.child.wait().unwrap().code(), self.shown)
    }

    /// The exit code after the terminal has gone away.
    pub(super) fn close(mut self) -> Option<i32> {
        drop(self.side);
        self.child.wait().unwrap().code()
    }
}

/// A pseudo-terminal: the side of who sits there and that of commands. Neither is inherited, so that other tests'
/// commands do not keep them open.
fn pair() -> (File, File) {
    let open = |path: &str, flags| {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        options.custom_flags(libc::O_NOCTTY | flags);
        let file = options.open(path);
        file.unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    let side = open("/dev/ptmx", libc::O_NONBLOCK);
    unlock(&side);
    let told = fs::read_to_string(format!("/proc/self/fdinfo/{}", side.as_raw_fd())).unwrap();
    let mut lines = told.lines();
    let number = lines.find_map(|line| line.strip_prefix("tty-index:"));
    let other = open(&format!("/dev/pts/{}", number.unwrap().trim()), 0);
    (side, other)
}

#[allow(
    unsafe_code,
    reason = "rustix has it safely, but with that feature all of DataFusion would be compiled anew"
)]
fn unlock(side: &File) {
    // SAFETY: takes a number, that of an open file.
    let unlocked = unsafe { libc::unlockpt(side.as_raw_fd()) };
    assert_eq!(unlocked, 0, "{}", io::Error::last_os_error());
}
