//! Running a plugin in a process of its own, which it may take down.
//!
//! The child is this executable with a hidden subcommand. It answers on stdout, a line per
//! message, each behind a mark: the plugin may write to stdout as well. The mark is another one in each run, and
//! handed over on stdin before the plugin is loaded. Before each step that
//! may end it, the child says what it is about to do. What it answers before such an end is kept.

use std::{
    env,
    hash::{BuildHasher, Hasher, RandomState},
    io::{self, BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio},
    sync::{
        OnceLock,
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use thiserror::Error;

/// In the child: what messages start with.
static MARK: OnceLock<String> = OnceLock::new();
/// How long a mark may be.
const MARK_LEN: u64 = 64;
/// How long a message may be: a plugin may describe itself in 16 MiB, which take more as JSON.
const MESSAGE_LEN: usize = 128 << 20;
/// How long more is waited for behind the last message of a child that has ended.
const LINGER: Duration = Duration::from_millis(500);
/// How much of the child's stderr is kept.
const STDERR_LEN: u64 = 64 * 1024;

/// A message of the child.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Message<A> {
    /// What it does next.
    Step(String),
    /// A part of what it was asked for.
    Answer(A),
    /// That there is no more; the last message.
    Done,
}

/// What a child said, and how it ended.
#[derive(Debug)]
pub(crate) struct Told<A> {
    /// The parts of its answer, in order.
    pub(crate) answers: Vec<A>,
    /// Whether the answer is complete.
    pub(crate) end: Result<(), ChildFailure>,
}

/// How a child ended without a complete answer.
#[derive(Debug, Error)]
pub(crate) enum ChildFailure {
    #[error("cannot start a process: {0}")]
    Start(#[from] io::Error),
    #[error("the process with the plugin ended with {status} {step}{}", said(.stderr))]
    Died {
        status: ExitStatus,
        step: String,
        stderr: String,
    },
    #[error("the process with the plugin was silent for {} s {step}", .limit.as_secs())]
    TimedOut { limit: Duration, step: String },
    #[error("the process with the plugin ended without its whole answer {step}{}", said(.stderr))]
    Incomplete { step: String, stderr: String },
}

fn said(stderr: &str) -> String {
    match stderr.trim() {
        "" => String::new(),
        text => format!("; it wrote: {text}"),
    }
}

/// In the child: takes the mark. To be called before anything of the plugin runs.
pub(crate) fn begin() -> io::Result<()> {
    let mut mark = String::new();
    io::stdin().lock().take(MARK_LEN).read_line(&mut mark)?;
    // There is one.
    let _ = MARK.set(mark.trim_end().to_owned());
    Ok(())
}

/// A mark that nobody guesses.
fn new_mark() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}

/// In the child: tells what it does next.
pub(crate) fn step(out: &mut dyn Write, step: impl Into<String>) -> io::Result<()> {
    tell(out, &Message::<()>::Step(step.into()))
}

/// In the child: gives a part of the answer.
pub(crate) fn answer(out: &mut dyn Write, answer: impl Serialize) -> io::Result<()> {
    tell(out, &Message::Answer(answer))
}

/// In the child: says that the answer is complete.
pub(crate) fn done(out: &mut dyn Write) -> io::Result<()> {
    tell(out, &Message::<()>::Done)
}

fn tell(out: &mut dyn Write, message: &Message<impl Serialize>) -> io::Result<()> {
    let mark = MARK.get().map_or("", String::as_str);
    // A line of its own, whatever the plugin has written before.
    writeln!(out, "\n{mark}{}", serde_json::to_string(message)?)?;
    out.flush()
}

/// Runs a hidden subcommand on a file.
///
/// A child that crashes, hangs or says nothing for `limit` is an end that names its last step.
pub(crate) fn ask<A: DeserializeOwned + Send + 'static>(
    subcommand: &str,
    file: &Path,
    arguments: &[String],
    limit: Duration,
) -> Told<A> {
    let start = || {
        Command::new(env::current_exe()?)
            .arg(subcommand)
            .arg(file)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    };
    let mark = new_mark();
    let mut answers = Vec::new();
    let end = match start() {
        Ok(mut child) => {
            if let Some(mut stdin) = child.stdin.take() {
                // One that is not there any more is told of below.
                let _ = writeln!(stdin, "{mark}");
            }
            listen(child, mark, limit, &mut answers)
        }
        Err(error) => Err(error.into()),
    };
    Told { answers, end }
}

fn listen<A: DeserializeOwned + Send + 'static>(
    mut child: Child,
    mark: String,
    limit: Duration,
    answers: &mut Vec<A>,
) -> Result<(), ChildFailure> {
    let messages = read_messages(child.stdout.take(), mark);
    let stderr_text = read_text(child.stderr.take());
    let mut step = String::new();
    let mut done = false;
    // What a plugin has started may keep the pipe open for as long as it likes: the child's end is what counts.
    let timed_out = loop {
        match messages.recv_timeout(limit) {
            Ok(Message::Step(next)) => step = format!("during: {next}"),
            Ok(Message::Answer(answer)) => answers.push(answer),
            Ok(Message::Done) => {
                done = true;
                break !ended(&mut child, Instant::now() + limit)?;
            }
            Err(RecvTimeoutError::Timeout) => break !ended(&mut child, Instant::now())?,
            Err(RecvTimeoutError::Disconnected) => {
                break !ended(&mut child, Instant::now() + limit)?;
            }
        }
    };
    if timed_out {
        // It may have ended by itself just now.
        let _ = child.kill();
        child.wait()?;
        return Err(ChildFailure::TimedOut { limit, step });
    }
    let status = child.wait()?;
    // Behind the last message there is none.
    if status.success() && done && messages.recv_timeout(LINGER).is_err() {
        return Ok(());
    }
    let stderr = stderr_text.recv_timeout(Duration::from_secs(1));
    let stderr = stderr.unwrap_or_default();
    Err(if status.success() {
        ChildFailure::Incomplete { step, stderr }
    } else {
        ChildFailure::Died {
            status,
            step,
            stderr,
        }
    })
}

/// The messages of a child, until its end of the pipe is closed.
fn read_messages<A: DeserializeOwned + Send + 'static>(
    stdout: Option<ChildStdout>,
    mark: String,
) -> Receiver<Message<A>> {
    let (sender, messages) = mpsc::channel();
    thread::spawn(move || {
        let Some(stdout) = stdout else { return };
        let mut out = BufReader::new(stdout);
        let mut line = Vec::new();
        while let Ok(true) = next_line(&mut out, mark.as_bytes(), &mut line) {
            let message = line.strip_prefix(mark.as_bytes());
            if let Some(message) = message.and_then(|text| serde_json::from_slice(text).ok())
                && sender.send(message).is_err()
            {
                return;
            }
        }
    });
    messages
}

/// Reads a line; nothing is kept of one that does not begin with the mark or is too long. Whether there was one.
fn next_line(out: &mut impl BufRead, mark: &[u8], line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let mut kept = true;
    loop {
        let found = match out.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            found => found?,
        };
        if found.is_empty() {
            return Ok(false);
        }
        let end = found.iter().position(|byte| *byte == b'\n');
        let part = &found[..end.unwrap_or(found.len())];
        if kept {
            line.extend_from_slice(part);
            let both = line.len().min(mark.len());
            kept = line[..both] == mark[..both] && line.len() <= MESSAGE_LEN;
        }
        if !kept {
            line.clear();
        }
        let read = part.len() + usize::from(end.is_some());
        out.consume(read);
        if end.is_some() {
            return Ok(true);
        }
    }
}

/// The beginning of what a child writes to stderr, when its end of the pipe is closed.
fn read_text(stderr: Option<ChildStderr>) -> Receiver<String> {
    let (sender, text) = mpsc::channel();
    thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(mut stderr) = stderr {
            let _ = stderr.by_ref().take(STDERR_LEN).read_to_end(&mut text);
            let _ = sender.send(String::from_utf8_lossy(&text).into_owned());
            // The child must not wait for a reader.
            let _ = io::copy(&mut stderr, &mut io::sink());
        }
    });
    text
}

/// Whether the child ends in time.
fn ended(child: &mut Child, deadline: Instant) -> io::Result<bool> {
    while child.try_wait()?.is_none() {
        if Instant::now() >= deadline {
            return Ok(false);
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(true)
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const TEST_MARK: &str = "a mark:";
    const TIME_LIMIT: Duration = Duration::from_secs(60);

    fn shell(script: &str, limit: Duration) -> Told<u32> {
        let child = Command::new("sh")
            .args(["-c", script])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut answers = Vec::new();
        let end = listen(child, TEST_MARK.to_owned(), limit, &mut answers);
        Told { answers, end }
    }

    fn line(message: &Message<u32>) -> String {
        // The same in every test.
        let _ = MARK.set(TEST_MARK.to_owned());
        let mut out = Vec::new();
        tell(&mut out, message).unwrap();
        format!("printf '%s' '{}';", String::from_utf8(out).unwrap())
    }

    fn step(text: &str) -> String {
        line(&Message::Step(text.to_owned()))
    }

    fn answer(number: u32) -> String {
        line(&Message::Answer(number))
    }

    fn done() -> String {
        line(&Message::Done)
    }

    #[test]
    fn answers_are_found_among_other_output() {
        let (one, two, done) = (answer(7), answer(8), done());
        let script = format!("printf noise; {one} echo more; {two} {done} printf rest");
        let told = shell(&script, TIME_LIMIT);
        told.end.unwrap();
        assert_eq!(told.answers, [7, 8]);
    }

    #[test]
    fn nothing_comes_behind_the_end() {
        let (answer, done) = (answer(7), done());
        let end = shell(&format!("{answer} {done} {done}"), TIME_LIMIT).end;
        assert!(
            matches!(end, Err(ChildFailure::Incomplete { .. })),
            "{end:?}"
        );
    }

    /// Guards that what the plugin writes is not kept.
    #[test]
    fn a_line_without_end_takes_no_memory() {
        let endless = io::repeat(b'x').take(40 << 20);
        let begun = [b"a mar\n".as_slice(), TEST_MARK.as_bytes(), b"yes\nrest"].concat();
        let mut out = BufReader::new(endless.chain(b"\n".as_slice()).chain(begun.as_slice()));
        let mut line = Vec::new();
        let mut next = || {
            let more = next_line(&mut out, TEST_MARK.as_bytes(), &mut line).unwrap();
            assert!(line.capacity() < 1 << 20, "{}", line.capacity());
            (more, String::from_utf8(line.clone()).unwrap())
        };
        assert_eq!(next(), (true, String::new()));
        assert_eq!(next(), (true, "a mar".to_owned()));
        assert_eq!(next(), (true, format!("{TEST_MARK}yes")));
        assert!(!next().0);
    }

    #[test]
    fn marks_differ() {
        let marks = [new_mark(), new_mark(), new_mark()];
        assert!(marks[0] != marks[1] && marks[1] != marks[2]);
        assert!(marks.iter().all(|mark| mark.len() == 32));
    }

    #[test]
    fn a_crash_names_the_step_and_keeps_what_was_answered() {
        let script = format!(
            "{} {} echo oops >&2; kill -SEGV $$",
            answer(7),
            step("calling f")
        );
        let told = shell(&script, TIME_LIMIT);
        assert_eq!(told.answers, [7]);
        let message = told.end.unwrap_err().to_string();
        assert!(message.contains("signal: 11"), "{message}");
        assert!(
            message.contains("during: calling f; it wrote: oops"),
            "{message}"
        );
    }

    #[test]
    fn a_crash_after_the_answer_is_a_crash() {
        let script = format!("{} {} kill -ABRT $$", answer(7), done());
        let end = shell(&script, TIME_LIMIT).end;
        assert!(matches!(end, Err(ChildFailure::Died { .. })), "{end:?}");
    }

    /// A plugin can end its process quietly.
    #[test]
    fn an_end_in_the_middle_is_no_success() {
        let script = format!("{} {} exit 0", answer(7), step("calling f"));
        let end = shell(&script, TIME_LIMIT).end;
        let message = end.unwrap_err().to_string();
        assert!(
            message.contains("whole answer during: calling f"),
            "{message}"
        );
    }

    /// Guards that what a plugin has started, and left behind with the pipe, does not make a good end a hang.
    #[test]
    fn what_a_child_leaves_behind_is_not_waited_for() {
        let (answer, done, limit) = (answer(7), done(), Duration::from_secs(4));
        let begun = Instant::now();
        let told = shell(&format!("sleep 10 & {answer} {done}"), limit);
        told.end.unwrap();
        assert_eq!(told.answers, [7]);
        assert!(begun.elapsed() < limit, "{:?}", begun.elapsed());
        // Nor is a crash taken for one.
        let limit = Duration::from_secs(1);
        let end = shell(&format!("sleep 10 & {answer} kill -SEGV $$"), limit).end;
        assert!(matches!(end, Err(ChildFailure::Died { .. })), "{end:?}");
    }

    #[test]
    fn a_child_that_hangs_is_ended() {
        let start = Instant::now();
        for script in ["exec sleep 30", "exec >&-; exec sleep 30"] {
            let end = shell(script, Duration::from_millis(100)).end;
            assert!(matches!(end, Err(ChildFailure::TimedOut { .. })), "{end:?}");
        }
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_child_that_keeps_talking_may_take_its_time() {
        let pause = "sleep 0.4;";
        let script = [
            &step("a"),
            pause,
            &step("b"),
            pause,
            &step("c"),
            pause,
            &done(),
        ]
        .concat();
        shell(&script, Duration::from_secs(1)).end.unwrap();
    }
}
