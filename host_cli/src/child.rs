//! Running a plugin in a process of its own, which it may take down.
//!
//! The child is this executable with a hidden subcommand. It answers on stdout, a line per
//! message, each behind [`MARK`]: the plugin may write to stdout as well. Before each step that
//! may end it, the child says what it is about to do. What it answers before such an end is kept.

use std::{
    env,
    io::{self, BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use thiserror::Error;

/// What messages start with.
const MARK: &str = "\u{1}plugin-host\u{1}";
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
    // A line of its own, whatever the plugin has written before.
    writeln!(out, "\n{MARK}{}", serde_json::to_string(message)?)?;
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
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    };
    let mut answers = Vec::new();
    let end = match start() {
        Ok(child) => listen(child, limit, &mut answers),
        Err(error) => Err(error.into()),
    };
    Told { answers, end }
}

fn listen<A: DeserializeOwned + Send + 'static>(
    mut child: Child,
    limit: Duration,
    answers: &mut Vec<A>,
) -> Result<(), ChildFailure> {
    let messages = read_messages(child.stdout.take());
    let stderr_text = read_text(child.stderr.take());
    let mut step = String::new();
    let mut done = false;
    let timed_out = loop {
        match messages.recv_timeout(limit) {
            Ok(Message::Step(next)) => step = format!("during: {next}"),
            Ok(Message::Answer(answer)) => answers.push(answer),
            Ok(Message::Done) => done = true,
            Err(RecvTimeoutError::Timeout) => break true,
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
    if status.success() && done {
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
) -> Receiver<Message<A>> {
    let (sender, messages) = mpsc::channel();
    thread::spawn(move || {
        let lines = stdout.map(|out| BufReader::new(out).split(b'\n'));
        for line in lines.into_iter().flatten() {
            let Ok(line) = line else { return };
            let message = line.strip_prefix(MARK.as_bytes());
            if let Some(message) = message.and_then(|text| serde_json::from_slice(text).ok())
                && sender.send(message).is_err()
            {
                return;
            }
        }
    });
    messages
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

/// Whether the child, whose stdout is closed, ends in time.
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

    const TIME_LIMIT: Duration = Duration::from_secs(60);

    fn shell(script: &str, limit: Duration) -> Told<u32> {
        let child = Command::new("sh")
            .args(["-c", script])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut answers = Vec::new();
        let end = listen(child, limit, &mut answers);
        Told { answers, end }
    }

    fn line(message: &Message<u32>) -> String {
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
